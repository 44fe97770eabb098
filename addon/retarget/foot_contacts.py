"""When the source's heels and balls stand still: as its estimate says, else as its motion shows."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from ..animation import fcurves_of
from ..take_properties import CONTACT_PROPERTIES
from .human_bones import SIDES
from .source_motion import SourceMotion

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_PROBABLE = 0.5
_SLOW = 0.3
"""Of the leg's length per second: a foot that stands is slower, even in noisy motion."""
_LOW = 0.10
"""Of the leg's length: a foot that stands is no higher over the ground."""
_SHORTEST_SECONDS = 0.08
_GAP_SECONDS = 0.07
_LOWEST_SHARE = 5.0
"""Percentile of the lowest point's height that is taken for the ground."""


def ground_height(motion: SourceMotion) -> float:
    """Height of the ground that the source's feet stand on, from the lowest that they go."""
    points = np.stack([points[:, 2] for group in (motion.heels, motion.balls) for points in group.values()])
    return float(np.percentile(points.min(axis=0), _LOWEST_SHARE))


def contacts(
    source: bpy.types.Object, motion: SourceMotion, leg_length: float, ground: float, frames_per_second: float
) -> dict[str, Flags]:
    """(N, 2) by side: whether heel and ball stand still."""
    known = _stored(source, motion.frames)
    found = {}
    for side in SIDES:
        columns = []
        for column, points in enumerate((motion.heels[side], motion.balls[side])):
            if known is not None:
                flags = known[side][:, column]
            else:
                flags = _still(points, leg_length, ground, frames_per_second)
            columns.append(_steady(flags, frames_per_second))
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


def _steady(flags: Flags, frames_per_second: float) -> Flags:
    """Short gaps closed, then short contacts dropped."""
    flags = flags.copy()
    for value, seconds in ((False, _GAP_SECONDS), (True, _SHORTEST_SECONDS)):
        for start, end in runs(flags == value):
            inside = start > 0 and end < len(flags)
            if (inside or value) and end - start < seconds * frames_per_second:
                flags[start:end] = not value
    return flags


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Start and end (exclusive) of each stretch of True."""
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))
