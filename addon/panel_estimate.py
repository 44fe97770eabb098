"""The section *Estimate*, and the folded one about what it writes in it."""

from __future__ import annotations

import bpy

from .dependencies import missing_line
from .doubtful_frames import marked_frames
from .estimate_job import running_job
from .estimate_request import bytes_of_keys, camera_source, clip_rate, first_picture_frame, whats_missing
from .take_operators import active_take, take_camera, take_ground
from .text_lines import draw_text
from .timing import scene_rate

_MUCH_MEMORY = 100_000_000


def draw_estimate(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What is known of the person, the button, and what stands in its way."""
    settings = context.scene.kinelift
    layout.use_property_split = True
    layout.use_property_decorate = False
    ticked = sum(person.selected for person in settings.people)
    if ticked > 1:
        person = settings.people[min(settings.active_person, len(settings.people) - 1)]
        layout.prop(person, "height", text=f"Height of {person.person_id}")
    else:
        layout.prop(settings, "actor_height")
    layout.prop(settings, "refine")
    for line in hints(context):
        draw_text(layout, context, line, "INFO")

    job = running_job()
    if job is not None:
        layout.progress(text=f"{job.text} {job.fraction:.0%}", factor=job.fraction)
        layout.operator("kinelift.cancel_estimate", icon="CANCEL")
    else:
        column = layout.column()
        column.scale_y = 1.5
        column.operator("kinelift.estimate_motion", icon="ARMATURE_DATA")
        if missing := missing_line() or whats_missing(context):
            draw_text(layout, context, missing, "ERROR")
    empty = active_take(context)
    if empty is not None:
        _draw_take(layout.column(align=True), context, empty)


def _draw_take(layout: bpy.types.UILayout, context: bpy.types.Context, empty: bpy.types.Object) -> None:
    """What can be done with a take that is there."""
    layout.label(text=empty.name, icon="OUTLINER_OB_ARMATURE", translate=False)
    camera = take_camera(context)
    if camera is not None and camera != context.scene.camera:
        layout.operator("kinelift.use_take_camera", icon="CAMERA_DATA")
    row = layout.row(align=True)
    row.operator("kinelift.place_at_cursor", icon="PIVOT_CURSOR")
    row.operator("kinelift.face_minus_y")
    marked = marked_frames(empty)
    if marked:
        row = layout.row(align=True)
        row.operator("kinelift.next_doubtful_frame", text="", icon="TRIA_LEFT").backwards = True
        row.operator("kinelift.next_doubtful_frame", text=f"Doubtful: {len(marked)}").backwards = False
        row.operator("kinelift.next_doubtful_frame", text="", icon="TRIA_RIGHT").backwards = False
        row.operator("kinelift.remove_doubtful_markers", text="", icon="X")
    ground = take_ground(context)
    if ground is not None:
        row = layout.row()
        row.use_property_split = False
        row.prop(ground, "hide_viewport", text="Ground Grid", icon="GRID", toggle=True, invert_checkbox=True)


def draw_ground(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What the person walks on, and how firmly."""
    settings = context.scene.kinelift
    layout.use_property_split = True
    layout.use_property_decorate = False
    feet = layout.row()
    feet.active = settings.refine
    feet.prop(settings, "contact_strength")
    layout.prop(settings, "on_ground")
    height = layout.row()
    height.active = camera_source(context) not in ("SOLVE", "SCENE")
    height.prop(settings, "camera_height")
    layout.prop(settings, "ground_height")
    row = layout.row(align=True)
    row.operator("kinelift.pick_ground", text="From Cursor", icon="PIVOT_CURSOR").source = "CURSOR"
    row.operator("kinelift.pick_ground", text="From Active", icon="OBJECT_DATA").source = "OBJECT"


def draw_output(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """How the motion is written: bones, frames, camera."""
    settings = context.scene.kinelift
    layout.use_property_split = True
    layout.use_property_decorate = False
    layout.prop(settings, "root_mode")
    layout.prop(settings, "timing")
    row = layout.row(align=True, heading="Own Start")
    row.prop(settings, "use_start_frame", text="")
    part = row.row(align=True)
    part.active = settings.use_start_frame
    part.prop(settings, "start_frame", text="")
    layout.prop(settings, "make_camera")
    layout.prop(settings, "make_ground")
    layout.prop(settings, "update_take")


def hints(context: bpy.types.Context) -> list[str]:
    """What the user should know before starting, a line each."""
    scene = context.scene
    settings = scene.kinelift
    found = []
    fps = clip_rate(settings.clip) or settings.fps
    own_place = settings.use_start_frame and settings.start_frame != first_picture_frame(scene)
    retimed = settings.timing == "REAL_TIME" and abs(fps / scene_rate(scene) - 1) > 1e-4
    if settings.clip is not None and (own_place or retimed):
        reason = "the start frame is another than the clip's" if own_place else "the scene has another rate"
        found.append(f"The armature will not fit the footage, because {reason}")
    chosen = [person for person in settings.people if person.selected]
    frames = None
    if settings.use_frame_range:
        shift = first_picture_frame(scene) + settings.frame_offset
        frames = (settings.frame_first - shift, settings.frame_last - shift)
    size = bytes_of_keys(chosen, frames)
    if size > _MUCH_MEMORY:
        found.append(f"The keys will take {size / 1e9:.1f} GB of memory; a frame range takes less")
    return found
