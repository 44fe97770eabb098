"""A minute's walk round a circle, chained from one step cycle of a captured walk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from .protocol import FPS, WALK_RADIUS, WALK_SECONDS
from .scene import TrueMotion

Array = NDArray[np.float64]

_SHORTEST_CYCLE = 24
"""Frames of the fewest steps worth repeating: one cycle of a fast walk."""
_BLEND = 6
"""Frames over which the end of the cycle goes over into its start."""


def _mismatch(motion: TrueMotion) -> Array:
    """(T, T) how badly frame j would follow on frame i: mean angle between poses and their changes."""
    frames = len(motion.root)
    vectors = Rotation.from_quat(motion.rotations[:, 1:].reshape(-1, 4), scalar_first=True).as_rotvec()
    pose = vectors.reshape(frames, -1)
    features = np.concatenate([pose, 5.0 * np.gradient(pose, axis=0)], axis=1)
    return np.asarray(np.linalg.norm(features[:, None] - features[None], axis=-1))


def _cycle(motion: TrueMotion) -> slice:
    """The stretch of frames whose end goes over into its start best."""
    frames = len(motion.root)
    mismatch = _mismatch(motion)
    start, end = np.triu_indices(frames, _SHORTEST_CYCLE)
    usable = (start >= _BLEND) & (end < frames - 1)
    start, end = start[usable], end[usable]
    best = int(np.argmin(mismatch[start, end]))
    return slice(int(start[best]), int(end[best]))


def _blended(before: Array, after: Array, share: Array) -> Array:
    """Quaternions (N, 22, 4) from ``before`` to ``after``, by shares (N,) of the latter."""
    frames, joints = before.shape[:2]
    result = np.empty_like(before)
    for frame in range(frames):
        for joint in range(joints):
            pair = Rotation.from_quat(
                np.stack([before[frame, joint], after[frame, joint]]), scalar_first=True
            )
            result[frame, joint] = Slerp([0.0, 1.0], pair)(share[frame]).as_quat(scalar_first=True)
    return result


def _direction(root: Array) -> float:
    """Radians, of the way as a whole over the ground."""
    way = root[-1] - root[0]
    return float(np.arctan2(way[1], way[0]))


def long_walk(walk: TrueMotion) -> TrueMotion:
    """Repeats the step cycle of a straight walk and bends the way into a circle.

    Bending turns a standing foot by a few degrees while it stands, at most some 2 mm a frame.

    Args:
        walk: of about two seconds or more, straight, on level ground.
    """
    part = _cycle(walk)
    length = part.stop - part.start
    lead = slice(part.start - _BLEND, part.start)
    tail = slice(part.stop - _BLEND, part.stop)
    share = (np.arange(_BLEND) + 1) / (_BLEND + 1)

    rotations = walk.rotations[part].copy()
    rotations[-_BLEND:] = _blended(walk.rotations[tail], walk.rotations[lead], share)
    height = walk.root[part, 2].copy()
    height[-_BLEND:] += share * (walk.root[lead, 2] - walk.root[tail, 2])
    # Along the way (steps[:, 0]) and across it; across it a cycle must come back to where it began.
    towards = Rotation.from_euler("z", -_direction(walk.root[part])).as_matrix()[:2, :2]
    steps = np.diff(walk.root[part.start : part.stop + 1, :2], axis=0) @ towards.T
    before = np.diff(walk.root[lead.start : lead.stop + 1, :2], axis=0) @ towards.T
    steps[-_BLEND:] += share[:, None] * (before - steps[-_BLEND:])
    steps[:, 1] -= steps[:, 1].mean()

    frames = int(WALK_SECONDS * FPS)
    index = np.arange(frames) % length
    along = np.concatenate([[0.0], np.cumsum(steps[index, 0])[:-1]])
    across = np.concatenate([[0.0], np.cumsum(steps[index, 1])[:-1]])
    angle = along / WALK_RADIUS
    radius = WALK_RADIUS - across
    root = np.stack([radius * np.sin(angle), -radius * np.cos(angle), height[index]], axis=-1)
    turn = Rotation.from_euler("z", angle - _direction(walk.root[part]))
    quaternions = rotations[index].copy()
    upright = turn * Rotation.from_quat(quaternions[:, 0], scalar_first=True)
    quaternions[:, 0] = upright.as_quat(scalar_first=True)
    still = walk.still[part][index]
    return replace(walk, rotations=quaternions, root=root, still=still)
