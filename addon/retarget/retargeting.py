"""One retarget from the settings to the curves: the only module that knows all the steps.

It is a generator, so that long ones show progress and can be stopped; nothing is written before the end.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import bpy
import numpy as np
from mathutils import Matrix, Quaternion
from numpy.typing import NDArray

from ...estimator.errors import InputError
from ..animation import Curve
from ..object_place import parent_world
from .anatomy import Body, read_body
from .bone_map import BoneMap, check_map
from .control_rig import ControlRig, observe_controls, pose_kept, scales_alone
from .evaluation import Stage, stage
from .forward_kinematics import Posed, World
from .hand_keeping import kept_hands
from .ik_controls import ik_curves, limb_bones, present_switches
from .local_keys import bone_path, location_curves, rotation_curves
from .plan import Plan, RetargetSettings, followers, make_plan, moved_bones
from .rest_rig import read_rest_rig, with_pose_scales
from .solving import solve_evaluated, solve_rigid, twisted_for_hinges
from .source_motion import SourceMotion, frame_range, read_source

Array = NDArray[np.float64]

_MOST_FRAMES = 500_000


@dataclass(frozen=True)
class Retargeted:
    """What is to be written.

    Attributes:
        target: name of the object.
        action: name for the new action.
        curves: all of its keys.
        notes: lines for the user.
    """

    target: str
    action: str
    curves: list[Curve]
    fill_strip: bool
    notes: list[str] = field(default_factory=list)


def retarget(
    scene: bpy.types.Scene,
    source: bpy.types.Object,
    source_map: BoneMap,
    target: bpy.types.Object,
    target_map: BoneMap,
    settings: RetargetSettings,
) -> Generator[float | Retargeted, None, None]:
    """Yields how far it is, 0..1, and at last the result. Between two steps nothing must change the file.

    Raises:
        InputError: source, target or maps can't be used; nothing was changed.
    """
    require_pair(source, target)
    with ExitStack() as stack:
        source_stage = stack.enter_context(stage(source, scene))
        frames = _frames(source, settings)
        source_body = _body(source, source_map, source_stage, float(frames[0]))
        motion: SourceMotion | None = None
        for motion_step in read_source(source, source_body, frames, source_stage):
            if isinstance(motion_step, SourceMotion):
                motion = motion_step
            else:
                yield 0.4 * motion_step
    assert motion is not None
    _require_motion(source, motion)

    with ExitStack() as stack:
        target_stage = stack.enter_context(stage(target, scene))
        target_stage.now()  # a target that was never shown has no pose yet
        stack.enter_context(pose_kept(target, present_switches(target, target_map.switches)))
        target_body = _body(target, target_map, target_stage, None)
        with pose_kept(target):
            scaled = scales_alone(target, target_body.rig, target_stage)
        if scaled is not None:
            target_body = read_body(with_pose_scales(target_body.rig, scaled), target_map)
        bones = [target_body.bone_map.bones[human] for human in moved_bones(motion, target_body, settings)]
        bones += [bone for others in followers(target_body).values() for bone in others]
        rig = observe_controls(target, target_body.rig, bones, target_stage)
        plan = make_plan(scene, source, source_body, target, target_body, motion, rig, settings)
        yield 0.5
        posed = _solved(rig, plan)
        if settings.keep_hands:
            arms = kept_hands(motion, source_body, target_body, rig, posed)
            rows = {rig.index(target_body.bone_map.bones[human]): turn for human, turn in arms.items()}
            free = {row: turn for row, turn in rows.items() if row in plan.rotations}
            plan = replace(plan, rotations=plan.rotations | free)
            posed = _solved(rig, plan)
        if not rig.rigid:
            steps = solve_evaluated(
                target,
                rig,
                plan.world,
                {row: posed.rotations[row] for row in plan.rotations},  # as far as locks let them
                posed,
                plan.hips,
                plan.thighs,
                plan.hip_centre,
                frames,
                target_stage,
            )
            for solve_step in steps:
                if isinstance(solve_step, Posed):
                    posed = solve_step
                else:
                    yield 0.5 + 0.45 * solve_step
    curves = _curves(target, target_map, rig, plan, posed, frames, settings)
    if settings.limbs == "IK":
        with stage(target, scene) as target_stage:
            curves += _ik_curves(target, target_body, rig, plan, posed, frames, target_stage, settings)
    data = source.animation_data
    motion_name = data.action.name if data is not None and data.action is not None else source.name
    action = f"{target.name} {motion_name}"
    yield Retargeted(target.name, action, curves, settings.fill_strip, _notes(target, plan, rig))


def _solved(rig: ControlRig, plan: Plan) -> Posed:
    rotations = twisted_for_hinges(rig, plan.rotations, plan.limbs)
    return solve_rigid(rig, plan.world, rotations, plan.heads, plan.hips, plan.thighs, plan.hip_centre)


def _require_motion(source: bpy.types.Object, motion: SourceMotion) -> None:
    """Raises InputError where there is none, or none that can be used."""
    if not all(np.isfinite(turn).all() for turn in motion.turns.values()):
        raise InputError(f"{source.name}: its action gives poses that are no numbers; check its curves")
    if len(motion.frames) > 1 and motion.rests():
        frame_range(source)  # a pose that an action holds is a motion, one that nothing holds is none


def require_pair(source: bpy.types.Object, target: bpy.types.Object) -> None:
    """Raises InputError where these two can't be source and target."""
    if source == target:
        raise InputError(f"{target.name}: is source and target; choose two armatures")
    for armature in (source, target):
        if armature.type != "ARMATURE" or armature.data is None:
            raise InputError(f"{armature.name}: is no armature; choose an armature object")
        if not len(armature.data.bones):
            raise InputError(f"{armature.name}: the armature has no bones; choose another one")
    if target.library is not None and target.override_library is None:
        raise InputError(f"{target.name}: is linked from another file; make a library override of it first")
    if target.mode == "EDIT" or source.mode == "EDIT":
        name = target.name if target.mode == "EDIT" else source.name
        raise InputError(f"{name}: is in Edit Mode; leave it first (Tab)")
    if target.data.pose_position != "POSE":
        raise InputError(
            f"{target.name}: is shown in Rest Position; set Pose Position in its armature's properties"
        )


def _curves(
    target: bpy.types.Object,
    target_map: BoneMap,
    rig: ControlRig,
    plan: Plan,
    posed: Posed,
    frames: Array,
    settings: RetargetSettings,
) -> list[Curve]:
    length = float(np.ptp(rig.rest.matrices[:, :3, 3], axis=0).max())
    curves: list[Curve] = []
    if settings.root_mode == "OBJECT":
        curves += _object_curves(target, plan.world, frames, settings.tolerance, length * rig.rest.scale)
    left_out: set[str] = set()
    if settings.limbs == "IK" and target_map.ik is not None:
        left_out = {target_map.bones[human] for human in limb_bones(target_map.ik) if human in target_map}
    for row, control in enumerate(rig.controls):
        path, bone = bone_path(control.bone), target.pose.bones[control.bone]
        if control.bone in left_out:
            continue
        if row in plan.heads or row == plan.hips:
            curves += location_curves(
                bone, path, frames, posed.own_locations[row], control.bone, settings.tolerance * length
            )
        if row in plan.rotations:
            curves += rotation_curves(
                bone, path, frames, posed.own_rotations[row], control.bone, settings.tolerance
            )
    for bone_name, values in present_switches(target, _switches(target_map, settings)).items():
        for name, value in values.items():
            path = f'{bone_path(bone_name)[:-1]}["{bpy.utils.escape_identifier(name)}"]'
            curves.append(Curve(path, 0, frames[:1], np.array([value]), bone_name, "CONSTANT"))
    return curves


def _object_curves(
    target: bpy.types.Object, world: World, frames: Array, tolerance: float, length: float
) -> list[Curve]:
    back = parent_world(target).inverted_safe()
    places, turns = [], []
    for place, turn in zip(world.place, world.rotation, strict=True):
        own = back @ Matrix.LocRotScale(place, Quaternion(turn), None)
        places.append(own.translation)
        turns.append(own.to_quaternion())
    return [
        *location_curves(target, "", frames, np.array(places), "Object Transforms", tolerance * length),
        *rotation_curves(target, "", frames, np.array(turns), "Object Transforms", tolerance),
    ]


def _frames(source: bpy.types.Object, settings: RetargetSettings) -> Array:
    first, last = settings.frames or frame_range(source)
    if last < first:
        raise InputError(f"Frames {first:g} to {last:g} are none; set the last frame after the first")
    if (last - first) / settings.every > _MOST_FRAMES:
        raise InputError(f"Frames {first:g} to {last:g} are too many; choose a range")
    frames = np.arange(first, last + 1e-6, settings.every)
    return np.append(frames, last) if frames[-1] < last - 1e-6 else frames


def _body(armature: bpy.types.Object, bone_map: BoneMap, own_stage: Stage, frame: float | None) -> Body:
    evaluated = own_stage.now() if frame is None else own_stage.go_to(frame)
    rig = read_rest_rig(armature, evaluated.matrix_world.copy())
    check_map(bone_map, armature.name, rig.bones)
    return read_body(rig, bone_map)


def _switches(target_map: BoneMap, settings: RetargetSettings) -> Mapping[str, Mapping[str, float]]:
    """What the action sets so that the controls that it keys move the rig."""
    if settings.limbs == "IK" and target_map.ik is not None:
        return target_map.ik.switches
    return target_map.switches


def _ik_curves(
    target: bpy.types.Object,
    body: Body,
    rig: ControlRig,
    plan: Plan,
    posed: Posed,
    frames: Array,
    own_stage: Stage,
    settings: RetargetSettings,
) -> list[Curve]:
    ik = body.bone_map.ik
    if ik is None:
        raise InputError(f"{target.name}: its bone map has no IK controls; choose FK Controls")
    own_stage.now()
    ik = replace(ik, switches=present_switches(target, ik.switches))
    return ik_curves(target, body, ik, rig, posed, plan.world, frames, own_stage, settings.tolerance)


def _notes(target: bpy.types.Object, plan: Plan, rig: ControlRig) -> list[str]:
    notes = []
    if plan.locked:
        notes.append(f"{target.name}: {', '.join(plan.locked[:3])} kept their rotation, because it is locked")
    constrained = [
        control.bone
        for control in rig.controls
        if any(
            not constraint.mute and constraint.influence
            for constraint in target.pose.bones[control.bone].constraints
        )
    ]
    if constrained:
        notes.append(f"{target.name}: {', '.join(constrained[:3])} have constraints, which change the motion")
    return notes


def finished(steps: Iterator[float | Retargeted]) -> Retargeted:
    """Runs a retarget to its end."""
    result = None
    for step in steps:
        result = step
    assert isinstance(result, Retargeted)
    return result
