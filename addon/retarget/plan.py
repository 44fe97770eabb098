"""What the target's controls are to do: transfer, planted feet, and who carries the path, put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import bpy
import numpy as np
from numpy.typing import NDArray

from ...estimator.errors import InputError
from ..quaternions import conjugate, multiply
from ..take import PERSON_KEY
from ..timing import scene_rate
from .anatomy import Body
from .control_rig import ControlRig, is_connected
from .foot_contacts import contacts, ground_height
from .foot_planting import plant_feet
from .forward_kinematics import World, resting_world
from .human_bones import SIDES, label
from .root_motion import RootMode, ground_path, in_place, object_world
from .source_motion import SourceMotion
from .transfer import Placing, Transferred, transfer

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RetargetSettings:
    """How a motion is put on a target.

    Attributes:
        placing: where it begins.
        root_mode: who carries the path.
        plant_feet: whether feet that stand are kept still and on the ground.
        keep_hands: whether hands keep their distance to each other and to the body where they come near.
        frames: first and last frame; None for the source's whole action.
        every: key each how many-th frame.
        tolerance: radians by which keys may be left out; 0 keeps all.
        limbs: which of a rig's controls hands and feet are keyed on, where it has both.
        fill_strip: whether the action goes into the NLA, as a strip of its own.
    """

    placing: Placing = Placing()
    root_mode: RootMode = "HIPS"
    plant_feet: bool = True
    keep_hands: bool = False
    frames: tuple[float, float] | None = None
    every: int = 1
    tolerance: float = 0.0
    limbs: Literal["FK", "IK"] = "FK"
    fill_strip: bool = False


def moved_bones(motion: SourceMotion, target: Body, settings: RetargetSettings) -> list[str]:
    """Human bones of the target that get keys: fingers only from a source that moves its own."""
    return [
        human
        for human in target.heads
        if (not human.startswith(SIDES) or not human[-1].isdigit() or human in motion.turns)
        and (human != "root" or settings.root_mode == "ROOT_BONE")
    ]


def followers(target: Body) -> dict[str, tuple[str, ...]]:
    """By human bone that is mapped, the rig's bones that turn as it does and are nothing else."""
    mapped = set(target.bone_map.bones.values())
    return {
        human: tuple(bone for bone in bones if bone in target.rig.index and bone not in mapped)
        for human, bones in target.bone_map.followers.items()
        if human in target.bone_map
    }


@dataclass(frozen=True)
class Plan:
    """What the target's controls are wanted to do, in the world over N frames.

    Attributes:
        rotations: by control, (N, 4).
        heads: by control that is moved besides the hips, (N, 3).
        hip_centre: (N, 3) midpoint of the hip joints.
        world: of the target's object.
        hips, thighs: which controls these are.
        limbs: upper and lower control of each arm and leg.
        locked: bones that keep their rotation.
    """

    rotations: dict[int, Array]
    heads: dict[int, Array]
    hip_centre: Array
    world: World
    hips: int
    thighs: tuple[int, int]
    limbs: tuple[tuple[int, int], ...]
    locked: list[str]


def make_plan(
    scene: bpy.types.Scene,
    source: bpy.types.Object,
    source_body: Body,
    target: bpy.types.Object,
    target_body: Body,
    motion: SourceMotion,
    rig: ControlRig,
    settings: RetargetSettings,
) -> Plan:
    """The source's motion as wishes to the target's controls, feet planted, the path where it is wanted.

    Raises:
        InputError: hips or root can't be moved, or the root bone that is to carry the path is missing.
    """
    every = np.diff(motion.frames)
    rate = scene_rate(scene) / (float(every[0]) if len(every) else 1.0)
    is_take = PERSON_KEY in source
    ground = float(source_body.rig.world[2, 3]) if is_take else ground_height(motion)
    moved = transfer(motion, source_body, target_body, ground, settings.placing)
    rotations, hip_centre = dict(moved.rotations), moved.hip_centre
    if settings.plant_feet and len(motion.frames) > 2:
        standing = contacts(source, motion, source_body, ground, rate)
        planted = plant_feet(moved, target_body, standing, rate)
        rotations |= planted.rotations
        hip_centre = planted.hip_centre
    world = resting_world(rig, len(motion.frames))
    path = hip_centre
    if settings.root_mode == "IN_PLACE":
        hip_centre = in_place(hip_centre)
    elif settings.root_mode == "OBJECT":
        world = object_world(target_body, source_body, moved.turns["hips"], path, moved.ground, rate)
    human = target_body.bone_map.bones
    moving = moved_bones(motion, target_body, settings)
    at = {name: rig.index(human[name]) for name in moving}
    for name in ("hips", "root"):
        if name in at and is_connected(target.pose.bones[human[name]]):
            raise InputError(
                f"{target.name}: bone {human[name]}, the map's {label(name)}, is connected to its parent and "
                "can't be moved; disconnect it in Edit Mode"
            )
    wanted: dict[int, Array] = {}
    locked = []
    for name, rotation in rotations.items():
        if all(target.pose.bones[human[name]].lock_rotation):
            locked.append(human[name])
        else:
            wanted[at[name]] = rotation
            turn = multiply(rotation, conjugate(target_body.rotations[name]))
            for bone in followers(target_body).get(name, ()):
                wanted[rig.index(bone)] = multiply(turn, rig.rest.rotations[rig.rest.index[bone]])
    heads: dict[int, Array] = {}
    if settings.root_mode == "ROOT_BONE":
        if "root" not in human:
            raise InputError(f"{target.name}: no bone is chosen for Root; choose one, or another root motion")
        root = at["root"]
        turn, heads[root] = _root_path(target_body, source_body, moved, path, rate)
        wanted[root] = multiply(turn, target_body.rotations["root"])
    return Plan(
        wanted,
        heads,
        hip_centre,
        world,
        at["hips"],
        (at["left_thigh"], at["right_thigh"]),
        tuple(
            (at[f"{side}_{upper}"], at[f"{side}_{lower}"])
            for side in SIDES
            for upper, lower in (("upper_arm", "forearm"), ("thigh", "shin"))
        ),
        locked,
    )


def _root_path(
    target: Body, source: Body, moved: Transferred, path: Array, rate: float
) -> tuple[Array, Array]:
    return ground_path(target, source, moved.turns["hips"], path, moved.ground, target.heads["root"], rate)
