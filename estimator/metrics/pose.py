"""Errors of the pose, frame by frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..skeleton import JOINT_INDEX
from .alignment import aligned, similarity

Array = NDArray[np.float64]

LIMB_JOINTS: tuple[int, ...] = tuple(
    JOINT_INDEX[f"{side}{limb}"]
    for side in ("Left", "Right")
    for limb in ("Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot")
)
"""The 12 limb joints: shoulders, elbows, wrists, hips, knees and ankles."""

EVALUATED_JOINTS: tuple[int, ...] = (*LIMB_JOINTS, JOINT_INDEX["Neck"], JOINT_INDEX["Head"])
"""The 12 limb joints, neck and head."""


def mpjpe(predicted: Array, truth: Array) -> Array:
    """Per frame (T,): mean joint error of joints (T, N, 3) that are relative to their root, metres."""
    return np.asarray(np.linalg.norm(predicted - truth, axis=-1).mean(-1))


def n_mpjpe(predicted: Array, truth: Array) -> Array:
    """Per frame: mean joint error after the best scale about the root, without rotation.

    Rhodin et al. (CVPR 2018).

    Args:
        predicted, truth: (T, N, 3) relative to their root, metres.

    Returns:
        (T,) metres.
    """
    size = np.square(predicted).sum((-1, -2))
    scale = (predicted * truth).sum((-1, -2)) / np.maximum(size, 1e-12)
    return mpjpe(scale[:, None, None] * predicted, truth)


def p_mpjpe(predicted: Array, truth: Array) -> Array:
    """Per frame: mean joint error after the best similarity (Procrustes) without reflection.

    Args:
        predicted, truth: (T, N, 3).

    Returns:
        (T,) metres.
    """
    return mpjpe(aligned(predicted, similarity(predicted, truth)), truth)


def bone_length_spread(joints: Array, bones: tuple[tuple[int, int], ...]) -> float:
    """By how much bones change their length over a clip: standard deviation over mean, averaged over bones.

    Args:
        joints: (T, J, 3).
        bones: pairs of joints.
    """
    ends = np.array(bones)
    lengths = np.linalg.norm(joints[:, ends[:, 0]] - joints[:, ends[:, 1]], axis=-1)
    return float((lengths.std(axis=0) / np.maximum(lengths.mean(axis=0), 1e-9)).mean())
