"""How far an answer is from the truth; numpy, metres in, metres out, no mirror images allowed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .skeleton import JOINT_INDEX

Array = NDArray[np.float64]

EVALUATED_JOINTS: tuple[int, ...] = tuple(
    JOINT_INDEX[name]
    for name in (
        *(
            f"{side}{limb}"
            for side in ("Left", "Right")
            for limb in ("Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot")
        ),
        "Neck",
        "Head",
    )
)
"""The 12 limb joints, neck and head."""


def similarity(source: Array, target: Array, *, scaled: bool = True) -> tuple[Array, Array, Array]:
    """Rotation, scale and translation that bring points closest to others in the least-squares sense.

    Umeyama (1991); reflections are not allowed.

    Args:
        source, target: (..., N, 3).
        scaled: whether a scale is fitted as well; 1 otherwise.

    Returns:
        R (..., 3, 3), s (...), t (..., 3) with ``target ≈ s · R · source + t``.
    """
    source_mean, target_mean = source.mean(-2, keepdims=True), target.mean(-2, keepdims=True)
    a, b = source - source_mean, target - target_mean
    u, d, vt = np.linalg.svd(np.swapaxes(b, -1, -2) @ a)
    sign = np.ones_like(d)
    sign[..., -1] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    rotation = (u * sign[..., None, :]) @ vt
    spread = (a**2).sum((-1, -2))
    scale = (d * sign).sum(-1) / np.maximum(spread, 1e-12) if scaled else np.ones(d.shape[:-1])
    moved = scale[..., None] * (rotation @ np.swapaxes(source_mean, -1, -2))[..., 0]
    return rotation, scale, target_mean[..., 0, :] - moved


def p_mpjpe(predicted: Array, truth: Array) -> Array:
    """Per frame: mean joint error after the best similarity (Procrustes) without reflection.

    Args:
        predicted, truth: (T, N, 3).

    Returns:
        (T,).
    """
    rotation, scale, shift = similarity(predicted, truth)
    aligned = scale[:, None, None] * predicted @ np.swapaxes(rotation, -1, -2) + shift[:, None]
    return np.asarray(np.linalg.norm(aligned - truth, axis=-1).mean(-1))


def mpjpe(predicted: Array, truth: Array) -> Array:
    """Per frame (T,): mean joint error of joints (T, N, 3) that are relative to their root."""
    return np.asarray(np.linalg.norm(predicted - truth, axis=-1).mean(-1))
