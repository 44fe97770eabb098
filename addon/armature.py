"""The armature of a person: the canonical skeleton as bones.

One bone per joint, with the joint's name and its head at the joint, pointing to the joint's main child;
Head, hands and toes point to the crown, the fingertips and the toe tips. Rolls: the bone's Z axis points as
far forward (-Y) as the bone's direction allows, in feet and toes as far up. So elbows and knees flex about
their bones' X axis.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from ..estimator.errors import InputError
from ..estimator.skeleton import (
    END_POINT_BASIS,
    END_POINT_NAMES,
    JOINT_INDEX,
    JOINT_NAMES,
    PARENTS,
    hips_height,
    lengths_from_rest_offsets,
)

Array = NDArray[np.float64]

ROOT_BONE = "Root"
MIN_BONE_LENGTH = 0.01
"""Metres. Blender deletes bones without length, up to 4.5 without a word."""

_ROOT_BONE_LENGTH = 0.3
_END_POINTS = {
    "Head": "head_top",
    "LeftHand": "left_fingertips",
    "RightHand": "right_fingertips",
    "LeftToeBase": "left_toe_tip",
    "RightToeBase": "right_toe_tip",
}
_MAIN_CHILDREN = {"Hips": "Spine", "Spine2": "Neck"}
"""Of the joints that have several."""
_FORWARD = Vector((0.0, -1.0, 0.0))
_UP = Vector((0.0, 0.0, 1.0))


def rest_joints(rest_offsets: Array) -> Array:
    """(22, 3) joints in the rest pose, standing on z = 0 at the origin; rest_offsets (22, 3) metres."""
    joints = np.zeros_like(rest_offsets)
    joints[0, 2] = hips_height(lengths_from_rest_offsets(rest_offsets))
    for joint, parent in enumerate(PARENTS[1:], start=1):
        joints[joint] = joints[parent] + rest_offsets[joint]
    return joints


def rest_tails(rest_offsets: Array) -> Array:
    """(22, 3) where each joint's bone ends in the rest pose, metres; at least 1 cm from its head."""
    joints = rest_joints(rest_offsets)
    ends = np.einsum("l,lpc->pc", lengths_from_rest_offsets(rest_offsets), END_POINT_BASIS)
    tails = np.empty_like(joints)
    for joint, name in enumerate(JOINT_NAMES):
        if name in _END_POINTS:
            along = ends[END_POINT_NAMES.index(_END_POINTS[name])]
        else:
            along = joints[_main_child(joint)] - joints[joint]
        length = float(np.linalg.norm(along))
        if length < MIN_BONE_LENGTH:
            along = np.array(_UP) * MIN_BONE_LENGTH if length < 1e-6 else along * (MIN_BONE_LENGTH / length)
        tails[joint] = joints[joint] + along
    return tails


def create_armature(name: str, rest_offsets: Array, *, root_bone: bool) -> bpy.types.Object:
    """Makes an armature object in the rest pose: T-pose, facing -Y, soles on z = 0.

    The object is linked to no collection yet; that is the caller's. The user's mode, selection and active
    object are not touched.

    Args:
        rest_offsets: (22, 3) metres, of a canonical skeleton.
        root_bone: whether Hips gets a parent ``Root``, at the origin along +Y with roll 0.

    Raises:
        InputError: the offsets are not finite.
    """
    if not np.isfinite(rest_offsets).all():
        raise InputError(
            f"{name}: the skeleton's rest_offsets are not all numbers; estimate the motion again"
        )
    heads, tails = rest_joints(rest_offsets), rest_tails(rest_offsets)
    armature = bpy.data.armatures.new(name)
    try:
        armature_object = bpy.data.objects.new(name, armature)
        with _edit_mode(armature_object):
            _add_bones(armature.edit_bones, heads, tails, root_bone)
    except BaseException:
        bpy.data.armatures.remove(armature)  # and its object with it
        raise
    armature_object.show_in_front = True
    return armature_object


def _add_bones(edit_bones: bpy.types.ArmatureEditBones, heads: Array, tails: Array, root_bone: bool) -> None:
    bones: list[bpy.types.EditBone] = []
    for joint, name in enumerate(JOINT_NAMES):
        bone = edit_bones.new(name)
        bone.head, bone.tail = heads[joint], tails[joint]
        bone.align_roll(_UP if name.endswith(("Foot", "ToeBase")) else _FORWARD)
        if joint:
            bone.parent = bones[PARENTS[joint]]
            bone.use_connect = bool(np.allclose(tails[PARENTS[joint]], heads[joint], atol=1e-6))
        bones.append(bone)
    if root_bone:
        root = edit_bones.new(ROOT_BONE)
        root.head, root.tail, root.roll = (0.0, 0.0, 0.0), (0.0, _ROOT_BONE_LENGTH, 0.0), 0.0
        bones[0].parent = root


def _main_child(joint: int) -> int:
    name = JOINT_NAMES[joint]
    return JOINT_INDEX[_MAIN_CHILDREN[name]] if name in _MAIN_CHILDREN else PARENTS.index(joint)


@contextmanager
def _edit_mode(armature_object: bpy.types.Object) -> Iterator[None]:
    """Edit mode in a scene of the object's own.

    Only edit mode makes bones. Modes belong to objects, so in a throw-away scene it leaves alone whatever
    mode, selection, hidden or excluded collections the user's scene has.
    """
    scene = bpy.data.scenes.new("Kinelift bones")
    try:
        scene.collection.objects.link(armature_object)
        view_layer = scene.view_layers[0]
        view_layer.objects.active = armature_object
        place = {
            "scene": scene,
            "view_layer": view_layer,
            "active_object": armature_object,
            "object": armature_object,
        }
        with bpy.context.temp_override(**place, edit_object=None):
            bpy.ops.object.mode_set(mode="EDIT")
        try:
            yield
        finally:
            with bpy.context.temp_override(**place, edit_object=armature_object):
                bpy.ops.object.mode_set(mode="OBJECT")
    finally:
        bpy.data.scenes.remove(scene)
