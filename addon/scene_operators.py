# mypy: allow-subclassing-any
"""Small steps around an estimate: clip, scene and where a take stands."""

from __future__ import annotations

import bpy

from ..estimator.errors import InputError
from .blender_camera import require_readable
from .estimate_request import clip_frames, clip_rate
from .take import VERSION_KEY, face_minus_y, place_at_cursor

_NO_TAKE = "Select the armature, camera or empty of a take first"


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
            self.report({"ERROR"}, str(error))
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


class KINELIFT_OT_use_take_camera(bpy.types.Operator):
    """Make the take's camera the scene's, to look through it at the footage and render with it"""

    bl_idname = "kinelift.use_take_camera"
    bl_label = "Use Take's Camera"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _poll_take(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        camera = take_camera(context)
        if camera is None:
            self.report({"ERROR"}, "This take has no camera; estimate again with Make Camera ticked")
            return {"CANCELLED"}
        context.scene.camera = camera
        self.report({"INFO"}, f"{camera.name} is the scene's camera now")
        return {"FINISHED"}


class KINELIFT_OT_place_at_cursor(bpy.types.Operator):
    """Move the take so that its person starts at the 3D cursor, standing on the cursor's height"""

    bl_idname = "kinelift.place_at_cursor"
    bl_label = "Place at Cursor"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _poll_take(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            empty = _take(context)
            place_at_cursor(empty, context.scene.cursor.location)
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"{empty.name} was moved to the cursor")
        return {"FINISHED"}


class KINELIFT_OT_face_minus_y(bpy.types.Operator):
    """Turn the take so that its person starts facing the front view (-Y)"""

    bl_idname = "kinelift.face_minus_y"
    bl_label = "Face -Y"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _poll_take(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            empty = _take(context)
            face_minus_y(empty)
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"{empty.name} was turned to face -Y")
        return {"FINISHED"}


def active_take(context: bpy.types.Context) -> bpy.types.Object | None:
    """The empty of the take that the active object belongs to; None if it belongs to none."""
    found = context.active_object
    while found is not None and not (found.type == "EMPTY" and VERSION_KEY in found):
        found = found.parent
    return found


def take_camera(context: bpy.types.Context) -> bpy.types.Object | None:
    """The camera of the take that the active object belongs to."""
    empty = active_take(context)
    children = empty.children if empty is not None else ()
    return next((child for child in children if child.type == "CAMERA" and VERSION_KEY in child), None)


def _take(context: bpy.types.Context) -> bpy.types.Object:
    """``active_take``, or InputError."""
    found = active_take(context)
    if found is None:
        raise InputError(_NO_TAKE)
    return found


def _poll_take(cls: type, context: bpy.types.Context) -> bool:
    if active_take(context) is None:
        cls.poll_message_set(_NO_TAKE)  # type: ignore[attr-defined]
        return False
    return True
