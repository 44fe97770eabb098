"""Detections of real videos through the add-on: the armature moves as the command line's file says."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.panel_keypoints import warnings
from kinelift_checkout.estimator.__main__ import main
from kinelift_checkout.estimator.motion import Motion
from kinelift_checkout.estimator.motion_npz import load_motion
from kinelift_checkout.estimator.skeleton import JOINT_NAMES
from numpy.typing import NDArray

pytestmark = pytest.mark.usefixtures("registered")
pytest.importorskip("torch", reason="estimating needs torch")

FRAMES = 30


def command_line(path: Path, folder: Path, *arguments: object) -> Motion:
    """The largest person's motion as the command line writes it."""
    assert (
        main(["estimate", str(path), "--out", str(folder), "--person", "largest", *map(str, arguments)]) == 0
    )
    (file,) = folder.glob("*.npz")
    return load_motion(file)


def assert_moves_like(motion: Motion, first_frame: int) -> None:
    """The file's one armature has its joints where the motion has them, the first row on ``first_frame``."""
    (person,) = (ob for ob in bpy.data.objects if ob.type == "ARMATURE")
    last_frame = first_frame + len(motion) - 1
    assert tuple(person.animation_data.action.frame_range) == (first_frame, last_frame)
    for row in (0, len(motion) // 3, len(motion) // 2, len(motion) - 1):
        np.testing.assert_allclose(joints_at(person, first_frame + row), motion.joints_world[row], atol=1e-3)


def joints_at(person: bpy.types.Object, frame: int) -> NDArray[np.float64]:
    bpy.context.scene.frame_set(frame)
    shown = person.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([shown.matrix_world @ shown.pose.bones[name].head for name in JOINT_NAMES])


@pytest.mark.parametrize(
    "path",
    ["openpose_body25/motionet_0", "coco17/baseball.json", "mediapipe33/sports2d_demo4.json"],
)
def test_a_part_of_a_track_without_its_clip(shared: Path, tmp_path: Path, path: str) -> None:
    keypoints = shared / "keypoints" / path
    bpy.ops.kinelift.import_keypoints(filepath=str(keypoints))
    settings = bpy.context.scene.kinelift
    first = settings.people[0].first_frame + 10
    start = bpy.context.scene.frame_start
    settings.use_frame_range = True
    settings.frame_first, settings.frame_last = start + first, start + first + FRAMES - 1
    assert bpy.ops.kinelift.estimate_motion() == {"FINISHED"}
    motion = command_line(keypoints, tmp_path, "--range", first, first + FRAMES - 1)
    assert len(motion) == FRAMES
    assert_moves_like(motion, start + first)


def test_a_clip_with_two_people(shared: Path, tmp_path: Path) -> None:
    folder = shared / "real-eval" / "pose2sim_balancing_cam01"
    settings = bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(folder / "video.mp4"))
    bpy.ops.kinelift.import_keypoints(filepath=str(folder / "keypoints"))
    # The keypoints are from a picture of 1088, but lie inside the clip's 1080: nothing tells.
    assert warnings(bpy.context) == []
    settings.use_frame_range, settings.frame_first, settings.frame_last = True, 1, FRAMES
    assert bpy.ops.kinelift.estimate_motion() == {"FINISHED"}
    size = ("--size", *settings.clip.size, "--fps", settings.clip.fps)
    motion = command_line(folder / "keypoints", tmp_path, *size, "--range", 0, FRAMES - 1)
    assert_moves_like(motion, 1)
    assert bpy.context.scene.camera.data.background_images[0].clip == settings.clip


def test_a_turned_clip_is_warned_of(shared: Path, tmp_path: Path) -> None:
    keypoints = shared / "keypoints" / "mediapipe33" / "sports2d_demo4.json"
    settings = bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(
        str(shared / "real-eval" / "pose2sim_balancing_cam01" / "video.mp4")
    )
    bpy.ops.kinelift.import_keypoints(filepath=str(keypoints))
    shape, length = warnings(bpy.context)
    assert f"{settings.keypoint_width} × {settings.keypoint_height}, the clip is 1080 × 1920" in shape
    assert "the clip on 1 to 100" in length
