"""Rotations between directions, batched in numpy; (..., 3, 3) matrices that act on columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def unit(vectors: Array) -> Array:
    """Vectors (..., 3) at length one; zero stays zero."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))


def _cross_matrix(vectors: Array) -> Array:
    """(..., 3, 3) such that the product with w is ``cross(vectors, w)``."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    entries = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1)
    return np.asarray(entries.reshape(*x.shape, 3, 3))


def rotation_about(axis: Array, angle: Array | float) -> Array:
    """(..., 3, 3) about unit axes (..., 3) by radians (...), by Rodrigues' formula."""
    cross = _cross_matrix(axis)
    angles = np.asarray(angle)[..., None, None]
    return np.asarray(np.eye(3) + np.sin(angles) * cross + (1.0 - np.cos(angles)) * (cross @ cross))


def swing(start: Array, end: Array) -> Array:
    """(..., 3, 3): the smallest rotation of unit vectors ``start`` to ``end``; they aren't opposite."""
    cross = _cross_matrix(np.cross(start, end))
    cosine = np.sum(start * end, axis=-1)[..., None, None]
    return np.asarray(np.eye(3) + cross + cross @ cross / np.maximum(1.0 + cosine, 1e-6))


def angle_of(rotations: Array) -> Array:
    """(...) radians from 0 to pi of rotations (..., 3, 3)."""
    trace = np.trace(rotations, axis1=-2, axis2=-1)
    return np.asarray(np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0)))


def step_angles(rotations: Array) -> Array:
    """(T - 1, ...) radians between consecutive rotations (T, ..., 3, 3)."""
    # The trace of A^T B is the sum of their elementwise product.
    trace = np.sum(rotations[:-1] * rotations[1:], axis=(-2, -1))
    return np.asarray(np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0)))
