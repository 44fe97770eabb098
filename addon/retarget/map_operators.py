# mypy: allow-subclassing-any, disable-error-code="valid-type"
"""Finding, saving and loading bone maps."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...estimator.errors import InputError
from ..text_lines import for_report
from .automatic_map import find_map
from .bone_map import load_map, save_map
from .properties import KineliftBoneMap, show_found, show_map, shown_map
from .rest_rig import read_rest_rig

_ROLES = (
    ("SOURCE", "Source", "The armature whose motion is taken"),
    ("TARGET", "Target", "The armature that gets the motion"),
)


class _OfOneRig:
    role: bpy.props.EnumProperty(
        name="Of", description="Which armature's map", items=_ROLES, default="TARGET"
    )

    def rig(self, context: bpy.types.Context) -> tuple[bpy.types.Object, KineliftBoneMap]:
        """The armature and its map, or InputError."""
        settings = context.scene.kinelift_retarget
        is_source = self.role == "SOURCE"
        armature = settings.source if is_source else settings.target
        if armature is None:
            raise InputError(f"Choose a {'source' if is_source else 'target'} first")
        return armature, settings.source_map if is_source else settings.target_map


class KINELIFT_OT_find_bone_map(_OfOneRig, bpy.types.Operator):
    """Find out again which bone is which; what was edited is lost"""

    bl_idname = "kinelift.find_bone_map"
    bl_label = "Find Bones"
    bl_options = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            armature, rig_map = self.rig(context)
            found = find_map(read_rest_rig(armature), self.role)
        except InputError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        show_found(rig_map, found)
        self.report({"INFO"}, f"{armature.name}: {found.how}, {len(found.bone_map.bones)} bones")
        return {"FINISHED"}


class KINELIFT_OT_save_bone_map(_OfOneRig, bpy.types.Operator):
    """Save a bone map as a file, for other scenes with the same rig"""

    bl_idname = "kinelift.save_bone_map"
    bl_label = "Save Bone Map"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH")
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        try:
            armature, _ = self.rig(context)
        except InputError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        self.filepath = f"{bpy.path.clean_name(armature.name)}_bones.json"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath)).with_suffix(".json")
        try:
            _, rig_map = self.rig(context)
            save_map(path, shown_map(rig_map))
        except InputError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        self.report({"INFO"}, f"{path.name} saved")
        return {"FINISHED"}


class KINELIFT_OT_load_bone_map(_OfOneRig, bpy.types.Operator):
    """Load a bone map that was saved"""

    bl_idname = "kinelift.load_bone_map"
    bl_label = "Load Bone Map"
    bl_options = {"UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH")
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath))
        try:
            armature, rig_map = self.rig(context)
            bone_map = load_map(path)
        except InputError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        show_map(rig_map, bone_map, path.name)
        missing = [bone for bone in bone_map.bones.values() if bone not in armature.data.bones]
        if missing:
            self.report({"WARNING"}, f"{armature.name}: has no bone {', '.join(missing[:3])}; choose others")
        return {"FINISHED"}
