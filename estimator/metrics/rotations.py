"""Errors of joint rotations, because skinned meshes show them; quaternions w, x, y, z, angles in degrees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..skeleton import (
    END_POINT_BASIS,
    END_POINT_JOINTS,
    END_POINT_NAMES,
    HINGES,
    JOINT_INDEX,
    MEAN_LENGTHS,
    J,
    rest_offsets,
)

Array = NDArray[np.float64]

HYPEREXTENSION = 5.0
"""Degrees past straight from which on a knee or an elbow looks broken."""

_MAIN_CHILD = {
    "Hips": "Spine",
    "Spine": "Spine1",
    "Spine1": "Spine2",
    "Spine2": "Neck",
    "Neck": "Head",
    **{
        f"{side}{joint}": f"{side}{child}"
        for side in ("Left", "Right")
        for joint, child in (
            ("Shoulder", "Arm"),
            ("Arm", "ForeArm"),
            ("ForeArm", "Hand"),
            ("UpLeg", "Leg"),
            ("Leg", "Foot"),
            ("Foot", "ToeBase"),
        )
    },
}
_LAST_POINT = ("head_top", "left_fingertips", "right_fingertips", "left_toe_tip", "right_toe_tip")


def _bone_directions() -> Array:
    """(22, 3) unit vectors at rest from each joint along its bone."""
    offsets = rest_offsets(MEAN_LENGTHS)
    ends = np.einsum("l,ljc->jc", MEAN_LENGTHS, END_POINT_BASIS)
    along = np.zeros((J, 3))
    for joint, child in _MAIN_CHILD.items():
        along[JOINT_INDEX[joint]] = offsets[JOINT_INDEX[child]]
    for name in _LAST_POINT:
        index = END_POINT_NAMES.index(name)
        along[END_POINT_JOINTS[index]] = ends[index]
    return np.asarray(along / np.linalg.norm(along, axis=-1, keepdims=True))


BONE_DIRECTIONS: Array = _bone_directions()


def _rotations(quaternions: Array) -> Rotation:
    return Rotation.from_quat(quaternions.reshape(-1, 4), scalar_first=True)


@dataclass(frozen=True)
class RotationErrors:
    """Degrees (T, 22) per frame and joint.

    Attributes:
        angle: the whole error (geodesic).
        swing: of the bone's direction.
        twist: about the bone, which joint positions don't show.
    """

    angle: Array
    swing: Array
    twist: Array


def rotation_errors(predicted: Array, truth: Array) -> RotationErrors:
    """Errors of rotations (T, 22, 4), each in the axes of the same parent.

    The error is split into a twist about the bone followed by a swing of it (Dobrowolski 2015).
    """
    error = _rotations(truth).inv() * _rotations(predicted)
    quaternion = error.as_quat(canonical=True, scalar_first=True)
    along = np.broadcast_to(BONE_DIRECTIONS, (*truth.shape[:-1], 3)).reshape(-1, 3)
    turned = error.apply(along)
    swing = np.arctan2(np.linalg.norm(np.cross(along, turned), axis=-1), (along * turned).sum(-1))
    twist = 2 * np.arctan2(np.abs((quaternion[:, 1:] * along).sum(-1)), quaternion[:, 0])
    shape = truth.shape[:-1]
    return RotationErrors(*(np.degrees(value).reshape(shape) for value in (error.magnitude(), swing, twist)))


def rotation_steps(quaternions: Array) -> Array:
    """(T - 1, N) degrees that rotations (T, N, 4) turn from frame to frame."""
    step = _rotations(quaternions[:-1]).inv() * _rotations(quaternions[1:])
    return np.asarray(np.degrees(step.magnitude()).reshape(quaternions[1:].shape[:-1]))


def rotational_acceleration(quaternions: Array) -> float:
    """Mean change of the rotation per frame, degrees per frame squared; rotations (T, N, 4).

    To be divided by the truth's; nan under three frames.
    """
    if len(quaternions) < 3:
        return float("nan")
    step = (_rotations(quaternions[:-1]).inv() * _rotations(quaternions[1:])).as_rotvec(degrees=True)
    velocity = step.reshape(*quaternions[1:].shape[:-1], 3)
    return float(np.linalg.norm(np.diff(velocity, axis=0), axis=-1).mean())


def hyperextended(quaternions: Array) -> Array:
    """(T, 4) True where left elbow, right elbow, left knee, right knee bend the wrong way; (T, 22, 4)."""
    local = quaternions[:, [JOINT_INDEX[name] for name in HINGES]]
    axes = np.array([sign * np.eye(3)[axis] for axis, sign in HINGES.values()])
    half = np.arctan2((local[..., 1:] * axes).sum(-1), local[..., 0])
    flexion = (np.degrees(2 * half) + 180.0) % 360.0 - 180.0
    return np.asarray(flexion < -HYPEREXTENSION)
