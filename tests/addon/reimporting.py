"""Where joints are in a file that was exported, once it is opened again."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from kinelift_checkout.estimator.motion_npz import load_motion
from kinelift_checkout.estimator.skeleton import JOINT_NAMES
from numpy.typing import NDArray


def bone_heads(armature: bpy.types.Object, names: tuple[str, ...] = JOINT_NAMES) -> NDArray[np.float64]:
    """(T, J, 3) heads of bones in the world, metres, on every frame of the armature's action."""
    scene = bpy.context.scene
    first, last = (round(frame) for frame in armature.animation_data.action.frame_range)
    heads = []
    for frame in range(first, last + 1):
        scene.frame_set(frame)
        posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        heads.append([posed.matrix_world @ posed.pose.bones[name].head for name in names])
    return np.array(heads)


def only_armature() -> bpy.types.Object:
    (armature,) = (found for found in bpy.data.objects if found.type == "ARMATURE")
    return armature


def largest_difference(path: Path, npz: Path) -> float:
    """Metres between an exported person and the motion; the file is opened in place of the present one."""
    motion = load_motion(npz)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    match path.suffix:
        case ".fbx":
            bpy.ops.import_scene.fbx(filepath=str(path))
            assert scene.render.fps / scene.render.fps_base == motion.fps
        case ".glb":
            scene.render.fps = round(motion.fps)  # the file counts seconds
            bpy.ops.import_scene.gltf(filepath=str(path))
        case ".usd":
            bpy.ops.wm.usd_import(filepath=str(path))
            assert scene.render.fps / scene.render.fps_base == motion.fps
        case ".bvh":
            bpy.ops.import_anim.bvh(filepath=str(path), update_scene_fps=True, rotate_mode="QUATERNION")
            assert abs(scene.render.fps / scene.render.fps_base - motion.fps) < 1e-3
    heads = bone_heads(only_armature())
    assert len(heads) == len(motion)
    return float(np.abs(heads - motion.joints_world).max())
