# mypy: allow-subclassing-any
"""The panels, in the order of the work, the same in the 3D Viewport and the Movie Clip Editor.

What is rarely changed is folded, so that *Estimate Motion* is seen without scrolling.
"""

from __future__ import annotations

import bpy

from .panel_camera import draw_camera
from .panel_estimate import draw_estimate, draw_ground, draw_output
from .panel_keypoints import draw_frames_and_overlay, draw_keypoints


class KINELIFT_UL_people(bpy.types.UIList):
    """The people in a keypoint file"""

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
        row = layout.row(align=True)
        row.prop(item, "selected", text="")
        row.label(text=f"{item.person_id}")
        row.label(text=f"{item.first_frame}–{item.last_frame}")
        row.label(text=f"{item.mean_confidence:.0%}")


class _Viewport:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Kinelift"


class _ClipEditor:
    bl_space_type = "CLIP_EDITOR"
    bl_region_type = "UI"
    bl_category = "Kinelift"


class _Keypoints:
    bl_label = "Clip & Keypoints"

    def draw(self, context: bpy.types.Context) -> None:
        draw_keypoints(self.layout, context)  # type: ignore[attr-defined]


class _FramesAndOverlay:
    bl_label = "Frames & Overlay"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        draw_frames_and_overlay(self.layout, context)  # type: ignore[attr-defined]


class _Camera:
    bl_label = "Camera"

    def draw(self, context: bpy.types.Context) -> None:
        draw_camera(self.layout, context)  # type: ignore[attr-defined]


class _Estimate:
    bl_label = "Estimate"

    def draw(self, context: bpy.types.Context) -> None:
        draw_estimate(self.layout, context)  # type: ignore[attr-defined]


class _Ground:
    bl_label = "Feet & Ground"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        draw_ground(self.layout, context)  # type: ignore[attr-defined]


class _Output:
    bl_label = "Output"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        draw_output(self.layout, context)  # type: ignore[attr-defined]


class KINELIFT_PT_keypoints_view3d(_Keypoints, _Viewport, bpy.types.Panel):
    pass


class KINELIFT_PT_frames_view3d(_FramesAndOverlay, _Viewport, bpy.types.Panel):
    bl_parent_id = "KINELIFT_PT_keypoints_view3d"


class KINELIFT_PT_camera_view3d(_Camera, _Viewport, bpy.types.Panel):
    pass


class KINELIFT_PT_estimate_view3d(_Estimate, _Viewport, bpy.types.Panel):
    pass


class KINELIFT_PT_ground_view3d(_Ground, _Viewport, bpy.types.Panel):
    bl_parent_id = "KINELIFT_PT_estimate_view3d"


class KINELIFT_PT_output_view3d(_Output, _Viewport, bpy.types.Panel):
    bl_parent_id = "KINELIFT_PT_estimate_view3d"


class KINELIFT_PT_keypoints_clip(_Keypoints, _ClipEditor, bpy.types.Panel):
    pass


class KINELIFT_PT_frames_clip(_FramesAndOverlay, _ClipEditor, bpy.types.Panel):
    bl_parent_id = "KINELIFT_PT_keypoints_clip"


class KINELIFT_PT_camera_clip(_Camera, _ClipEditor, bpy.types.Panel):
    pass


class KINELIFT_PT_estimate_clip(_Estimate, _ClipEditor, bpy.types.Panel):
    pass


class KINELIFT_PT_ground_clip(_Ground, _ClipEditor, bpy.types.Panel):
    bl_parent_id = "KINELIFT_PT_estimate_clip"


class KINELIFT_PT_output_clip(_Output, _ClipEditor, bpy.types.Panel):
    bl_parent_id = "KINELIFT_PT_estimate_clip"


PANELS: tuple[type, ...] = (
    KINELIFT_PT_keypoints_view3d,
    KINELIFT_PT_frames_view3d,
    KINELIFT_PT_camera_view3d,
    KINELIFT_PT_estimate_view3d,
    KINELIFT_PT_ground_view3d,
    KINELIFT_PT_output_view3d,
    KINELIFT_PT_keypoints_clip,
    KINELIFT_PT_frames_clip,
    KINELIFT_PT_camera_clip,
    KINELIFT_PT_estimate_clip,
    KINELIFT_PT_ground_clip,
    KINELIFT_PT_output_clip,
)
"""In the order in which they are registered, and so stand in the sidebar."""
