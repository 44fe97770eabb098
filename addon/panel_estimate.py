"""The section *Estimate*, and the folded one about what it writes in it."""

from __future__ import annotations

import bpy

from .dependencies import missing_line
from .estimate_job import running_job
from .estimate_request import bytes_of_keys, clip_rate, first_picture_frame, whats_missing
from .scene_operators import active_take, take_camera
from .text_lines import draw_text
from .timing import scene_rate

_MUCH_MEMORY = 100_000_000


def draw_estimate(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What is known of the person, the button, and what stands in its way."""
    settings = context.scene.kinelift
    layout.use_property_split = True
    layout.use_property_decorate = False
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
    if active_take(context) is not None:
        camera = take_camera(context)
        if camera is not None and camera != context.scene.camera:
            layout.operator("kinelift.use_take_camera", icon="CAMERA_DATA")
        row = layout.row(align=True)
        row.operator("kinelift.place_at_cursor", icon="PIVOT_CURSOR")
        row.operator("kinelift.face_minus_y")


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
