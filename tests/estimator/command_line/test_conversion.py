"""One clip to files, and what is said about it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from estimator.command_line.clip_people import read_people, whose_height
from estimator.command_line.clips import Clip
from estimator.command_line.conversion import convert
from estimator.command_line.result import ClipResult
from estimator.command_line.settings import Settings
from estimator.estimate import EstimateOptions
from estimator.motion_npz import load_motion
from estimator.skeleton import lengths_from_rest_offsets, stature
from tests.estimator.command_line.keypoint_files import write_coco, write_openpose
from tests.estimator.keypoints.defects import walk
from tests.estimator.keypoints.detector_files import WRITERS, stick_figure
from tests.estimator.motions import camera_at


@pytest.fixture
def settings(weights: Path, tmp_path: Path) -> Settings:
    (tmp_path / "out").mkdir()
    return Settings(
        tmp_path / "out", size=(1280, 720), fps=25.0, options=EstimateOptions(device="cpu", weights=weights)
    )


def outputs(settings: Settings) -> list[str]:
    """But for the records of what they were made from."""
    return sorted(path.name for path in settings.out.iterdir() if not path.name.startswith("."))


def fine(result: ClipResult) -> ClipResult:
    assert (result.errors, result.fault, result.fault_traceback) == ([], None, None)
    return result


def test_a_person_becomes_the_files_asked_for(settings: Settings, tmp_path: Path) -> None:
    clip = Clip(write_openpose(tmp_path / "walk"), "walk")
    fractions: list[float] = []
    result = fine(convert(clip, replace(settings, save=("npz", "bvh", "json")), fractions.append))
    assert outputs(settings) == ["walk_p1.bvh", "walk_p1.json", "walk_p1.npz"]
    assert (result.status, result.notes) == ("converted", [])
    assert [(p.person, p.frames, p.frame_start, p.status) for p in result.people] == [(1, 12, 0, "converted")]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    motion = load_motion(settings.out / "walk_p1.npz")
    assert (len(motion), motion.fps, motion.person_id) == (12, 25.0, 1)
    summary = json.loads((settings.out / "walk_p1.json").read_text())
    assert summary["camera"]["focal_source"] == "guessed"
    assert summary["frames"] == 12


def test_size_and_rate_that_nobody_says_are_guessed_with_a_note(settings: Settings, tmp_path: Path) -> None:
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    result = fine(convert(clip, replace(settings, size=None, fps=None)))
    size, rate = result.notes
    assert "a.json: the picture's size is not known, 1280 × 720 is assumed from the keypoints" in size
    assert "a.json: the frame rate is not known, 30 is assumed; give --fps F" in rate
    assert load_motion(settings.out / "a_p1.npz").fps == 30.0


def write_mediapipe(path: Path, fps: str) -> Path:
    """A file that says its picture's size and, as JSON, its rate."""
    path = WRITERS["mediapipe"](path, walk(stick_figure))
    path.write_text(path.read_text().replace('"fps": 30.0', f'"fps": {fps}'))
    return path


@pytest.mark.parametrize("fps", ["0", "-5", "NaN", "Infinity", "true", '"30"', "null", "1" + 400 * "0"])
def test_a_rate_that_says_nothing_is_assumed_with_a_note(
    settings: Settings, tmp_path: Path, fps: str
) -> None:
    path = write_mediapipe(tmp_path / "a", fps)
    (note,) = fine(convert(Clip(path, "a"), replace(settings, size=None, fps=None))).notes
    assert note == f"{path}: the frame rate is not known, 30 is assumed; give --fps F"


@pytest.mark.parametrize("fps", ["0.001", "1e9"])
def test_a_rate_that_no_clip_has_is_told_unless_another_is_given(
    settings: Settings, tmp_path: Path, fps: str
) -> None:
    path = write_mediapipe(tmp_path / "a", fps)
    settings = replace(settings, size=None)
    (error,) = convert(Clip(path, "a"), replace(settings, fps=None)).errors
    rates = "give the clip's frames per second, 1 to 10000"
    assert error == f"{path} has a frame rate of {float(fps):g}; {rates}"
    assert outputs(settings) == []
    fine(convert(Clip(path, "a"), settings))


def test_a_size_that_can_not_be_right_gets_a_note(settings: Settings, tmp_path: Path) -> None:
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    assert fine(convert(clip, settings)).notes == []
    (note,) = fine(convert(clip, replace(settings, size=(320, 180)))).notes
    assert note.startswith(f"{tmp_path / 'a.json'}: the keypoints reach to ")
    assert "beyond the picture of 320 × 180; check the size" in note
    (note,) = fine(convert(clip, replace(settings, size=None, camera=replace(camera_at(), width=320)))).notes
    assert "beyond the picture of 320 × 720" in note


@pytest.mark.parametrize(("person", "people"), [("all", [1, 2, 3]), ("largest", [1]), ("3", [3])])
def test_people_are_chosen(person: str, people: list[int], settings: Settings, tmp_path: Path) -> None:
    clip = Clip(write_coco(tmp_path / "a.json", people=3), "a")
    result = fine(convert(clip, replace(settings, person=person)))
    assert [one.person for one in result.people] == people
    assert outputs(settings) == [f"a_p{number}.npz" for number in people]


def test_a_person_who_is_not_there(settings: Settings, tmp_path: Path) -> None:
    clip = Clip(write_coco(tmp_path / "a.json", people=2), "a")
    result = convert(clip, replace(settings, person="3"))
    assert result.status == "failed"
    assert result.errors == [f"{clip.path}: there is no person 3, but people 1 to 2; choose with --person"]


def test_a_range_counts_as_the_file_does(settings: Settings, tmp_path: Path) -> None:
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    fine(convert(clip, replace(settings, frames=(3, 7))))
    motion = load_motion(settings.out / "a_p1.npz")
    assert (motion.frame_start, len(motion)) == (3, 5)
    assert "none of them in the range 40 to 50" in convert(clip, replace(settings, frames=(40, 50))).errors[0]


def test_a_single_frame_is_no_motion_but_does_not_stop_the_others(settings: Settings, tmp_path: Path) -> None:
    path = write_coco(tmp_path / "a.json", people=2)
    lines = json.loads(path.read_text())
    path.write_text(json.dumps(lines[:13]))  # of the second person, one frame
    result = fine(convert(Clip(path, "a"), settings))
    assert outputs(settings) == ["a_p1.npz"]
    assert "person 2 is on frame 0 only; a motion needs at least 2 frames; left out" in result.notes[0]
    path.write_text(json.dumps(lines[:1]))
    assert convert(Clip(path, "a"), settings).errors == [
        f"{path}: person 1 is on frame 0 only; a motion needs at least 2 frames"
    ]


def test_a_person_of_whom_hardly_anything_is_seen_does_not_stop_the_others(
    settings: Settings, tmp_path: Path
) -> None:
    path = write_coco(tmp_path / "a.json", people=2)
    lines = json.loads(path.read_text())
    for line in lines[12:]:
        points = line["keypoints"]
        line["keypoints"] = [points[0] + 600, *points[1:3], points[3] + 600, *points[4:6], *[0.0] * 45]
    path.write_text(json.dumps(lines))
    result = fine(convert(Clip(path, "a"), settings))
    assert outputs(settings) == ["a_p1.npz"]
    assert "person 2 has fewer than 4 keypoints on every frame; left out" in result.notes[0]


def test_a_known_camera_is_used(settings: Settings, tmp_path: Path) -> None:
    camera = camera_at()
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    fine(convert(clip, replace(settings, size=None, camera=camera)))
    motion = load_motion(settings.out / "a_p1.npz")
    np.testing.assert_array_equal(motion.intrinsics, camera.intrinsics)
    np.testing.assert_array_equal(motion.world_from_camera, camera.world_from_camera)
    fine(convert(clip, replace(settings, focal_px=1111.0)))
    assert load_motion(settings.out / "a_p1.npz").intrinsics[0, 0] == 1111.0


def test_a_camera_of_another_picture_is_refused(settings: Settings, tmp_path: Path) -> None:
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    result = convert(clip, replace(settings, size=(1920, 1080), camera=camera_at()))
    assert "on a picture of 1920 × 1080, the camera's is 1280 × 720" in result.errors[0]
    assert outputs(settings) == []


def test_resume_keeps_what_can_be_read_and_makes_the_rest(settings: Settings, tmp_path: Path) -> None:
    settings = replace(settings, save=("npz", "bvh", "json"))
    clip = Clip(write_coco(tmp_path / "a.json", people=2), "a")
    fine(convert(clip, settings))
    before = {path.name: path.stat().st_mtime_ns for path in settings.out.iterdir()}
    again = fine(convert(clip, replace(settings, resume=True)))
    assert (again.status, [person.status for person in again.people]) == ("skipped", ["skipped"] * 2)
    assert {path.name: path.stat().st_mtime_ns for path in settings.out.iterdir()} == before

    cut_off = settings.out / "a_p1.npz"
    cut_off.write_bytes(cut_off.read_bytes()[:-50])
    (settings.out / "a_p2.bvh").unlink()
    again = fine(convert(clip, replace(settings, resume=True)))
    assert (again.status, [person.status for person in again.people]) == ("converted", ["converted"] * 2)
    assert {path.name for path in settings.out.iterdir()} == set(before)
    load_motion(cut_off)

    (settings.out / "a_p2.json").write_text('{"frames": ')
    again = fine(convert(clip, replace(settings, resume=True)))
    assert [person.status for person in again.people] == ["skipped", "converted"]


def made_again(settings: Settings, clip: Clip, **changes: Any) -> str:
    """Why an output of these settings is made again when it is resumed with changed ones."""
    fine(convert(clip, settings))
    again = fine(convert(clip, replace(settings, resume=True, **changes)))
    assert [person.status for person in again.people] == ["converted"]
    assert outputs(settings) == ["a_p1.npz"]
    (note,) = again.notes
    start = f"{clip.path}: person 1 is made again, because "
    assert note.startswith(start)
    once_more = fine(convert(clip, replace(settings, resume=True, **changes)))
    assert (once_more.status, once_more.notes) == ("skipped", [])
    return note.removeprefix(start)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"focal_px": 1111.0}, "the focal length was 1468.6, 1468.6, now it is 1111, 1111"),
        ({"fps": 24.0}, "the frame rate was 25, now it is 24"),
        ({"size": (1920, 1080)}, "the picture's size was 1280, 720, now it is 1920, 1080"),
        ({"frames": (0, 8)}, "the range of frames was 0, 11, now it is 0, 8"),
        ({"camera": camera_at(), "size": None}, "the focal length was 1468.6, 1468.6, now it is "),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_resume_makes_again_what_was_made_with_other_settings(
    changes: dict[str, Any], reason: str, settings: Settings, tmp_path: Path
) -> None:
    assert made_again(settings, Clip(write_coco(tmp_path / "a.json"), "a"), **changes).startswith(reason)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"person_height": 1.8}, "the person's height was not given, now it is 1.8"),
        ({"refine": False}, "the refinement was on, now it is off"),
    ],
)
def test_resume_compares_the_options(
    changes: dict[str, Any], reason: str, settings: Settings, tmp_path: Path
) -> None:
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    assert made_again(settings, clip, options=replace(settings.options, **changes)) == reason


def test_resume_compares_the_weights(settings: Settings, weights: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.pt"
    own.write_bytes(weights.read_bytes())
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    fine(convert(clip, settings))
    moved = replace(settings, resume=True, options=replace(settings.options, weights=own))
    assert fine(convert(clip, moved)).status == "skipped"  # the same ones under another name
    torch = pytest.importorskip("torch")
    content = torch.load(own, weights_only=True)
    torch.save({**content, "comment": "another"}, own)
    again = convert(clip, moved)
    assert again.notes == [f"{clip.path}: person 1 is made again, because the weights changed"]


def test_resume_compares_a_moving_camera(settings: Settings, tmp_path: Path) -> None:
    camera = camera_at()
    assert camera.world_from_camera is not None
    pose = camera.world_from_camera.copy()
    pose[2, 3] += 0.01
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    moved = replace(camera, world_from_camera=pose)
    first = replace(settings, size=None, camera=camera)
    assert made_again(first, clip, camera=moved) == "the camera changed"


def test_resume_compares_the_keypoints_and_not_their_file(settings: Settings, tmp_path: Path) -> None:
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    fine(convert(clip, settings))
    clip.path.touch()
    assert fine(convert(clip, replace(settings, resume=True))).status == "skipped"
    lines = json.loads(clip.path.read_text())
    lines[3]["keypoints"][0] += 0.25
    clip.path.write_text(json.dumps(lines))
    again = fine(convert(clip, replace(settings, resume=True)))
    assert again.status == "converted"
    assert again.notes == [f"{clip.path}: person 1 is made again, because the keypoints changed"]


def test_resume_makes_again_what_another_version_made(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    fine(convert(clip, settings))
    monkeypatch.setattr("estimator.command_line.outputs.__version__", "99.0")
    (note,) = fine(convert(clip, replace(settings, resume=True))).notes
    assert "Kinelift's version was " in note
    assert note.endswith(", now it is 99.0")


@pytest.mark.parametrize("record", [None, "", "[1]", '{"made_from": 3}', '{"made_from": {}, "outputs": []}'])
def test_outputs_without_a_sound_record_are_made_again(
    record: str | None, settings: Settings, tmp_path: Path
) -> None:
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    fine(convert(clip, settings))
    (path,) = settings.out.glob(".a_p1.*")
    if record is None:
        path.unlink()
    else:
        path.write_text(record)
    again = fine(convert(clip, replace(settings, resume=True)))
    assert again.status == "converted"
    assert "is made again, because " in again.notes[0]
    assert fine(convert(clip, replace(settings, resume=True))).status == "skipped"


def test_resume_does_not_take_an_older_kind_of_output_for_a_new_one(
    settings: Settings, tmp_path: Path
) -> None:
    """The .npz of the first run lies beside the .bvh of a second one with another focal length."""
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    fine(convert(clip, settings))
    second = replace(settings, focal_px=900.0)
    fine(convert(clip, replace(second, save=("bvh",))))
    again = fine(convert(clip, replace(second, save=("npz", "bvh"), resume=True)))
    assert again.notes == [f"{clip.path}: person 1 is made again, because a_p1.npz is older than the rest"]
    assert load_motion(settings.out / "a_p1.npz").intrinsics[0, 0] == 900.0


def test_outputs_that_were_made_one_kind_after_the_other_count(settings: Settings, tmp_path: Path) -> None:
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    for kind in ("npz", "bvh"):
        fine(convert(clip, replace(settings, save=(kind,))))
    assert fine(convert(clip, replace(settings, save=("npz", "bvh"), resume=True))).status == "skipped"


def test_a_run_that_ended_halfway_leaves_nothing_that_counts(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The .npz is the new run's, the .bvh still the old one's."""
    both = replace(settings, save=("npz", "bvh"))
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    fine(convert(clip, both))

    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("division by zero")

    with monkeypatch.context() as patched:
        patched.setattr("estimator.command_line.outputs.save_bvh", broken)
        assert convert(clip, replace(both, focal_px=900.0)).fault is not None
    for focal_px in (None, 900.0):
        again = fine(convert(clip, replace(both, focal_px=focal_px, resume=True)))
        assert again.status == "converted"


def test_a_guessed_picture_size_is_the_same_whoever_is_chosen(settings: Settings, tmp_path: Path) -> None:
    clip = Clip(write_coco(tmp_path / "a.json", people=3), "a")
    lines = json.loads(clip.path.read_text())
    for line in lines[24:]:
        line["keypoints"][::3] = [x + 1000 for x in line["keypoints"][::3]]
    clip.path.write_text(json.dumps(lines))
    both = [convert(clip, replace(settings, size=None, person=person)).notes for person in ("all", "largest")]
    assert both[0] == both[1]
    assert "1920 × 1080 is assumed" in both[0][0]


def test_a_folder_that_is_gone_is_told_and_nothing_is_left(settings: Settings, tmp_path: Path) -> None:
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    settings.out.rmdir()
    result = convert(clip, settings)
    assert "a_p1.npz: can't be written (No such file or directory)" in result.errors[0]
    assert [person.status for person in result.people] == ["failed"]


def test_a_fault_of_ours_is_told_apart_from_bad_input(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("estimator.command_line.outputs.save_motion", broken)
    clip = Clip(write_coco(tmp_path / "a.json"), "a")
    result = convert(clip, settings)
    assert result.errors == []
    assert result.fault == f"{clip.path}: ZeroDivisionError: division by zero"
    assert "in broken" in (result.fault_traceback or "")


def test_people_share_a_world_and_the_height_is_the_first_ones(settings: Settings, tmp_path: Path) -> None:
    clip = Clip(write_coco(tmp_path / "a.json", people=2), "a")
    tall = replace(settings, options=replace(settings.options, person_height=1.9))
    fine(convert(clip, tall))
    one, other = (load_motion(settings.out / f"a_p{person}.npz") for person in (1, 2))
    assert np.array_equal(one.world_from_camera, other.world_from_camera)
    heights = [float(stature(lengths_from_rest_offsets(m.rest_offsets))) for m in (one, other)]
    assert heights[0] == pytest.approx(1.9, rel=0.015)
    assert abs(heights[1] - 1.9) > 0.02
    # Without the other, a person's world is another.
    alone = fine(convert(clip, replace(tall, resume=True, person="1")))
    assert [person.status for person in alone.people] == ["converted"]
    assert any(note.endswith("because the other people changed") for note in alone.notes)
    # Another height of one is another world for both.
    both = fine(convert(clip, replace(tall, resume=True, options=replace(tall.options, person_height=1.6))))
    assert [person.status for person in both.people] == ["converted", "converted"]
    worlds = [load_motion(settings.out / f"a_p{person}.npz").world_from_camera for person in (1, 2)]
    assert np.array_equal(*worlds)


def test_a_height_goes_to_nobody_else(settings: Settings, tmp_path: Path) -> None:
    """The first person isn't there on the frames that are asked for."""
    clip = Clip(write_coco(tmp_path / "a.json", people=2, frames=20), "a")
    lines = json.loads(clip.path.read_text())
    for line in lines[:14]:  # nearer, so that it is the first all the same
        points = np.reshape(line["keypoints"], (17, 3))
        points[:, :2] += points[:, :2] - points[:, :2].mean(axis=0)
        line["keypoints"] = points.ravel().tolist()
    clip.path.write_text(json.dumps(lines[:14] + lines[20:]))
    tall = replace(settings, frames=(14, 19), options=replace(settings.options, person_height=1.9))
    everybody = read_people(clip, tall, lambda fraction: None, print)
    (there,) = fine(convert(clip, tall)).people
    assert there.person != whose_height(everybody, tall)
    motion = load_motion(settings.out / f"a_p{there.person}.npz")
    assert abs(float(stature(lengths_from_rest_offsets(motion.rest_offsets))) - 1.9) > 0.02
