"""Captures that can't be used are refused in one line."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from estimator.errors import InputError
from estimator.skeleton import JOINT_NAMES
from estimator.training.capture_bvh import read_capture_bvh
from estimator.training.takes import Take
from tests.estimator.training.canonical_bvh import moving_person, write_capture


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    file = tmp_path / "capture.bvh"
    write_capture(file, moving_person(1, frames=40))
    return file


def _refusal(file: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_capture_bvh(Take(file, "made", "one", "walk"))
    message = str(caught.value)
    assert str(file) in message and "\n" not in message
    return message


def _edited(file: Path, edit: Callable[[str], str]) -> Path:
    file.write_text(edit(file.read_text()))
    return file


def test_joints_come_in_the_axes_of_kinelift(capture: Path) -> None:
    motion = moving_person(1, frames=40)
    clip = read_capture_bvh(Take(capture, "made", "one", "walk"))
    joints, turns = motion.pose()
    order = [clip.names.index(name) for name in JOINT_NAMES]
    assert clip.fps == pytest.approx(60.0, abs=0.01)
    assert np.abs(clip.joints[:, order] - joints).max() < 1e-4
    assert np.abs(clip.rotations[:, order] - turns).max() < 1e-4
    assert np.abs(clip.local_rotations()[:, order] - motion.rotations).max() < 1e-4


def test_names_with_a_prefix_are_understood(tmp_path: Path) -> None:
    file = tmp_path / "prefixed.bvh"
    write_capture(file, moving_person(1, frames=10), names=lambda name: f"mixamorig:{name}")
    assert "LeftForeArm" in read_capture_bvh(Take(file, "made", "one", "walk"))


def test_a_skeleton_that_cannot_be_mapped_names_what_it_lacks(tmp_path: Path) -> None:
    file = tmp_path / "other.bvh"
    write_capture(file, moving_person(1, frames=10), names=lambda name: name.replace("ForeArm", "Elbow"))
    message = _refusal(file)
    assert "LeftForeArm" in message and "RightForeArm" in message


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda text: text[: len(text) * 2 // 3], "ends in frame"),
        (lambda text: text[:-40], "ends in frame 40"),
        (lambda text: "HIERARCHY\n", "not a BVH file"),
        (lambda text: "", "not a BVH file"),
        (lambda text: text.replace("JOINT LeftArm", "JOINT"), "not a BVH file (IndexError)"),
        (lambda text: re.sub(r"(Frame Time.*\n)\S+", r"\1nan", text), "frame 1: not a finite number"),
        (lambda text: text.replace("Frames: 40", "Frames: 400"), "says 400 frames"),
        (lambda text: text.replace("Frames: 40", "Frames: 4"), "says 4 frames"),
        (lambda text: text.replace("Frame Time: 0.016667", "Frame Time: 0.0"), "Frame Time is 0.0"),
    ],
    ids=["cut", "cut late", "no motion", "empty", "nameless", "nan", "too few", "too many", "no time"],
)
def test_a_damaged_file_is_refused(capture: Path, edit: Callable[[str], str], says: str) -> None:
    assert says in _refusal(_edited(capture, edit))


def test_a_file_that_is_not_text_or_not_there_is_refused(tmp_path: Path) -> None:
    binary = tmp_path / "binary.bvh"
    binary.write_bytes(b"\xff\xfe\x00\x80" * 100)
    assert "text" in _refusal(binary)
    assert "FileNotFoundError" in _refusal(tmp_path / "missing.bvh")


def test_another_rest_pose_is_refused(tmp_path: Path) -> None:
    motion = moving_person(1, frames=10)
    file = tmp_path / "arms_down.bvh"
    write_capture(file, motion)
    upper_arm = motion.lengths[8]
    _edited(
        file, lambda text: text.replace(f"OFFSET {upper_arm:f} 0.000000", f"OFFSET 0.000000 {-upper_arm:f}")
    )
    assert "T-pose" in _refusal(file)


def test_another_unit_is_refused(tmp_path: Path) -> None:
    motion = moving_person(1, frames=10)
    file = tmp_path / "centimetres.bvh"
    write_capture(
        file, type(motion)(100 * motion.lengths, motion.root_translation, motion.rotations, motion.fps)
    )
    assert "metres" in _refusal(file)
