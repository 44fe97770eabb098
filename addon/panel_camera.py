"""The section *Camera*."""

from __future__ import annotations

import bpy

from ..estimator.errors import InputError
from .blender_camera import camera_from_clip, is_perspective, solved_reconstruction
from .estimate_request import camera_source, lens_without_clip
from .solve_camera import is_oriented, solve_follower, solved_part
from .text_lines import draw_text


def draw_camera(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Where the lens comes from, and what it is."""
    settings = context.scene.kinelift
    layout.use_property_decorate = False
    layout.prop(settings, "camera_source")
    if settings.camera_source == "VALUE":
        row = layout.row(align=True)
        row.prop(settings, "focal_px")
        row.prop(settings, "focal_mm")
    line, icon = camera_line(context)
    draw_text(layout, context, line, icon)
    clip = settings.clip
    solved = clip is not None and solved_reconstruction(clip) is not None
    if solved and settings.camera_source in ("AUTO", "SOLVE") and solve_follower(context.scene, clip) is None:
        if settings.camera_source == "AUTO":
            draw_text(layout, context, "If the camera moved, add the one that was solved", "INFO")
        layout.operator("kinelift.add_solve_camera", icon="CON_CAMERASOLVER")


def camera_line(context: bpy.types.Context) -> tuple[str, str]:
    """The lens that an estimate would use now, with an icon: an error sign if it can't be used."""
    scene = context.scene
    settings = scene.kinelift
    source = camera_source(context)
    if source == "SOLVE":
        return _solve_line(scene, settings.clip)
    if source == "SCENE":
        return _scene_line(scene.camera)
    if settings.clip is None:
        if source == "CLIP":
            return "Choose a clip to use its lens, or choose another camera", "ERROR"
        return lens_without_clip(settings), "INFO"
    try:
        choice = camera_from_clip(settings.clip, source, settings.focal_px)
    except InputError as error:
        return str(error), "ERROR"
    return choice.source, "CHECKMARK" if choice.camera.focal_known else "INFO"


def _scene_line(camera: bpy.types.Object | None) -> tuple[str, str]:
    # Only named: whether it moves is found out by playing the scene, which drawing must not do.
    if camera is None:
        return "The scene has no camera; add one, or choose another", "ERROR"
    if not is_perspective(camera):
        return f"{camera.name}: is no perspective camera; choose another", "ERROR"
    lens = f"{camera.data.lens:.1f} mm"
    return f"Scene camera {camera.name}: {lens}, with its place and movement", "CHECKMARK"


def _solve_line(scene: bpy.types.Scene, clip: bpy.types.MovieClip | None) -> tuple[str, str]:
    # The path itself is only worked out for an estimate.
    if clip is None:
        return "Choose a clip to use its camera solve, or choose another camera", "ERROR"
    if solved_reconstruction(clip) is None:
        return "The clip's camera is not solved; solve it in the Movie Clip Editor", "ERROR"
    follower = solve_follower(scene, clip)
    if follower is None:
        return "No camera of the scene follows the clip's solve", "ERROR"
    try:
        lens = camera_from_clip(clip, "CLIP").source
    except InputError as error:
        return str(error), "ERROR"
    if not is_oriented(follower):
        return f"{lens}. Its floor and scale are not set yet: do it in the Movie Clip Editor", "ERROR"
    part = solved_part(clip)
    return f"{lens}, with place and movement of {follower.name}{part}", "INFO" if part else "CHECKMARK"
