"""What Kinelift adds to Blender, in the order in which it is added."""

from __future__ import annotations

import atexit

import bpy

from . import (
    command,
    dependencies,
    estimate_job,
    estimate_operator,
    file_handler,
    keypoint_import,
    overlay,
    panel_retarget,
    panels,
    preferences,
    properties,
    scene_operators,
    take_operators,
)
from .retarget import export_operators, live_preview, map_operators, operators
from .retarget import properties as retarget_properties

CLASSES: tuple[type, ...] = (
    preferences.KineliftPreferences,
    properties.KineliftPerson,
    properties.KineliftSettings,
    keypoint_import.KINELIFT_OT_import_keypoints,
    keypoint_import.KINELIFT_OT_find_keypoints,
    keypoint_import.KINELIFT_OT_pick_person,
    scene_operators.KINELIFT_OT_use_editor_clip,
    scene_operators.KINELIFT_OT_match_scene_to_clip,
    scene_operators.KINELIFT_OT_add_solve_camera,
    scene_operators.KINELIFT_OT_pick_ground,
    take_operators.KINELIFT_OT_use_take_camera,
    take_operators.KINELIFT_OT_place_at_cursor,
    take_operators.KINELIFT_OT_face_minus_y,
    take_operators.KINELIFT_OT_next_doubtful_frame,
    take_operators.KINELIFT_OT_remove_doubtful_markers,
    estimate_operator.KINELIFT_OT_estimate_motion,
    estimate_operator.KINELIFT_OT_cancel_estimate,
    file_handler.KINELIFT_FH_keypoints,
    panels.KINELIFT_UL_people,
    *panels.PANELS,
    retarget_properties.KineliftMappedBone,
    retarget_properties.KineliftBoneMap,
    retarget_properties.KineliftRetargetSettings,
    map_operators.KINELIFT_OT_find_bone_map,
    map_operators.KINELIFT_OT_save_bone_map,
    map_operators.KINELIFT_OT_load_bone_map,
    operators.KINELIFT_OT_retarget,
    operators.KINELIFT_OT_preview_retarget,
    operators.KINELIFT_OT_live_preview_retarget,
    export_operators.KINELIFT_OT_export_motion,
    panel_retarget.KINELIFT_UL_bone_map,
    *panel_retarget.PANELS,
)


def register() -> None:
    """Adds everything."""
    dependencies.missing_packages.cache_clear()
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.kinelift = bpy.props.PointerProperty(type=properties.KineliftSettings)
    bpy.types.Scene.kinelift_retarget = bpy.props.PointerProperty(
        type=retarget_properties.KineliftRetargetSettings
    )
    bpy.app.handlers.load_pre.append(estimate_job.end_before_load)
    live_preview.add_handlers()
    overlay.add_draw_handlers()
    command.register()
    atexit.register(_leave)


def unregister() -> None:
    """Removes everything, the last first; nothing is left to do where `_leave` was here before Blender."""
    atexit.unregister(_leave)
    if not hasattr(bpy.types.Scene, "kinelift"):
        return
    estimate_job.end_running_job()
    command.unregister()
    overlay.remove_draw_handlers()
    live_preview.remove_handlers()
    bpy.app.handlers.load_pre.remove(estimate_job.end_before_load)
    del bpy.types.Scene.kinelift_retarget
    del bpy.types.Scene.kinelift
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)


def _leave() -> None:
    """Python ends. The program has disabled its extensions by then, Blender as a Python module hasn't.

    There, 4.2 crashes on a file handler that is still registered, and 4.5 hangs on an operator after an undo.
    """
    if not bpy.app.binary_path:
        unregister()
    else:
        estimate_job.end_running_job()
