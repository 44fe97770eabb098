"""The main job with an installed zip, in a process and profile of its own.

``python run_job.py ZIP CLIP KEYPOINTS FOCAL_PX RESULT``: installs the zip, imports the keypoints, estimates,
and writes where the armature's bones are on every frame to RESULT (.npz).
"""

import importlib
import sys

import bpy
import numpy as np

zip_path, clip, keypoints, focal_px, result = sys.argv[1:]
bpy.ops.extensions.package_install_files(filepath=zip_path, repo="user_default", enable_on_install=True)
extension = importlib.import_module("bl_ext.user_default.kinelift")
JOINT_NAMES = importlib.import_module(f"{extension.__name__}.estimator.skeleton").JOINT_NAMES

settings = bpy.context.scene.kinelift
settings.clip = bpy.data.movieclips.load(clip)
settings.camera_source, settings.focal_px = "VALUE", float(focal_px)
done = bpy.ops.kinelift.import_keypoints(filepath=keypoints)
assert done == {"FINISHED"}, done
done = bpy.ops.kinelift.estimate_motion()
assert done == {"FINISHED"}, done

(armature,) = (found for found in bpy.data.objects if found.type == "ARMATURE")
first, last = map(int, armature.animation_data.action.frame_range)
heads = []
for frame in range(first, last + 1):
    bpy.context.scene.frame_set(frame)
    posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    heads.append([posed.matrix_world @ posed.pose.bones[name].head for name in JOINT_NAMES])
modules = [name for name in ("torch", "scipy", "roma") if name in sys.modules]
np.savez(
    result,
    heads=np.array(heads),
    blender=bpy.app.version_string,
    places=[str(sys.modules[name].__file__) for name in modules],
)
