# mypy: allow-subclassing-any, disable-error-code="valid-type"
"""Export of one armature with its meshes, with settings that game engines and other programs expect.

``export_armature`` is for scripts too: over the frames of the motion, the BVH in Kinelift's axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...estimator.errors import InputError, KineliftError
from ..scene_units import metres_per_unit
from ..text_lines import for_report, reason_of
from .automatic_map import find_map
from .bvh_export import save_armature_bvh
from .rest_rig import read_rest_rig
from .root_bone_copy import meshes_of, root_bone_copy
from .source_motion import bone_channels, frame_range, is_constant

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
    """A file format and how to write it; without ``operator`` Kinelift writes it itself."""

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
        {
            "use_selection": True,
            "export_format": "GLB",
            "export_animation_mode": "ACTIVE_ACTIONS",
            # Else all actions of bones with the same names are mixed into the present one.
            "export_anim_single_armature": False,
        },
    ),
    "BVH": _Format(
        "BVH",
        "Skeleton and motion alone: Y up, facing +Z, metres",
        ".bvh",
        "",
        {},
    ),
    "USD": _Format(
        "USD",
        "Skeleton, meshes and motion",
        ".usdc",
        "wm.usd_export",
        {"selected_objects_only": True, "export_animation": True, "export_armatures": True},
    ),
}

ROOT_BONE_KINDS = ("FBX_UNREAL", "FBX_UNITY")
"""Formats for game engines, which look for the path on a root bone."""
_UNITS_AS_METRES = ("GLTF", "USD")
"""Formats of metres whose exporters in Blender don't heed the scene's unit scale."""
_DEFORMING_ALONE: dict[str, dict[str, Any]] = {
    "FBX_UNREAL": {"use_armature_deform_only": True},
    "FBX_UNITY": {"use_armature_deform_only": True},
    "GLTF": {"export_def_bones": True},
}
"""Of an animator's rig the controls and mechanisms stay here."""


class KINELIFT_OT_export_motion(bpy.types.Operator):
    """Export the active armature with its meshes and its present motion"""

    bl_idname = "kinelift.export_motion"
    bl_label = "Export Motion"

    kind: bpy.props.EnumProperty(
        name="Format",
        description="What to export as",
        items=[(name, one.title, one.description) for name, one in FORMATS.items()],
    )
    root_bone: bpy.props.BoolProperty(
        name="Root Bone",
        description="In FBX a root bone on the ground carries path and heading, as game engines want it; "
        "rigs without one get it in the file, not here",
        default=True,
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
        path = Path(bpy.path.abspath(self.filepath))
        try:
            saved = export_armature(context, context.active_object, self.kind, path, root_bone=self.root_bone)
        except (KineliftError, RuntimeError) as error:
            said = reason_of(error) if isinstance(error, RuntimeError) else str(error)
            self.report({"ERROR"}, for_report(said))
            return {"CANCELLED"}
        note = size_note(saved, self.kind, context.scene)
        self.report({"WARNING" if note else "INFO"}, note or f"{saved.name} saved")
        return {"FINISHED"}

    def draw(self, context: bpy.types.Context) -> None:
        if self.kind in ROOT_BONE_KINDS:
            self.layout.prop(self, "root_bone")


def formats_here() -> dict[str, str]:
    """Titles by kind of what this Blender can write; Debian's, for one, has no USD."""
    return {kind: one.title for kind, one in FORMATS.items() if _is_there(one.operator)}


def export_armature(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    kind: str,
    path: Path,
    *,
    root_bone: bool = False,
) -> Path:
    """Writes an armature with the meshes that it deforms, over the frames of its motion; returns the path.

    Selection, active object and the scene's range and frame are afterwards what they were.

    Args:
        kind: of ``FORMATS``; the path gets its suffix.
        root_bone: whether, in FBX, a root bone carries path and heading; see ``root_bone_copy``. A rig that
            has one that moves keeps it as it is.

    Raises:
        InputError: the armature has no motion, the folder isn't there, or this Blender lacks the exporter.
        RuntimeError: Blender's exporter failed.
    """
    chosen = FORMATS[kind]
    path = path.with_suffix(chosen.suffix)
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: is no folder; choose another one")
    first, last = (round(frame) for frame in frame_range(armature))
    if not chosen.operator:
        save_armature_bvh(path, armature, context.scene, (first, last))
        return path
    export = exporter(chosen.operator)
    options = dict(chosen.options)
    if kind == "GLTF" and armature.animation_data.action is None:  # its motion lies in the NLA
        options["export_animation_mode"] = "NLA_TRACKS"
    if kind in _DEFORMING_ALONE and is_control_rig(armature):
        options |= _DEFORMING_ALONE[kind]
    with ExitStack() as undo:
        undo.enter_context(_range(context.scene, first, last))
        if root_bone and kind in ROOT_BONE_KINDS and not _root_moves(armature):
            # Unreal takes an object of this name for Blender's, not for one more bone above the root.
            name = "Armature" if kind == "FBX_UNREAL" else armature.name
            armature = undo.enter_context(root_bone_copy(context, armature, (first, last), name))
        undo.enter_context(_selected_alone(context, armature))
        export(filepath=str(path), **options)
    return path


def size_note(saved: Path, kind: str, scene: bpy.types.Scene) -> str | None:
    """A line on a file whose exporter has taken the scene's units for metres; None where it has its size."""
    times = 1 / metres_per_unit(scene)
    if kind not in _UNITS_AS_METRES or abs(times - 1) < 1e-6:
        return None
    return f"{saved.name} saved; in it a unit of the scene is a metre: {times:g} times the size"


def exporter(operator: str) -> Callable[..., set[str]]:
    """Blender's own exporter by its name, or InputError where this Blender lacks it."""
    if not _is_there(operator):
        raise InputError(
            f"This Blender has no {operator.partition('.')[2]}; enable the add-on that brings it, or choose "
            "another format"
        )
    module, name = operator.split(".")
    found: Callable[..., set[str]] = getattr(getattr(bpy.ops, module), name)
    return found


def _is_there(operator: str) -> bool:
    module, _, name = operator.partition(".")
    return not operator or name in dir(getattr(bpy.ops, module))


def is_control_rig(armature: bpy.types.Object) -> bool:
    """Whether an animator moves it by controls, so that a part of its bones alone deforms the mesh."""
    deforming = any(bone.use_deform for bone in armature.data.bones)
    return deforming and find_map(read_rest_rig(armature), "TARGET").bone_map.controls


def _root_moves(armature: bpy.types.Object) -> bool:
    """Whether the map's root bone, the first bone of all, has keys that move it."""
    root = find_map(read_rest_rig(armature), "TARGET").bone_map.bones.get("root")
    channels = bone_channels(armature)
    return root is not None and any(
        not is_constant(curve)
        for (bone, _), curves in channels.items()
        if bone == root
        for curve in curves.values()
    )


@contextmanager
def _range(scene: bpy.types.Scene, first: int, last: int) -> Iterator[None]:
    """The exporters take the scene's range."""
    before = scene.frame_start, scene.frame_end, scene.frame_current
    scene.frame_start, scene.frame_end = first, max(last, first)
    try:
        yield
    finally:
        scene.frame_start, scene.frame_end = before[:2]
        scene.frame_set(before[2])


@contextmanager
def _selected_alone(context: bpy.types.Context, armature: bpy.types.Object) -> Iterator[None]:
    """The armature and the meshes that it deforms are selected; afterwards what was."""
    view_layer = context.view_layer
    before = [ob for ob in view_layer.objects if ob.select_get()]
    active = view_layer.objects.active
    meshes = meshes_of(context, armature)
    for ob in before:
        ob.select_set(False)
    for ob in (armature, *meshes):
        ob.select_set(True)
    view_layer.objects.active = armature
    try:
        yield
    finally:
        for ob in (armature, *meshes):
            ob.select_set(False)
        for ob in before:
            ob.select_set(True)
        view_layer.objects.active = active
