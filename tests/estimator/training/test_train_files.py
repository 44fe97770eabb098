"""What a run writes beside its weights: log, picture, model card; and what must be the same on resuming."""

from dataclasses import replace
from pathlib import Path

import pytest

from estimator.errors import InputError
from estimator.training.lineage import DataRow, Stage, stages_of
from estimator.training.model_card import capture_rows, licence_files, model_card
from estimator.training.settings import TrainSettings, check_same, settings_state
from estimator.training.train_log import TrainLog, can_plot, plot_log

from .captures import made_up_clip

DATA = {"capture": "3 clips of 300 frames", "tracks": ""}


def test_the_same_settings_go_on():
    settings = TrainSettings(without=("swaps", "masks"))
    reordered = replace(settings, without=("masks", "swaps"), minutes=200.0, validate_every=1.0)
    check_same(settings_state(settings, DATA), settings_state(reordered, DATA), "checkpoint.pt")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"learning_rate": 0.1}, "--learning-rate was 0.001, now is 0.1"),
        ({"objectives": "habekost"}, "--objectives was supervision, now is habekost"),
        ({"without": ("swaps",)}, "--without was nothing, now is swaps"),
        ({"minutes": 50.0}, "--minutes was 100, now is 50; it may only grow"),
        ({"steps": 50}, "its length was given by --minutes, now is by --steps"),
    ],
)
def test_other_settings_are_named_in_one_line(changed, says):
    settings = TrainSettings()
    with pytest.raises(InputError) as caught:
        check_same(
            settings_state(settings, DATA), settings_state(replace(settings, **changed), DATA), "run/c.pt"
        )
    assert says in str(caught.value) and "run/c.pt" in str(caught.value) and "\n" not in str(caught.value)


def test_other_data_are_named():
    state = settings_state(TrainSettings(), DATA)
    other = settings_state(TrainSettings(), DATA | {"capture": "2 clips of 10 frames"})
    with pytest.raises(InputError, match="capture was 3 clips of 300 frames, now is 2 clips"):
        check_same(state, other, "c.pt")


def _log(folder: Path) -> TrainLog:
    log = TrainLog(folder, ["supervision/joints", "habekost/adversary"])
    for step in (50, 100, 150):
        log.add({"total": 2.0 / step, "supervision/joints": 1.0 / step})
        log.add({"total": 4.0 / step, "supervision/joints": 3.0 / step})
        if step > 50:
            log.add({"habekost/adversary": 0.5})
        log.write_row(step, step / 50, 1000.0)
        log.write_validation({"step": step, "minutes": step / 50, "p_mpjpe": {"balanced": 90.0 - step / 10}})
    return log


def test_rows_are_means_and_late_terms_have_a_column_from_the_start(tmp_path):
    _log(tmp_path)
    head, first, second, _ = (tmp_path / "log.csv").read_text().splitlines()
    assert head == "step,minutes,frames_per_s,total,supervision/joints,habekost/adversary"
    assert first == "50,1,1000,0.06,0.04,"
    assert second.endswith(",0.5")


def test_what_came_after_the_checkpoint_is_forgotten(tmp_path):
    log = _log(tmp_path)
    log.forget_after(100)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    assert [line["step"] for line in log.read_validations()] == [50, 100]


def test_lines_that_were_cut_off_are_forgotten(tmp_path):
    log = _log(tmp_path)
    with (tmp_path / "validation.jsonl").open("a") as file:
        file.write('{"step": 120, "minu')
    with (tmp_path / "log.csv").open("a") as file:
        file.write("15")
    assert [line["step"] for line in log.read_validations()] == [50, 100, 150]
    log.forget_after(100)
    assert [row.split(",")[0] for row in (tmp_path / "log.csv").read_text().splitlines()] == [
        "step",
        "50",
        "100",
    ]
    (tmp_path / "log.csv").write_text("other,columns\n1,2\n")
    log.forget_after(100)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 1


@pytest.mark.skipif(not can_plot(), reason="needs matplotlib")
def test_the_log_is_drawn(tmp_path):
    plot_log(_log(tmp_path), tmp_path / "log.png")
    assert (tmp_path / "log.png").read_bytes().startswith(b"\x89PNG")


def test_the_card_names_data_licences_objectives_and_figures(tmp_path):
    clips = [
        replace(made_up_clip("a", 600, 1), licence="MIT"),
        made_up_clip("v", 60, 2, split="validation"),
        replace(made_up_clip("d", 60, 3), set="other"),
    ]
    (tmp_path / "videos" / "some").mkdir(parents=True)
    (tmp_path / "videos" / "some" / "LICENSE-x").write_text("\nBSD 2-Clause License\n\nCopyright\n")
    rows = [*capture_rows(clips), DataRow("videos", "keypoints only", licence_files(tmp_path / "videos"))]
    card = model_card(
        "best.pt",
        rows,
        ["supervision × 1"],
        {"seed": 1, "without": ""},
        "12 steps.",
        {"p_mpjpe": {"walk_run": 41.234, "balanced": 50.0}, "mpjpe": {"balanced": 70.0}},
    )
    assert "| made up | train 1 clips, 0.2 min; validation 1 clips, 0.0 min | MIT |" in card
    assert "| other | train 1 clips, 0.0 min | not stated in its index |" in card
    assert "some/LICENSE-x: BSD 2-Clause License" in card
    assert "- supervision × 1" in card and "| without | - |" in card
    assert "| p_mpjpe | 50 | 41.2 |" in card and "| mpjpe | 70 |  |" in card
    assert str(tmp_path) not in card
    assert "None yet." in model_card("best.pt", rows, [], {}, "0 steps.", None)
    assert "Earlier trainings" not in card and "not recorded" not in card


def test_the_card_goes_on_naming_what_earlier_trainings_learned_from():
    rows = (DataRow("videos", "keypoints only", "GPL-3"), DataRow("own", "old", "old terms"))
    stage = Stage("supervision,habekost", 30, 120.0, 2, rows)
    assert stages_of({"stages": [Stage.state(stage)]}) == [stage]
    older = stages_of({"steps": 5, "seconds": 60.0, "objectives": "supervision"})
    card = model_card("best.pt", [DataRow("own", "new", "MIT")], [], {}, "", None, earlier=[*older, stage])
    assert "| own | new | MIT |" in card
    assert "| own | earlier: old | old terms |" in card, "another set that is called the same"
    assert "| videos | earlier: keypoints only | GPL-3 |" in card
    assert "- supervision: 5 steps, 1.0 minutes\n" in card
    assert "- supervision,habekost: 30 steps, 2.0 minutes, seed 2\n" in card
    assert "not recorded" in card
