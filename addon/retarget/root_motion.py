"""Who carries the path: the hips, a root bone, the object, or nobody."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..quaternions import about_z, multiply, rotate
from .anatomy import Body
from .forward_kinematics import World
from .rotations import IDENTITY
from .transfer import heading

Array = NDArray[np.float64]
RootMode = Literal["HIPS", "ROOT_BONE", "OBJECT", "IN_PLACE"]


def in_place(hip_centre: Array) -> Array:
    """The path (N, 3) without its way over the ground."""
    return np.asarray(hip_centre - (hip_centre - hip_centre[0]) * [1.0, 1.0, 0.0])


def ground_path(
    target: Body,
    source: Body,
    turns: Array,
    hip_centre: Array,
    ground: float,
    rest: Array,
    frames_per_second: float,
) -> tuple[Array, Array]:
    """Rotation (N, 4) and place (N, 3) of something on the ground that goes along below the hips.

    Args:
        turns: (N, 4) of the hips from the matched rest, which faces as ``source`` does at rest.
        rest: (3,) where it is at rest; it keeps its place relative to the hips and the sole.
    """
    angle = heading(turns, source.axes, frames_per_second)
    rest_angle = heading(IDENTITY[None], target.axes, 1.0)
    turn = about_z(angle - rest_angle)
    offset = (rest - target.hip_centre) * [1.0, 1.0, 0.0]
    place = hip_centre * [1.0, 1.0, 0.0] + rotate(turn, offset)
    place[:, 2] = ground + float(rest @ target.up) - target.sole
    return turn, place


def object_world(
    target: Body, source: Body, turns: Array, hip_centre: Array, ground: float, frames_per_second: float
) -> World:
    """The target's object moved along below the hips."""
    rig = target.rig
    turn, place = ground_path(target, source, turns, hip_centre, ground, rig.world[:3, 3], frames_per_second)
    return World(multiply(turn, rig.world_rotation), place, rig.scale)
