"""When the source's heels and balls stand still: as its estimate says, else as its motion shows."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from ..animation import fcurves_of
from ..take_properties import CONTACT_PROPERTIES
from .anatomy import Body
from .human_bones import SIDES
from .rotations import smooth
from .source_motion import SourceMotion

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_PROBABLE = 0.5
_SLOW = 0.3
"""Of the leg's length per second: a foot that stands is slower, even in noisy motion."""
_LOW = 0.04
"""Of the leg's length: a heel or ball that stands is no higher over where it rests."""
_STANDS = 0.12
"""Of the leg's length per second, noise taken out: at its stillest a foot that stands is slower, and one that
slides is not."""
_ROLLS = 0.18
"""Likewise: one that is faster at the beginning or end is still being set down, or already lifted."""
_RISES = 0.06
"""Likewise, up or down: a heel that comes up so slowly rolls as well."""
_NOISE_SECONDS = 0.08
_SHORT_NOISE_SECONDS = 0.03
"""For the beginning and end, which more smoothing would wear away."""
_ONE_PLACE = 0.04
"""Of the leg's length: how far a foot may stray from where it stands."""
_SHORTEST_SECONDS = 0.08
_GAP_SECONDS = 0.07
_LOWEST_SHARE = 5.0
"""Percentile of the lowest point's height that is taken for the ground."""


def ground_height(motion: SourceMotion) -> float:
    """Height of the ground that the source's feet stand on, from the lowest that they go."""
    points = np.stack([points[:, 2] for group in (motion.heels, motion.balls) for points in group.values()])
    return float(np.percentile(points.min(axis=0), _LOWEST_SHARE))


def contacts(
    source: bpy.types.Object, motion: SourceMotion, body: Body, ground: float, frames_per_second: float
) -> dict[str, Flags]:
    """(N, 2) by side: whether heel and ball stand still."""
    known = _stored(source, motion.frames)
    leg_length = body.leg_length
    found = {}
    for side in SIDES:
        columns = []
        over_ball = float(body.balls[side] @ body.up) - body.sole
        for column, (points, resting) in enumerate(
            ((motion.heels[side], 0.0), (motion.balls[side], over_ball))
        ):
            if known is not None:
                flags = known[side][:, column]
            else:
                flags = _still(points, leg_length, ground + resting, frames_per_second)
            flags = _without_gaps(flags, points, leg_length, frames_per_second)
            if known is None:
                flags = _in_one_place(flags, points, leg_length, frames_per_second)
            columns.append(_without_short(flags, frames_per_second))
        found[side] = np.column_stack(columns)
    return found


def _stored(source: bpy.types.Object, frames: Array) -> dict[str, Flags] | None:
    curves = {curve.data_path: curve for curve in fcurves_of(source)}
    paths = {side: [f'["{name}"]' for name in names] for side, names in CONTACT_PROPERTIES.items()}
    if not all(path in curves for side in paths.values() for path in side):
        return None
    return {
        side: np.array([[curves[path].evaluate(frame) > _PROBABLE for path in names] for frame in frames])
        for side, names in paths.items()
    }


def _still(points: Array, leg: float, ground: float, frames_per_second: float) -> Flags:
    if len(points) < 3:
        return np.zeros(len(points), dtype=bool)
    speed = np.linalg.norm(np.gradient(points, axis=0), axis=1) * frames_per_second
    return np.asarray((speed < _SLOW * leg) & (points[:, 2] - ground < _LOW * leg))


def _without_gaps(flags: Flags, points: Array, leg: float, frames_per_second: float) -> Flags:
    """Short gaps closed, unless the point went elsewhere in between."""
    flags = flags.copy()
    for start, end in runs(~flags):
        inside = start > 0 and end < len(flags)
        if inside and end - start < _GAP_SECONDS * frames_per_second:
            away = np.linalg.norm(points[start : end + 1] - points[start - 1], axis=1)
            flags[start:end] = away.max() < _ONE_PLACE * leg
    return flags


def _in_one_place(flags: Flags, points: Array, leg: float, frames_per_second: float) -> Flags:
    """Of each stretch what is near the places where the point really stands; sliding is no standing."""
    if not flags.any():
        return flags
    calm, rough = (
        np.gradient(smooth(points, seconds * frames_per_second), axis=0) * frames_per_second
        for seconds in (_NOISE_SECONDS, _SHORT_NOISE_SECONDS)
    )
    speed = np.linalg.norm(calm, axis=1)
    rolling = (np.linalg.norm(rough, axis=1) > _ROLLS * leg) | (np.abs(rough[:, 2]) > _RISES * leg)
    found = np.zeros(len(flags), dtype=bool)
    waiting = runs(flags)
    while waiting:
        start, end = waiting.pop()
        stillest = start + int(speed[start:end].argmin())
        if speed[stillest] > _STANDS * leg:
            continue
        near = np.linalg.norm(points[start:end] - points[stillest], axis=1) < _ONE_PLACE * leg
        first, last = next(run for run in runs(near) if run[0] <= stillest - start < run[1])
        rests = ~rolling[start + first : start + last]
        rests[stillest - start - first] = True
        begin, finish = np.flatnonzero(rests)[[0, -1]]
        found[start + first + begin : start + first + finish + 1] = True
        waiting += [(a, b) for a, b in ((start, start + first - 1), (start + last + 1, end)) if b - a > 1]
    return found


def _without_short(flags: Flags, frames_per_second: float) -> Flags:
    """Contacts that are too short to be any dropped."""
    flags = flags.copy()
    for start, end in runs(flags):
        if end - start < _SHORTEST_SECONDS * frames_per_second:
            flags[start:end] = False
    return flags


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Start and end (exclusive) of each stretch of True."""
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))
