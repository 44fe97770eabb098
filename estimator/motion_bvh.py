"""``.bvh`` files with the motion of one person, for every program that takes motion capture."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .atomic_write import written_whole
from .errors import MissingDependencyError
from .motion import Motion
from .skeleton import END_POINT_BASIS, END_POINT_JOINTS, JOINT_NAMES, PARENTS, J, lengths_from_rest_offsets

Array = NDArray[np.float64]

ROTATION_ORDER = "yxz"
"""Of the rotation channels, outermost first: the heading of an upright person is the first channel alone."""


def save_bvh(path: Path, motion: Motion) -> None:
    """Writes a motion as BVH, whole or not at all: Y up, the rest pose facing +Z, metres.

    The first frame of the file is ``motion.frame_start``; BVH has no place for that number. Heels are left
    out: only bones without children have an end site.

    Raises:
        InputError: the file can't be written.
        MissingDependencyError: pymotion or its scipy can't be imported.
    """
    try:
        # Slow, and not there in every installation: the rest of Kinelift works without.
        from pymotion.io.bvh import BVH
        from pymotion.rotations import quat_np
    except ImportError as error:
        raise MissingDependencyError(
            f"writing BVH needs the Python package {error.name}; install upc-pymotion and scipy"
        ) from error
    lengths = lengths_from_rest_offsets(motion.rest_offsets)
    leaves = [point for point, joint in enumerate(END_POINT_JOINTS) if joint not in PARENTS]
    offsets = y_up(motion.rest_offsets)
    w, xyz = motion.rotations[..., :1], motion.rotations[..., 1:]
    matrices = quat_np.to_matrix(np.concatenate([w, y_up(xyz)], axis=-1))
    positions = np.tile(offsets, (len(motion), 1, 1))
    positions[:, 0] = y_up(motion.root_translation)
    bvh = BVH()
    bvh.data = {
        "names": np.array(JOINT_NAMES),
        "offsets": offsets,
        "parents": np.array([max(parent, 0) for parent in PARENTS]),  # the root's is itself
        "end_sites": y_up(np.einsum("l,lpc->pc", lengths, END_POINT_BASIS[:, leaves])),
        "end_sites_parents": np.array([END_POINT_JOINTS[point] for point in leaves]),
        "rot_order": np.tile(list(ROTATION_ORDER), (J, 1)),
        "channels": np.array([6] + [3] * (J - 1)),
        "positions": positions,
        "rotations": np.degrees(continuous_euler_angles(matrices)),
        "frame_time": 1.0 / motion.fps,
    }
    with written_whole(path) as beside:
        bvh.save(str(beside))


def y_up(points: Array) -> Array:
    """Points (..., 3) from Kinelift's axes (Z up, facing -Y) to BVH's (Y up, facing +Z)."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def continuous_euler_angles(matrices: Array) -> Array:
    """Angles y, x, z with Ry·Rx·Rz equal to ``matrices`` that don't jump from frame to frame.

    Each rotation has two triples of angles, (y, x, z) and (y + π, π - x, z + π), each up to whole turns. Of
    all, every frame takes the one nearest to the frame before, so that programs that interpolate the
    channels, or filter them, see no flips. Where x is ±90° only y ∓ z is defined; y is kept there.

    Args:
        matrices: (T, N, 3, 3).

    Returns:
        (T, N, 3) radians.
    """
    sine = np.clip(-matrices[..., 1, 2], -1.0, 1.0)
    cosine = np.hypot(matrices[..., 0, 2], matrices[..., 2, 2])
    x = np.arctan2(sine, cosine)
    y = np.arctan2(matrices[..., 0, 2], matrices[..., 2, 2])
    z = np.arctan2(matrices[..., 1, 0], matrices[..., 1, 1])
    locked = cosine < 1e-7
    # Where locked, with y = 0: R = Rx(±90°)·Rz(z ∓ y), whose first row is cos, -sin.
    free_z = np.arctan2(-matrices[..., 0, 1], matrices[..., 0, 0])
    turn = 2 * math.pi
    angles = np.empty((*x.shape, 3))
    before = np.zeros((*x.shape[1:], 3))
    for frame in range(len(x)):
        held = locked[frame]
        y_now = np.where(held, before[..., 0], y[frame])
        z_now = np.where(held, free_z[frame] + np.sign(sine[frame]) * y_now, z[frame])
        first = np.stack([y_now, x[frame], z_now], axis=-1)
        second = np.stack([y_now + math.pi, math.pi - x[frame], z_now + math.pi], axis=-1)
        candidates = np.stack([first, second])
        candidates += turn * np.round((before - candidates) / turn)
        nearer = np.abs(candidates - before).sum(axis=-1).argmin(axis=0)
        before = np.take_along_axis(candidates, nearer[None, ..., None], axis=0)[0]
        angles[frame] = before
    return angles
