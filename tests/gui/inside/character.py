"""A character as a user has one: Rigify's human with a plain body on its bones."""

from __future__ import annotations

import addon_utils
import bmesh
import bpy
from mathutils import Matrix

_RIGIFY = "rigify"
_THICKNESS = {
    "spine": 0.14,
    "spine.001": 0.13,
    "spine.002": 0.13,
    "spine.003": 0.14,
    "spine.004": 0.06,
    "spine.005": 0.06,
    "spine.006": 0.1,
    "shoulder": 0.06,
    "upper_arm": 0.055,
    "forearm": 0.045,
    "hand": 0.045,
    "thigh": 0.085,
    "shin": 0.06,
    "foot": 0.05,
    "toe": 0.045,
}
"""Metres across, by the bone's name without its side."""


def add_character(name: str, place: tuple[float, float, float], size: float) -> bpy.types.Object:
    """An armature with a mesh that it moves; the active object stays.

    Args:
        place: of the object, metres.
        size: its scale; 1 is a person of 1.9 m.
    """
    layer = bpy.context.view_layer
    active = layer.objects.active
    # Stays enabled: Blender 5.2's leaves a handler behind that fails when a file is opened.
    addon_utils.enable(_RIGIFY, default_set=True)
    bpy.ops.object.armature_human_metarig_add()
    armature = layer.objects.active
    armature.name, armature.location, armature.scale = name, place, (size,) * 3
    _add_body(armature)
    layer.objects.active = active
    return armature


def _add_body(armature: bpy.types.Object) -> None:
    body = bpy.data.objects.new(f"{armature.name} Body", bpy.data.meshes.new("Body"))
    bpy.context.scene.collection.objects.link(body)
    body.parent = armature
    shape = bmesh.new()
    groups = shape.verts.layers.deform.verify()
    for bone in armature.data.bones:
        if across := _THICKNESS.get(bone.name.removesuffix(".L").removesuffix(".R")):
            group = body.vertex_groups.new(name=bone.name).index
            middle = bone.matrix_local @ Matrix.Translation((0.0, bone.length / 2, 0.0))
            along = Matrix.Diagonal((across, 0.6 * bone.length + 0.02, across, 1.0))
            made = bmesh.ops.create_uvsphere(
                shape, u_segments=20, v_segments=12, radius=1.0, matrix=middle @ along
            )
            for vertex in made["verts"]:
                vertex[groups][group] = 1.0
    for face in shape.faces:
        face.smooth = True
    shape.to_mesh(body.data)
    shape.free()
    body.modifiers.new("Armature", "ARMATURE").object = armature
    body.color = (0.35, 0.55, 0.75, 1.0)
