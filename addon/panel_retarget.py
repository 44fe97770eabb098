# mypy: allow-subclassing-any
"""The sections *Retarget*, *Bone Map* and *Export*."""

from __future__ import annotations

import bpy

from .retarget.export_operators import formats_here
from .retarget.human_bones import REQUIRED
from .retarget.operators import whats_missing
from .text_lines import draw_text


class KINELIFT_UL_bone_map(bpy.types.UIList):
    """Human bones and the bones of a rig that they are"""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: bpy.types.PropertyGroup,
        item: bpy.types.PropertyGroup,
        icon: int,
        active_data: bpy.types.PropertyGroup,
        active_propname: str,
    ) -> None:
        settings = context.scene.kinelift_retarget
        armature = settings.source if data == settings.source_map else settings.target
        row = layout.split(factor=0.4, align=True)
        row.label(text=item.name, translate=False)
        if armature is None:
            row.label(text=item.bone, translate=False)
            return
        field = row.row()
        field.alert = (item.human in REQUIRED and not item.bone) or bool(
            item.bone and item.bone not in armature.data.bones
        )
        field.prop_search(item, "bone", armature.data, "bones", text="")


class _Viewport:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Kinelift"


class KINELIFT_PT_retarget_view3d(_Viewport, bpy.types.Panel):
    bl_label = "Retarget"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.kinelift_retarget
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "source")
        layout.prop(settings, "target")
        for name, armature, rig_map in (
            ("Source", settings.source, settings.source_map),
            ("Target", settings.target, settings.target_map),
        ):
            if armature is not None:
                draw_text(layout, context, f"{name}: {rig_map.found}", "CHECKMARK")
        layout.prop(settings, "start")
        layout.prop(settings, "root_mode")
        layout.prop(settings, "plant_feet")
        layout.prop(settings, "keep_hands")
        if settings.target_map.ik:
            layout.prop(settings, "limbs")
        missing = whats_missing(context)
        column = layout.column()
        column.scale_y = 1.5
        column.enabled = missing is None
        column.operator("kinelift.retarget", icon="ARMATURE_DATA")
        if missing is not None:
            draw_text(layout, context, missing, "ERROR")
            return
        row = layout.row(align=True)
        row.operator("kinelift.preview_retarget", icon="HIDE_OFF")
        row.operator("kinelift.retarget", text="Onto All Selected").all_selected = True
        on = bool(settings.previewed)
        text = "End Preview" if on else "Preview While Scrubbing"
        layout.operator("kinelift.live_preview_retarget", text=text, icon="PLAY", depress=on)


class KINELIFT_PT_retarget_keys_view3d(_Viewport, bpy.types.Panel):
    bl_label = "Frames & Keys"
    bl_parent_id = "KINELIFT_PT_retarget_view3d"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.kinelift_retarget
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "locked", toggle=True)
        row = layout.row(heading="Frame Range", align=True)
        row.prop(settings, "use_frame_range", text="")
        part = row.row(align=True)
        part.active = settings.use_frame_range
        part.prop(settings, "frame_first", text="")
        part.prop(settings, "frame_last", text="")
        layout.prop(settings, "every")
        layout.prop(settings, "tolerance")
        layout.prop(settings, "fill_strip")


class _BoneMap(_Viewport):
    bl_parent_id = "KINELIFT_PT_retarget_view3d"
    bl_options = {"DEFAULT_CLOSED"}
    role = ""

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.kinelift_retarget  # type: ignore[attr-defined]
        rig_map = settings.source_map if self.role == "SOURCE" else settings.target_map
        layout.template_list(
            "KINELIFT_UL_bone_map", self.role, rig_map, "bones", rig_map, "active", rows=6, sort_lock=True
        )
        layout.operator("kinelift.find_bone_map", icon="VIEWZOOM").role = self.role
        row = layout.row(align=True)
        row.operator("kinelift.load_bone_map", text="Load", icon="FILE_FOLDER").role = self.role
        row.operator("kinelift.save_bone_map", text="Save", icon="FILE_TICK").role = self.role


class KINELIFT_PT_source_map_view3d(_BoneMap, bpy.types.Panel):
    bl_label = "Source's Bones"
    role = "SOURCE"


class KINELIFT_PT_target_map_view3d(_BoneMap, bpy.types.Panel):
    bl_label = "Target's Bones"
    role = "TARGET"


class KINELIFT_PT_export_view3d(_Viewport, bpy.types.Panel):
    bl_label = "Export"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        for name, title in formats_here().items():
            column.operator("kinelift.export_motion", text=title, icon="EXPORT").kind = name


PANELS: tuple[type, ...] = (
    KINELIFT_PT_retarget_view3d,
    KINELIFT_PT_source_map_view3d,
    KINELIFT_PT_target_map_view3d,
    KINELIFT_PT_retarget_keys_view3d,
    KINELIFT_PT_export_view3d,
)
"""In the order in which they are registered, and so stand in the sidebar."""
