"""The section *Clip & Keypoints*, and the folded one about frames and overlay in it."""

from __future__ import annotations

import bpy

from .estimate_request import clip_frames, clip_rate, clip_size, first_picture_frame, loaded_tracks
from .picture_check import KeypointPicture, picture_warning
from .text_lines import draw_text
from .timing import scene_rate


def draw_keypoints(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Clip, keypoints, people, and whether they fit together."""
    settings = context.scene.kinelift
    layout.use_property_decorate = False
    layout.template_ID(settings, "clip", open="clip.open")
    shown = getattr(context.space_data, "clip", None)
    if shown is not None and shown != settings.clip:
        layout.operator("kinelift.use_editor_clip", icon="TRACKER")
    if settings.clip is not None:
        _draw_clip(layout, context)
    _draw_source(layout, context)
    if settings.people:
        _draw_people(layout, context)
        _draw_warnings(layout, context)


def draw_frames_and_overlay(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What is rarely changed: which frames, in which format, and how they are shown."""
    settings = context.scene.kinelift
    layout.use_property_decorate = False
    layout.prop(settings, "keypoint_format")
    layout.prop(settings, "frame_offset")
    row = layout.row(align=True, heading="Range")
    row.prop(settings, "use_frame_range", text="")
    part = row.row(align=True)
    part.active = settings.use_frame_range
    part.prop(settings, "frame_first")
    part.prop(settings, "frame_last")
    row = layout.row(align=True)
    row.prop(settings, "show_overlay", icon="OVERLAY", toggle=True)
    row.prop(settings, "show_numbers", toggle=True)


def _draw_clip(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    scene, clip = context.scene, context.scene.kinelift.clip
    size, fps = clip_size(clip), clip_rate(clip)
    if size is None:
        draw_text(layout, context, f"{clip.name} can't be read; choose the clip's file again", "ERROR")
        return
    rate = f", {fps:.6g} fps" if fps is not None else ""
    layout.label(text=f"{size[0]} × {size[1]}{rate}, {clip.frame_duration} frames", translate=False)
    if fps is None:
        layout.prop(scene.kinelift, "fps")
    elif abs(fps / scene_rate(scene) - 1) > 1e-4:
        text = f"The clip runs at {fps:.6g} fps, the scene at {scene_rate(scene):.6g} fps"
        draw_text(layout, context, text, "ERROR")
    if _scene_differs(scene, clip, size, fps):
        layout.operator("kinelift.match_scene_to_clip", icon="TIME")


def _scene_differs(
    scene: bpy.types.Scene, clip: bpy.types.MovieClip, size: tuple[int, int], fps: float | None
) -> bool:
    pixels = scene.render.pixel_aspect_x / scene.render.pixel_aspect_y
    return (
        (fps is not None and abs(fps / scene_rate(scene) - 1) > 1e-4)
        or (scene.render.resolution_x, scene.render.resolution_y) != size
        or (scene.frame_start, scene.frame_end) != clip_frames(clip)
        or abs(pixels / clip.tracking.camera.pixel_aspect - 1) > 1e-3
    )


def _draw_source(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    settings = context.scene.kinelift
    column = layout.column(align=True)
    column.prop(settings, "keypoints_path", text="")
    row = column.row(align=True)
    row.operator("kinelift.import_keypoints", text="Import…", icon="FILEBROWSER")
    if settings.clip is not None:
        row.operator("kinelift.find_keypoints", icon="VIEWZOOM")
    if settings.keypoints_path and (not settings.people or loaded_tracks(context) is None):
        text = "Read Keypoints" if not settings.people else "Read Again for the Overlay"
        read = layout.operator("kinelift.import_keypoints", text=text, icon="IMPORT")
        read.filepath = bpy.path.abspath(settings.keypoints_path)


def _draw_people(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    settings = context.scene.kinelift
    rows = min(len(settings.people), 6)
    layout.template_list("KINELIFT_UL_people", "", settings, "people", settings, "active_person", rows=rows)
    if len(settings.people) == 1:
        return
    row = layout.row(align=True)
    active = settings.people[min(settings.active_person, len(settings.people) - 1)]
    row.operator("kinelift.pick_person", text=f"Only {active.person_id}").person_id = active.person_id
    row.operator("kinelift.pick_person", text="Everybody").person_id = 0


def _draw_warnings(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    for warning in warnings(context):
        draw_text(layout, context, warning, "ERROR")
    if frames_warning(context) is not None:
        layout.prop(context.scene.kinelift, "frame_offset")


def warnings(context: bpy.types.Context) -> list[str]:
    """What doesn't fit between keypoints and clip, a line each with what to do."""
    settings = context.scene.kinelift
    size = clip_size(settings.clip)
    if size is None or not settings.people:
        return []
    picture = KeypointPicture(
        settings.keypoint_width, settings.keypoint_height, settings.keypoint_right, settings.keypoint_bottom
    )
    found = (picture_warning(picture, size), frames_warning(context))
    return [warning for warning in found if warning is not None]


def frames_warning(context: bpy.types.Context) -> str | None:
    """Says that keypoints lie beyond the clip's frames, and which offset would bring them onto its first."""
    settings = context.scene.kinelift
    clip = settings.clip
    if clip_size(clip) is None or not settings.people or clip.frame_duration <= 1:
        return None
    first = min(person.first_frame for person in settings.people) + settings.frame_offset
    last = max(person.last_frame for person in settings.people) + settings.frame_offset
    pictures = clip.frame_duration - clip.frame_offset
    if first >= 0 and last < pictures:
        return None
    fits = last - first < pictures
    advice = f"set Frame Offset to {settings.frame_offset - first}, or choose" if fits else "choose"
    shift = first_picture_frame(context.scene)
    return (
        f"Keypoints lie on frames {first + shift} to {last + shift}, the clip on {clip.frame_start} to "
        f"{clip.frame_start + clip.frame_duration - 1}; {advice} the right clip"
    )
