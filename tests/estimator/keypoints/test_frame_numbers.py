"""Frame 0 is the clip's first picture, whether a file numbers pictures from 0, from 1, or holds a part."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from estimator.errors import InputError
from estimator.keypoints import read_keypoints
from estimator.keypoints.layouts import BODY25, COCO17, COCO18, MEDIAPIPE33

Writer = Callable[[Path, SimpleNamespace, dict[int, bool]], Path]
"""Writes a file with these frames, by number; a person is on those that are True."""


def openpose(folder: Path, people: SimpleNamespace, frames: dict[int, bool]) -> Path:
    shown = {frame: [people.stick_figure(300)] * seen for frame, seen in frames.items()}
    return Path(people.write_openpose(folder / "clip", shown, BODY25))


def alphapose_frames(folder: Path, people: SimpleNamespace, frames: dict[int, bool]) -> Path:
    person = {"pose_keypoints_2d": people.flat(people.stick_figure(300), COCO18)}
    document = {f"{frame:04d}.jpg": {"people": [person] * seen} for frame, seen in frames.items()}
    return Path(people.write_json(folder / "clip.json", document))


def mmpose(folder: Path, people: SimpleNamespace, frames: dict[int, bool]) -> Path:
    points = people.in_layout(people.stick_figure(300), COCO17)
    instance = {"keypoints": points[:, :2].tolist(), "keypoint_scores": points[:, 2].tolist()}
    document = [{"frame_id": frame, "instances": [instance] * seen} for frame, seen in frames.items()]
    return Path(people.write_json(folder / "clip.json", document))


def mediapipe(folder: Path, people: SimpleNamespace, frames: dict[int, bool]) -> Path:
    points = people.in_layout(people.stick_figure(300), MEDIAPIPE33).tolist()
    listed = [{"frame": frame, "keypoints": points if seen else None} for frame, seen in frames.items()]
    return Path(people.write_json(folder / "clip.json", {"width": 640, "height": 960, "frames": listed}))


def coco_annotations(folder: Path, people: SimpleNamespace, frames: dict[int, bool]) -> Path:
    points = people.flat(people.stick_figure(300), COCO17)
    document = {
        "images": [{"id": 900 + frame, "file_name": f"shot_{frame:04d}.png"} for frame in frames],
        "annotations": [
            {"image_id": 900 + frame, "keypoints": points} for frame, seen in frames.items() if seen
        ],
    }
    return Path(people.write_json(folder / "clip.json", document))


def coco_results(folder: Path, people: SimpleNamespace, frames: dict[int, bool]) -> Path:
    points = people.flat(people.stick_figure(300), COCO17)
    entries = [{"image_id": frame, "keypoints": points} for frame, seen in frames.items() if seen]
    return Path(people.write_json(folder / "clip.json", entries))


def ultralytics(folder: Path, people: SimpleNamespace, frames: dict[int, bool]) -> Path:
    (folder / "clip").mkdir()
    points = people.in_layout(people.stick_figure(300), COCO17) / (1280, 960, 1)
    line = " ".join(map(str, [0, 0.5, 0.5, 0.2, 0.4, *points.ravel()]))
    for frame in (frame for frame, seen in frames.items() if seen):
        (folder / f"clip/clip_{frame}.txt").write_text(line + "\n")
    return folder / "clip"


LIST_ALL_FRAMES: tuple[Writer, ...] = (openpose, alphapose_frames, mmpose, mediapipe, coco_annotations)
LIST_PEOPLE: tuple[Writer, ...] = (coco_results, ultralytics)


def start(path: Path) -> tuple[int, int]:
    (track,) = read_keypoints(path, width=1280, height=960)
    return track.frame_start, len(track)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("write", LIST_ALL_FRAMES + LIST_PEOPLE, ids=lambda writer: writer.__name__)
def test_pictures_numbered_from_0_and_from_1_are_the_same_clip(
    tmp_path: Path, people: SimpleNamespace, write: Writer, first: int
) -> None:
    assert start(write(tmp_path, people, dict.fromkeys(range(first, first + 6), True))) == (0, 6)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("write", LIST_ALL_FRAMES, ids=lambda writer: writer.__name__)
def test_frames_without_anybody_count_where_they_are_listed(
    tmp_path: Path, people: SimpleNamespace, write: Writer, first: int
) -> None:
    """Someone who comes on the fourth picture is on frame 3, however the pictures are numbered."""
    frames = {first + picture: picture >= 3 for picture in range(8)}
    assert start(write(tmp_path, people, frames)) == (3, 5)


@pytest.mark.parametrize(
    "write", [*LIST_ALL_FRAMES, coco_results], ids=lambda writer: getattr(writer, "__name__", "")
)
def test_a_part_of_a_longer_clip_keeps_its_numbers(
    tmp_path: Path, people: SimpleNamespace, write: Writer
) -> None:
    assert start(write(tmp_path, people, dict.fromkeys(range(40, 46), True))) == (40, 6)


def test_ultralytics_counts_a_video_from_1_whoever_is_on_its_beginning(
    tmp_path: Path, people: SimpleNamespace
) -> None:
    assert start(ultralytics(tmp_path, people, {frame: frame >= 4 for frame in range(1, 10)})) == (3, 6)


def test_messages_name_the_numbers_in_the_file(tmp_path: Path, people: SimpleNamespace) -> None:
    points: list[Any] = people.flat(people.stick_figure(300), COCO17)
    entries = [{"image_id": frame, "keypoints": points} for frame in (1, 2)]
    entries.append({"image_id": 3, "keypoints": [1e9, *points[1:]]})
    path = people.write_json(tmp_path / "clip.json", entries)
    with pytest.raises(InputError, match="frame 3: keypoint nose lies at"):
        read_keypoints(path)
