"""A bone's own channels over time as curves: in its rotation mode, without flips, reduced where asked for."""

from __future__ import annotations

from typing import TypeAlias

import bpy
import numpy as np
from numpy.typing import NDArray

from ..animation import Curve, array_curves
from ..quaternions import one_hemisphere
from .rotations import to_axis_angle, to_euler

Array = NDArray[np.float64]
Animated: TypeAlias = bpy.types.Object | bpy.types.PoseBone


def rotation_curves(
    animated: Animated, path: str, frames: Array, rotations: Array, group: str, tolerance: float = 0.0
) -> list[Curve]:
    """Curves of a bone's or object's rotation; Euler channels that are locked keep their value.

    Args:
        path: before the property's name, with its dot; empty for an object.
        rotations: (N, 4) of its own channels.
        tolerance: radians by which keys may be left out; 0 keeps all.
    """
    mode = animated.rotation_mode
    if mode == "QUATERNION":
        name, values, size = "rotation_quaternion", one_hemisphere(rotations), 0.5
    elif mode == "AXIS_ANGLE":
        name, values, size = "rotation_axis_angle", to_axis_angle(rotations), 1.0
    else:
        name, values, size = (
            "rotation_euler",
            to_euler(rotations, mode, np.array(animated.rotation_euler)),
            1.0,
        )
    kept = kept_keys(values, tolerance * size)
    curves = array_curves(f"{path}{name}", frames[kept], values[kept], group)
    if name == "rotation_euler":
        curves = [curve for curve in curves if not animated.lock_rotation[curve.index]]
    return curves


def location_curves(
    animated: Animated, path: str, frames: Array, locations: Array, group: str, tolerance: float = 0.0
) -> list[Curve]:
    """Curves of a bone's or object's location (N, 3); channels that are locked keep their value."""
    kept = kept_keys(locations, tolerance)
    curves = array_curves(f"{path}location", frames[kept], locations[kept], group)
    return [curve for curve in curves if not animated.lock_location[curve.index]]


def bone_path(bone_name: str) -> str:
    """What a bone's curves begin with."""
    return f'pose.bones["{bpy.utils.escape_identifier(bone_name)}"].'


def kept_keys(values: Array, tolerance: float) -> NDArray[np.intp]:
    """Rows of (N, C) that must stay for straight lines between them to be within ``tolerance`` of all.

    Ramer-Douglas-Peucker, with the distance of the values at a frame, not to the line.
    """
    count = len(values)
    if tolerance <= 0.0 or count < 3:
        return np.arange(count)
    keep = np.zeros(count, dtype=bool)
    keep[[0, -1]] = True
    open_spans = [(0, count - 1)]
    while open_spans:
        start, end = open_spans.pop()
        if end - start < 2:
            continue
        share = (np.arange(start + 1, end) - start)[:, None] / (end - start)
        line = (1 - share) * values[start] + share * values[end]
        error = np.linalg.norm(values[start + 1 : end] - line, axis=1)
        worst = int(error.argmax())
        if error[worst] > tolerance:
            middle = start + 1 + worst
            keep[middle] = True
            open_spans += [(start, middle), (middle, end)]
    return np.flatnonzero(keep)
