"""What is in the file and where the user is in it, for comparing before and after."""

from __future__ import annotations

from typing import Any

import bpy


def file_state() -> dict[str, Any]:
    """Every data-block with its users, the scene's and Kinelift's settings, mode, selection, active one."""
    state: dict[str, Any] = {}
    for kind in dir(bpy.data):
        blocks = getattr(bpy.data, kind)
        if isinstance(blocks, type(bpy.data.objects)):
            state[kind] = sorted((block.name, block.users) for block in blocks)
    context = bpy.context
    scene, active = context.scene, context.view_layer.objects.active
    state["scene"] = _values(scene) | _values(scene.render)
    state["kinelift"] = _values(scene.kinelift)
    state["people"] = [_values(person) for person in scene.kinelift.people]
    state["user"] = {
        "active": active and active.name,
        "mode": context.mode,
        "selected": sorted(ob.name for ob in context.view_layer.objects if ob.select_get()),
        "modes": {ob.name: ob.mode for ob in scene.objects},
    }
    return state


def _values(block: Any) -> dict[str, Any]:
    kept = {"BOOLEAN", "INT", "FLOAT", "STRING", "ENUM"}
    found = {}
    for name, prop in block.bl_rna.properties.items():
        if prop.type in kept and not name.startswith("is_"):
            value = getattr(block, name)
            found[name] = tuple(value) if getattr(prop, "is_array", False) else value
    return found


def enter(mode: str) -> None:
    """A user's file with two objects, the active one in the given mode; the undo system is started."""
    bpy.ops.object.armature_add()
    bpy.context.object.name = "Other"
    if mode != "POSE":
        bpy.ops.mesh.primitive_cube_add()
        bpy.data.objects["Other"].select_set(True)
    bpy.ops.object.mode_set(mode=mode)
    bpy.ops.ed.undo_push(message="The user's file")
