# mypy: allow-subclassing-any, disable-error-code="valid-type"
"""Steps with a take after the estimate: its camera, where it stands, the frames to look at."""

from __future__ import annotations

import bpy

from ..estimator.errors import InputError
from .doubtful_frames import marked_frames, next_frame, remove_markers
from .take_place import face_minus_y, place_at_cursor
from .take_record import is_take, take_objects
from .text_lines import for_report

_NO_TAKE = "Select the armature, camera or empty of a take first"


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
            empty = _own_take(context)
            place_at_cursor(empty, context.scene.cursor.location)
        except InputError as error:
            self.report({"ERROR"}, for_report(str(error)))
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
            empty = _own_take(context)
            face_minus_y(empty)
        except InputError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        self.report({"INFO"}, f"{empty.name} was turned to face -Y")
        return {"FINISHED"}


class KINELIFT_OT_next_doubtful_frame(bpy.types.Operator):
    """Go to the next frames on which the estimate is not to be trusted"""

    bl_idname = "kinelift.next_doubtful_frame"
    bl_label = "Next Doubtful Frame"
    bl_options = {"UNDO_GROUPED"}
    bl_undo_group = "Next Doubtful Frame"

    backwards: bpy.props.BoolProperty(
        name="Backwards", description="Go to the ones before instead", options={"SKIP_SAVE"}
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        way = "previous" if properties.backwards else "next"
        return f"Go to the {way} frames on which the estimate is not to be trusted"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _poll_markers(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        marked = marked_frames(_take(context))
        scene = context.scene
        frame = next_frame([at for at, _ in marked], scene.frame_current, backwards=self.backwards)
        scene.frame_set(frame)
        self.report({"INFO"}, "; ".join(f"Frame {at}: {text}" for at, text in marked if at == frame))
        return {"FINISHED"}


class KINELIFT_OT_remove_doubtful_markers(bpy.types.Operator):
    """Remove the take's markers of doubtful frames; your own markers stay"""

    bl_idname = "kinelift.remove_doubtful_markers"
    bl_label = "Remove Markers"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _poll_markers(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            removed = remove_markers(_own_take(context))
        except InputError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        self.report({"INFO"}, f"{removed} {'marker' if removed == 1 else 'markers'} removed")
        return {"FINISHED"}


def active_take(context: bpy.types.Context) -> bpy.types.Object | None:
    """The empty of the take that the active object belongs to, else of the one that was estimated last."""
    found = context.active_object
    while found is not None and not is_take(found):
        found = found.parent
    if found is not None:
        return found
    latest = context.scene.objects.get(context.scene.kinelift.latest_take)
    return latest if latest is not None and is_take(latest) else None


def take_camera(context: bpy.types.Context) -> bpy.types.Object | None:
    """The camera of ``active_take``."""
    return _of_type(context, "CAMERA")


def take_ground(context: bpy.types.Context) -> bpy.types.Object | None:
    """The ground grid of ``active_take``."""
    return _of_type(context, "MESH")


def _of_type(context: bpy.types.Context, kind: str) -> bpy.types.Object | None:
    empty = active_take(context)
    objects = take_objects(empty) if empty is not None else []
    return next((one for one in objects if one.type == kind), None)


def _take(context: bpy.types.Context) -> bpy.types.Object:
    """``active_take``, or InputError."""
    found = active_take(context)
    if found is None:
        raise InputError(_NO_TAKE)
    return found


def _own_take(context: bpy.types.Context) -> bpy.types.Object:
    """``active_take``, or InputError if it can't be changed."""
    found = _take(context)
    if found.library is not None:
        raise InputError(f"{found.name}: is linked from another file; make a library override of it first")
    return found


def _poll_take(cls: type, context: bpy.types.Context) -> bool:
    if active_take(context) is None:
        cls.poll_message_set(_NO_TAKE)  # type: ignore[attr-defined]
        return False
    return True


def _poll_markers(cls: type, context: bpy.types.Context) -> bool:
    if not _poll_take(cls, context):
        return False
    if not marked_frames(_take(context)):
        cls.poll_message_set("No frame of this take is marked as doubtful")  # type: ignore[attr-defined]
        return False
    return True
