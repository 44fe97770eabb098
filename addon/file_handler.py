# mypy: allow-subclassing-any
"""Keypoint files dropped into the 3D Viewport or the Movie Clip Editor."""

from __future__ import annotations

import bpy

from .keypoint_import import KINELIFT_OT_import_keypoints


class KINELIFT_FH_keypoints(bpy.types.FileHandler):
    """Goes by file endings, as Blender does; the operator looks at the content before it changes anything."""

    bl_idname = "KINELIFT_FH_keypoints"
    bl_label = "Kinelift Keypoints"
    bl_import_operator = KINELIFT_OT_import_keypoints.bl_idname
    bl_file_extensions = ".json;.npz;.csv;.txt"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type in {"VIEW_3D", "CLIP_EDITOR"}
