"""Laying one set of points onto another, without reflection."""

from __future__ import annotations

import numpy as np
import roma
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]


def similarity(source: Array, target: Array, *, scaled: bool = True) -> tuple[Array, Array, Array]:
    """Rotation, scale and translation that bring points closest to others in the least-squares sense.

    Umeyama (1991); reflections are not allowed.

    Args:
        source, target: (..., N, 3).
        scaled: whether a scale is fitted as well; 1 otherwise.

    Returns:
        R (..., 3, 3), s (...), t (..., 3) with ``target ≈ s · R · source + t``.
    """
    points = torch.from_numpy(np.ascontiguousarray(source, dtype=np.float64))
    goals = torch.from_numpy(np.ascontiguousarray(target, dtype=np.float64))
    if not scaled:
        rotation, shift = roma.rigid_points_registration(points, goals)
        return rotation.numpy(), np.ones(source.shape[:-2]), shift.numpy()
    rotation, shift, scale = roma.rigid_points_registration(points, goals, compute_scaling=True)
    # Points that all lie in one place have no size: they stay in one place.
    flat = (points - points.mean(dim=-2, keepdim=True)).abs().amax(dim=(-1, -2)) < 1e-9
    if flat.any():
        scale = torch.where(flat, 0.0, scale)
        shift = torch.where(flat[..., None], goals.mean(dim=-2), shift)
    return rotation.numpy(), scale.numpy(), shift.numpy()


def aligned(points: Array, transform: tuple[Array, Array, Array]) -> Array:
    """Points (..., N, 3) moved by what ``similarity`` returned."""
    rotation, scale, shift = transform
    turned = points @ np.swapaxes(rotation, -1, -2)
    return np.asarray(scale[..., None, None] * turned + shift[..., None, :])
