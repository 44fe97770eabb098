"""Every way in which input can be unusable: one printable line that names the file and what is wrong."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from estimator.__main__ import main
from estimator.errors import InputError
from estimator.keypoints import read_keypoints
from estimator.keypoints.layouts import BODY25, COCO17, COCO18, MEDIAPIPE33

Case = Callable[[Path, SimpleNamespace], Path]


def folder_of(folder: Path, people: SimpleNamespace, count: int = 4) -> Path:
    frames = {frame: [people.stick_figure(300 + frame)] for frame in range(count)}
    return Path(people.write_openpose(folder / "clip", frames, BODY25))


def frame_file(folder: Path, frame: int) -> Path:
    return folder / f"clip_{frame:012d}_keypoints.json"


def rewritten(folder: Path, frame: int, change: Callable[[list[Any]], list[Any]]) -> Path:
    path = frame_file(folder, frame)
    document = json.loads(path.read_text())
    person = document["people"][0]
    person["pose_keypoints_2d"] = change(person["pose_keypoints_2d"])
    path.write_text(json.dumps(document))
    return folder


def empty_folder(tmp_path: Path, people: SimpleNamespace) -> Path:
    (tmp_path / "clip").mkdir()
    return tmp_path / "clip"


def folder_of_pictures(tmp_path: Path, people: SimpleNamespace) -> Path:
    empty_folder(tmp_path, people)
    (tmp_path / "clip/0001.png").write_bytes(b"x")
    return tmp_path / "clip"


def truncated_frame(tmp_path: Path, people: SimpleNamespace) -> Path:
    folder = folder_of(tmp_path, people)
    path = frame_file(folder, 2)
    path.write_text(path.read_text()[:200])
    return folder


def truncated_file(tmp_path: Path, people: SimpleNamespace) -> Path:
    path = tmp_path / "clip.json"
    path.write_text('[{"image_id": 1, "category_id": 1, "keypoi')
    return path


def empty_file(tmp_path: Path, people: SimpleNamespace) -> Path:
    path = tmp_path / "clip.json"
    path.write_text(" \n")
    return path


def deep_json(tmp_path: Path, people: SimpleNamespace) -> Path:
    path = tmp_path / "clip.json"
    path.write_text("[" * 200_000)
    return path


def latin1_json(tmp_path: Path, people: SimpleNamespace) -> Path:
    path = tmp_path / "clip.json"
    path.write_bytes('[{"image_id": "é.jpg", "keypoints": []}]'.encode("latin-1"))
    return path


def unrelated_json_files(tmp_path: Path, people: SimpleNamespace) -> Path:
    empty_folder(tmp_path, people)
    for name in ("package", "settings"):
        people.write_json(tmp_path / f"clip/{name}.json", {"version": 1, "name": "x"})
    return tmp_path / "clip"


def unrelated_file_among_the_frames(tmp_path: Path, people: SimpleNamespace) -> Path:
    folder = folder_of(tmp_path, people)
    people.write_json(folder / "clip_99_info.json", {"fps": 30})
    return folder


def file_without_number(tmp_path: Path, people: SimpleNamespace) -> Path:
    folder = folder_of(tmp_path, people)
    (folder / "info.json").write_text(frame_file(folder, 0).read_text())
    return folder


def two_clips_in_a_folder(tmp_path: Path, people: SimpleNamespace) -> Path:
    folder = folder_of(tmp_path, people)
    people.write_openpose(folder, {1: [people.stick_figure(300)]}, BODY25, stem="other")
    return folder


def one_frame_of_openpose(tmp_path: Path, people: SimpleNamespace) -> Path:
    return frame_file(folder_of(tmp_path, people), 0)


def mixed_formats(tmp_path: Path, people: SimpleNamespace) -> Path:
    folder = folder_of(tmp_path, people)
    people.write_openpose(folder, {7: [people.stick_figure(300)]}, COCO18)
    return folder


def wrong_count(tmp_path: Path, people: SimpleNamespace) -> Path:
    return rewritten(folder_of(tmp_path, people), 3, lambda values: values[:72])


def wrong_count_everywhere(tmp_path: Path, people: SimpleNamespace) -> Path:
    folder = folder_of(tmp_path, people)
    for frame in range(4):
        rewritten(folder, frame, lambda values: values[:72])
    return folder


def not_a_multiple_of_three(tmp_path: Path, people: SimpleNamespace) -> Path:
    return rewritten(folder_of(tmp_path, people), 3, lambda values: values[:-1])


def text_for_a_number(tmp_path: Path, people: SimpleNamespace) -> Path:
    return rewritten(folder_of(tmp_path, people), 1, lambda values: ["12", *values[1:]])


def null_for_a_number(tmp_path: Path, people: SimpleNamespace) -> Path:
    return rewritten(folder_of(tmp_path, people), 1, lambda values: [None, *values[1:]])


def nested_numbers(tmp_path: Path, people: SimpleNamespace) -> Path:
    return rewritten(folder_of(tmp_path, people), 1, lambda values: [[values[0]], *values[1:]])


def infinite(tmp_path: Path, people: SimpleNamespace) -> Path:
    """The right elbow, which has another number in the canonical set."""
    return rewritten(folder_of(tmp_path, people), 2, lambda values: [*values[:9], float("inf"), *values[10:]])


def far_out(tmp_path: Path, people: SimpleNamespace) -> Path:
    return rewritten(folder_of(tmp_path, people), 2, lambda values: [1e9, *values[1:]])


def endless_integer(tmp_path: Path, people: SimpleNamespace) -> Path:
    return rewritten(folder_of(tmp_path, people), 2, lambda values: [10**400, *values[1:]])


def negative_confidence(tmp_path: Path, people: SimpleNamespace) -> Path:
    return rewritten(folder_of(tmp_path, people), 2, lambda values: [*values[:2], -0.5, *values[3:]])


def nobody(tmp_path: Path, people: SimpleNamespace) -> Path:
    return Path(people.write_openpose(tmp_path / "clip", {frame: [] for frame in range(5)}, BODY25))


def nothing_but_nan(tmp_path: Path, people: SimpleNamespace) -> Path:
    frames = {frame: [people.stick_figure(float("nan"))] for frame in range(5)}
    return Path(people.write_openpose(tmp_path / "clip", frames, COCO18))


def nobody_seen(tmp_path: Path, people: SimpleNamespace) -> Path:
    """People of 25 points, all of them 0: nothing tells BODY_25 from BODY_25B, nor needs to."""
    frames = {frame: [people.stick_figure(300) * 0.0] for frame in range(5)}
    return Path(people.write_openpose(tmp_path / "clip", frames, BODY25))


def nothing_but_nan_of_25(tmp_path: Path, people: SimpleNamespace) -> Path:
    frames = {frame: [people.stick_figure(float("nan"))] for frame in range(5)}
    return Path(people.write_openpose(tmp_path / "clip", frames, BODY25))


def far_out_everywhere(tmp_path: Path, people: SimpleNamespace) -> Path:
    frames = {frame: [people.stick_figure(1e9, 1e9)] for frame in range(5)}
    return Path(people.write_openpose(tmp_path / "clip", frames, BODY25))


def coco_of(tmp_path: Path, people: SimpleNamespace, frames: list[Any], **more: Any) -> Path:
    entries = [
        {"image_id": frame, "keypoints": people.flat(people.stick_figure(300), COCO17), **more}
        for frame in frames
    ]
    return Path(people.write_json(tmp_path / "clip.json", entries))


def frames_far_apart(tmp_path: Path, people: SimpleNamespace) -> Path:
    return coco_of(tmp_path, people, [0, 1, 10**9])


def frames_far_apart_in_names(tmp_path: Path, people: SimpleNamespace) -> Path:
    return Path(
        people.write_openpose(tmp_path / "clip", {f: [people.stick_figure(9)] for f in (0, 1, 10**9)}, BODY25)
    )


def sparse_identity(tmp_path: Path, people: SimpleNamespace) -> Path:
    return coco_of(tmp_path, people, [150_000 * step for step in range(100)], track_id=1)


def no_frame_number(tmp_path: Path, people: SimpleNamespace) -> Path:
    return coco_of(tmp_path, people, [1, 2, 10**30])


def picture_without_number(tmp_path: Path, people: SimpleNamespace) -> Path:
    return coco_of(tmp_path, people, ["a.jpg", "b.jpg"])


def fractional_frame(tmp_path: Path, people: SimpleNamespace) -> Path:
    return Path(
        people.write_json(
            tmp_path / "clip.json",
            [{"frame_id": 0.5, "instances": [{"keypoints": [[1, 2]], "keypoint_scores": [1]}]}],
        )
    )


def unread_point_count(tmp_path: Path, people: SimpleNamespace) -> Path:
    entries = [{"image_id": 1, "keypoints": [1.0, 2.0, 0.5] * 16, "category_id": 1}]
    return Path(people.write_json(tmp_path / "clip.json", entries))


def fewer_scores_than_points(tmp_path: Path, people: SimpleNamespace) -> Path:
    instance = {"keypoints": [[5, 6]] * 17, "keypoint_scores": [1.0] * 16}
    return Path(people.write_json(tmp_path / "clip.json", [{"frame_id": 4, "instances": [instance]}]))


def too_few_landmarks(tmp_path: Path, people: SimpleNamespace) -> Path:
    frames = [{"frame": 5, "keypoints": people.in_layout(people.stick_figure(9), MEDIAPIPE33).tolist()[:20]}]
    return Path(people.write_json(tmp_path / "clip.json", {"format": "mediapipe33", "frames": frames}))


def no_landmarks(tmp_path: Path, people: SimpleNamespace) -> Path:
    frames = [{"frame": 5, "keypoints": None}]
    return Path(people.write_json(tmp_path / "clip.json", {"format": "mediapipe33", "frames": frames}))


def table(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "clip.csv"
    path.write_text("\n".join(("frame,landmark,x,y,visibility", *rows)))
    return path


def words_in_a_table(tmp_path: Path, people: SimpleNamespace) -> Path:
    return table(tmp_path, "0,0,5,6,1", "0,1,five,6,1")


def unknown_landmark(tmp_path: Path, people: SimpleNamespace) -> Path:
    return table(tmp_path, "0,33,5,6,1")


def infinite_frame(tmp_path: Path, people: SimpleNamespace) -> Path:
    return table(tmp_path, "inf,0,5,6,1")


def endless_cell(tmp_path: Path, people: SimpleNamespace) -> Path:
    return table(tmp_path, "0,0,5,6,1", "0,1," + "5" * 200_000 + ",6,1")


def a_line_without_end(tmp_path: Path, people: SimpleNamespace) -> Path:
    path = tmp_path / "clip.txt"
    path.write_text("x" * 200_000)
    return path


def a_poem(tmp_path: Path, people: SimpleNamespace) -> Path:
    path = tmp_path / "clip.txt"
    path.write_text("Roses are red,\nviolets are blue\n")
    return path


def a_video(tmp_path: Path, people: SimpleNamespace) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(range(256)))
    return path


def a_pipe(tmp_path: Path, people: SimpleNamespace) -> Path:
    """To open one would wait for somebody who writes."""
    os.mkfifo(tmp_path / "clip.json")
    return tmp_path / "clip.json"


def a_circle_of_links(tmp_path: Path, people: SimpleNamespace) -> Path:
    (tmp_path / "clip.json").symlink_to("other.json")
    (tmp_path / "other.json").symlink_to("clip.json")
    return tmp_path / "clip.json"


def broken_archive(tmp_path: Path, people: SimpleNamespace) -> Path:
    path = tmp_path / "clip.npz"
    path.write_bytes(b"PK\x03\x04" + b"x" * 100)
    return path


def words_in_a_label(tmp_path: Path, people: SimpleNamespace) -> Path:
    empty_folder(tmp_path, people)
    (tmp_path / "clip/clip_1.txt").write_text(" ".join(["0.5"] * 56))
    (tmp_path / "clip/clip_2.txt").write_text(" ".join(["x"] * 56))
    return tmp_path / "clip"


def short_label(tmp_path: Path, people: SimpleNamespace) -> Path:
    empty_folder(tmp_path, people)
    (tmp_path / "clip/clip_1.txt").write_text(" ".join(["0.5"] * 56))
    (tmp_path / "clip/clip_2.txt").write_text(" ".join(["0.5"] * 20))
    return tmp_path / "clip"


def from_minus_one_to_one(tmp_path: Path, people: SimpleNamespace) -> Path:
    folder = folder_of(tmp_path, people)
    for frame in range(4):
        rewritten(folder, frame, lambda v: [n if i % 3 == 2 else n / 400 - 1.2 for i, n in enumerate(v)])
    return folder


def missing_path(tmp_path: Path, people: SimpleNamespace) -> Path:
    return tmp_path / "clip.json"


CASES: list[tuple[Case, tuple[str, ...]]] = [
    (missing_path, ("no such file",)),
    (empty_folder, ("empty folder",)),
    (folder_of_pictures, ("no .json",)),
    (truncated_frame, ("000000000002_keypoints.json", "line 1", "cut off")),
    (truncated_file, ("line 1", "cut off")),
    (empty_file, ("empty",)),
    (deep_json, ("JSON",)),
    (latin1_json, ("UTF-8",)),
    (unrelated_json_files, ("2 files", "version, name", "openpose-body25", "ultralytics")),
    (unrelated_file_among_the_frames, ("clip_99_info.json", "people")),
    (file_without_number, ("info.json", "no frame number")),
    (two_clips_in_a_folder, ("frame 1", "other_000000000001_keypoints.json", "folder of its own")),
    (one_frame_of_openpose, ("choose the folder",)),
    (mixed_formats, ("frame 7", "18 keypoints", "25")),
    (wrong_count, ("frame 3", "24 keypoints", "25")),
    (wrong_count_everywhere, ("24 keypoints",)),
    (not_a_multiple_of_three, ("frame 3", "74 values")),
    (text_for_a_number, ("frame 1", "numbers")),
    (null_for_a_number, ("frame 1", "numbers")),
    (nested_numbers, ("frame 1", "numbers")),
    (infinite, ("frame 2", "inf", "keypoint right_elbow")),
    (far_out, ("frame 2", "1000000000")),
    (endless_integer, ("frame 2", "numbers")),
    (negative_confidence, ("frame 2", "nose", "-0.5", "negative")),
    (nobody, ("no person", "5 files")),
    (nothing_but_nan, ("no person",)),
    (nobody_seen, ("no person",)),
    (nothing_but_nan_of_25, ("no person",)),
    (far_out_everywhere, ("frame 0", "no pixel")),
    (frames_far_apart, ("from 1 to 1000000000",)),
    (frames_far_apart_in_names, ("from 1 to 1000000000",)),
    (sparse_identity, ("100 detections",)),
    (no_frame_number, ("1e+30",)),
    (picture_without_number, ("entry 0", "a.jpg")),
    (fractional_frame, ("entry 0", "0.5")),
    (unread_point_count, ("frame 1", "16 keypoints", "17")),
    (fewer_scores_than_points, ("frame 4", "16", "17")),
    (too_few_landmarks, ("frame 5", "20 landmarks", "33")),
    (no_landmarks, ("no person",)),
    (words_in_a_table, ("line 3", "five")),
    (unknown_landmark, ("line 2", "33")),
    (infinite_frame, ("line 2", "inf")),
    (endless_cell, ("no readable table",)),
    (a_line_without_end, ("text file that starts with",)),
    (a_poem, ("Roses are red",)),
    (a_video, ("binary",)),
    (a_pipe, ("pipe",)),
    (a_circle_of_links, ("can't be read",)),
    (broken_archive, (".npz",)),
    (words_in_a_label, ("clip_2.txt", "frame 2", "line 1")),
    (short_label, ("clip_2.txt", "frame 2", "20 numbers")),
    (from_minus_one_to_one, ("keypoint_scale",)),
]


@pytest.mark.parametrize(("case", "wanted"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_one_line_says_where_and_what(
    tmp_path: Path, people: SimpleNamespace, case: Case, wanted: tuple[str, ...]
) -> None:
    path = case(tmp_path, people)
    message = people.message_of(lambda: read_keypoints(path), InputError)
    assert message.startswith(str(tmp_path / "clip"))
    assert str(path) in message
    for text in wanted:
        assert text in message


@pytest.mark.parametrize(("case", "wanted"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_the_command_line_says_the_same_line_and_writes_nothing(
    tmp_path: Path,
    people: SimpleNamespace,
    capsys: pytest.CaptureFixture[str],
    case: Case,
    wanted: tuple[str, ...],
) -> None:
    path = case(tmp_path, people)
    assert main(["estimate", str(path), "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line.startswith("error: ")
    for text in wanted:
        assert text in line
    assert list((tmp_path / "out").glob("*")) == []


@pytest.mark.parametrize("name", ["openpose", "AlphaPose", "", "x\ny"])
def test_an_unknown_format_lists_the_known_ones(tmp_path: Path, people: SimpleNamespace, name: str) -> None:
    path = folder_of(tmp_path, people)
    message = people.message_of(lambda: read_keypoints(path, name), InputError)
    assert "openpose-body25, openpose-body25b" in message


@pytest.mark.parametrize(
    "name",
    ["openpose-coco18", "sports2d", "coco", "alphapose", "mmpose", "mediapipe", "videopose3d", "ultralytics"],
)
def test_a_forced_format_that_does_not_fit(tmp_path: Path, people: SimpleNamespace, name: str) -> None:
    path = folder_of(tmp_path, people)
    message = people.message_of(lambda: read_keypoints(path, name), InputError)
    assert str(path) in message


@pytest.mark.parametrize(
    "name", ["openpose-body25", "alphapose", "mmpose", "mediapipe", "sports2d", "ultralytics"]
)
def test_a_forced_format_on_a_coco_file(tmp_path: Path, people: SimpleNamespace, name: str) -> None:
    path = people.write_json(tmp_path / "clip.json", [{"image_id": 1, "category_id": 1, "segmentation": []}])
    message = people.message_of(lambda: read_keypoints(path, name), InputError)
    assert str(path) in message


def test_a_message_about_an_unprintable_name_is_printable(tmp_path: Path, people: SimpleNamespace) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\n\x1b[31mred"))
    people.write_openpose(folder, {0: [people.stick_figure(300)]}, BODY25)
    (folder / "clip_5.json").write_text("{")
    message = people.message_of(lambda: read_keypoints(folder), InputError)
    assert "clip_5.json" in message
    assert "red" in message


def test_nan_is_missing_and_no_error(tmp_path: Path, people: SimpleNamespace) -> None:
    folder = rewritten(folder_of(tmp_path, people), 2, lambda values: [float("nan"), *values[1:]])
    (track,) = read_keypoints(folder)
    assert not track.present[2, 0]
    assert np.isnan(track.keypoints[2, 0]).all()
    assert track.present[1, 0]
