# mypy: allow-subclassing-any, disable-error-code="valid-type"
"""Small steps before an estimate: clip, scene, ground and camera."""

from __future__ import annotations

import bpy
from mathutils import Vector

from ..estimator.errors import InputError
from .blender_camera import require_readable, solved_reconstruction
from .estimate_request import clip_frames, clip_rate
from .object_place import world_of
from .scene_units import shown_length
from .solve_camera import add_solve_camera
from .text_lines import for_report


class KINELIFT_OT_use_editor_clip(bpy.types.Operator):
    """Use the clip that this editor shows"""

    bl_idname = "kinelift.use_editor_clip"
    bl_label = "Use This Clip"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if getattr(context.space_data, "clip", None) is None:
            cls.poll_message_set("Open a clip in this Movie Clip Editor first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.kinelift.clip = context.space_data.clip
        return {"FINISHED"}


class KINELIFT_OT_match_scene_to_clip(bpy.types.Operator):
    """Give the scene the clip's frame rate, frame range and resolution"""

    bl_idname = "kinelift.match_scene_to_clip"
    bl_label = "Match Scene to Clip"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene.kinelift.clip is None:
            cls.poll_message_set("Choose a clip first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        settings = scene.kinelift
        clip = settings.clip
        try:
            require_readable(clip)
        except InputError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        fps = clip_rate(clip) or settings.fps
        scene.render.fps = max(round(fps), 1)
        scene.render.fps_base = scene.render.fps / fps
        scene.frame_start, scene.frame_end = clip_frames(clip)
        scene.render.resolution_x, scene.render.resolution_y = clip.size
        scene.render.resolution_percentage = 100
        aspect = clip.tracking.camera.pixel_aspect
        scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = max(aspect, 1.0), max(1.0 / aspect, 1.0)
        self.report(
            {"INFO"},
            f"{scene.name}: {fps:.6g} fps, frames {scene.frame_start} to {scene.frame_end}, "
            f"{clip.size[0]} × {clip.size[1]}",
        )
        return {"FINISHED"}


class KINELIFT_OT_add_solve_camera(bpy.types.Operator):
    """Add a camera that follows the clip's camera solve, whose floor and scale can then be set"""

    bl_idname = "kinelift.add_solve_camera"
    bl_label = "Add Solve Camera"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        clip = context.scene.kinelift.clip
        if clip is None or solved_reconstruction(clip) is None:
            cls.poll_message_set("Choose a clip whose camera is solved first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            camera = add_solve_camera(context, context.scene.kinelift.clip)
        except InputError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        self.report(
            {"INFO"}, f"{camera.name} follows the solve; set its floor and scale in the Movie Clip Editor"
        )
        return {"FINISHED"}


class KINELIFT_OT_pick_ground(bpy.types.Operator):
    """Take the height of the ground from the scene"""

    bl_idname = "kinelift.pick_ground"
    bl_label = "Pick Ground"
    bl_options = {"REGISTER", "UNDO"}

    source: bpy.props.EnumProperty(
        name="Ground",
        description="What lies on the ground",
        items=(
            ("CURSOR", "3D Cursor", "The ground is as high as the 3D cursor"),
            ("OBJECT", "Active Object", "The ground is the top of the active object, such as a floor"),
        ),
        options={"SKIP_SAVE"},
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        return str(properties.bl_rna.properties["source"].enum_items[properties.source].description)

    def execute(self, context: bpy.types.Context) -> set[str]:
        picked = context.active_object
        if self.source == "CURSOR":
            height = context.scene.cursor.location.z
        elif picked is None:
            self.report({"ERROR"}, "There is no active object; select the floor, or use the 3D cursor")
            return {"CANCELLED"}
        else:
            # Of an object without a body, such as an empty, the box is its origin.
            world = world_of(picked)
            height = max((world @ Vector(corner)).z for corner in picked.bound_box)
        context.scene.kinelift.ground_height = height
        self.report({"INFO"}, f"The ground is at a height of {shown_length(height, context.scene)}")
        return {"FINISHED"}
