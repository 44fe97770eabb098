"""Draws the keypoints of the current frame over the footage."""

from __future__ import annotations

from collections.abc import Sequence

import blf
import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from .overlay_positions import (
    PersonOnScreen,
    on_clip_editor,
    people_in_frame,
    shows_footage,
    through_camera,
)

_SELECTED_COLOUR = (1.0, 0.62, 0.12, 1.0)
_OTHER_COLOUR = (0.35, 0.75, 1.0, 0.8)
_POINT_SIZE, _LINE_WIDTH, _FONT_SIZE = 6.0, 2.0, 18.0

_handles: list[tuple[type, object]] = []


def add_draw_handlers() -> None:
    """Starts drawing in both kinds of editor."""
    for space, draw in (
        (bpy.types.SpaceClipEditor, _draw_in_clip_editor),
        (bpy.types.SpaceView3D, _draw_in_view3d),
    ):
        _handles.append((space, space.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")))


def remove_draw_handlers() -> None:
    """Stops drawing."""
    while _handles:
        space, handle = _handles.pop()
        space.draw_handler_remove(handle, "WINDOW")  # type: ignore[attr-defined]


def _draw_in_clip_editor() -> None:
    context = bpy.context
    space, settings = context.space_data, context.scene.kinelift
    if not settings.show_overlay or space.clip is None or space.clip != settings.clip:
        return
    stabilization = space.clip.tracking.stabilization
    if space.show_stable and stabilization.use_2d_stabilization:
        return  # the footage is moved about, and by how much is not told
    # The view goes from 0 to 1 over the picture; integers far apart keep the fraction of a pixel.
    view = context.region.view2d
    low, far = (view.view_to_region(at, at, clip=False) for at in (0.0, 100.0))
    corner = tuple(a + (b - a) / 100.0 for a, b in zip(low, far, strict=True))
    people = people_in_frame(context, space.clip_user.frame_current)
    _draw(on_clip_editor(people, low, corner), numbers=settings.show_numbers)


def _draw_in_view3d() -> None:
    context = bpy.context
    settings, view = context.scene.kinelift, context.region_data
    if (
        not settings.show_overlay
        or not context.space_data.overlay.show_overlays
        or view is None
        or view.view_perspective != "CAMERA"
        or not shows_footage(context)
    ):
        return
    people = people_in_frame(context, context.scene.frame_current)
    _draw(through_camera(people, context, context.region, view), numbers=settings.show_numbers)


def _draw(people: Sequence[PersonOnScreen], *, numbers: bool) -> None:
    scale = bpy.context.preferences.system.ui_scale
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    gpu.state.blend_set("ALPHA")
    gpu.state.line_width_set(_LINE_WIDTH * scale)
    gpu.state.point_size_set(_POINT_SIZE * scale)
    for person in people:
        colour = _SELECTED_COLOUR if person.selected else _OTHER_COLOUR
        shader.uniform_float("color", colour)
        for kind, places in (("LINES", person.lines), ("POINTS", person.points)):
            if len(places):
                batch_for_shader(shader, kind, {"pos": places.tolist()}).draw(shader)
        if numbers:
            blf.size(0, _FONT_SIZE * scale)
            blf.enable(0, blf.SHADOW)
            blf.shadow(0, 5, 0.0, 0.0, 0.0, 1.0)
            blf.color(0, *colour)
            blf.position(0, *person.number_at, 0.0)
            blf.draw(0, str(person.person_id))
            blf.disable(0, blf.SHADOW)
    gpu.state.blend_set("NONE")
    gpu.state.line_width_set(1.0)
    gpu.state.point_size_set(1.0)
