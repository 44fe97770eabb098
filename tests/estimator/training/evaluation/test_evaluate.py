"""The command: a report that is the same every time, and one line for what can't be measured."""

import json
from dataclasses import replace

import pytest
import torch

from estimator.__main__ import main
from estimator.generator import Generator, GeneratorConfig, save_weights
from estimator.training.capture_cache import save_cache
from estimator.training.evaluation.protocol import CONDITIONS
from estimator.training.position_baseline import PositionNetwork
from estimator.training.yardstick import Yardstick, save_yardstick

from ...command_line.keypoint_files import write_coco
from ..captures import made_up_clip

SMALL = GeneratorConfig(channels=24, dilations=(3, 9))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    torch.manual_seed(1)
    save_weights(folder / "generator.pt", Generator(SMALL), {})
    save_weights(folder / "positions.pt", PositionNetwork(SMALL), {})
    save_yardstick(folder / "yardstick.pt", Yardstick(SMALL), {})
    clips = [made_up_clip("a", 90, 1), made_up_clip("t", 80, 2, split="test")]
    save_cache(clips, folder / "capture.npz")
    return folder


def _evaluate(files, *more, out="out"):
    arguments = ["evaluate", "--mocap", str(files / "capture.npz"), "--out", str(files / out)]
    return main([*arguments, "--weights", f"mine={files / 'generator.pt'}", *map(str, more)])


def _report(files, out):
    return json.loads((files / out / "evaluation.json").read_text())


def test_every_model_is_in_the_report(files, capsys):
    models = ["--positions", files / "positions.pt", "--yardstick", files / "yardstick.pt"]
    assert _evaluate(files, *models, "--conditions", "clean") == 0
    printed = capsys.readouterr().out
    assert "## clean" in printed and "P-MPJPE" in printed
    report = _report(files, "out")
    assert list(report["models"]) == ["truth", "mean pose", "positions", "yardstick", "mine", "mine refined"]
    assert [row["clip"] for row in report["clips"]] == ["t/0"] * 6
    table = report["results"]["clean"]
    assert table["truth"]["p_mpjpe_mm"]["walk_run"] < 1e-6
    raw, refined = (table[name]["reprojection_percent"]["clips"] for name in ("mine", "mine refined"))
    assert 0 < refined < raw, "refinement moves the take onto its keypoints"
    assert "w_mpjpe_rigid_mm" in table["yardstick"] and "w_mpjpe_rigid_mm" not in table["positions"]
    text = (files / "out" / "evaluation.md").read_text()
    assert report["protocol"] in text and "| yardstick" in text
    for picture in ("errors_by_class.png", "distributions.png"):
        assert (files / "out" / picture).stat().st_size > 1000 and f"({picture})" in text


def test_the_same_figures_every_time(files):
    for out in ("once", "again"):
        assert _evaluate(files, "--no-refine", "--conditions", "noisy", "coco17-sparse", out=out) == 0
    once, again = _report(files, "once"), _report(files, "again")
    assert list(once["models"]) == ["truth", "mean pose", "mine"]
    assert list(once["results"]) == ["noisy", "coco17-sparse"]
    assert len(once["clips"]) == 3 * 3, "two views of the noisy clip"
    for untimed in (once, again):
        del untimed["frames_per_second"]
    assert once == again


def test_a_stopped_evaluation_goes_on_and_measures_what_is_new_only(files):
    more = ["--alone", f"other={files / 'generator.pt'}", "--no-refine", "--conditions", "clean"]
    assert _evaluate(files, *more, out="kept") == 0
    folder = files / "kept" / "measured" / "clean"
    assert sorted(path.stem for path in folder.iterdir()) == ["mean pose", "mine", "other", "truth"]
    marked = json.loads((folder / "mine.json").read_text())
    true_error = marked["rows"][0]["values"]["p_mpjpe_mm"]
    marked["rows"][0]["values"]["p_mpjpe_mm"] = 12345.0
    (folder / "mine.json").write_text(json.dumps(marked))
    (folder / "other.json").unlink()

    def error(model):
        return _report(files, "kept")["results"]["clean"][model]["p_mpjpe_mm"]["clips"]

    assert _evaluate(files, *more, "--resume", out="kept") == 0
    assert error("mine") == 12345, "taken from the file"
    assert error("other") == pytest.approx(true_error, rel=1e-4), "measured, as its file was gone"
    assert _evaluate(files, *more, out="kept") == 0
    assert error("mine") == pytest.approx(true_error, rel=1e-4), "without --resume all is measured anew"

    torch.manual_seed(2)
    save_weights(files / "newer.pt", Generator(SMALL), {})
    before = error("other")
    more[1] = f"other={files / 'newer.pt'}"
    assert _evaluate(files, *more, "--resume", out="kept") == 0
    assert error("other") != before, "other weights are other figures"
    (folder / "other.json").write_text("{}")
    assert _evaluate(files, *more, "--resume", out="kept") == 2


def test_figures_of_other_truth_are_not_gone_on_with(files):
    capture, more = files / "capture.npz", ["--no-refine", "--conditions", "clean", "--resume"]
    kept = capture.read_bytes()
    assert _evaluate(files, *more, out="relabelled") == 0
    before = _report(files, "relabelled")["results"]["clean"]
    clips = [made_up_clip("a", 90, 5), replace(made_up_clip("t", 80, 2, split="test"), action_class="dance")]
    try:
        save_cache(clips, capture)
        assert _evaluate(files, *more, out="relabelled") == 0
    finally:
        capture.write_bytes(kept)
    after = _report(files, "relabelled")["results"]["clean"]
    assert "walk_run" in before["mine"]["p_mpjpe_mm"] and "dance" in after["mine"]["p_mpjpe_mm"]
    poses = [tables["mean pose"]["p_mpjpe_mm"]["clips"] for tables in (before, after)]
    assert poses[0] != poses[1], "of other training people"


def test_a_picture_that_cant_be_written_costs_nothing_else(files, capsys):
    (files / "blocked" / "errors_by_class.png").mkdir(parents=True)
    assert _evaluate(files, "--no-refine", "--conditions", "clean", out="blocked") == 2
    assert "errors_by_class.png: can't be written" in capsys.readouterr().err
    assert _report(files, "blocked")["results"]["clean"]["mine"]


def test_keypoints_that_are_of_no_use_are_told_before_anything_is_measured(files, capsys):
    few = json.loads(write_coco(files / "few.json").read_text())
    for entry in few:
        entry["keypoints"][9:] = [0.0] * (3 * 17 - 9)
    (files / "few.json").write_text(json.dumps(few))
    assert _evaluate(files, "--no-refine", "--set", "mocap-test", files / "few.json", out="useless") == 2
    told = capsys.readouterr()
    assert "few.json: person 1 has no frame with 4 keypoints" in told.err and "##" not in told.out


def test_of_weights_named_alone_no_refined_takes_are_measured(files):
    assert _evaluate(files, "--alone", f"other={files / 'generator.pt'}", "--conditions", "clean") == 0
    assert list(_report(files, "out")["models"])[-3:] == ["other", "mine", "mine refined"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--alone", "{f}/none.pt"], "none.pt: no such file of weights"),
        (["--weights", "{f}/capture.npz"], "capture.npz: not weights"),
        (["--weights", "{f}/none.pt"], "none.pt: no such file of weights"),
        (
            ["--weights", "{f}/generator.pt", "generator={f}/generator.pt"],
            "two models are called 'generator'",
        ),
        (["--yardstick", "{f}/positions.pt"], "positions.pt: not weights of the yardstick"),
        (["--yardstick", "{f}/none.pt"], "none.pt: no such file of weights"),
        (["--set", "{f}/nowhere"], "nowhere: no such file or folder"),
        (["--set", "mocap-validation"], "no clip of it is in the split 'validation'"),
        (["--set", "mocap-test", "mocap-validation"], "one split of the motion capture at a time"),
        (["--conditions", "long-walk"], "long-walk: no clip of the split is a walk"),
        (["--conditions", "foggy"], "invalid choice: 'foggy'"),
        (
            ["--conditions", "clean", "--set", "{f}/generator.pt"],
            "--conditions clean: of motion capture, of which",
        ),
    ],
)
def test_what_cant_be_measured_is_told_in_one_line(files, capsys, arguments, message):
    filled = [argument.format(f=files) for argument in arguments]
    base = ["evaluate", "--mocap", str(files / "capture.npz"), "--out", str(files / "bad"), "--no-refine"]
    try:
        status = main([*base, *filled])
    except SystemExit as end:
        status = end.code
    error = capsys.readouterr().err
    assert status == 2 and message in error and error.count("\n") == 1
    assert not (files / "bad" / "evaluation.json").exists()


def test_without_walks_all_but_the_long_walk_is_measured(files, capsys):
    assert _evaluate(files, "--no-refine", out="no walk") == 0
    assert "note: long-walk is left out: no clip of the split is a walk" in capsys.readouterr().err
    assert list(_report(files, "no walk")["results"]) == [name for name in CONDITIONS if name != "long-walk"]


def test_capture_has_to_be_given(files, capsys):
    assert main(["evaluate", "--out", str(files / "bad")]) == 2
    assert "give the motion capture with --mocap" in capsys.readouterr().err
