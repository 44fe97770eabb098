"""Channels of the target's controls that give the wanted pose: computed at once, or frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import bpy
import numpy as np
from mathutils import Matrix, Quaternion
from numpy.typing import NDArray

from ..quaternions import conjugate, multiply, rotate
from .control_rig import ARMATURE, ControlRig, set_rotation, spaces_of
from .evaluation import Stage
from .forward_kinematics import Posed, World, pose_controls
from .rotation_locks import twist_for_hinge
from .rotations import angle_between, from_matrices

Array = NDArray[np.float64]

_ROUNDS = 12
_NEAR_TURN = np.radians(0.05)
_NEAR_PLACE = 5e-5
"""Of the armature's size."""
_REPORT_EVERY = 4


def solve_rigid(
    rig: ControlRig,
    world: World,
    rotations: dict[int, Array],
    heads: dict[int, Array],
    hips: int,
    thighs: tuple[int, int],
    hip_centre: Array,
) -> Posed:
    """Channels for rotations (N, 4) and heads (N, 3) by control, the hip joints around ``hip_centre``."""
    start = hip_centre
    for _ in range(2):
        posed = pose_controls(rig, world, rotations, heads | {hips: start})
        missing = hip_centre - (posed.heads[thighs[0]] + posed.heads[thighs[1]]) / 2
        start = start + missing
    return (
        posed if np.abs(missing).max() < 1e-9 else pose_controls(rig, world, rotations, heads | {hips: start})
    )


def twisted_for_hinges(
    rig: ControlRig, rotations: dict[int, Array], limbs: Sequence[tuple[int, int]]
) -> dict[int, Array]:
    """Rotations (N, 4) by control with which knees and elbows that are hinges can point as wanted.

    Args:
        limbs: upper and lower control of each arm and leg.
    """
    found = dict(rotations)
    for upper, lower in limbs:
        control = rig.controls[lower]
        if control.locks is not None and control.turned_by == upper and {upper, lower} <= set(rotations):
            turn = twist_for_hinge(rotations[upper], rotations[lower], control.turn, control.locks)
            found[upper] = multiply(turn, rotations[upper])
    return found


def solve_evaluated(
    target: bpy.types.Object,
    rig: ControlRig,
    world: World,
    rotations: dict[int, Array],
    begin: Posed,
    hips: int,
    thighs: tuple[int, int],
    hip_centre: Array,
    frames: Array,
    stage: Stage,
) -> Iterator[float | Posed]:
    """As ``solve_rigid`` for any rig, starting from its answer: poses, looks at what comes out, and corrects.

    Yields how far it is, 0..1, and at last the channels. The target's pose is changed, see ``pose_kept``.
    """
    bones = [control.bone for control in rig.controls]
    posed = Posed(begin.rotations, begin.heads, begin.own_rotations.copy(), begin.own_locations.copy())
    size = float(np.ptp(rig.rest.matrices[:, :3, 3], axis=0).max())
    for row, frame in enumerate(frames):
        to_armature = _armature_from_world(world, row)
        back = from_matrices(np.array(to_armature)[:3, :3])
        wanted = {control: multiply(back, q[row]) for control, q in rotations.items()}
        centre = np.array(to_armature @ Matrix.Translation(hip_centre[row])).T[3, :3]
        if row:  # what corrected the frame before is nearly right again
            posed.own_locations[hips, row] += (
                posed.own_locations[hips, row - 1] - begin.own_locations[hips, row - 1]
            )
        stage.go_to(float(frame))
        for _ in range(_ROUNDS):
            for control, bone in enumerate(bones):
                set_rotation(target.pose.bones[bone], posed.own_rotations[control, row])
                target.pose.bones[bone].location = posed.own_locations[control, row]
            evaluated = stage.now()
            poses = np.array([evaluated.pose.bones[bone].matrix for bone in bones])
            turns = from_matrices(poses[:, :3, :3])
            off = centre - (poses[thighs[0], :3, 3] + poses[thighs[1], :3, 3]) / 2
            error = max(float(angle_between(turns[control], q)) for control, q in wanted.items())
            if error < _NEAR_TURN and np.linalg.norm(off) < _NEAR_PLACE * size:
                break
            spaces = from_matrices(spaces_of(evaluated, bones)[:, :3, :3])
            for control, q in wanted.items():
                above = rig.controls[control].turned_by
                space = spaces[control]
                if above in wanted:  # its space will turn along when the control above is corrected
                    space = multiply(multiply(wanted[above], conjugate(turns[above])), space)
                posed.own_rotations[control, row] = multiply(conjugate(space), q)
            axes = rig.controls[hips].location_axes
            carrier = rig.controls[hips].carried_by
            local = off if carrier == ARMATURE else rotate(conjugate(turns[carrier]), off)
            posed.own_locations[hips, row] += np.linalg.solve(axes, local)
        if row % _REPORT_EVERY == 0:
            yield row / len(frames)
    yield posed


def _armature_from_world(world: World, row: int) -> Matrix:
    place = Matrix.LocRotScale(world.place[row], Quaternion(world.rotation[row]), [world.scale] * 3)
    return place.inverted()
