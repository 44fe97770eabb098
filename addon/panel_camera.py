"""The section *Camera*."""

from __future__ import annotations

import bpy

from ..estimator.errors import InputError
from .blender_camera import camera_from_clip
from .estimate_request import lens_without_clip
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


def camera_line(context: bpy.types.Context) -> tuple[str, str]:
    """The lens that an estimate would use now, with an icon: an error sign if it can't be used."""
    scene = context.scene
    settings = scene.kinelift
    if settings.camera_source == "SCENE":
        # Only named: whether it moves is found out by playing the scene, which drawing must not do.
        camera = scene.camera
        if camera is None or camera.type != "CAMERA":
            return "The scene has no camera; add one, or choose another lens", "ERROR"
        return (
            f"Scene camera {camera.name}: {camera.data.lens:.1f} mm, with its place and movement",
            "CHECKMARK",
        )
    if settings.clip is None:
        if settings.camera_source == "CLIP":
            return "Choose a clip to use its lens, or choose another lens", "ERROR"
        return lens_without_clip(settings), "INFO"
    try:
        choice = camera_from_clip(settings.clip, settings.camera_source, settings.focal_px)
    except InputError as error:
        return str(error), "ERROR"
    return choice.source, "CHECKMARK" if choice.camera.focal_known else "INFO"
