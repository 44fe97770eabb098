"""Rotations in numpy: matrices, quaternions (w, x, y, z), and Euler angles in Blender's orders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..quaternions import conjugate, multiply, one_hemisphere

Array = NDArray[np.float64]

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])
_HALF_TURN = np.pi


def from_matrices(matrices: Array) -> Array:
    """Unit quaternions of (..., 3, 3) whose columns are orthogonal, of any one positive length each.

    By Shepperd's method: divided by the largest of the four components, so exact for every rotation.
    """
    columns = matrices / np.linalg.norm(matrices, axis=-2, keepdims=True)
    flat = columns.reshape(-1, 3, 3)
    diagonal = np.einsum("nii->ni", flat)
    trace = diagonal.sum(axis=1)
    squares = np.column_stack([trace, diagonal])
    largest = squares.argmax(axis=1)
    found = np.empty((len(flat), 4))
    for case in range(4):
        rows = np.flatnonzero(largest == case)
        m = flat[rows]
        if case == 0:
            parts = (
                1.0 + trace[rows],
                m[:, 2, 1] - m[:, 1, 2],
                m[:, 0, 2] - m[:, 2, 0],
                m[:, 1, 0] - m[:, 0, 1],
            )
            found[rows] = np.column_stack(parts)
            continue
        i, j, k = (case - 1, case % 3, (case + 1) % 3)
        found[rows, 0] = m[:, k, j] - m[:, j, k]
        found[rows, 1 + i] = 1.0 + m[:, i, i] - m[:, j, j] - m[:, k, k]
        found[rows, 1 + j] = m[:, j, i] + m[:, i, j]
        found[rows, 1 + k] = m[:, k, i] + m[:, i, k]
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found.reshape(*matrices.shape[:-2], 4)


def to_matrices(q: Array) -> Array:
    """(..., 3, 3) of unit quaternions (..., 4)."""
    w, x, y, z = np.moveaxis(q, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def about_axis(axis: Array, angle: Array) -> Array:
    """Rotation about unit axes (..., 3) by ``angle`` (...) in radians."""
    return np.concatenate([np.cos(angle / 2)[..., None], axis * np.sin(angle / 2)[..., None]], axis=-1)


def swing(start: Array, end: Array) -> Array:
    """The smallest rotation that takes directions ``start`` (..., 3) to ``end`` (..., 3)."""
    a = start / np.linalg.norm(start, axis=-1, keepdims=True)
    b = end / np.linalg.norm(end, axis=-1, keepdims=True)
    a, b = np.broadcast_arrays(a, b)
    cosine = (a * b).sum(axis=-1, keepdims=True)
    q = np.concatenate([1.0 + cosine, np.cross(a, b)], axis=-1)
    # Opposite directions leave the axis open: any that is across will do.
    across = np.cross(a, np.where(np.abs(a[..., :1]) < 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
    opposite = np.concatenate([np.zeros_like(cosine), across], axis=-1)
    q = np.where(cosine < -1.0 + 1e-9, opposite, q)
    return np.asarray(q / np.linalg.norm(q, axis=-1, keepdims=True))


def scaled(q: Array, share: Array) -> Array:
    """The same rotation by a share (...) of its angle, the short way."""
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1)
    angle = 2.0 * np.arctan2(sine, q[..., 0])
    axis = q[..., 1:] / np.where(sine < 1e-12, 1.0, sine)[..., None]
    return about_axis(axis, angle * share)


def angle_between(a: Array, b: Array) -> Array:
    """Radians (...) of the rotation that leads from ``a`` to ``b``."""
    q = multiply(conjugate(a), b)
    return np.asarray(2.0 * np.arctan2(np.linalg.norm(q[..., 1:], axis=-1), np.abs(q[..., 0])))


def frame(main: Array, second: Array) -> Array:
    """Quaternions of frames whose first axis is ``main`` (..., 3), the second nearest to ``second``."""
    x = main / np.linalg.norm(main, axis=-1, keepdims=True)
    z = np.cross(x, second)
    z = z / np.linalg.norm(z, axis=-1, keepdims=True)
    return from_matrices(np.stack([x, np.cross(z, x), z], axis=-1))


def from_euler(angles: Array, order: str) -> Array:
    """Quaternions of Euler angles (..., 3), indexed by axis, in one of Blender's orders, first turn first."""
    q = np.broadcast_to(IDENTITY, (*angles.shape[:-1], 4))
    for letter in order:
        axis = "XYZ".index(letter)
        q = multiply(about_axis(np.broadcast_to(np.eye(3)[axis], angles.shape), angles[..., axis]), q)
    return q


def to_euler(q: Array, order: str, near: Array) -> Array:
    """Euler angles (T, 3), indexed by axis, of rotations (T, 4) over time, without jumps.

    Each rotation has two triples of angles, each up to whole turns. Every frame takes the one nearest to the
    frame before, the first the one nearest to ``near`` (3,).

    Source of the formula: the product of three turns i, j, k about different axes, written out.
    """
    i, j, k = ("XYZ".index(letter) for letter in order)
    parity = 1.0 if (i, j, k) in {(0, 1, 2), (1, 2, 0), (2, 0, 1)} else -1.0
    m = to_matrices(q)
    sine = np.clip(-parity * m[:, k, i], -1.0, 1.0)
    level = np.hypot(m[:, i, i], m[:, j, i])
    first = np.empty((len(q), 3))
    first[:, i] = np.arctan2(parity * m[:, k, j], m[:, k, k])
    first[:, j] = np.arctan2(sine, level)
    first[:, k] = np.arctan2(parity * m[:, j, i], m[:, i, i])
    locked = level < 1e-6  # only the sum or the difference of the outer angles is defined
    first[locked, i] = np.arctan2(-parity * m[locked, j, k], m[locked, j, j])
    first[locked, k] = 0.0
    second = first + _HALF_TURN
    second[:, j] = _HALF_TURN - first[:, j]

    found = np.empty_like(first)
    before = np.asarray(near, dtype=np.float64)
    for row in range(len(q)):
        choices = np.stack([first[row], second[row]])
        choices += 2 * _HALF_TURN * np.round((before - choices) / (2 * _HALF_TURN))
        before = found[row] = choices[np.abs(choices - before).sum(axis=1).argmin()]
    return found


def to_axis_angle(q: Array) -> Array:
    """(T, 4) angle and axis of rotations (T, 4) over time; the axis doesn't flip."""
    q = one_hemisphere(q)
    sine = np.linalg.norm(q[:, 1:], axis=1)
    angle = 2.0 * np.arctan2(sine, q[:, 0])
    axis = np.tile([0.0, 1.0, 0.0], (len(q), 1))
    for row in range(len(q)):
        if sine[row] > 1e-8:
            axis[row] = q[row, 1:] / sine[row]
        elif row:
            axis[row] = axis[row - 1]
        if row and axis[row] @ axis[row - 1] < 0:
            axis[row], angle[row] = -axis[row], -angle[row]
    return np.column_stack([np.unwrap(angle), axis])


def smooth(values: Array, sigma: float) -> Array:
    """Gaussian filter along the first axis, ends held; sigma in samples."""
    reach = int(np.ceil(3 * sigma))
    if not reach or not len(values):
        return values
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, [(reach, reach)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    return np.asarray(np.apply_along_axis(np.convolve, 0, padded, kernel, mode="valid"))


def eased(share: Array) -> Array:
    """0..1 with a level start and end; what is beyond is held."""
    share = np.clip(share, 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share))
