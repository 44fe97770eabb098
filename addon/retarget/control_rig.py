"""The target's bones as controls: what each one really hangs on.

A bone's pose is the space it hangs in times its own channels. In a plain armature that space is the
parent's pose; in a rig it may be another control's, the armature's, or a mixture. So each control's space is
observed in a few test poses, and looked for among the other controls: turned with one, carried by one (often
the same). Where none fits, the rig has to be evaluated frame by frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Quaternion
from numpy.typing import NDArray

from ..quaternions import conjugate, multiply, rotate
from .evaluation import Stage
from .rest_rig import RestRig
from .rotation_locks import Locks, locks_of
from .rotations import angle_between, from_matrices

Array = NDArray[np.float64]

_TEST_POSES = 4
_TEST_ANGLE = 0.6
"""Radians; poses that a rig's limits and mechanisms don't clip."""
_SAME_TURN = np.radians(0.1)
_SAME_PLACE = 1e-4
"""Of the armature's size."""
_NO_SCALE = 1e-5
ARMATURE = -1
"""The armature itself as what a control hangs on."""


@dataclass(frozen=True)
class Control:
    """A bone that gets keys, in the armature's space.

    Attributes:
        bone: its name.
        turned_by: index of the control whose rotation turns its space, or ARMATURE.
        carried_by: index of the control whose pose carries its head, or ARMATURE.
        turn: (4,) of its space relative to ``turned_by``'s pose.
        place: (3,) of its head, without a location of its own, relative to ``carried_by``'s pose.
        location_axes: (3, 3) what one unit of each location channel moves, relative to ``carried_by``.
        rotation, location: (4,) and (3,), its present own channels.
        turns_rigidly, rigid: whether the turn, and whether turn and place, hold in every test pose.
        locks: which of its Euler angles must not change; None if all may, or none.
    """

    bone: str
    turned_by: int
    carried_by: int
    turn: Array
    place: Array
    location_axes: Array
    rotation: Array
    location: Array
    turns_rigidly: bool
    rigid: bool
    locks: Locks | None


@dataclass(frozen=True)
class ControlRig:
    """Controls in an order in which those that they hang on come first."""

    rest: RestRig
    controls: tuple[Control, ...]

    @property
    def rigid(self) -> bool:
        """Whether poses can be computed from channels alone."""
        return all(control.rigid for control in self.controls)

    def index(self, bone: str) -> int:
        """Of the control of that name."""
        return next(row for row, control in enumerate(self.controls) if control.bone == bone)


@dataclass(frozen=True)
class _Observed:
    """Pose and space of each control in one test pose."""

    poses: Array
    """(C, 4, 4)"""
    spaces: Array
    """(C, 4, 4) pose of the bone if its own channels were all zero"""
    location_axes: Array
    """(C, 3, 3)"""


def observe_controls(
    target: bpy.types.Object, rest: RestRig, bones: Sequence[str], stage: Stage
) -> ControlRig:
    """Finds out what each of these bones hangs on; the target's pose is changed, see ``pose_kept``."""
    generator = np.random.default_rng(1)
    evaluated = stage.now()
    present = [(*own_channels(bone), locks_of(bone)) for bone in map(target.pose.bones.get, bones)]
    seen = [_observe(evaluated, bones)]
    size = float(np.ptp(rest.matrices[:, :3, 3], axis=0).max())
    for _ in range(_TEST_POSES):
        for bone in bones:
            pose_bone = target.pose.bones[bone]
            axis = generator.normal(size=3)
            turn = Quaternion(axis / np.linalg.norm(axis), _TEST_ANGLE)
            set_rotation(pose_bone, np.array(turn))
            pose_bone.location = generator.normal(size=3) * 0.05 * size
        seen.append(_observe(stage.now(), bones))
    controls = [
        _control(row, bones, seen, present[row], size, _candidates(row, bones, rest))
        for row in range(len(bones))
    ]
    while (order := _in_order(controls)) is None:
        # Controls that only explain each other, as two that copy one bone do: one is left to itself.
        circle = _circle(controls)
        row = min(circle, key=lambda row: controls[row].rigid)
        controls[row] = _control(row, bones, seen, present[row], size, [ARMATURE])
    return ControlRig(rest, order)


@contextmanager
def pose_kept(
    target: bpy.types.Object, switches: Mapping[str, Mapping[str, float]] = MappingProxyType({})
) -> Iterator[None]:
    """Within, the target is moved by its channels alone, with the switches set; then it is as it was."""
    bones = target.pose.bones
    channels = ("location", "rotation_quaternion", "rotation_euler", "rotation_axis_angle", "scale")
    before = [{name: tuple(getattr(bone, name)) for name in channels} for bone in bones]
    switched = {(bone, name): bones[bone][name] for bone, values in switches.items() for name in values}
    data = target.animation_data
    kept: dict[str, Any] = {}
    if data is not None:
        kept = {"action": data.action, "use_nla": data.use_nla}
        if data.action is not None and hasattr(data, "action_slot"):
            kept["action_slot"] = data.action_slot
        data.action, data.use_nla = None, False
    try:
        for bone, name in switched:
            bones[bone][name] = type(bones[bone][name])(switches[bone][name])
        yield
    finally:
        for (bone, name), value in switched.items():
            bones[bone][name] = value
        if data is not None:
            for name, value in kept.items():
                setattr(data, name, value)
        for bone, values in zip(bones, before, strict=True):
            for name, value in values.items():
                setattr(bone, name, value)
        target.update_tag()


def scales_alone(target: bpy.types.Object, rest: RestRig, stage: Stage) -> Array | None:
    """(B, 4, 4) poses in which all bones are at rest but for their scales; None if none is scaled.

    The target's pose is changed, see ``pose_kept``.
    """
    bones = [target.pose.bones[bone] for bone in rest.bones]
    if all(max(abs(value - 1.0) for value in bone.scale) < _NO_SCALE for bone in bones):
        return None
    for bone in bones:
        set_rotation(bone, np.array([1.0, 0.0, 0.0, 0.0]))
        bone.location = (0.0, 0.0, 0.0)
    evaluated = stage.now()
    return np.array([evaluated.pose.bones[bone].matrix for bone in rest.bones])


def own_channels(bone: bpy.types.PoseBone) -> tuple[Array, Array]:
    """(4,) rotation and (3,) location as the bone's properties say."""
    location = np.zeros(3) if is_connected(bone) else np.array(bone.location, dtype=np.float64)
    return np.array(bone.matrix_basis.to_quaternion()), location


def is_connected(bone: bpy.types.PoseBone) -> bool:
    """Whether the bone's head is stuck to its parent's tail, so that a location has no effect."""
    return bool(bone.bone.use_connect and bone.parent is not None)


def set_rotation(bone: bpy.types.PoseBone, q: Array) -> None:
    """Turns a bone, in its own rotation mode."""
    turn = Quaternion(q)
    if bone.rotation_mode == "QUATERNION":
        bone.rotation_quaternion = turn
    elif bone.rotation_mode == "AXIS_ANGLE":
        axis, angle = turn.to_axis_angle()
        bone.rotation_axis_angle = (angle, *axis)
    else:
        bone.rotation_euler = turn.to_euler(bone.rotation_mode, bone.rotation_euler)


def spaces_of(evaluated: bpy.types.Object, bones: Sequence[str]) -> Array:
    """(C, 4, 4) pose that each bone would have with its own channels at zero, before its own constraints."""
    return np.array(
        [
            evaluated.convert_space(
                pose_bone=evaluated.pose.bones[bone], matrix=Matrix(), from_space="LOCAL", to_space="POSE"
            )
            for bone in bones
        ]
    )


def _observe(evaluated: bpy.types.Object, bones: Sequence[str]) -> _Observed:
    poses = np.array([evaluated.pose.bones[bone].matrix for bone in bones])
    spaces = spaces_of(evaluated, bones)
    moved = np.empty((len(bones), 3, 3))
    for row, bone in enumerate(bones):
        for axis in range(3):
            step = Matrix.Translation([float(axis == component) for component in range(3)])
            pose_bone = evaluated.pose.bones[bone]
            there = evaluated.convert_space(
                pose_bone=pose_bone, matrix=step, from_space="LOCAL", to_space="POSE"
            )
            moved[row, :, axis] = np.array(there.translation) - spaces[row, :3, 3]
    return _Observed(poses, spaces, moved)


def _control(
    row: int,
    bones: Sequence[str],
    seen: list[_Observed],
    present: tuple[Array, Array, Locks | None],
    size: float,
    candidates: list[int],
) -> Control:
    turns = np.stack([from_matrices(one.spaces[row, :3, :3]) for one in seen])
    places = np.stack([one.spaces[row, :3, 3] for one in seen])
    best_turn, best_place = (np.inf, ARMATURE), (np.inf, ARMATURE)
    above = candidates[: candidates.index(ARMATURE) + 1]
    for other in candidates:
        if best_turn[0] <= _SAME_TURN and best_place[0] <= _SAME_PLACE:
            break
        if other == ARMATURE:
            relative_turns, relative_places = turns, places
        else:
            poses = np.stack([one.poses[other] for one in seen])
            back = conjugate(from_matrices(poses[:, :3, :3]))
            relative_turns = multiply(back, turns)
            relative_places = rotate(back, places - poses[:, :3, 3])
        turn_error = float(angle_between(relative_turns[:1], relative_turns).max())
        place_error = float(np.linalg.norm(relative_places - relative_places[0], axis=1).max()) / size
        # One that fits badly is only a first guess; by chance it may hang on this control itself.
        if turn_error < (best_turn[0] if other in above else _SAME_TURN) and best_turn[0] > _SAME_TURN:
            best_turn = (turn_error, other)
        if place_error < (best_place[0] if other in above else _SAME_PLACE) and best_place[0] > _SAME_PLACE:
            best_place = (place_error, other)
    turned_by, carried_by = best_turn[1], best_place[1]
    first = seen[0]

    def pose(other: int) -> tuple[Array, Array]:
        if other == ARMATURE:
            return np.array([1.0, 0.0, 0.0, 0.0]), np.zeros(3)
        return from_matrices(first.poses[other, :3, :3]), first.poses[other, :3, 3]

    turner, (carrier, carrier_place) = pose(turned_by)[0], pose(carried_by)
    back = conjugate(carrier)
    return Control(
        bones[row],
        turned_by,
        carried_by,
        multiply(conjugate(turner), turns[0]),
        rotate(back, places[0] - carrier_place),
        np.stack([rotate(back, first.location_axes[row, :, axis]) for axis in range(3)], axis=-1),
        present[0],
        present[1],
        best_turn[0] < _SAME_TURN,
        best_turn[0] < _SAME_TURN and best_place[0] < _SAME_PLACE,
        present[2],
    )


def _candidates(row: int, bones: Sequence[str], rest: RestRig) -> list[int]:
    """The nearest control above first, then the further ones, the armature, and the others."""
    above = []
    parent = int(rest.parents[rest.index[bones[row]]])
    at = {rest.index[bone]: index for index, bone in enumerate(bones)}
    while parent >= 0:
        if parent in at:
            above.append(at[parent])
        parent = int(rest.parents[parent])
    others = [index for index in range(len(bones)) if index != row and index not in above]
    return [*above, ARMATURE, *others]


def _in_order(controls: list[Control]) -> tuple[Control, ...] | None:
    """Sorted so that what a control hangs on comes first, with the indices that this gives; None if that
    can't be, because some hang on each other."""
    order: list[int] = []
    left = list(range(len(controls)))
    while left:
        ready = [row for row in left if all(above in order for above in _hangs_on(controls[row]))]
        if not ready:
            return None
        order.extend(ready)
        left = [row for row in left if row not in ready]
    place = {row: index for index, row in enumerate(order)} | {ARMATURE: ARMATURE}
    return tuple(
        replace(
            controls[row],
            turned_by=place[controls[row].turned_by],
            carried_by=place[controls[row].carried_by],
        )
        for row in order
    )


def _hangs_on(control: Control) -> list[int]:
    """The other controls that it hangs on."""
    return [above for above in (control.turned_by, control.carried_by) if above != ARMATURE]


def _circle(controls: list[Control]) -> list[int]:
    """Controls that hang on themselves over others."""

    def below(row: int) -> set[int]:
        found: set[int] = set()
        waiting = _hangs_on(controls[row])
        while waiting:
            above = waiting.pop()
            if above not in found:
                found.add(above)
                waiting += _hangs_on(controls[above])
        return found

    return [row for row in range(len(controls)) if row in below(row)]
