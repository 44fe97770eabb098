"""The canonical skeleton: 22 joints, symmetric, straight trunk, described by ten lengths.

Rest pose is the T-pose in Kinelift's world axes: Z up, facing -Y, left arm along +X, origin at ``Hips``,
the midpoint of the hip joints. Every offset is linear in the lengths, so one constant tensor per group of
points serves numpy and torch alike::

    rest_offsets = einsum("...l,ljc->...jc", lengths, REST_BASIS)

Lengths are in metres here and in log scale inside the network.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .keypoint_set import KEYPOINT_NAMES

JOINT_NAMES: tuple[str, ...] = (
    "Hips",
    "Spine",
    "Spine1",
    "Spine2",
    "Neck",
    "Head",
    "LeftShoulder",
    "LeftArm",
    "LeftForeArm",
    "LeftHand",
    "RightShoulder",
    "RightArm",
    "RightForeArm",
    "RightHand",
    "LeftUpLeg",
    "LeftLeg",
    "LeftFoot",
    "LeftToeBase",
    "RightUpLeg",
    "RightLeg",
    "RightFoot",
    "RightToeBase",
)
J = len(JOINT_NAMES)
JOINT_INDEX = {name: index for index, name in enumerate(JOINT_NAMES)}

_PARENT_NAMES = {
    "Spine": "Hips",
    "Spine1": "Spine",
    "Spine2": "Spine1",
    "Neck": "Spine2",
    "Head": "Neck",
    **{
        f"{side}{child}": (parent if parent in ("Hips", "Spine2") else f"{side}{parent}")
        for side in ("Left", "Right")
        for child, parent in (
            ("Shoulder", "Spine2"),
            ("Arm", "Shoulder"),
            ("ForeArm", "Arm"),
            ("Hand", "ForeArm"),
            ("UpLeg", "Hips"),
            ("Leg", "UpLeg"),
            ("Foot", "Leg"),
            ("ToeBase", "Foot"),
        )
    },
}
PARENTS: tuple[int, ...] = tuple(
    JOINT_INDEX[_PARENT_NAMES[name]] if name in _PARENT_NAMES else -1 for name in JOINT_NAMES
)
"""Index of each joint's parent; -1 for Hips. Parents come before their children."""


def _other_side(name: str) -> str:
    if name.startswith("Left"):
        return "Right" + name.removeprefix("Left")
    if name.startswith("Right"):
        return "Left" + name.removeprefix("Right")
    return name


JOINT_MIRROR: tuple[int, ...] = tuple(JOINT_INDEX[_other_side(name)] for name in JOINT_NAMES)
"""``joints[..., JOINT_MIRROR, :]`` swaps left and right."""

HINGES: dict[str, tuple[int, float]] = {
    "LeftForeArm": (2, -1.0),
    "RightForeArm": (2, 1.0),
    "LeftLeg": (0, 1.0),
    "RightLeg": (0, 1.0),
}
"""Joints with one degree of freedom: the axis they turn about (0 x, 2 z) and the sign that flexes them."""

LENGTH_NAMES: tuple[str, ...] = (
    "hip",  # Hips to UpLeg, sideways
    "thigh",
    "shin",
    "foot",  # ankle to toe base
    "trunk",  # Hips to Neck
    "neck",  # Neck to Head
    "shoulder",  # midline to Arm, sideways
    "shoulder_rise",  # Spine2 up to the line of the arms
    "upper_arm",
    "forearm",
)
L = len(LENGTH_NAMES)

MEAN_LENGTHS: NDArray[np.float64] = np.array([0.09, 0.41, 0.41, 0.14, 0.46, 0.19, 0.185, 0.17, 0.28, 0.26])
"""(10,) metres: an adult of 1.68 m."""

REFERENCE_STATURE = 1.7
"""Metres: the person in whose size the network counts, because one camera doesn't tell a near small person
from a far large one."""

_FOOT_SLOPE = math.radians(20.0)
_BALL_HEIGHT = 0.18
"""Of the toe base over the sole, in foot lengths."""
_ANKLE_HEIGHT = math.sin(_FOOT_SLOPE) + _BALL_HEIGHT
_HEAD_TOP = 0.7
"""Crown over the Head joint, in neck lengths."""

END_POINT_NAMES: tuple[str, ...] = (
    "head_top",
    "left_fingertips",
    "right_fingertips",
    "left_toe_tip",
    "right_toe_tip",
    "left_heel",
    "right_heel",
)
CONTACT_NAMES: tuple[str, ...] = ("left_heel", "left_toe", "right_heel", "right_toe")
CONTACT_END_POINTS: tuple[int, ...] = (5, 3, 6, 4)
"""Index into the end points of each contact point."""

Point = tuple[str, dict[str, tuple[float, float, float]]]
"""A joint, and per length the offset in its bone's frame at rest that one metre of that length makes."""

_JOINT_OFFSETS: dict[str, dict[str, tuple[float, float, float]]] = {
    "Spine": {"trunk": (0.0, 0.0, 0.20)},
    "Spine1": {"trunk": (0.0, 0.0, 0.27)},
    "Spine2": {"trunk": (0.0, 0.0, 0.27)},
    "Neck": {"trunk": (0.0, 0.0, 0.26)},
    "Head": {"neck": (0.0, 0.0, 1.0)},
    **{
        f"{side}{name}": {length: (x * sign, y, z) for length, (x, y, z) in offset.items()}
        for side, sign in (("Left", 1.0), ("Right", -1.0))
        for name, offset in {
            "Shoulder": {"shoulder": (0.15, 0.0, 0.0), "shoulder_rise": (0.0, 0.0, 1.0)},
            "Arm": {"shoulder": (0.85, 0.0, 0.0)},
            "ForeArm": {"upper_arm": (1.0, 0.0, 0.0)},
            "Hand": {"forearm": (1.0, 0.0, 0.0)},
            "UpLeg": {"hip": (1.0, 0.0, 0.0)},
            "Leg": {"thigh": (0.0, 0.0, -1.0)},
            "Foot": {"shin": (0.0, 0.0, -1.0)},
            "ToeBase": {"foot": (0.0, -math.cos(_FOOT_SLOPE), -math.sin(_FOOT_SLOPE))},
        }.items()
    },
}


def _both_sides(points: dict[str, Point]) -> dict[str, Point]:
    """Points of the left side, and their mirror images on the right."""
    mirrored = {
        name.replace("left_", "right_"): (
            _other_side(joint),
            {length: (-x, y, z) for length, (x, y, z) in offset.items()},
        )
        for name, (joint, offset) in points.items()
    }
    return points | mirrored


_END_POINTS: dict[str, Point] = {
    "head_top": ("Head", {"neck": (0.0, 0.0, _HEAD_TOP)}),
    **_both_sides(
        {
            "left_fingertips": ("LeftHand", {"forearm": (0.68, 0.0, 0.0)}),
            "left_toe_tip": ("LeftToeBase", {"foot": (0.0, -0.45, -_BALL_HEIGHT)}),
            "left_heel": ("LeftFoot", {"foot": (0.0, 0.35, -_ANKLE_HEIGHT)}),
        }
    ),
}

# Where detectors put their points, on average. They mark the surface as annotators saw it: hips are marked
# wider than the joints, eyes and nose on the face. Training varies these offsets from person to person.
_KEYPOINTS: dict[str, Point] = {
    "nose": ("Head", {"neck": (0.0, -0.55, 0.0)}),
    "head_top": ("Head", {"neck": (0.0, 0.0, _HEAD_TOP)}),
    "neck": ("Spine2", {"shoulder_rise": (0.0, 0.0, 1.0)}),
    "pelvis": ("Hips", {}),
    **_both_sides(
        {
            "left_eye": ("Head", {"neck": (0.16, -0.45, 0.17)}),
            "left_ear": ("Head", {"neck": (0.39, -0.03, 0.05)}),
            "left_shoulder": ("LeftArm", {}),
            "left_elbow": ("LeftForeArm", {}),
            "left_wrist": ("LeftHand", {}),
            "left_hip": ("LeftUpLeg", {"hip": (0.15, 0.0, 0.0)}),
            "left_knee": ("LeftLeg", {}),
            "left_ankle": ("LeftFoot", {}),
            "left_big_toe": ("LeftToeBase", {"foot": (-0.12, -0.38, -0.10)}),
            "left_small_toe": ("LeftToeBase", {"foot": (0.25, -0.20, -0.10)}),
            "left_heel": ("LeftFoot", {"foot": (0.0, 0.33, -0.45)}),
        }
    ),
}


def _basis(offsets: list[dict[str, tuple[float, float, float]]]) -> NDArray[np.float64]:
    """(10, N, 3): metres of offset per metre of length."""
    basis = np.zeros((L, len(offsets), 3))
    for point, offset in enumerate(offsets):
        for length, direction in offset.items():
            basis[LENGTH_NAMES.index(length), point] = direction
    return basis


REST_BASIS: NDArray[np.float64] = _basis([_JOINT_OFFSETS.get(name, {}) for name in JOINT_NAMES])
"""(10, 22, 3): joint offsets from their parents."""

END_POINT_JOINTS: tuple[int, ...] = tuple(JOINT_INDEX[_END_POINTS[name][0]] for name in END_POINT_NAMES)
END_POINT_BASIS: NDArray[np.float64] = _basis([_END_POINTS[name][1] for name in END_POINT_NAMES])
"""(10, 7, 3): end points in the frame of their joint."""

KEYPOINT_JOINTS: tuple[int, ...] = tuple(JOINT_INDEX[_KEYPOINTS[name][0]] for name in KEYPOINT_NAMES)
KEYPOINT_BASIS: NDArray[np.float64] = _basis([_KEYPOINTS[name][1] for name in KEYPOINT_NAMES])
"""(10, 26, 3): canonical keypoints in the frame of their joint, where detectors mark them on average."""

STATURE_BASIS: NDArray[np.float64] = np.array(
    [
        {
            "foot": _ANKLE_HEIGHT,
            "shin": 1.0,
            "thigh": 1.0,
            "trunk": 1.0,
            "neck": 1.0 + _HEAD_TOP,
        }.get(name, 0.0)
        for name in LENGTH_NAMES
    ]
)
"""(10,): ``lengths @ STATURE_BASIS`` is the height of the standing person, sole to crown."""


def rest_offsets(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Offsets of the joints from their parents in the rest pose.

    Args:
        lengths: (..., 10) metres.

    Returns:
        (..., 22, 3) metres, world axes; zero for Hips.
    """
    return np.asarray(np.einsum("...l,ljc->...jc", lengths, REST_BASIS))


def stature(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of the standing person, sole to crown, in metres; lengths (..., 10)."""
    return np.asarray(lengths @ STATURE_BASIS)


def hips_height(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of ``Hips`` over the soles in the rest pose, in metres; lengths (..., 10)."""
    foot, shin, thigh = (lengths[..., LENGTH_NAMES.index(name)] for name in ("foot", "shin", "thigh"))
    return np.asarray(_ANKLE_HEIGHT * foot + shin + thigh)


def lengths_from_rest_offsets(offsets: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ten lengths of a canonical skeleton from its rest offsets (22, 3): inverse of ``rest_offsets``."""
    lengths, *_ = np.linalg.lstsq(REST_BASIS.reshape(L, -1).T, offsets.reshape(-1), rcond=None)
    return np.asarray(lengths)
