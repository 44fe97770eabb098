"""The ablation: what counts as an effect and what does not; nothing is trained twice."""

import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import ablation
from benchmarks.ablation import held_out
from benchmarks.ablation_table import ablation_table, bootstrap_interval, read_figures, verdict
from estimator.errors import InputError
from estimator.training.capture_cache import save_cache
from tests.estimator.training.captures import made_up_clip


def test_the_interval_of_a_constant_is_that_constant():
    assert bootstrap_interval([np.full(12, 3.0), np.full(5, 3.0)]) == (3.0, 3.0)


def test_the_interval_is_that_of_a_mean():
    differences = np.random.default_rng(0).normal(5.0, 4.0, 400)
    low, high = bootstrap_interval(list(differences[:, None]))
    spread = differences.std() / 20
    assert low == pytest.approx(differences.mean() - 1.96 * spread, abs=0.05)
    assert high == pytest.approx(differences.mean() + 1.96 * spread, abs=0.05)


def test_pieces_of_one_take_are_one_observation():
    differences = np.random.default_rng(0).normal(5.0, 4.0, 50)
    low, high = bootstrap_interval(list(differences[:, None]))
    repeated = bootstrap_interval([np.full(8, value) for value in differences])
    assert repeated == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("mean", "low", "high", "word"),
    [
        (4.0, 2.5, 5.5, "helps"),
        (-3.0, -4.0, -2.0, "harms"),
        (1.5, 1.0, 2.0, "none"),
        (3.0, -0.5, 6.5, "none"),
    ],
)
def test_small_or_uncertain_effects_are_none(mean, low, high, word):
    assert verdict(mean, low, high) == word


def test_people_held_out_are_measured_and_not_trained_on():
    clips = [replace(made_up_clip(name, 60, seed), subject=name) for seed, name in enumerate("abc")]
    clips.append(replace(made_up_clip("d", 60, 3, split="test"), subject="d"))
    person = clips[1].person
    assert [clip.split for clip in held_out(clips, [person])] == ["train", "validation", "train", "test"]
    with pytest.raises(InputError, match="--hold-out cmu/99: nobody"):
        held_out(clips, ["cmu/99"])
    with pytest.raises(InputError, match="nobody to train on"):
        held_out(clips, [clips[3].person])


def test_what_was_reached_is_kept_and_not_trained_again(tmp_path, monkeypatch, capsys):
    people = [
        made_up_clip("a", 90, 1),
        made_up_clip("b", 90, 2),
        made_up_clip("v", 60, 3, split="validation"),
    ]
    save_cache(people, tmp_path / "capture.npz")
    command = ["ablation", "--mocap", str(tmp_path / "capture.npz"), "--figures", str(tmp_path / "figures")]
    command += ["--without", "noise", "--seeds", "1", "--channels", "24", "--out", str(tmp_path / "runs")]
    command += ["--hold-out"]

    def table(*more):
        monkeypatch.setattr(sys, "argv", [*command, *more])
        status = ablation.main()
        told = capsys.readouterr()
        return status, told.err, [line for line in told.out.splitlines() if not line.startswith("{")]

    first = table("--steps", "2")
    assert first[0] == 0
    assert [path.name for path in sorted((tmp_path / "figures").iterdir())] == ["all-1.json", "noise-1.json"]
    shutil.rmtree(tmp_path / "runs")
    monkeypatch.setattr(ablation, "train", lambda run: pytest.fail("it is there already"))
    assert table("--steps", "2") == first
    status, told, _ = table("--steps", "3")
    assert status == 2
    assert "all-1.json: of another training: --steps was 2, now is 3; choose another" in told
    damaged = tmp_path / "figures" / "all-1.json"
    damaged.write_text(damaged.read_text()[:50])
    status, told, _ = table("--steps", "2")
    assert status == 2 and "all-1.json: not a training of the ablation" in told
    assert table("--steps", "0") == (2, "error: --steps 0: give 1 or more\n", [])


def test_cameras_that_move_are_measured_where_they_were_left_out(tmp_path, monkeypatch):
    people = [made_up_clip("a", 90, 1), made_up_clip("v", 60, 3, split="validation")]
    save_cache(people, tmp_path / "capture.npz")
    command = ["ablation", "--mocap", str(tmp_path / "capture.npz"), "--out", str(tmp_path / "runs")]
    command += ["--figures", str(tmp_path), "--steps", "1", "--seeds", "1", "--channels", "24"]
    monkeypatch.setattr(sys, "argv", [*command, "--without", "moving", "swaps", "--hold-out"])
    assert ablation.main() == 0
    figures = read_figures(tmp_path)
    assert set(figures["all", 1].apart) == set(ablation.APART)
    assert set(figures["moving", 1].apart) == {"moving"}
    assert not figures["swaps", 1].apart
    usual = figures["all", 1].errors
    for name, errors in figures["all", 1].apart.items():
        assert errors.keys() == usual.keys()
        # The made-up figure may be within the picture all the time.
        assert (errors != usual) or name == "edges", name


def _kept(folder, without, seed, errors, apart=None, **other):
    folder.mkdir(exist_ok=True)
    settings = {"steps": 3500, "seed": seed, "without": without, **other}
    text = json.dumps({"settings": settings, "p_mpjpe_mm": errors, "apart_p_mpjpe_mm": apart or {}})
    (folder / f"{without or 'all'}-{seed}.json").write_text(text, encoding="utf-8")


def test_the_table_compares_clip_by_clip_with_the_same_seeds(tmp_path):
    clips = [
        replace(made_up_clip("walk", 60, 1), action_class="walk_run"),
        replace(made_up_clip("throw", 60, 2), action_class="other"),
    ]
    walk, throw = (clip.name for clip in clips)
    _kept(tmp_path, "", 1, {walk: 40.0, throw: 60.0})
    _kept(tmp_path, "", 2, {walk: 42.0, throw: 64.0})
    _kept(tmp_path, "perturb", 1, {walk: 45.0, throw: 69.0})
    _kept(tmp_path, "perturb", 2, {walk: 47.0, throw: 73.0})
    _kept(tmp_path, "speed", 2, {walk: 43.0, throw: 64.0})
    _kept(tmp_path, "mirror", 3, {walk: 0.0, throw: 0.0})
    lines = ablation_table(read_figures(tmp_path), clips).splitlines()
    assert lines[0] == "With all of them: 50.0 mm with seed 1, 53.0 mm with seed 2, mean over 2 clips."
    assert lines[4:] == [
        "| perturb | 1, 2 | +7.0 | +5.0 … +9.0 | +5.0 | +9.0 | helps |  |",
        "| speed | 2 | +0.5 | +0.0 … +1.0 | +1.0 | +0.0 | none |  |",
    ]


def test_what_an_augmentation_is_for_has_a_cell_of_its_own(tmp_path):
    clips = [replace(made_up_clip("walk", 60, 1), action_class="walk_run")]
    walk = clips[0].name
    _kept(tmp_path, "", 1, {walk: 40.0}, {"moving": {walk: 50.0}, "focal": {walk: 45.0}})
    _kept(tmp_path, "moving", 1, {walk: 39.0}, {"moving": {walk: 58.0}})
    _kept(tmp_path, "focal", 1, {walk: 41.0})
    rows = ablation_table(read_figures(tmp_path), clips).splitlines()[4:]
    assert rows == [
        "| focal | 1 | +1.0 | +1.0 … +1.0 | +1.0 | none |  |",
        "| moving | 1 | -1.0 | -1.0 … -1.0 | -1.0 | none | +8.0 (+8.0 … +8.0): helps |",
    ]


def test_trainings_of_other_settings_are_not_compared(tmp_path):
    assert ablation_table(read_figures(tmp_path), []) == ""
    _kept(tmp_path, "", 1, {"a": 40.0})
    _kept(tmp_path, "perturb", 1, {"a": 45.0}, batch=4)
    _kept(tmp_path, "speed", 1, {"a": 45.0})
    with pytest.raises(InputError, match=r"perturb-1.json: trained otherwise .*batch"):
        read_figures(tmp_path)
    (tmp_path / "perturb-1.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match=r"perturb-1.json: not a training of the ablation"):
        read_figures(tmp_path)
