"""Unit quaternions (..., 4) as w, x, y, z, in numpy: what writing keys needs, without scipy or torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def multiply(a: Array, b: Array) -> Array:
    """Hamilton product, broadcast: the rotation ``b`` followed by ``a``."""
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def conjugate(q: Array) -> Array:
    """The inverse rotation."""
    return q * [1.0, -1.0, -1.0, -1.0]


def rotate(q: Array, vectors: Array) -> Array:
    """Vectors (..., 3) turned by ``q``."""
    w, axis = q[..., :1], q[..., 1:]
    across = 2.0 * np.cross(axis, vectors)
    return np.asarray(vectors + w * across + np.cross(axis, across))


def about_z(angle: Array) -> Array:
    """Rotation about the vertical by ``angle`` (...) in radians, counter-clockwise seen from above."""
    zero = np.zeros_like(angle)
    return np.stack([np.cos(angle / 2), zero, zero, np.sin(angle / 2)], axis=-1)


def one_hemisphere(q: Array) -> Array:
    """Signs of (T, ..., 4) changed so that neighbours in time lie in one hemisphere; the first has w >= 0.

    Interpolating the components of such keys takes the short way round.
    """
    flipped = np.empty(q.shape[:-1], dtype=bool)
    flipped[0] = q[0, ..., 0] < 0
    flipped[1:] = (q[1:] * q[:-1]).sum(axis=-1) < 0
    return np.where((np.cumsum(flipped, axis=0) % 2 == 1)[..., None], -q, q)


def slerp(a: Array, b: Array, fraction: Array) -> Array:
    """Spherical interpolation the short way round; ``fraction`` in 0..1 has one axis less, or broadcasts."""
    cosine = (a * b).sum(axis=-1)
    b = np.where(cosine[..., None] < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(cosine), 0.0, 1.0))
    sine = np.sin(angle)
    near = sine < 1e-6
    divisor = np.where(near, 1.0, sine)
    weight_a = np.where(near, 1.0 - fraction, np.sin((1.0 - fraction) * angle) / divisor)
    weight_b = np.where(near, fraction, np.sin(fraction * angle) / divisor)
    mixed = weight_a[..., None] * a + weight_b[..., None] * b
    return np.asarray(mixed / np.linalg.norm(mixed, axis=-1, keepdims=True))
