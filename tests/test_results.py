"""The page of results: figures in their places, goals judged rightly, what was written by hand stays."""

import sys
from dataclasses import replace

import pytest
import torch

from benchmarks import results
from benchmarks.results_goals import goals_table, refinement_table
from benchmarks.results_page import write_page
from benchmarks.results_table import Column, Evaluated, gain, gains_table
from estimator.errors import InputError
from estimator.generator import Generator, GeneratorConfig, save_weights
from estimator.training.capture_cache import save_cache
from estimator.training.evaluation.measures import Figures
from estimator.training.evaluation.report import Report, document, save
from estimator.training.evaluation.results import Row
from estimator.training.yardstick import Yardstick, save_yardstick
from tests.estimator.training.captures import made_up_clip

BY_CLASS = {"walk_run": 40.0, "other": 60.0, "dance": 80.0}


def _rows(model, share, condition="noisy"):
    """Three clips of each class, seen twice; errors are ``share`` times the yardstick's."""
    for action_class, error in BY_CLASS.items():
        for clip in range(3):
            for view in range(2):
                own = share * (error + 5 * clip + view)
                values = {"p_mpjpe_mm": own, "w_mpjpe_rigid_mm": 3 * own, "gravity_degrees": 3.0 + clip}
                figures = Figures(values, {"jitter_ratio": (0.8, 1.0)})
                yield Row(condition, model, f"{action_class} {clip}/{view}", action_class, 2.0, figures)


@pytest.fixture(scope="module")
def report():
    rows = [*_rows("yardstick", 1.0), *_rows("shipped", 0.8), *_rows("shipped refined", 0.6)]
    for camera, error in (("cam 1", 64.0), ("cam 3", 76.0)):
        rows.append(Row("real", "shipped", camera, "other", 8.0, Figures({"p_mpjpe_mm": error})))
    return Report(rows, {}, {"noisy": {"shipped": 2000.0}})


@pytest.fixture(scope="module")
def evaluated(report):
    return Evaluated(document(report))


def test_views_of_a_clip_are_one_observation(evaluated):
    errors = evaluated.per_clip("noisy", "yardstick", "p_mpjpe_mm", "other")
    assert errors == {"other 0": 60.5, "other 1": 65.5, "other 2": 70.5}


def test_a_model_that_is_a_fifth_better_on_every_clip_is_so_for_sure(evaluated):
    mine, other = (evaluated.per_clip("noisy", m, "p_mpjpe_mm", "dance") for m in ("shipped", "yardstick"))
    assert gain(mine, other) == pytest.approx((20.0, 20.0, 20.0))
    found = gains_table(evaluated, "noisy", "yardstick", ["shipped"])
    assert "+20 (+20 … +20)" in found and "refined" not in found
    assert "Not trained yet: supervised only" in gains_table(evaluated, "noisy", "supervised", ["adversary"])


def test_the_interval_is_as_wide_as_clips_differ():
    other = {str(n): 100.0 for n in range(40)}
    mine = {str(n): 50.0 if n % 2 else 110.0 for n in range(40)}
    mean, low, high = gain(mine, other)
    assert mean == pytest.approx(20)
    # 30 % either way, drawn 40 times.
    assert (low, high) == pytest.approx((20 - 1.96 * 30 / 40**0.5, 20 + 1.96 * 30 / 40**0.5), abs=1.5)
    assert gain({"a": 1.0}, {"b": 1.0, "a": 2.0}) is None, "one clip says nothing of others"


def test_pieces_of_a_take_are_no_more_observations_than_the_take():
    other = {str(n): 100.0 for n in range(20)}
    mine = {str(n): 50.0 if n % 2 else 110.0 for n in range(20)}
    pieces = [{f"{n}#{k}": errors[n] for n in errors for k in (1, 2, 3)} for errors in (mine, other)]
    assert gain(*pieces) == pytest.approx(gain(mine, other))
    assert gain({"a#1": 1.0, "a#2": 1.0}, {"a#1": 2.0, "a#2": 2.0}) is None, "it is one take"


def test_goals_are_met_or_missed(evaluated):
    lines = {line.split("|")[1].strip(): line for line in goals_table(evaluated).splitlines()[2:]}
    assert "36.4: met | 27.3: met" in lines["P-MPJPE walk/run under 38 mm"]
    assert "68.4: met | 51.3: met" in lines["P-MPJPE dance under 72 mm"]
    assert "20, 20, 20: met" in lines["P-MPJPE better than the yardstick's by 10 % in walk/run, other, dance"]
    assert "20: missed | 40: met" in lines["rigid W-MPJPE better than the yardstick's by 25 %"]
    both = lines["real-eval, P-MPJPE of each camera under 70 mm"]
    assert "64.0, 76.0: missed | not measured" in both, "one camera of two isn't enough"
    assert "4.0: missed" in lines["gravity, median under 4°"]
    assert "0.80: met" in lines["jitter ratio 0.7 to 1.3"]


def test_refinement_is_judged_against_the_network_and_the_truth():
    def row(model, **values):
        return Row("noisy", model, "walk/0", "walk_run", 2.0, Figures(values))

    rows = [
        row("shipped", p_mpjpe_mm=40.0, reprojection_percent=2.0, sliding_mm=8.0),
        row("shipped refined", p_mpjpe_mm=41.0, reprojection_percent=1.5, sliding_mm=4.9, penetration_mm=3.0),
        row("truth", p_mpjpe_mm=0.0, reprojection_percent=0.0, sliding_mm=3.0),
    ]
    lines = refinement_table(Evaluated(document(Report(rows, {}, {})))).splitlines()
    cells = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in lines}
    assert cells["P-MPJPE, mm"] == ["40.0", "41.0", "0.0", "not worse: missed"]
    assert cells["reprojection, %"] == ["2.00", "1.50", "0.00", "not worse: met"]
    assert cells["resting feet slide, mm a frame"] == ["8.0", "4.9", "3.0", "2 mm over the truth's: met"]
    assert cells["lowest point under the ground, mm"] == ["", "3.0", "", ""]
    assert cells["depth along the ray, cm"] == ["", "", "", ""], "nothing is judged that isn't measured"


def test_the_page_is_made_again_around_what_was_written_by_hand(tmp_path, report):
    save(report, tmp_path, [])
    page = tmp_path / "docs" / "results.md"
    write_page(tmp_path, page, "trained so", [])
    first = page.read_text()
    assert "| shipped, network alone | 36.4 |" in first and "### real-eval" in first
    page.write_text(first.replace("36.4", "0.1") + "\n## Notes\n\nBy hand.\n")
    write_page(tmp_path, page, "trained so", [])
    assert page.read_text() == first + "\n## Notes\n\nBy hand.\n"
    with pytest.raises(InputError, match=r"make it with python -m benchmarks\.results"):
        write_page(tmp_path / "empty", page, "", [])


def test_an_empty_cell_is_no_zero(evaluated):
    assert evaluated.value("noisy", "shipped", Column("", "swing_degrees", "clips")) is None


def test_what_is_trained_so_far_is_measured_once_and_put_in_the_page(tmp_path, monkeypatch, capsys):
    clips = [made_up_clip("a", 90, 1), made_up_clip("t", 60, 2, split="test")]
    people = [replace(clips[0], name="b", subject="b"), *clips]
    save_cache(people, tmp_path / "capture.npz")
    small = GeneratorConfig(channels=24, dilations=(3, 9))
    note = {"steps": 70, "seconds": 90.0, "validation_p_mpjpe_mm": 50.0, "objectives": "habekost"}
    for name in ("unpaired", "yardstick"):
        (tmp_path / name).mkdir()
    torch.manual_seed(1)
    save_weights(tmp_path / "unpaired" / "last.pt", Generator(small), note)
    save_yardstick(tmp_path / "yardstick" / "last.pt", Yardstick(small), note)
    monkeypatch.setattr(results, "real_clips", lambda: tmp_path / "nowhere")
    command = ["results", "--mocap", str(tmp_path / "capture.npz"), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", [*command, "--no-train", "--conditions", "clean"])
    for _ in range(2):
        assert results.main() == 0
        page = (tmp_path / "results.md").read_text()
        assert "| unpaired only | habekost | 24 |" in page and "| unpaired only | walk/run |" in page
        assert "| yardstick (Pavllo et al.) |" in page and "| shipped, refined |" in page
        assert "unpaired only, real tracks" not in page, "it isn't trained"
        kept = sorted(path.stem for path in (tmp_path / "measured" / "clean").iterdir())
        assert kept == ["mean pose", "shipped", "shipped refined", "truth", "unpaired", "yardstick"]
    monkeypatch.setattr(sys, "argv", command)
    assert results.main() == 2
    assert "give keypoint files to train with by --tracks DIR" in capsys.readouterr().err
