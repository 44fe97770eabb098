"""A copy of an armature, for an export, on which a root bone on the ground carries path and heading.

Game engines take a character's way through the world from the skeleton's first bone. Takes and many rigs
have their motion on the hips or on the object instead, and often no root bone at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from ...estimator.errors import InputError
from ..animation import Curve, array_curves, write_curves
from ..quaternions import multiply, one_hemisphere
from ..timing import scene_rate
from .anatomy import read_body
from .automatic_map import find_map
from .bone_map import check_map
from .evaluation import stage
from .local_keys import bone_path
from .rest_rig import RestRig, read_rest_rig
from .root_motion import ground_path
from .rotations import from_matrices, to_matrices
from .source_motion import SourceMotion, read_source

Array = NDArray[np.float64]

_ROOT = "Root"
_CONSTANT = 1e-6


@dataclass(frozen=True)
class _Poses:
    """What the copy is to do.

    Attributes:
        names: of the bones, the root first, parents before their children.
        parents: (B,) of each, -1 for the root.
        rests: (B, 4, 4) in the armature's space.
        poses: (N, B, 4, 4) in the armature's space.
        world: of the object.
    """

    names: list[str]
    parents: list[int]
    rests: Array
    poses: Array
    world: Matrix


@contextmanager
def root_bone_copy(
    context: bpy.types.Context, armature: bpy.types.Object, frames: tuple[int, int], name: str
) -> Iterator[bpy.types.Object]:
    """The copy, in the scene with copies of the meshes, as long as it is needed; it moves by keys alone.

    The map's root bone gets path and heading; a rig without one gets a bone ``Root``.

    Args:
        frames: first and last, of the scene.
        name: that the copy has meanwhile, as files keep it.

    Raises:
        InputError: it isn't known where the body is, or the rig is moved by controls.
    """
    every = np.arange(frames[0], frames[1] + 1, dtype=np.float64)
    wanted = _poses(context.scene, armature, every)
    with ExitStack() as undo:
        data = armature.data.copy()
        undo.callback(bpy.data.armatures.remove, data)  # and the copy with it
        copy = bpy.data.objects.new(armature.name, data)
        context.scene.collection.objects.link(copy)
        copy.matrix_world = wanted.world
        _name(copy, name, undo)
        if wanted.names[0] not in data.bones:
            _add_root(context, copy, wanted)
        context.view_layer.update()  # makes the pose
        undo.callback(bpy.data.actions.remove, _animate(copy, armature, wanted, every))
        for mesh in meshes_of(context, armature):
            twin = mesh.copy()
            undo.callback(bpy.data.objects.remove, twin)
            _name(twin, mesh.name, undo)
            context.scene.collection.objects.link(twin)
            place = mesh.matrix_world.copy()
            twin.parent, twin.matrix_world = copy, place
            for modifier in twin.modifiers:
                if modifier.type == "ARMATURE" and modifier.object == armature:
                    modifier.object = copy
        context.view_layer.update()
        yield copy


def meshes_of(context: bpy.types.Context, armature: bpy.types.Object) -> list[bpy.types.Object]:
    """The meshes in the view layer that an armature deforms."""
    return [
        ob
        for ob in context.view_layer.objects
        if ob.type == "MESH" and any(m.type == "ARMATURE" and m.object == armature for m in ob.modifiers)
    ]


def _poses(scene: bpy.types.Scene, armature: bpy.types.Object, frames: Array) -> _Poses:
    with stage(armature, scene) as own:
        world = own.go_to(float(frames[0])).matrix_world.copy()
        rig = read_rest_rig(armature, world)
        found = find_map(rig, "TARGET")
        if found.bone_map.controls:
            raise InputError(
                f"{armature.name}: is moved by controls; retarget onto it with Root Motion set to Root Bone, "
                "or switch Root Bone off in the export"
            )
        check_map(found.bone_map, armature.name, rig.bones)
        body = read_body(rig, found.bone_map)
        poses = np.empty((len(frames), len(rig.bones), 4, 4))
        for row, frame in enumerate(frames):
            evaluated = own.go_to(float(frame))
            posed = np.array([evaluated.pose.bones[bone].matrix for bone in rig.bones])
            poses[row] = np.array(world.inverted() @ evaluated.matrix_world) @ posed
        *_, motion = read_source(armature, body, frames, own)
    assert isinstance(motion, SourceMotion)
    root = found.bone_map.bones.get("root")
    rest = np.eye(4) if root is None else rig.matrices[rig.index[root]]
    in_world = np.array(world) @ rest
    turn, place = ground_path(
        body,
        body,
        motion.turns["hips"],
        motion.hip_centre,
        body.sole,
        in_world[:3, 3],
        scene_rate(scene),
    )
    path = np.tile(np.eye(4), (len(frames), 1, 1))
    path[:, :3, :3] = rig.scale * to_matrices(multiply(turn, from_matrices(in_world[:3, :3])))
    path[:, :3, 3] = place
    return _with_root(rig, root, rest, np.array(world.inverted()) @ path, poses, world)


def _with_root(
    rig: RestRig, root: str | None, rest: Array, path: Array, poses: Array, world: Matrix
) -> _Poses:
    """The poses with the root's own in the first place; all that has no parent hangs on it."""
    others = [row for row, bone in enumerate(rig.bones) if bone != root]
    at = {row: index for index, row in enumerate(others, start=1)}
    name = root or next(
        name for name in (_ROOT, *(f"{_ROOT}{number}" for number in range(2, 99))) if name not in rig.index
    )
    return _Poses(
        [name, *(rig.bones[row] for row in others)],
        [-1, *(at.get(int(rig.parents[row]), 0) for row in others)],
        np.concatenate([rest[None], rig.matrices[others]]),
        np.concatenate([path[:, None], poses[:, others]], axis=1),
        world,
    )


def _name(blender_object: bpy.types.Object, name: str, undo: ExitStack) -> None:
    """Gives an object a name that another one may have, for a while."""
    other = bpy.data.objects.get(name)
    if other is blender_object:
        return
    if other is not None:
        undo.callback(setattr, other, "name", name)
        other.name = f"{name} (original)"
    before = blender_object.name
    undo.callback(setattr, blender_object, "name", before)
    blender_object.name = name


def _add_root(context: bpy.types.Context, copy: bpy.types.Object, wanted: _Poses) -> None:
    """A bone at the armature's origin, like Kinelift's own: along +Y, roll 0."""
    mode = {"active_object": copy, "object": copy}
    before = context.view_layer.objects.active
    context.view_layer.objects.active = copy
    try:
        with context.temp_override(**mode, edit_object=None):
            bpy.ops.object.mode_set(mode="EDIT")
        bones = copy.data.edit_bones
        root = bones.new(wanted.names[0])
        root.head, root.roll = (0.0, 0.0, 0.0), 0.0
        size = max(bone.tail.length for bone in bones if bone is not root)
        root.tail = Vector((0.0, 0.2 * size, 0.0))
        for bone in bones:
            if bone.parent is None and bone.name != root.name:
                bone.parent = root
        with context.temp_override(**mode, edit_object=copy):
            bpy.ops.object.mode_set(mode="OBJECT")
    finally:
        context.view_layer.objects.active = before


def _animate(
    copy: bpy.types.Object, armature: bpy.types.Object, wanted: _Poses, frames: Array
) -> bpy.types.Action:
    curves: list[Curve] = []
    for row, (bone, parent) in enumerate(zip(wanted.names, wanted.parents, strict=True)):
        rest, poses = wanted.rests[row], wanted.poses[:, row]
        if parent >= 0:
            rest = np.linalg.inv(wanted.rests[parent]) @ rest
            poses = np.linalg.inv(wanted.poses[:, parent]) @ poses
        basis = np.linalg.inv(rest) @ poses
        sizes = np.linalg.norm(basis[:, :3, :3], axis=1)
        pose_bone = copy.pose.bones[bone]
        pose_bone.rotation_mode = "QUATERNION"
        for channel, values in (
            ("location", basis[:, :3, 3]),
            ("rotation_quaternion", one_hemisphere(from_matrices(basis[:, :3, :3]))),
            ("scale", sizes),
        ):
            if np.ptp(values, axis=0).max() < _CONSTANT:
                setattr(pose_bone, channel, values[0])
            else:
                curves += array_curves(f"{bone_path(bone)}{channel}", frames, values, bone)
    data = armature.animation_data
    title = data.action.name if data is not None and data.action is not None else armature.name
    return write_curves(copy, title, curves)
