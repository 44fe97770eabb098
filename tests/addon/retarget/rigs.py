"""Armatures for tests, built from presets' bone names: any pose, rolls, proportions and place."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from kinelift_checkout.addon.retarget.human_bones import FINGERS, HUMAN_BONES, NECK, SPINE, parent_candidates
from kinelift_checkout.addon.retarget.preset_maps import Preset
from mathutils import Matrix, Vector
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Build:
    """How an armature for a test is built.

    Attributes:
        arms: degrees below the horizontal: 0 is a T-pose, 45 an A-pose, 85 arms down.
        bend: degrees that elbows and knees are bent at rest.
        legs, trunk: size of these parts, 1 for a person with legs of 0.84 m.
        turned: degrees that the body faces away from -Y in the armature's own space.
        y_up: whether the body stands along the armature's Y, as importers of Y-up formats leave it.
        any_tails: whether bones point anywhere, as in imported rigs, not along limbs.
        seed: of the rolls.
    """

    arms: float = 0.0
    bend: float = 0.0
    legs: float = 1.0
    trunk: float = 1.0
    turned: float = 0.0
    y_up: bool = False
    any_tails: bool = False
    seed: int = 0


def joint_places(build: Build, names: set[str]) -> dict[str, Array]:
    """Where the human bones in ``names`` begin, metres; the body stands on the origin, facing -Y."""
    leg, trunk = 0.42 * build.legs, 0.5 * build.trunk
    hips = 2 * leg + 0.08
    spine = [name for name in SPINE if name in names]
    neck = [name for name in NECK if name in names]
    places = {
        "root": np.zeros(3),
        "hips": np.array([0.0, 0.0, hips + 0.03]),
        "pelvis": np.array([0.0, 0.0, hips + 0.02]),
    }
    for index, name in enumerate(spine):
        up = 0.1 + 0.7 * trunk * index / len(spine)
        places[name] = np.array([0.0, 0.012 * np.sin(3.0 * up), hips + up])
    shoulders = hips + trunk
    for index, name in enumerate(neck):
        places[name] = np.array([0.0, 0.01, shoulders + 0.03 + 0.08 * index / len(neck)])
    places["head"] = np.array([0.0, 0.0, shoulders + 0.12])
    down, bend = np.radians(build.arms), np.radians(build.bend)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        across = np.array([sign, 0.0, 0.0])
        low = np.array([0.0, 0.0, -1.0])
        front = np.array([0.0, -1.0, 0.0])
        arm = np.cos(down) * across + np.sin(down) * low
        forearm = np.cos(bend) * arm + np.sin(bend) * front
        places[f"{side}_shoulder"] = np.array([sign * 0.03, -0.01, shoulders - 0.03])
        places[f"{side}_upper_arm"] = np.array([sign * 0.17, 0.0, shoulders - 0.02])
        places[f"{side}_forearm"] = places[f"{side}_upper_arm"] + 0.28 * arm
        places[f"{side}_hand"] = places[f"{side}_forearm"] + 0.25 * forearm
        shin = np.cos(bend) * low - np.sin(bend) * front
        places[f"{side}_thigh"] = np.array([sign * 0.09, 0.0, hips])
        places[f"{side}_shin"] = places[f"{side}_thigh"] + leg * low
        places[f"{side}_foot"] = places[f"{side}_shin"] + leg * shin
        places[f"{side}_toes"] = places[f"{side}_foot"] + 0.13 * front + 0.055 * low
        for number, finger in enumerate(FINGERS):
            spread = (number - 2) * 0.02 * front
            for joint in (1, 2, 3):
                reach = 0.06 + 0.03 * joint - (0.04 if finger == "thumb" else 0.0)
                places[f"{side}_{finger}_{joint}"] = places[f"{side}_hand"] + reach * forearm - spread
    return {name: places[name] for name in HUMAN_BONES if name in names}


def build_rig(names: dict[str, str], build: Build = Build(), name: str = "Target") -> bpy.types.Object:
    """An armature whose bones carry these names (human bone → name), linked to the scene and active.

    Bones are made in the order of ``names``, as far as parents have to come before their children.
    """
    places = joint_places(build, set(names))
    bones = []
    for human, bone in names.items():
        parent = next((above for above in parent_candidates(human) if above in names), None)
        bones.append((bone, names[parent] if parent else "", human))
    return build_tree(
        _parents_first(bones), {names[human]: place for human, place in places.items()}, names, build, name
    )


def build_tree(
    bones: list[tuple[str, str, str]],
    places: dict[str, Array],
    human_bones: dict[str, str],
    build: Build,
    name: str,
) -> bpy.types.Object:
    """An armature of bones given by name, parent's name and human bone (or nothing), in their order.

    Args:
        places: (3,) where each bone begins, by its name.
        human_bones: human bone → name.
    """
    by_human = {human: places[bone] for human, bone in human_bones.items()}
    spin = Matrix.Rotation(np.radians(build.turned), 3, "Z")
    if build.y_up:
        spin = Matrix.Rotation(-np.pi / 2, 3, "X") @ spin
    generator = np.random.default_rng(build.seed)
    armature = bpy.data.armatures.new(name)
    blender_object = bpy.data.objects.new(name, armature)
    bpy.context.scene.collection.objects.link(blender_object)
    bpy.context.view_layer.objects.active = blender_object
    bpy.ops.object.mode_set(mode="EDIT")
    made: dict[str, bpy.types.EditBone] = {}
    for own, parent, human in bones:
        bone = armature.edit_bones.new(own)
        place = places[own]
        end = _end(human, by_human) if human else place + np.array([0.0, 0.0, 0.03])
        if build.any_tails:
            end = place + 0.1 * _unit(generator.normal(size=3))
        bone.head, bone.tail = spin @ Vector(place), spin @ Vector(end)
        bone.roll = generator.uniform(-np.pi, np.pi)
        bone.parent = made[parent] if parent else None
        made[own] = bone
    bpy.ops.object.mode_set(mode="OBJECT")
    return blender_object


def _parents_first(bones: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    ordered: list[tuple[str, str, str]] = []
    left = list(bones)
    while left:
        done = {bone for bone, _, _ in ordered} | {""}
        bone = next(bone for bone in left if bone[1] in done)
        left.remove(bone)
        ordered.append(bone)
    return ordered


def build_preset(
    preset: Preset, build: Build = Build(), prefix: str = "", name: str = ""
) -> bpy.types.Object:
    """An armature with all bones of a preset, called after it unless there is a name."""
    return build_rig(
        {human: prefix + bone for human, bone in preset.bones.items()}, build, name or preset.name
    )


def put_askew(armature: bpy.types.Object, scale: float) -> None:
    """Moves, turns and scales the object, none of it along the world's axes."""
    armature.location, armature.scale = (2.0, -1.0, 0.5), (scale,) * 3
    armature.rotation_euler = (0.4, -0.2, 1.1)
    bpy.context.view_layer.update()


def _end(human: str, places: dict[str, Array]) -> Array:
    side, _, part = human.partition("_")
    following = {"upper_arm": "forearm", "forearm": "hand", "thigh": "shin", "shin": "foot", "foot": "toes"}
    place = places[human]
    if part in following and f"{side}_{following[part]}" in places:
        return places[f"{side}_{following[part]}"]
    if human == "root":
        return np.array([0.0, 0.3, 0.0])
    if part == "shoulder":
        return places[f"{side}_upper_arm"]
    if part == "toes":
        return place + np.array([0.0, -0.06, 0.0])
    if side in ("left", "right"):
        elbow = places[f"{side}_upper_arm" if part == "forearm" else f"{side}_forearm"]
        return place + (0.03 if human[-1].isdigit() else 0.08) * _unit(place - elbow)
    return place + np.array([0.0, 0.0, 0.1 if human == "head" else 0.05])


def _unit(vector: Array) -> Array:
    return vector / np.linalg.norm(vector)
