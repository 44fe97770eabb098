"""Estimate Motion: the file gets what the estimator made, at the right frames, or nothing at all."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout import addon
from kinelift_checkout.addon import estimate_job
from kinelift_checkout.addon.estimate_request import estimate_request
from kinelift_checkout.addon.estimate_work import do_estimate
from kinelift_checkout.addon.overlay_positions import shows_footage
from kinelift_checkout.addon.panel_estimate import hints
from kinelift_checkout.estimator.camera import pinhole
from kinelift_checkout.estimator.estimate import EstimateOptions, estimate_motion
from kinelift_checkout.estimator.keypoints import read_keypoints
from kinelift_checkout.estimator.motion import Motion
from kinelift_checkout.estimator.skeleton import JOINT_NAMES
from numpy.typing import NDArray

from tests.addon.file_state import enter, file_state
from tests.addon.recordings import EXAMPLE_SIZE, example_points, render_clip, write_coco

pytestmark = pytest.mark.usefixtures("registered")
pytest.importorskip("torch", reason="estimating needs torch")

FOCAL_PX = 1200.0
FRAMES = 40


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two people in keypoints, with a clip that starts on frame 11; chosen in the scene's settings."""
    path = write_coco(
        tmp_path / "keypoints.json", [example_points(FRAMES), example_points(FRAMES, shift=-350.0)]
    )
    settings = bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(render_clip(tmp_path / "walk.mp4", frames=FRAMES)))
    settings.clip.frame_start = 11
    settings.camera_source, settings.focal_px = "VALUE", FOCAL_PX
    bpy.ops.kinelift.import_keypoints(filepath=str(path))
    return path


def expected(path: Path, person: int, first: int = 0, last: int = FRAMES - 1) -> Motion:
    track = read_keypoints(path)[person - 1].with_picture(*EXAMPLE_SIZE, 30.0)
    return estimate_motion(track.sliced(first, last), pinhole(*EXAMPLE_SIZE, FOCAL_PX), EstimateOptions())


def joints_at(person: bpy.types.Object, frame: int) -> NDArray[np.float64]:
    bpy.context.scene.frame_set(frame)
    shown = person.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([shown.matrix_world @ shown.pose.bones[name].head for name in JOINT_NAMES])


def armatures() -> list[bpy.types.Object]:
    return [ob for ob in bpy.data.objects if ob.type == "ARMATURE"]


def test_the_armature_moves_as_the_estimator_says(recording: Path) -> None:
    assert bpy.ops.kinelift.estimate_motion() == {"FINISHED"}
    (person,) = armatures()
    motion = expected(recording, 1)
    for row in (0, 13, FRAMES - 1):
        np.testing.assert_allclose(joints_at(person, 11 + row), motion.joints_world[row], atol=1e-3)
    assert bpy.context.scene.camera.data.sensor_fit == "HORIZONTAL"
    assert person.parent.type == "EMPTY"


@pytest.mark.parametrize("root_mode", ["HIPS", "ROOT_BONE"])
def test_a_saved_take_moves_when_it_is_opened_again(recording: Path, tmp_path: Path, root_mode: str) -> None:
    bpy.context.scene.kinelift.root_mode = root_mode
    bpy.ops.kinelift.estimate_motion()
    frames = (11, 24, 11 + FRAMES - 1)
    before = [joints_at(*armatures(), frame) for frame in frames]
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "take.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "take.blend"))
    assert np.abs(before[1] - before[0]).max() > 0.05
    for frame, joints in zip(frames, before, strict=True):
        np.testing.assert_allclose(joints_at(*armatures(), frame), joints, atol=1e-5)
    camera = bpy.context.scene.camera
    assert camera.data.background_images[0].clip == bpy.context.scene.kinelift.clip


def test_everybody_in_one_take(recording: Path) -> None:
    bpy.ops.kinelift.pick_person(person_id=0)
    settings = bpy.context.scene.kinelift
    settings.people[1].height = 1.6
    request = estimate_request(bpy.context)
    assert (request.heights, request.options.person_height) == ({2: pytest.approx(1.6)}, None)
    first, second = do_estimate(request, lambda fraction, text: None).motions
    np.testing.assert_allclose(first.world_from_camera, second.world_from_camera, atol=1e-9)
    bpy.ops.kinelift.estimate_motion()
    assert len(armatures()) == 2
    assert len({person.parent for person in armatures()}) == 1
    for person, motion in zip(sorted(armatures(), key=lambda one: one.name), (first, second), strict=True):
        assert np.abs(np.array(person.matrix_basis) - np.eye(4)).max() < 1e-6, "one world, one ground"
        np.testing.assert_allclose(joints_at(person, 20), motion.joints_world[9], atol=1e-3)


def test_range_and_offset_count_in_scene_frames(recording: Path) -> None:
    settings = bpy.context.scene.kinelift
    settings.use_frame_range, settings.frame_first, settings.frame_last = True, 21, 30
    bpy.ops.kinelift.estimate_motion()
    (person,) = armatures()
    motion = expected(recording, 1, 10, 19)
    assert tuple(person.animation_data.action.frame_range) == (21.0, 30.0)
    np.testing.assert_allclose(joints_at(person, 25), motion.joints_world[4], atol=1e-3)

    settings.frame_offset = 3
    request = estimate_request(bpy.context)
    (moved,) = do_estimate(request, lambda fraction, text: None).motions
    assert moved.frame_start == 10
    np.testing.assert_allclose(moved.joints_camera, expected(recording, 1, 7, 16).joints_camera, atol=1e-6)


def test_own_start_frame(recording: Path) -> None:
    settings = bpy.context.scene.kinelift
    assert hints(bpy.context) == []
    settings.use_start_frame, settings.start_frame = True, 500
    assert "not fit the footage" in hints(bpy.context)[0]
    bpy.ops.kinelift.estimate_motion()
    assert armatures()[0].animation_data.action.frame_range[0] == 500.0


def test_without_a_clip_the_keypoints_are_enough(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "keypoints.json", [example_points(FRAMES)])
    bpy.context.scene.kinelift.keypoints_path = str(path)
    bpy.context.scene.frame_start = 5
    # Not even imported: they are read on the way, and the people listed.
    assert bpy.ops.kinelift.estimate_motion() == {"FINISHED"}
    assert armatures()[0].animation_data.action.frame_range[0] == 5.0
    assert len(bpy.context.scene.kinelift.people) == 1


def test_the_scenes_camera_gives_place_and_lens(recording: Path) -> None:
    scene = bpy.context.scene
    bpy.ops.kinelift.match_scene_to_clip()
    bpy.ops.object.camera_add(location=(1.0, -2.0, 1.5), rotation=(1.5, 0.0, 0.4))
    scene.camera = bpy.context.object
    bpy.context.view_layer.update()
    scene.kinelift.camera_source = "SCENE"
    scene.kinelift.make_camera = False
    bpy.ops.kinelift.estimate_motion()
    (motion,) = do_estimate(estimate_request(bpy.context), lambda fraction, text: None).motions
    np.testing.assert_allclose(motion.world_from_camera[:3, 3], (1.0, -2.0, 1.5), atol=1e-6)
    np.testing.assert_allclose(joints_at(armatures()[0], 20), motion.joints_world[9], atol=1e-3)
    assert sum(ob.type == "CAMERA" for ob in bpy.data.objects) == 1


def test_a_scene_keeps_its_camera_until_told_otherwise(recording: Path) -> None:
    bpy.ops.object.camera_add()
    own = bpy.context.scene.camera = bpy.context.object
    assert not shows_footage(bpy.context)
    bpy.ops.kinelift.estimate_motion()
    assert bpy.context.scene.camera == own
    (person,) = armatures()
    bpy.context.view_layer.objects.active = person
    bpy.ops.kinelift.use_take_camera()
    assert bpy.context.scene.camera.parent == person.parent
    assert shows_footage(bpy.context)


def test_place_and_turn_a_take(recording: Path) -> None:
    with pytest.raises(RuntimeError, match="Select the armature"):
        bpy.ops.kinelift.place_at_cursor()
    bpy.ops.kinelift.estimate_motion()
    (person,) = armatures()
    bpy.context.view_layer.objects.active = person
    bpy.context.scene.cursor.location = (3.0, 4.0, 0.5)
    bpy.ops.kinelift.place_at_cursor()
    bpy.ops.kinelift.face_minus_y()
    hips, left, right = (
        joints_at(person, 11)[JOINT_NAMES.index(n)] for n in ("Hips", "LeftUpLeg", "RightUpLeg")
    )
    np.testing.assert_allclose(hips[:2], (3.0, 4.0), atol=1e-4)
    across = (left - right)[:2] / np.linalg.norm((left - right)[:2])
    np.testing.assert_allclose(across, (1.0, 0.0), atol=0.05)


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("keypoints_path", "", "Choose the file or folder"),
        ("camera_source", "SCENE", "no camera"),
        ("frame_last", 1, "at least two frames"),
    ],
)
def test_what_is_missing_is_said(recording: Path, setting: str, value: object, says: str) -> None:
    bpy.context.scene.kinelift.use_frame_range = True
    setattr(bpy.context.scene.kinelift, setting, value)
    before = file_state()
    with pytest.raises(RuntimeError, match=says):
        bpy.ops.kinelift.estimate_motion()
    assert file_state() == before


@pytest.mark.parametrize("frames", [0, 1])
def test_too_little_to_estimate_is_said(tmp_path: Path, frames: int) -> None:
    path = write_coco(tmp_path / "short.json", [example_points(frames)])
    bpy.context.scene.kinelift.keypoints_path = str(path)
    before = file_state()
    with pytest.raises(RuntimeError) as raised:
        bpy.ops.kinelift.estimate_motion()
    (line,) = [line for line in str(raised.value).splitlines() if line.strip()]
    assert "short.json" in line
    assert file_state() == before


def test_the_size_of_an_hours_keys_is_told(recording: Path) -> None:
    person = bpy.context.scene.kinelift.people[0]
    person.last_frame = person.first_frame + 60 * 60 * 30 - 1
    assert any("0.7 GB" in hint for hint in hints(bpy.context))
    settings = bpy.context.scene.kinelift
    settings.use_frame_range, settings.frame_first, settings.frame_last = True, 11, 1010
    assert hints(bpy.context) == []


def test_a_range_without_the_person_and_a_file_that_is_gone(recording: Path) -> None:
    settings = bpy.context.scene.kinelift
    settings.use_frame_range, settings.frame_first, settings.frame_last = True, 900, 950
    before = file_state()
    says = "is on frames 11 to 50, none of them in the range 900 to 950; widen the range"
    with pytest.raises(RuntimeError, match=says):
        bpy.ops.kinelift.estimate_motion()
    settings.use_frame_range = False
    before = file_state()
    recording.unlink()
    with pytest.raises(RuntimeError, match="no such file"):
        bpy.ops.kinelift.estimate_motion()
    assert file_state() == before


def test_a_cancelled_estimate_leaves_nothing_behind(recording: Path) -> None:
    enter("OBJECT")
    before = file_state()
    # What the operator does first; without a window Blender doesn't run it as modal.
    job = estimate_job.start_job(estimate_request(bpy.context))
    # One at a time.
    with pytest.raises(RuntimeError, match="An estimate is running"):
        bpy.ops.kinelift.estimate_motion()
    with pytest.raises(RuntimeError, match="An estimate is running"):
        bpy.ops.kinelift.import_keypoints(filepath=str(recording))
    assert bpy.ops.kinelift.cancel_estimate() == {"FINISHED"}
    job.join()
    assert job.finished
    assert (job.result, job.error) == (None, None)
    estimate_job.end_running_job()
    assert file_state() == before
    with pytest.raises(RuntimeError, match="No estimate is running"):
        bpy.ops.kinelift.cancel_estimate()


@pytest.mark.parametrize("leave", ["load", "disable"])
def test_the_work_ends_with_the_file_and_with_the_extension(recording: Path, leave: str) -> None:
    job = estimate_job.start_job(estimate_request(bpy.context))
    if leave == "load":
        bpy.ops.wm.read_factory_settings(use_empty=True)
    else:
        addon.unregister()
        addon.register()
    assert job.finished
    assert job.result is None
    assert estimate_job.running_job() is None


def test_a_job_reports_what_it_did_and_what_went_wrong(recording: Path) -> None:
    job = estimate_job.start_job(estimate_request(bpy.context))
    job.join()
    estimate_job.end_running_job()
    assert not job.cancelled
    assert job.error is None
    assert job.result is not None
    assert len(job.result.motions) == 1
    assert job.fraction > 0.9

    request = estimate_request(bpy.context)
    recording.write_text("[]")
    failed = estimate_job.EstimateJob(request)
    failed.start()
    failed.join()
    assert failed.result is None
    assert failed.error is not None
    assert "keypoints.json" in failed.error
    assert "\n" not in failed.error
