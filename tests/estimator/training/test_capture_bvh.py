"""Captures that can't be used are refused in one line."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from estimator.errors import InputError
from estimator.skeleton import JOINT_NAMES
from estimator.training.capture_bvh import read_capture_bvh
from estimator.training.capture_names import kinelift_names
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


def _carried(text: str, *, by_root: bool) -> str:
    """The capture below one more bone, which carries the person or stays where it is."""
    head, motion = text.split("MOTION")
    channels = "6 Xposition Yposition Zposition Zrotation Yrotation Xrotation"
    root = f"HIERARCHY\nROOT root\n{{\nOFFSET 0 0 0\nCHANNELS {channels}\n"
    head = root + head.replace("HIERARCHY", "").replace("ROOT", "JOINT") + "}\n"
    lines = motion.strip().splitlines()
    frames = [line.split() for line in lines[2:]]
    place, stays = (" ".join(frame[:3]) for frame in frames), "0 0 0"
    rows = [f"{p} 0 0 0 {stays} " if by_root else f"{stays} 0 0 0 {p} " for p in place]
    rows = [row + " ".join(frame[3:]) for row, frame in zip(rows, frames, strict=True)]
    return "\n".join([head + "MOTION", *lines[:2], *rows]) + "\n"


@pytest.mark.parametrize("by_root", [True, False])
def test_a_bone_above_the_hips_loses_no_way(capture: Path, by_root: bool) -> None:
    clip = read_capture_bvh(
        Take(_edited(capture, lambda text: _carried(text, by_root=by_root)), "a", "b", "c")
    )
    joints, turns = moving_person(1, frames=40).pose()
    order = [clip.names.index(name) for name in JOINT_NAMES]
    assert np.abs(clip.joints[:, order] - joints).max() < 1e-4
    assert np.abs(clip.rotations[:, order] - turns).max() < 1e-4


def test_a_skeleton_that_cannot_be_mapped_names_what_it_lacks(tmp_path: Path) -> None:
    file = tmp_path / "other.bvh"
    write_capture(file, moving_person(1, frames=10), names=lambda name: name.replace("ForeArm", "Middle"))
    message = _refusal(file)
    assert "LeftForeArm, RightForeArm" in message and "LeftHand" not in message


CHARACTER_STUDIO = {
    "Shoulder": "Collar",
    "Arm": "Shoulder",
    "ForeArm": "Elbow",
    "Hand": "Wrist",
    "UpLeg": "Hip",
    "Leg": "Knee",
    "Foot": "Ankle",
    "ToeBase": "Toe",
}
UNREAL = {
    "Shoulder": "clavicle",
    "Arm": "upperarm",
    "ForeArm": "lowerarm",
    "Hand": "hand",
    "UpLeg": "thigh",
    "Leg": "calf",
    "Foot": "foot",
    "ToeBase": "ball",
    "Hips": "pelvis",
    "Spine": "spine_01",
    "Spine1": "spine_02",
    "Spine2": "spine_03",
    "Neck": "neck_01",
    "Head": "head",
}
DAZ = {
    "Shoulder": "Collar",
    "Arm": "Shldr",
    "ForeArm": "ForeArm",
    "Hand": "Hand",
    "UpLeg": "Thigh",
    "Leg": "Shin",
    "Foot": "Foot",
    "ToeBase": "Toe",
    "Hips": "hip",
    "Spine": "abdomen",
    "Spine1": "chest",
    "Spine2": "upper chest",
    "Neck": "neck",
    "Head": "head",
}


def _sided(name: str) -> tuple[str, str]:
    side = next((side for side in ("Left", "Right") if name.startswith(side)), "")
    return side, name.removeprefix(side)


@pytest.mark.parametrize(
    "renamed",
    [
        lambda side, part: side + CHARACTER_STUDIO.get(part, part),
        lambda side, part: UNREAL[part] + (f"_{side[0].lower()}" if side else ""),
        lambda side, part: (side[:1].lower() if side else "") + DAZ[part].replace("upper chest", "ribs"),
    ],
    ids=["Character Studio", "Unreal", "DAZ"],
)
def test_skeletons_of_other_programs_are_mapped(tmp_path: Path, renamed: Callable[[str, str], str]) -> None:
    motion = moving_person(1, frames=10)
    file = tmp_path / "renamed.bvh"
    write_capture(file, motion, names=lambda name: renamed(*_sided(name)))
    clip = read_capture_bvh(Take(file, "made", "one", "walk"))
    joints, _ = motion.pose()
    for name in (*JOINT_NAMES[6:], "Hips", "Spine", "Neck", "Head"):
        assert np.abs(clip.at(name) - joints[:, JOINT_NAMES.index(name)]).max() < 1e-4, name


def test_of_a_long_spine_the_upper_end_carries_the_arms() -> None:
    chain = ["Hips", "Spine", "Spine1", "Spine2", "Spine3", "Neck", "Head"]
    sides = [f"{side}{part}" for side in ("Left", "Right") for part in CHARACTER_STUDIO]
    names, missing = kinelift_names([*chain, *sides])
    assert not missing
    assert names[4] == "Spine2" and names.count("Spine2") == 1
    assert names[1] == "Spine"


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
        (
            lambda text: re.sub(r"(Frame Time.*\n.*)\n", r"\1 1.0\n", text),
            "frame 1: 70 numbers for 69 channels",
        ),
    ],
    ids=[
        "cut",
        "cut late",
        "no motion",
        "empty",
        "nameless",
        "nan",
        "too few",
        "too many",
        "no time",
        "one more",
    ],
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


def _in_other_unit(folder: Path, factor: float) -> Path:
    motion = moving_person(1, frames=10)
    file = folder / "other_unit.bvh"
    scaled = type(motion)(
        factor * motion.lengths, factor * motion.root_translation, motion.rotations, motion.fps
    )
    write_capture(file, scaled)
    return file


def test_centimetres_become_metres(tmp_path: Path) -> None:
    clip = read_capture_bvh(Take(_in_other_unit(tmp_path, 100.0), "made", "one", "walk"))
    joints, _ = moving_person(1, frames=10).pose()
    assert np.abs(clip.at("LeftHand") - joints[:, JOINT_NAMES.index("LeftHand")]).max() < 1e-4
    rest = clip.rest("LeftFoot") - clip.rest("LeftUpLeg")
    assert 0.5 < np.linalg.norm(rest) < 1.0


def test_another_unit_is_refused(tmp_path: Path) -> None:
    assert "metres" in _refusal(_in_other_unit(tmp_path, 39.37 / 2))
