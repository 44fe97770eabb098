"""Poses of a control rig from its channels, and channels from the poses that are wanted; N frames at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..quaternions import conjugate, multiply, rotate
from .control_rig import ARMATURE, Control, ControlRig
from .rotation_locks import within_locks

Array = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """Where the target's object is, over N frames: rotation (N, 4), place (N, 3), and scale."""

    rotation: Array
    place: Array
    scale: float


def resting_world(rig: ControlRig, frames: int) -> World:
    """The object where it is now."""
    rest = rig.rest
    return World(
        np.broadcast_to(rest.world_rotation, (frames, 4)),
        np.broadcast_to(rest.world[:3, 3], (frames, 3)),
        rest.scale,
    )


@dataclass(frozen=True)
class Posed:
    """Controls in the world over N frames.

    Attributes:
        rotations: (C, N, 4).
        heads: (C, N, 3).
        own_rotations: (C, N, 4) of the controls' own channels.
        own_locations: (C, N, 3).
    """

    rotations: Array
    heads: Array
    own_rotations: Array
    own_locations: Array


def pose_controls(
    rig: ControlRig,
    world: World,
    wanted_rotations: dict[int, Array],
    wanted_heads: dict[int, Array],
) -> Posed:
    """Turns and moves controls as wanted in the world, as far as their locks let them; the others keep their
    own channels.

    Args:
        wanted_rotations: by control, (N, 4).
        wanted_heads: by control, (N, 3).
    """
    frames = len(world.place)
    count = len(rig.controls)
    posed = Posed(
        np.empty((count, frames, 4)),
        np.empty((count, frames, 3)),
        np.empty((count, frames, 4)),
        np.empty((count, frames, 3)),
    )
    for row, control in enumerate(rig.controls):
        space = multiply(_rotation(posed, world, control.turned_by), control.turn)
        if row in wanted_rotations:
            posed.rotations[row] = wanted_rotations[row]
            posed.own_rotations[row] = multiply(conjugate(space), wanted_rotations[row])
            if control.locks is not None:
                posed.own_rotations[row] = within_locks(posed.own_rotations[row], control.locks)
                posed.rotations[row] = multiply(space, posed.own_rotations[row])
        else:
            posed.own_rotations[row] = control.rotation
            posed.rotations[row] = multiply(space, posed.own_rotations[row])
        place, axes = head_space(control, posed, world)
        if row in wanted_heads:
            posed.heads[row] = wanted_heads[row]
            offset = wanted_heads[row] - place
            posed.own_locations[row] = np.linalg.solve(axes, offset[..., None])[..., 0]
        else:
            posed.own_locations[row] = control.location
            posed.heads[row] = place + (axes @ control.location)
    return posed


def head_space(control: Control, posed: Posed, world: World) -> tuple[Array, Array]:
    """(N, 3) where the control's head is without location, (N, 3, 3) what one unit of each channel moves."""
    turn = _rotation(posed, world, control.carried_by)
    start = world.place if control.carried_by == ARMATURE else posed.heads[control.carried_by]
    place = start + world.scale * rotate(turn, control.place)
    axes = world.scale * np.stack(
        [rotate(turn, control.location_axes[:, axis]) for axis in range(3)], axis=-1
    )
    return place, axes


def _rotation(posed: Posed, world: World, above: int) -> Array:
    return world.rotation if above == ARMATURE else posed.rotations[above]
