"""Hands and feet as keys of a rig's IK controls: the same pose that the FK controls were solved for.

The rig's own IK then gives elbow and knee, in the plane that the pole says. What it takes from the pose is
the places of the joints; the twist of upper arm and thigh follows from the plane.
"""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np
from numpy.typing import NDArray

from ...estimator.errors import InputError
from ..animation import Curve
from ..quaternions import conjugate, multiply, rotate
from .anatomy import Body
from .bone_map import IkControls
from .control_rig import ControlRig, observe_controls, pose_kept
from .evaluation import Stage
from .forward_kinematics import Posed, World, pose_controls
from .human_bones import SIDES
from .local_keys import bone_path, location_curves, rotation_curves
from .rotations import about_axis, eased

Array = NDArray[np.float64]

_LIMBS = (("upper_arm", "forearm", "hand"), ("thigh", "shin", "foot"))
_CLEARLY_BENT = 0.06
"""Sine of the joint's angle from which on its own plane counts; a straight limb has none."""
_STRAIGHT = 1e-3
"""Of the limb's length: how far off the line its middle joint must be for a rest pose to be bent."""


def limb_bones(ik: IkControls) -> set[str]:
    """Human bones that are not keyed where these controls are."""
    limbs = {f"{side}_{part}" for side in SIDES for limb in _LIMBS for part in limb}
    return {human for human in limbs if _end_of(human) in ik.bones} | {
        human for human in ik.bones if human.endswith("toes")
    }


def ik_curves(
    target: bpy.types.Object,
    body: Body,
    ik: IkControls,
    rig: ControlRig,
    posed: Posed,
    world: World,
    frames: Array,
    stage: Stage,
    tolerance: float,
) -> list[Curve]:
    """Curves of the IK controls.

    Args:
        rig, posed: the FK controls and their poses.
        tolerance: radians by which keys may be left out; 0 keeps all.

    Raises:
        InputError: the rig lacks a control, or its IK controls hang on mechanisms.
    """
    missing = [bone for bone in (*ik.bones.values(), *ik.poles.values()) if bone not in target.pose.bones]
    if missing:
        raise InputError(f"{target.name}: has no bone {missing[0]} for IK; choose FK Controls")
    if not rig.rigid:
        raise InputError(f"{target.name}: its controls hang on mechanisms; choose FK Controls")
    rotations, heads = _wishes(body, ik, rig, posed)
    kept = [
        row for row, control in enumerate(rig.controls) if _human(body, control.bone) not in limb_bones(ik)
    ]
    names = [rig.controls[row].bone for row in kept]
    own = list(dict.fromkeys([*rotations, *heads]))
    with pose_kept(target, ik.switches):
        observed = observe_controls(target, rig.rest, [*names, *own], stage)
    stuck = [
        control.bone
        for control in observed.controls
        if (control.bone in heads and not control.rigid)
        or (control.bone in rotations and not control.turns_rigidly)
    ]
    if stuck:
        raise InputError(f"{target.name}: {stuck[0]} hangs on mechanisms; choose FK Controls")
    wanted_rotations = {observed.index(bone): q for bone, q in rotations.items()}
    wanted_heads = {observed.index(bone): head for bone, head in heads.items()}
    for row, bone in zip(kept, names, strict=True):
        wanted_rotations[observed.index(bone)] = posed.rotations[row]
        wanted_heads[observed.index(bone)] = posed.heads[row]
    found = pose_controls(observed, world, wanted_rotations, wanted_heads)
    length = float(np.ptp(rig.rest.matrices[:, :3, 3], axis=0).max())
    curves: list[Curve] = []
    for bone in own:
        row, path, pose_bone = observed.index(bone), bone_path(bone), target.pose.bones[bone]
        if bone in heads:
            curves += location_curves(
                pose_bone, path, frames, found.own_locations[row], bone, tolerance * length
            )
        if bone in rotations:
            curves += rotation_curves(pose_bone, path, frames, found.own_rotations[row], bone, tolerance)
    return curves


def present_switches(
    target: bpy.types.Object, switches: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Those of the switches that this rig has."""
    bones = target.pose.bones
    found = {
        bone: {name: value for name, value in values.items() if name in bones[bone]}
        for bone, values in switches.items()
        if bone in bones
    }
    return {bone: values for bone, values in found.items() if values}


def _wishes(
    body: Body, ik: IkControls, rig: ControlRig, posed: Posed
) -> tuple[dict[str, Array], dict[str, Array]]:
    """(N, 4) rotations and (N, 3) heads by control, in the world."""
    rest = rig.rest
    rows = {
        human: rig.index(body.bone_map.bones[human]) for human in limb_bones(ik) if human in body.bone_map
    }
    turns = {
        human: multiply(posed.rotations[row], conjugate(body.rotations[human])) for human, row in rows.items()
    }
    rotations: dict[str, Array] = {}
    heads: dict[str, Array] = {}
    for human, control in ik.bones.items():
        if human not in rows:
            continue
        at = rest.index[control]
        rotations[control] = multiply(turns[human], rest.rotations[at])
        if not human.endswith("toes"):
            offset = rest.heads[at] - body.heads[human]
            heads[control] = posed.heads[rows[human]] + rotate(turns[human], offset)
    for side in SIDES:
        for limb in _LIMBS:
            upper, middle, end = (f"{side}_{part}" for part in limb)
            if middle not in ik.poles or end not in rows:
                continue
            control = ik.poles[middle]
            start, joint, stop = (posed.heads[rows[human]] for human in (upper, middle, end))
            offset = rest.heads[rest.index[control]] - body.heads[middle]
            straight = _across(rotate(turns[upper], offset), stop - start)
            beside = _pole_beside_bend(body.heads[upper], body.heads[middle], body.heads[end], offset)
            bend = _bend(start, joint, stop, straight, beside)
            heads[control] = joint + np.linalg.norm(offset) * bend
    return rotations, heads


def _pole_beside_bend(start: Array, joint: Array, stop: Array, offset: Array) -> float:
    """Radians about the limb from where it is bent at rest to its pole: the rig's IK keeps them apart so."""
    line = (stop - start) / np.linalg.norm(stop - start)
    bend, pole = (_across(vector[None], line[None])[0] for vector in (joint - start, offset))
    if np.linalg.norm(bend) < _STRAIGHT * np.linalg.norm(stop - start):
        return 0.0
    return float(np.arctan2(np.cross(bend, pole) @ line, bend @ pole))


def _bend(start: Array, joint: Array, stop: Array, straight: Array, beside: float) -> Array:
    """(N, 3) unit vectors to a limb's pole; along ``straight`` where it isn't bent, or bent backwards.

    Args:
        beside: angle about the limb from its bend to the pole.
    """
    line = (stop - start) / np.maximum(np.linalg.norm(stop - start, axis=1, keepdims=True), 1e-12)
    own = rotate(about_axis(line, np.full(len(line), beside)), _across(joint - start, stop - start))
    reach = np.linalg.norm(joint - start, axis=1, keepdims=True)
    size = np.linalg.norm(own, axis=1, keepdims=True)
    forward = (own * straight).sum(axis=1, keepdims=True) > 0
    share = np.where(forward, eased(size / reach / _CLEARLY_BENT), 0.0)
    mixed = share * own / np.maximum(size, 1e-12) + (1 - share) * straight / np.linalg.norm(
        straight, axis=1, keepdims=True
    )
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True))


def _across(vectors: Array, line: Array) -> Array:
    """The part of (N, 3) vectors that is at right angles to a line."""
    unit = line / np.maximum(np.linalg.norm(line, axis=1, keepdims=True), 1e-12)
    return np.asarray(vectors - (vectors * unit).sum(axis=1, keepdims=True) * unit)


def _end_of(human: str) -> str:
    side, _, part = human.partition("_")
    return next((f"{side}_{limb[-1]}" for limb in _LIMBS if part in limb), "")


def _human(body: Body, bone: str) -> str:
    return next(human for human, own in body.bone_map.bones.items() if own == bone)
