"""Bones that may turn about some of their axes only, like the knees and elbows of many animators' rigs.

A locked channel keeps its value, so such a bone can't take every rotation. It takes the one that points it
best, what hangs on it is turned from there, and where a hinge can't reach a direction the bone above is
twisted until it can.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..quaternions import conjugate, multiply, rotate
from .rotations import IDENTITY, about_axis, eased, from_euler, to_euler

Array = NDArray[np.float64]

_ROUNDS = 30
_AXIS_WEIGHTS = np.array([1e-3, 1.0, 1e-3])
"""Of a bone's own axes: where it points counts, its twist where that is open."""
_CLEARLY_BENT = 0.06
"""Sine of the joint's angle from where on the bone above is twisted wholly; straight limbs need no twist."""


@dataclass(frozen=True)
class Locks:
    """Channels of a bone's rotation that must not change, some but not all of them.

    Attributes:
        locked: by axis.
        order: of the turns, first turn first.
        angles: (3,) present Euler angles, by axis.
    """

    locked: tuple[bool, bool, bool]
    order: str
    angles: Array

    @property
    def free(self) -> tuple[int, ...]:
        """Axes that may turn."""
        return tuple(axis for axis in range(3) if not self.locked[axis])


def locks_of(bone: bpy.types.PoseBone) -> Locks | None:
    """A bone's locks; None where all or none of its Euler angles are free."""
    locked = tuple(bone.lock_rotation)
    if bone.rotation_mode in ("QUATERNION", "AXIS_ANGLE") or all(locked) or not any(locked):
        return None
    return Locks(locked, bone.rotation_mode, np.array(bone.rotation_euler, dtype=np.float64))


def within_locks(rotations: Array, locks: Locks) -> Array:
    """(N, 4) nearest to the wanted own rotations (N, 4) of a bone: its direction first, then its twist.

    One axis at a time is turned to its best angle, which has a closed form, until nothing changes.
    """
    angles = to_euler(rotations, locks.order, locks.angles)
    angles[:, np.array(locks.locked)] = locks.angles[np.array(locks.locked)]
    wanted = [rotate(rotations, np.eye(3)[axis]) for axis in range(3)]
    for _ in range(_ROUNDS if len(locks.free) > 1 else 1):
        before = angles.copy()
        for axis in locks.free:
            inner, outer = _around(angles, locks.order, axis)
            line = np.eye(3)[axis]
            along, across = np.zeros(len(angles)), np.zeros(len(angles))
            for own, weight in enumerate(_AXIS_WEIGHTS):
                start = rotate(inner, np.eye(3)[own])
                end = rotate(conjugate(outer), wanted[own])
                start, end = (vector - (vector @ line)[:, None] * line for vector in (start, end))
                along += weight * (start * end).sum(axis=1)
                across += weight * (np.cross(start, end) @ line)
            best = np.arctan2(across, along)
            angles[:, axis] = best + 2 * np.pi * np.round((angles[:, axis] - best) / (2 * np.pi))
        if np.abs(angles - before).max() < 1e-6:
            break
    return from_euler(angles, locks.order)


def twist_for_hinge(upper: Array, lower: Array, space: Array, locks: Locks) -> Array:
    """(N, 4) turns of the bone above about its own direction, after which a hinge below can point as wanted.

    With the bone above twisted by an angle the hinge's axis goes around a cone, and must come to lie at the
    angle to the wanted direction that the bone has to its hinge. Of the two solutions the smaller is taken.

    Args:
        upper, lower: (N, 4) wanted rotations in the world; bones point along Y.
        space: (4,) of the lower bone's own channels relative to the upper bone.
        locks: of the lower bone, with one axis free.
    """
    frames = len(upper)
    if len(locks.free) != 1:
        return np.tile(IDENTITY, (frames, 1))
    (axis,) = locks.free
    inner, outer = (q[0] for q in _around(locks.angles[None], locks.order, axis))
    line = np.eye(3)[axis]
    hinge = rotate(multiply(upper, multiply(space, outer)), line)
    steepness = float(rotate(inner, np.array([0.0, 1.0, 0.0])) @ line)
    along, wanted = (rotate(q, np.array([0.0, 1.0, 0.0])) for q in (upper, lower))
    height = (hinge * along).sum(axis=1, keepdims=True) * along
    radius = hinge - height
    cosine = (wanted * radius).sum(axis=1)
    sine = (wanted * np.cross(along, radius)).sum(axis=1)
    reach = np.hypot(cosine, sine)
    rest = (steepness - (wanted * height).sum(axis=1)) / np.maximum(reach, 1e-9)
    middle, half = np.arctan2(sine, cosine), np.arccos(np.clip(rest, -1.0, 1.0))
    choices = np.stack([middle + half, middle - half])
    choices -= 2 * np.pi * np.round(choices / (2 * np.pi))
    angle = np.take_along_axis(choices, np.abs(choices).argmin(axis=0)[None], axis=0)[0]
    return about_axis(along, angle * eased(reach / _CLEARLY_BENT))


def _around(angles: Array, order: str, axis: int) -> tuple[Array, Array]:
    """(N, 4) turns before and after the one about an axis."""
    at = order.index("XYZ"[axis])
    return from_euler(angles, order[:at]), from_euler(angles, order[at + 1 :])
