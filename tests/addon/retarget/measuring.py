"""Running a retarget and measuring what Blender shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from kinelift_checkout.addon.retarget.anatomy import Body, matched_rests, read_body
from kinelift_checkout.addon.retarget.automatic_map import Role, find_map
from kinelift_checkout.addon.retarget.bone_map import BoneMap
from kinelift_checkout.addon.retarget.plan import RetargetSettings
from kinelift_checkout.addon.retarget.rest_rig import read_rest_rig
from kinelift_checkout.addon.retarget.retarget_result import write_results
from kinelift_checkout.addon.retarget.retargeting import finished, retarget
from kinelift_checkout.addon.retarget.rotations import to_matrices
from numpy.typing import NDArray

Array = NDArray[np.float64]

FREE = RetargetSettings(plant_feet=False)
LIMBS = tuple(
    (f"{side}_{part}", f"{side}_{following}")
    for side in ("left", "right")
    for part, following in (
        ("upper_arm", "forearm"),
        ("forearm", "hand"),
        ("thigh", "shin"),
        ("shin", "foot"),
    )
)


def map_of(armature: bpy.types.Object, role: Role = "TARGET") -> BoneMap:
    return find_map(read_rest_rig(armature), role).bone_map


def run(source: bpy.types.Object, target: bpy.types.Object, settings: RetargetSettings = FREE) -> list[str]:
    result = finished(
        retarget(bpy.context.scene, source, map_of(source, "SOURCE"), target, map_of(target), settings)
    )
    write_results([result])
    return result.notes


def shown(
    armature: bpy.types.Object, bone_map: BoneMap, frame: int
) -> tuple[dict[str, Array], dict[str, Array]]:
    """World heads (3,) and rotations (3, 3) by human bone, as Blender evaluates them."""
    bpy.context.scene.frame_set(frame)
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    world = np.array(evaluated.matrix_world)
    heads, rotations = {}, {}
    for human, bone in bone_map.bones.items():
        matrix = world @ np.array(evaluated.pose.bones[bone].matrix)
        heads[human] = matrix[:3, 3]
        rotations[human] = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    return heads, rotations


def directions(heads: dict[str, Array]) -> Array:
    ends = np.array([heads[end] - heads[start] for start, end in LIMBS])
    return ends / np.linalg.norm(ends, axis=1, keepdims=True)


def degrees_between(a: Array, b: Array) -> Array:
    return np.degrees(np.arccos(np.clip((a * b).sum(axis=-1), -1.0, 1.0)))


def turn_between(a: Array, b: Array) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(a.T @ b) - 1) / 2, -1.0, 1.0))))


@dataclass(frozen=True)
class Pair:
    """A source and a target with their maps, as they are at rest.

    Attributes:
        maps, bodies: the source's and the target's.
        rests: (4,) by human bone of the target, as ``matched_rests`` gives them.
    """

    maps: tuple[BoneMap, BoneMap]
    bodies: tuple[Body, Body]
    rests: dict[str, Array]

    def wanted(self, human: str, source_turn: Array, source_bone: str = "") -> Array:
        """(3, 3) rotation that a bone of the target should have, twist included.

        Args:
            source_turn: (3, 3) rotation of the source's bone now.
            source_bone: the source's human bone that it turns as, if it isn't the same one.
        """
        theirs, ours = self.bodies
        turn = source_turn @ to_matrices(theirs.rotations[source_bone or human]).T
        return turn @ to_matrices(self.rests[human]) @ to_matrices(ours.rotations[human])


def pair_of(source: bpy.types.Object, target: bpy.types.Object, role: Role = "TARGET") -> Pair:
    """To be read before the retarget; ``role`` chooses between a target's controls and its own bones."""
    maps = map_of(source, "SOURCE"), map_of(target, role)
    theirs, ours = (read_body(read_rest_rig(ob), m) for ob, m in zip((source, target), maps, strict=True))
    return Pair(maps, (theirs, ours), matched_rests(theirs, ours))


def untouched(armature: bpy.types.Object) -> dict[str, Any]:
    """What a retarget must leave alone."""
    bones: dict[str, Any] = {}
    pose: dict[str, Any] = {}
    drivers = list(armature.animation_data.drivers) if armature.animation_data is not None else []
    driven = len(drivers) > 0
    for bone in armature.pose.bones:
        bones[bone.name] = (
            [tuple(row) for row in bone.bone.matrix_local],
            bone.bone.length,
            bone.rotation_mode,
            tuple(bone.lock_rotation),
            tuple(bone.lock_location),
            [(c.type, None if driven else (c.mute, c.influence)) for c in bone.constraints],
        )
        pose[bone.name] = (
            tuple(bone.location),
            tuple(bone.rotation_quaternion),
            tuple(bone.rotation_euler),
            tuple(bone.rotation_axis_angle),
            tuple(bone.scale),
            {key: value for key, value in bone.items() if isinstance(value, int | float)},
        )
    scenes = [(scene.name, scene.frame_current) for scene in bpy.data.scenes]
    return {
        "bones": bones,
        "pose": pose,
        "drivers": [
            (d.data_path, d.array_index, d.mute, d.driver.type, d.driver.expression) for d in drivers
        ],
        "basis": [tuple(row) for row in armature.matrix_basis],
        "scenes": scenes,
    }
