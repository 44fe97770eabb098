"""``python -m estimator`` as its users run it: exit statuses, lines, files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from estimator.__main__ import main
from estimator.keypoints import FORMATS
from estimator.motion_npz import load_motion
from tests.estimator.command_line.keypoint_files import write_coco, write_openpose

REPOSITORY = Path(__file__).resolve().parents[3]


def estimator(*arguments: str | Path, folder: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    """Runs the command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "estimator", *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def names(folder: Path) -> list[str]:
    """But for the records of what was made from what."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_bad_inputs_get_a_line_each_and_the_good_one_is_converted(tmp_path: Path, weights: Path) -> None:
    good = write_openpose(tmp_path / "good")
    (tmp_path / "empty").mkdir()
    truncated = write_openpose(tmp_path / "truncated")
    frame = sorted(truncated.iterdir())[7]
    frame.write_text(frame.read_text()[:100])
    (tmp_path / "nobody.json").write_text("[]")
    (tmp_path / "zero.json").write_bytes(b"")
    one_frame = write_coco(tmp_path / "one_frame.json", frames=1)
    far = write_coco(tmp_path / "far.json")
    detections = json.loads(far.read_text())
    detections[5]["keypoints"][3] = 1e9
    far.write_text(json.dumps(detections))
    latin = Path(os.fsdecode(bytes(tmp_path) + b"/f\xfcnf.json"))
    latin.write_text("{")
    bad = [
        tmp_path / "empty",
        truncated,
        tmp_path / "nobody.json",
        tmp_path / "zero.json",
        tmp_path / "none.json",
        one_frame,
        far,
        latin,
    ]
    out, report = tmp_path / "out", tmp_path / "report.json"
    done = estimator(
        "estimate", *bad, good, "--out", out, "--report", report, "--fps", "25", "--size", "1280", "720",
        "--weights", weights, "--device", "cpu",
    )  # fmt: skip
    lines = done.stderr.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert len(errors) == len(bad), done.stderr
    expected = [
        "empty: is an empty folder",
        "truncated_000000000007_keypoints.json",
        "nobody.json",
        "zero.json: the file is empty",
        "none.json: there is no such file or folder",
        "one_frame.json: person 1 is on frame 0 only",
        "far.json, frame 5: keypoint left_eye lies at [1000000000.0, ",
        "f\ufffdnf.json: no valid JSON",
    ]
    for text, line in zip(expected, errors, strict=True):
        assert text in line
    assert names(out) == ["good_p1.npz"]
    assert len(load_motion(out / "good_p1.npz")) == 12
    document = json.loads(report.read_text())
    assert (document["converted"], document["failed"], document["not_started"]) == (1, 8, 0)
    assert [entry["status"] for entry in document["inputs"]] == ["failed"] * 8 + ["converted"]
    assert document["inputs"][-1]["people"][0]["outputs"] == [str(out / "good_p1.npz")]
    assert [entry["errors"] for entry in document["inputs"][:3]] == [[line[7:]] for line in errors[:3]]


def test_several_jobs_make_the_same_files_and_resume_skips_them(tmp_path: Path, weights: Path) -> None:
    takes = tmp_path / "takes"
    takes.mkdir()
    for name in ("a", "b", "c"):
        write_coco(takes / f"{name}.json")
    (takes / "bad.json").write_text("{")
    common = ("--fps", "25", "--size", "1280", "720", "--weights", weights, "--device", "cpu")
    two = estimator("estimate", takes, "--out", tmp_path / "two", "--jobs", "2", *common)
    assert two.returncode == 2, two.stderr
    assert two.stderr.count("error: ") == 1
    assert main(["estimate", *map(str, (takes, "--out", tmp_path / "one", *common))]) == 2
    assert names(tmp_path / "one") == names(tmp_path / "two") == ["a_p1.npz", "b_p1.npz", "c_p1.npz"]
    for name in names(tmp_path / "one"):
        first, second = (load_motion(tmp_path / folder / name) for folder in ("one", "two"))
        assert abs(first.joints_world - second.joints_world).max() < 1e-4

    (tmp_path / "two" / "b_p1.npz").unlink()
    report = tmp_path / "report.json"
    resumed = ("estimate", takes, "--out", tmp_path / "two", "--resume", "--report", report, *common)
    assert main([*map(str, resumed)]) == 2
    document = json.loads(report.read_text())
    statuses = {entry["name"]: entry["status"] for entry in document["inputs"]}
    assert statuses == {"a": "skipped", "b": "converted", "bad": "failed", "c": "skipped"}


def test_a_fault_of_ours_exits_with_1_and_shows_where_only_on_demand(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("estimator.command_line.outputs.save_motion", broken)
    arguments = ["estimate", str(write_coco(tmp_path / "a.json")), "--out", str(tmp_path / "out")]
    arguments += ["--weights", str(weights), "--device", "cpu"]
    assert main(arguments) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note: ")]
    assert lines == [
        f"fault: {tmp_path / 'a.json'}: ZeroDivisionError: division by zero; --debug shows where"
    ]
    assert main([*arguments, "--debug"]) == 1
    assert "in broken" in capsys.readouterr().err
    assert names(tmp_path / "out") == []


def test_colliding_names_stop_everything_before_it_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_coco(tmp_path / "walk.json")
    write_openpose(tmp_path / "walk")
    inputs = [str(tmp_path / "walk.json"), str(tmp_path / "walk")]
    assert main(["estimate", *inputs, "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["estimat"], "invalid choice: 'estimat'"),
        (["estimate", "a.json"], "the following arguments are required: --out"),
        (["estimate", "a.json", "--out", ""], "argument --out: is empty; name a folder"),
        (["estimate", "a.json", "--out", "o", "--save", "fbx"], "'fbx' is none of npz,bvh,json"),
        (["estimate", "a.json", "--out", "o", "--fps", "0"], "'0' is no clip's frame rate; give 1 to 10000"),
        (
            ["estimate", "a.json", "--out", "o", "--fps", "nan"],
            "'nan' is no clip's frame rate; give 1 to 10000",
        ),
        (["estimate", "a.json", "--out", "o", "--fps=-5"], "'-5' is no clip's frame rate; give 1 to 10000"),
        (
            ["estimate", "a.json", "--out", "o", "--fps", "0.001"],
            "'0.001' is no clip's frame rate; give 1 to 10000",
        ),
        (
            ["estimate", "a.json", "--out", "o", "--fps", "1e9"],
            "'1e9' is no clip's frame rate; give 1 to 10000",
        ),
        (["estimate", "a.json", "--out", "o", "--height", "178"], "'178' is no person's height"),
        (["estimate", "a.json", "--out", "o", "--camera-height", "101"], "'101' is no camera's height"),
        (["estimate", "a.json", "--out", "o", "--plant-feet", "2"], "'2' is no number from 0 to 1"),
        (["estimate", "a.json", "--out", "o", "--person", "me"], "'me' is neither all, largest"),
        (["estimate", "a.json", "--out", "o", "--jobs", "0"], "'0' is no whole number from 1"),
        (
            ["estimate", "a.json", "--out", "o", "--threads", "99999999999"],
            "is no whole number from 1 to 9999",
        ),
        (["estimate", "a", "--out", "o", "--scheduler", "here"], "'here' is no scheduler's address"),
        (
            ["estimate", "a", "--out", "o", "--scheduler", "tcp://h:1", "--jobs", "2"],
            "not allowed with argument",
        ),
        (["estimate", "a.json", "--out", "o", "--keypoint-format", "x"], "invalid choice: 'x'"),
        (["estimate", "a", "--out", "o", "--focal-px", "9", "--camera", "c"], "not allowed with argument"),
    ],
)
def test_wrong_arguments_get_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--range", "9", "3"], "error: --range 9 3: the first frame is after the last"),
        (["--camera", "none.json"], "error: none.json: can't be read (No such file or directory)"),
        (["--report", "."], "error: .: is a folder; name a file for --report"),
        (["--camera", "CAMERA", "--size", "640", "480"], "is for 1280 × 720; leave one of them out"),
    ],
)
def test_arguments_that_do_not_fit_are_told_before_work_starts(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    camera = tmp_path / "camera.json"
    camera.write_text('{"width": 1280, "height": 720}')
    given = [str(camera) if argument == "CAMERA" else argument for argument in arguments]
    assert main(["estimate", "a.json", "--out", str(tmp_path / "out"), *given]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_empty_input_is_not_the_present_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "error: an input is empty; name a file, a folder or a pattern\n"
    assert not (tmp_path / "out").exists()


def test_a_name_that_cannot_be_printed_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "line\nbreak.json"
    path.write_text("{")
    assert main(["estimate", str(path), "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {tmp_path}/line\ufffdbreak.json: no valid JSON at line 1")


@pytest.mark.parametrize("focal_px", ["1e-300", "1e300"])
def test_a_focal_length_that_no_lens_has(
    focal_px: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_coco(tmp_path / "a.json", people=2)
    size_and_lens = ["--size", "1280", "720", "--focal-px", focal_px]
    assert main(["estimate", str(path), "--out", str(tmp_path / "out"), *size_and_lens]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert line.startswith(f"error: {path}: a focal length of {float(focal_px):g} pixels can't be right")
    assert names(tmp_path / "out") == []


def test_an_output_folder_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_text("")
    assert main(["estimate", str(write_coco(tmp_path / "a.json")), "--out", str(tmp_path / "out")]) == 2
    assert "out: the folder can't be made (File exists)" in capsys.readouterr().err


def test_formats_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formats"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["auto", *(known.name for known in FORMATS)]
    assert all(known.identified_by in line for known, line in zip(FORMATS, lines[1:], strict=True))


def test_real_keypoints_go_through(shared: Path, tmp_path: Path, weights: Path) -> None:
    done = estimator(
        "estimate",
        shared / "keypoints" / "coco17",
        shared / "keypoints" / "mmpose_wholebody133",
        shared / "keypoints" / "mediapipe33" / "posetriplet_test1.json",
        shared / "keypoints" / "openpose_coco18" / "bicep_bad_1",
        *("--out", tmp_path, "--save", "npz,bvh,json", "--person", "largest", "--range", "0", "60"),
        *("--weights", weights, "--device", "cpu"),
    )
    assert done.returncode == 0, done.stderr
    clips = ["baseball", "baseball_wholebody", "bicep_bad_1", "posetriplet_test1"]
    assert names(tmp_path) == sorted(
        f"{clip}_p1.{ending}" for clip in clips for ending in ("bvh", "json", "npz")
    )
