# mypy: allow-subclassing-any, disable-error-code="valid-type"
"""Export of one armature with its meshes, with settings that game engines and other programs expect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...estimator.errors import InputError
from ..animation import fcurves_of

_FBX: dict[str, Any] = {
    "use_selection": True,
    "object_types": {"ARMATURE", "MESH"},
    "add_leaf_bones": False,
    "bake_anim": True,
    "bake_anim_use_all_actions": False,
    "bake_anim_use_nla_strips": False,
    "bake_anim_simplify_factor": 0.0,
    "mesh_smooth_type": "FACE",
}


@dataclass(frozen=True)
class _Format:
    title: str
    description: str
    suffix: str
    operator: str
    options: dict[str, Any]


FORMATS: dict[str, _Format] = {
    "FBX_UNREAL": _Format(
        "FBX for Unreal",
        "No leaf bones, every frame baked, Unreal's units and axes",
        ".fbx",
        "export_scene.fbx",
        {**_FBX, "axis_forward": "-Y", "axis_up": "Z", "primary_bone_axis": "Y", "secondary_bone_axis": "X"},
    ),
    "FBX_UNITY": _Format(
        "FBX for Unity",
        "No leaf bones, every frame baked, scale in the file's units, Y up",
        ".fbx",
        "export_scene.fbx",
        {**_FBX, "axis_forward": "-Z", "axis_up": "Y", "apply_scale_options": "FBX_SCALE_ALL"},
    ),
    "GLTF": _Format(
        "glTF",
        "One .glb with the present action",
        ".glb",
        "export_scene.gltf",
        {"use_selection": True, "export_format": "GLB", "export_animation_mode": "ACTIVE_ACTIONS"},
    ),
    "BVH": _Format(
        "BVH",
        "Skeleton and motion alone, with Z up",
        ".bvh",
        "export_anim.bvh",
        {"root_transform_only": True},
    ),
    "USD": _Format(
        "USD",
        "Skeleton, meshes and motion",
        ".usdc",
        "wm.usd_export",
        {"selected_objects_only": True, "export_animation": True, "export_armatures": True},
    ),
}


class KINELIFT_OT_export_motion(bpy.types.Operator):
    """Export the active armature with its meshes and its present motion"""

    bl_idname = "kinelift.export_motion"
    bl_label = "Export Motion"

    kind: bpy.props.EnumProperty(
        name="Format",
        description="What to export as",
        items=[(name, one.title, one.description) for name, one in FORMATS.items()],
    )
    filepath: bpy.props.StringProperty(subtype="FILE_PATH")
    filter_glob: bpy.props.StringProperty(default="*.fbx;*.glb;*.bvh;*.usdc", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.active_object is None or context.active_object.type != "ARMATURE":
            cls.poll_message_set("Make an armature active first")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        name = bpy.path.clean_name(context.active_object.name)
        self.filepath = f"{name}{FORMATS[self.kind].suffix}"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen = FORMATS[self.kind]
        path = Path(bpy.path.abspath(self.filepath)).with_suffix(chosen.suffix)
        armature = context.active_object
        try:
            if not path.parent.is_dir():
                raise InputError(f"{path.parent}: is no folder; choose another one")
            export = exporter(chosen.operator)
            with _selected_alone(context, armature):
                export(filepath=str(path), **chosen.options, **_frames(chosen, armature))
        except (InputError, RuntimeError) as error:
            self.report({"ERROR"}, str(error).strip().splitlines()[-1])
            return {"CANCELLED"}
        self.report({"INFO"}, f"{path.name} saved")
        return {"FINISHED"}


def exporter(operator: str) -> Callable[..., set[str]]:
    """Blender's own exporter by its name, or InputError where this Blender lacks it."""
    module, name = operator.split(".")
    group = getattr(bpy.ops, module)
    if name not in dir(group):
        raise InputError(
            f"This Blender has no {name}; enable the add-on that brings it, or choose another format"
        )
    found: Callable[..., set[str]] = getattr(group, name)
    return found


def _frames(chosen: _Format, armature: bpy.types.Object) -> dict[str, int]:
    """BVH's exporter takes the frames as numbers, the others the scene's range."""
    if chosen.operator != "export_anim.bvh":
        return {}
    ranges = [curve.range() for curve in fcurves_of(armature)]
    if not ranges:
        raise InputError(f"{armature.name}: has no action; retarget a motion onto it first")
    return {
        "frame_start": round(min(first for first, _ in ranges)),
        "frame_end": round(max(last for _, last in ranges)),
    }


@contextmanager
def _selected_alone(context: bpy.types.Context, armature: bpy.types.Object) -> Iterator[None]:
    """The armature and the meshes that it deforms are selected; afterwards what was."""
    view_layer = context.view_layer
    before = [ob for ob in view_layer.objects if ob.select_get()]
    meshes = [
        ob
        for ob in view_layer.objects
        if ob.type == "MESH" and any(m.type == "ARMATURE" and m.object == armature for m in ob.modifiers)
    ]
    for ob in before:
        ob.select_set(False)
    for ob in (armature, *meshes):
        ob.select_set(True)
    try:
        yield
    finally:
        for ob in (armature, *meshes):
            ob.select_set(False)
        for ob in before:
            ob.select_set(True)
        view_layer.objects.active = armature
