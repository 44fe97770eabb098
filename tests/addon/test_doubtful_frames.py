"""Frames to look at: found by their confidence, marked in the action, reached and removed by buttons."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.action import ActionSettings
from kinelift_checkout.addon.doubtful_frames import doubtful_stretches, marked_frames, next_frame
from kinelift_checkout.addon.take import TakeSettings, write_take
from kinelift_checkout.estimator.camera import pinhole

from tests.addon.motions import random_motion
from tests.addon.recordings import example_points, write_coco

SETTINGS = TakeSettings(ActionSettings(clip_start=101), name="walk")


def test_low_frames_near_to_each_other_are_one_stretch() -> None:
    confidence = np.ones(100)
    confidence[[3, 4, 9]] = 0.2, 0.1, 0.4
    confidence[60:70] = 0.3
    confidence[99] = 0.0
    found = doubtful_stretches(np.arange(100.0) + 11, confidence)
    assert [(one.first, one.last, one.lowest) for one in found] == [
        (14, 20, 0.1), (71, 80, 0.3), (110, 110, 0.0),
    ]  # fmt: skip


def test_what_is_usual_depends_on_the_detector() -> None:
    frames = np.arange(100.0)
    for usual in (0.9, 0.5, 0.35):
        confidence = np.full(100, usual)
        assert doubtful_stretches(frames, confidence) == []
        confidence[50] = 0.7 * usual
        assert [one.first for one in doubtful_stretches(frames, confidence)] == [50]
    assert [(one.first, one.last) for one in doubtful_stretches(frames, np.full(100, 0.2))] == [(0, 99)]


def test_next_goes_round() -> None:
    assert [next_frame([5, 20], at) for at in (1, 5, 19, 20, 90)] == [5, 20, 20, 5, 5]
    assert [next_frame([5, 20], at, backwards=True) for at in (1, 5, 6, 20, 90)] == [20, 20, 5, 5, 20]


@pytest.mark.usefixtures("registered")
def test_markers_stand_on_the_frames_and_go_by_one_click() -> None:
    motion = random_motion(frames=40)
    confidence = np.full(40, 0.9)
    confidence[10:14] = 0.25
    confidence[30:] = 0.1
    people = [replace(motion, frame_confidence=confidence), random_motion(frames=40, seed=2, person_id=2)]
    take = write_take(bpy.context, people, pinhole(1280, 720, 900.0), SETTINGS)
    assert take.doubtful == 2
    assert marked_frames(take.empty) == [
        (111, "walk Person 1, doubtful: 4 frames, down to 25%"),
        (131, "walk Person 1, doubtful: 10 frames, down to 10%"),
    ]
    scene = bpy.context.scene
    assert not scene.timeline_markers
    action = take.armatures[0].animation_data.action
    action.pose_markers.new("mine").frame = 120
    bpy.context.view_layer.objects.active = take.armatures[1]
    for backwards, frame in ((False, 111), (False, 131), (False, 111), (True, 131), (True, 111)):
        assert bpy.ops.kinelift.next_doubtful_frame(backwards=backwards) == {"FINISHED"}
        assert scene.frame_current == frame
    bpy.ops.kinelift.remove_doubtful_markers()
    assert [marker.name for marker in action.pose_markers] == ["mine"]
    with pytest.raises(RuntimeError, match="No frame of this take"):
        bpy.ops.kinelift.next_doubtful_frame()


@pytest.mark.usefixtures("registered")
def test_a_gap_in_the_keypoints_is_marked(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="estimating needs torch")
    points = example_points(90)
    points[40:60] = np.nan, np.nan, 0.0
    path = write_coco(tmp_path / "keypoints.json", [points])
    bpy.context.scene.kinelift.keypoints_path = str(path)
    bpy.ops.kinelift.estimate_motion()
    empty = bpy.context.scene.objects[bpy.context.scene.kinelift.latest_take]
    frames = [frame for frame, _ in marked_frames(empty)]
    assert any(39 <= frame - bpy.context.scene.frame_start <= 42 for frame in frames), frames


@pytest.mark.usefixtures("registered")
def test_a_linked_take_is_not_written_to(tmp_path: Path) -> None:
    motion = random_motion(frames=20)
    motion = replace(motion, frame_confidence=np.where(np.arange(20) == 7, 0.0, 1.0))
    take = write_take(bpy.context, [motion], pinhole(1280, 720, 900.0), SETTINGS)
    name = take.empty.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.collections = ["Kinelift"]
    bpy.context.scene.collection.children.link(bpy.data.collections["Kinelift"])
    bpy.context.scene.kinelift.latest_take = name
    assert bpy.ops.kinelift.next_doubtful_frame() == {"FINISHED"}
    assert bpy.context.scene.frame_current == 108
    for operator in ("place_at_cursor", "face_minus_y", "remove_doubtful_markers"):
        with pytest.raises(RuntimeError, match="walk: is linked from another file"):
            getattr(bpy.ops.kinelift, operator)()
    assert bpy.ops.kinelift.use_take_camera() == {"FINISHED"}
    # An override has a place of its own, but the library's action.
    scene, collection = bpy.context.scene, bpy.data.collections["Kinelift"]
    collection.override_hierarchy_create(scene, bpy.context.view_layer)
    (own,) = (one for one in scene.objects if one.type == "ARMATURE" and one.override_library is not None)
    bpy.context.view_layer.objects.active = own
    with pytest.raises(RuntimeError, match="walk Person 1: is linked from another file; make it local first"):
        bpy.ops.kinelift.remove_doubtful_markers()
    assert len(own.animation_data.action.pose_markers) == 1
    assert bpy.ops.kinelift.place_at_cursor() == {"FINISHED"}
