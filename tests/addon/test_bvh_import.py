"""A BVH of ours in Blender's own importer: the same joints."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.estimator.motion_bvh import save_bvh
from kinelift_checkout.estimator.motion_npz import load_motion, save_motion
from kinelift_checkout.estimator.skeleton import END_POINT_NAMES, JOINT_NAMES

from tests.addon.motions import random_motion

pytestmark = pytest.mark.usefixtures("empty_file")

LEAVES = {
    "Head": "head_top",
    "LeftHand": "left_fingertips",
    "RightHand": "right_fingertips",
    "LeftToeBase": "left_toe_tip",
    "RightToeBase": "right_toe_tip",
}


@pytest.mark.parametrize("rotate_mode", ["NATIVE", "QUATERNION"])
@pytest.mark.parametrize(("fps", "swing", "tilt"), [(30.0, 0.4, 0.15), (60000 / 1001, 1.2, 0.8)])
def test_blender_shows_the_joints_of_the_npz(
    rotate_mode: str, fps: float, swing: float, tilt: float, tmp_path: Path
) -> None:
    save_motion(tmp_path / "walk_p1.npz", random_motion(fps=fps, swing=swing, tilt=tilt, frame_start=7))
    motion = load_motion(tmp_path / "walk_p1.npz")
    save_bvh(tmp_path / "walk_p1.bvh", motion)
    bpy.ops.import_anim.bvh(
        filepath=str(tmp_path / "walk_p1.bvh"), rotate_mode=rotate_mode, frame_start=1, update_scene_fps=True
    )
    armature = bpy.context.object
    assert {bone.name for bone in armature.data.bones} == set(JOINT_NAMES)
    scene = bpy.context.scene
    assert scene.render.fps / scene.render.fps_base == pytest.approx(fps, rel=1e-4)
    for row in range(len(motion)):
        scene.frame_set(1 + row)
        world = armature.matrix_world
        bones = armature.pose.bones
        heads = np.array([world @ bones[name].head for name in JOINT_NAMES])
        np.testing.assert_allclose(heads, motion.joints_world[row], atol=1e-3)
        for name, end in LEAVES.items():
            np.testing.assert_allclose(
                world @ bones[name].tail, motion.end_points[row, END_POINT_NAMES.index(end)], atol=1e-3
            )
