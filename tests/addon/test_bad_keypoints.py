"""Keypoints that can't be used: one line from the operators, nothing run, and the file as it was."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.estimate_request import absolute_path

from tests.addon.file_state import file_state
from tests.addon.recordings import example_points, render_clip, write_coco
from tests.estimator.keypoints.defects import BAD, walk
from tests.estimator.keypoints.detector_files import WRITERS, stick_figure

pytestmark = pytest.mark.usefixtures("registered")

BODY25, COCO18 = 25, 18
FRAMES = 4


def write_openpose(folder: Path, people: Sequence[Sequence[float]]) -> Path:
    """A folder with one file per frame, one person in each, given as x, y, confidence; nobody where empty."""
    folder.mkdir()
    for frame, values in enumerate(people):
        person = [{"pose_keypoints_2d": list(values)}] if values else []
        (folder / f"clip_{frame:012d}_keypoints.json").write_text(json.dumps({"people": person}))
    return folder


def body(points: int = BODY25, first: Sequence[float] = (300.0, 200.0, 0.9)) -> list[float]:
    """A person of so many keypoints; ``first`` is the first one's x, y, confidence."""
    rest = [value for k in range(1, points) for value in (300.0 + 5 * k, 200.0 + 9 * k, 0.9)]
    return [*first, *rest]


def with_frame_2(folder: Path, values: Sequence[float]) -> Path:
    return write_openpose(folder / "clip", [body(), body(), values, body()])


def empty_folder(folder: Path) -> Path:
    return write_openpose(folder / "clip", [])


def cut_off_frame(folder: Path) -> Path:
    path = write_openpose(folder / "clip", [body()] * FRAMES)
    frame = path / "clip_000000000002_keypoints.json"
    frame.write_text(frame.read_text()[:120])
    return path


def cut_off_file(folder: Path) -> Path:
    path = write_coco(folder / "clip.json", [example_points(5)])
    path.write_text(path.read_text()[:-40])
    return path


def wrong_count(folder: Path) -> Path:
    return with_frame_2(folder, body(24))


def mixed_formats(folder: Path) -> Path:
    return with_frame_2(folder, body(COCO18))


def nobody(folder: Path) -> Path:
    return write_openpose(folder / "clip", [[]] * FRAMES)


def nothing_but_nan(folder: Path) -> Path:
    return write_openpose(folder / "clip", [[math.nan] * (3 * COCO18)] * FRAMES)


def infinite(folder: Path) -> Path:
    return with_frame_2(folder, body(first=(300.0, math.inf, 0.9)))


def far_out(folder: Path) -> Path:
    return with_frame_2(folder, body(first=(1e9, 200.0, 0.9)))


def negative_confidence(folder: Path) -> Path:
    return with_frame_2(folder, body(first=(300.0, 200.0, -0.5)))


def name_that_is_no_text(folder: Path) -> Path:
    path = Path(os.fsdecode(bytes(folder) + b"/clip \xfc\n.json"))
    path.write_text("{")
    return path


def a_clip(folder: Path) -> bpy.types.MovieClip:
    """In a folder of its own, where no keypoints lie; its size is needed for fractions of it."""
    (folder / "film").mkdir()
    return bpy.data.movieclips.load(str(render_clip(folder / "film" / "film.mp4", (1280, 960), 8)))


class Command:
    """Makes a folder when a careless reader unpickles it."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.made),)


def pickled_command(folder: Path) -> Path:
    people = np.empty(1, dtype=object)
    people[0] = {"S1": {"walk": [Command(folder / "run")]}}
    np.savez(folder / "clip.npz", positions_2d=people)
    return folder / "clip.npz"


CASES: list[tuple[Callable[[Path], Path], str]] = [
    (empty_folder, "empty folder"),
    (cut_off_frame, "clip_000000000002_keypoints.json"),
    (cut_off_file, "cut off"),
    (wrong_count, "24 keypoints"),
    (mixed_formats, "18 keypoints"),
    (nobody, "no person"),
    (nothing_but_nan, "no person"),
    (infinite, "frame 2"),
    (far_out, "frame 2"),
    (negative_confidence, "negative"),
    (name_that_is_no_text, "clip \ufffd\ufffd.json"),
    (pickled_command, "mkdir"),
]


def only_line(raised: pytest.ExceptionInfo[RuntimeError]) -> str:
    (line,) = [line for line in str(raised.value).splitlines() if line.strip()]
    assert "Traceback" not in line
    return line


@pytest.mark.parametrize("operator", ["import_keypoints", "estimate_motion"])
@pytest.mark.parametrize(("case", "says"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_one_line_and_the_file_as_it_was(
    tmp_path: Path, case: Callable[[Path], Path], says: str, operator: str
) -> None:
    if operator == "estimate_motion":
        pytest.importorskip("torch", reason="estimating needs torch")
    path = case(tmp_path)
    good = write_coco(tmp_path / "good.json", [example_points(5)])
    bpy.ops.kinelift.import_keypoints(filepath=str(good))
    arguments = {"filepath": str(path)}
    if operator == "estimate_motion":
        bpy.context.scene.kinelift.keypoints_path = str(path)
        arguments = {}
    before = file_state()
    with pytest.raises(RuntimeError) as raised:
        getattr(bpy.ops.kinelift, operator)(**arguments)
    line = only_line(raised)
    assert says in line
    assert "clip" in line
    assert file_state() == before
    assert not (tmp_path / "run").exists()


def test_a_command_in_a_pickle_would_run_if_it_were_unpickled(tmp_path: Path) -> None:
    with np.load(pickled_command(tmp_path), allow_pickle=True) as archive:
        assert archive["positions_2d"].shape == (1,)
    assert (tmp_path / "run").exists()


def test_keypoints_whose_name_is_no_text_are_read_and_estimated(tmp_path: Path) -> None:
    path = write_coco(Path(os.fsdecode(bytes(tmp_path) + b"/l\xe4ufer.json")), [example_points(12)])
    assert bpy.ops.kinelift.import_keypoints(filepath=str(path)) == {"FINISHED"}
    settings = bpy.context.scene.kinelift
    assert absolute_path(settings.keypoints_path) == path
    assert len(settings.people) == 1
    pytest.importorskip("torch", reason="estimating needs torch")
    assert bpy.ops.kinelift.estimate_motion() == {"FINISHED"}
    assert bpy.data.objects["l\ufffdufer"].children


def test_a_clip_whose_name_is_no_text(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    clip = render_clip(Path(os.fsdecode(folder + b"/l\xe4ufer.mp4")), (64, 36), 3)
    settings = bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(clip))
    with pytest.raises(RuntimeError) as raised:
        bpy.ops.kinelift.find_keypoints()
    assert "No keypoints named after l\ufffdufer.mp4" in only_line(raised)
    write_coco(Path(os.fsdecode(folder + b"/l\xe4ufer.json")), [example_points(12)])
    assert bpy.ops.kinelift.find_keypoints() == {"FINISHED"}
    assert len(settings.people) == 1


@pytest.mark.parametrize("case", [name for name in BAD if not name.endswith("one frame")])
def test_every_format_is_refused_in_one_line_and_the_file_is_as_it_was(tmp_path: Path, case: str) -> None:
    make, says = BAD[case]
    path = make(tmp_path / "clip", stick_figure)
    settings = bpy.context.scene.kinelift
    settings.clip = a_clip(tmp_path)
    bpy.ops.kinelift.import_keypoints(filepath=str(write_coco(tmp_path / "good.json", [example_points(5)])))
    before = file_state()
    with pytest.raises(RuntimeError) as raised:
        bpy.ops.kinelift.import_keypoints(filepath=str(path))
    line = only_line(raised)
    assert line.startswith(f"Error: {tmp_path / 'clip'}")
    for text in says:
        assert text in line
    assert file_state() == before


def test_a_frame_rate_that_no_clip_has_is_told(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="estimating needs torch")
    path = WRITERS["mediapipe"](tmp_path / "clip", walk(stick_figure))
    path.write_text(path.read_text().replace('"fps": 30.0', '"fps": 0.001'))
    assert bpy.ops.kinelift.import_keypoints(filepath=str(path)) == {"FINISHED"}
    before = file_state()
    with pytest.raises(RuntimeError) as raised:
        bpy.ops.kinelift.estimate_motion()
    assert "has a frame rate of 0.001; give the clip's frames per second, 1 to 10000" in only_line(raised)
    assert file_state() == before
    settings = bpy.context.scene.kinelift
    for value, kept in ((0.001, 1.0), (1e9, 10_000.0), (-5.0, 1.0)):
        settings.fps = value
        assert settings.fps == kept


@pytest.mark.parametrize("name", WRITERS)
def test_one_frame_of_every_format_is_no_motion(tmp_path: Path, name: str) -> None:
    pytest.importorskip("torch", reason="estimating needs torch")
    settings = bpy.context.scene.kinelift
    settings.clip = a_clip(tmp_path)
    path = WRITERS[name](tmp_path / "clip", walk(stick_figure)[:1])
    bpy.ops.kinelift.import_keypoints(filepath=str(path))
    assert (settings.people[0].first_frame, settings.people[0].last_frame) == (0, 0)
    before = file_state()
    with pytest.raises(RuntimeError) as raised:
        bpy.ops.kinelift.estimate_motion()
    assert "person 1 is on frame 0 only" in only_line(raised)
    assert file_state() == before
