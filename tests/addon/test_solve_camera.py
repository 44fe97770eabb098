"""A clip's camera solve gives the motion its place in the world, though the camera moves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from kinelift_checkout.addon.estimate_request import camera_choice, camera_source
from kinelift_checkout.addon.panel_camera import camera_line
from kinelift_checkout.addon.solve_camera import camera_from_solve, solve_follower
from kinelift_checkout.estimator.camera import Camera, pinhole
from kinelift_checkout.estimator.errors import InputError
from kinelift_checkout.estimator.skeleton import JOINT_NAMES
from numpy.typing import NDArray

from tests.addon.motions import look_at
from tests.addon.recordings import write_coco
from tests.addon.solved_clips import (
    clip_editor,
    keypoints_of,
    set_floor_and_scale,
    solved_clip,
    straight_walk,
)
from tests.addon.test_camera import make_clip

Array = NDArray[np.float64]
pytestmark = pytest.mark.usefixtures("registered")

FRAMES, FPS, SPEED = 101, 30.0, 1.2
"""4 m in 100 steps from frame to frame."""
FIRST = 21
"""Scene frame of the clip's first picture."""
LENS = pinhole(1280, 720, 1000.0)
LENS_SIZE = np.array([LENS.width, LENS.height])
FLOOR = [(-1.0, -1.0, 0.0), (2.0, -1.0, 0.0), (0.0, 2.5, 0.0)]


def handheld(frames: int = FRAMES) -> Camera:
    """Carried sideways by 2 m with a sway, turning after the person."""
    share = np.linspace(0.0, 1.0, frames)
    sway = 0.06 * np.sin(9.0 * share + [[0.0], [2.0], [4.0]]).T
    places = np.array([-1.5, -6.5, 1.5]) + share[:, None] * [2.0, 0.6, 0.1] + sway
    aims = np.array([-0.9, 0.0, 1.0]) + share[:, None] * [2.0, 0.3, 0.0]
    poses = [
        look_at(place, aim, roll=0.03 * np.sin(7 * s))
        for place, aim, s in zip(places, aims, share, strict=True)
    ]
    return replace(LENS, world_from_camera=np.array(poses))


def cloud() -> Array:
    around = np.random.default_rng(0).uniform((-3.0, -1.0, 0.0), (3.5, 4.0, 3.0), size=(27, 3))
    return np.concatenate([FLOOR, around])


@pytest.fixture
def clip(tmp_path: Path) -> bpy.types.MovieClip:
    made = solved_clip(tmp_path, handheld(), cloud(), FIRST)
    settings = bpy.context.scene.kinelift
    settings.clip, settings.fps = made, FPS
    return made


def test_somebody_who_walks_4_m_straight_does_so_in_front_of_a_moving_camera(
    clip: bpy.types.MovieClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="estimating needs torch")
    walked = straight_walk(monkeypatch, frames=FRAMES, speed=SPEED, heading=1.3)
    camera = handheld()
    assert camera.world_from_camera is not None
    # The walk comes from the side; its middle lies before the camera's.
    walked = replace(walked, root=walked.root - walked.root.mean(axis=0) * [1.0, 1.0, 0.0])
    (tmp_path / "points").mkdir()
    points = keypoints_of(walked, camera, noise=2.0)
    assert np.isfinite(points).all()
    assert points[..., 0].min() > 0
    assert points[..., 0].max() < 1280
    path = write_coco(tmp_path / "points" / "walk.json", [points])

    bpy.ops.kinelift.match_scene_to_clip()
    bpy.ops.kinelift.add_solve_camera()
    set_floor_and_scale(clip, cloud())
    bpy.ops.kinelift.import_keypoints(filepath=str(path))
    bpy.context.scene.kinelift.camera_source = "SOLVE"
    assert bpy.ops.kinelift.estimate_motion() == {"FINISHED"}
    (person,) = (one for one in bpy.data.objects if one.type == "ARMATURE")
    hips = hips_on(person, [FIRST + row for row in range(0, FRAMES, 5)])
    along = hips[-1, :2] - hips[0, :2]
    length = float(np.linalg.norm(along))
    aside = (hips[:, :2] - hips[0, :2]) @ [-along[1] / length, along[0] / length]
    assert length == pytest.approx(4.0, rel=0.05)
    assert np.abs(aside).max() < 0.05 * 4.0
    assert np.ptp(hips[:, 2]) < 0.15, "on the level"
    # The take's camera moves as the one that was solved.
    (follower,) = (one for one in bpy.data.objects if one.type == "CAMERA" and not one.parent)
    (own,) = (one for one in bpy.data.objects if one.type == "CAMERA" and one.parent)
    for frame in (FIRST, FIRST + 50, FIRST + 100):
        bpy.context.scene.frame_set(frame)
        np.testing.assert_allclose(own.matrix_world.translation, follower.matrix_world.translation, atol=1e-4)


def hips_on(person: bpy.types.Object, frames: list[int]) -> Array:
    places = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        shown = person.evaluated_get(bpy.context.evaluated_depsgraph_get())
        places.append(shown.matrix_world @ shown.pose.bones[JOINT_NAMES[0]].head)
    return np.array(places)


def test_the_path_is_the_followers_whatever_the_frames_are_called(clip: bpy.types.MovieClip) -> None:
    """Against Blender's own evaluation of the constraint, through a parent."""
    scene = bpy.context.scene
    bpy.ops.kinelift.add_solve_camera()
    follower = solve_follower(scene, clip)
    assert follower == scene.camera
    assert camera_line(bpy.context)[1] == "ERROR", "neither floor nor scale is set"
    set_floor_and_scale(clip, cloud())
    assert camera_line(bpy.context)[1] == "CHECKMARK"
    parent = bpy.data.objects.new("Stage", None)
    scene.collection.objects.link(parent)
    parent.location, parent.rotation_euler = (1.0, 2.0, 0.5), (0.0, 0.0, 0.7)
    follower.parent = parent
    bpy.context.view_layer.update()
    made = camera_from_solve(scene, clip).camera
    assert made.world_from_camera is not None
    assert made.fx == pytest.approx(1000.0, rel=1e-3)
    for row in (0, 33, FRAMES - 1):
        scene.frame_set(FIRST + row)
        place, turned, _ = follower.matrix_world.decompose()
        np.testing.assert_allclose(made.world_from_camera[row, :3, 3], place, atol=1e-5)
        flipped = np.array(turned.to_matrix()) @ np.diag([1.0, -1.0, -1.0])
        np.testing.assert_allclose(made.world_from_camera[row, :3, :3], flipped, atol=1e-5)
    clip.frame_offset = 4  # the clip's first frame is the file's fifth picture, which keypoints call 4
    assert camera_from_solve(scene, clip).camera.frame_start == 4


def test_the_added_camera_sees_what_the_clip_shows(clip: bpy.types.MovieClip) -> None:
    """With wide pixels and a centre of its own: the markers lie where it sees the points that were solved."""
    lens = clip.tracking.camera
    lens.pixel_aspect = 1.25
    lens.principal_point_pixels = (600.0, 300.0)
    with clip_editor(clip):
        bpy.ops.clip.solve_camera()
    bpy.ops.kinelift.match_scene_to_clip()
    bpy.ops.kinelift.add_solve_camera()
    scene, row = bpy.context.scene, 30
    scene.frame_set(FIRST + row)
    camera = scene.camera.evaluated_get(bpy.context.evaluated_depsgraph_get())
    off = []
    for track in clip.tracking.tracks:
        marked = np.array(track.markers.find_frame(1 + row).co)
        seen = world_to_camera_view(scene, camera, track.bundle)
        off.append(np.linalg.norm((np.array(seen.xy) - marked) * LENS_SIZE))
    solve = clip.tracking.objects.active.reconstruction
    assert np.mean(off) < 2.0 * solve.average_error + 0.1


def test_no_camera_is_added_for_a_lens_that_is_none(clip: bpy.types.MovieClip) -> None:
    clip.tracking.camera.focal_length_pixels = 1e7
    with pytest.raises(RuntimeError, match=r"^Error: a focal length of 1e\+07 pixels can't be right"):
        bpy.ops.kinelift.add_solve_camera()
    assert not bpy.data.cameras


def test_automatic_takes_the_solve_where_a_camera_follows_it(clip: bpy.types.MovieClip) -> None:
    assert camera_source(bpy.context) == "AUTO"
    choice = camera_choice(bpy.context)
    assert choice is not None
    assert choice.camera.world_from_camera is None
    assert choice.camera.focal_known
    bpy.ops.kinelift.add_solve_camera()
    assert camera_source(bpy.context) == "SOLVE"
    with pytest.raises(InputError, match=r"^0001\.png: floor and scale of its solve are not set; [^\n]*$"):
        camera_choice(bpy.context)
    set_floor_and_scale(clip, cloud())
    choice = camera_choice(bpy.context)
    assert choice is not None
    assert choice.camera.world_from_camera is not None
    assert choice.camera.world_from_camera.shape == (FRAMES, 4, 4)
    assert "moving as 0001.png Solve" in choice.source
    solved = choice.camera
    # The scene's camera is the same camera then, with the clip's distortion, which an object can't tell.
    clip.tracking.camera.k1 = -0.1
    bpy.ops.kinelift.match_scene_to_clip()
    bpy.context.scene.kinelift.camera_source = "SCENE"
    choice = camera_choice(bpy.context)
    assert choice is not None
    assert choice.camera.distortion.model == "polynomial"
    assert choice.camera.distortion.coefficients == pytest.approx((-0.1, 0.0, 0.0))
    assert choice.camera.world_from_camera is not None
    np.testing.assert_allclose(choice.camera.world_from_camera, solved.world_from_camera, atol=1e-5)
    assert choice.camera.fx == pytest.approx(solved.fx, rel=1e-4)
    bpy.context.scene.kinelift.camera_source = "AUTO"
    bpy.context.scene.camera.constraints[0].mute = True
    assert camera_source(bpy.context) == "AUTO"


def test_a_solve_of_a_part_of_the_clip_says_which(clip: bpy.types.MovieClip) -> None:
    tracking = clip.tracking
    for track in tracking.tracks:
        for frame in (*range(1, 16), *range(71, FRAMES + 1)):
            track.markers.delete_frame(frame)
    tracking.objects.active.keyframe_a, tracking.objects.active.keyframe_b = 16, 70
    with clip_editor(clip):
        bpy.ops.clip.solve_camera()
    bpy.ops.kinelift.add_solve_camera()
    set_floor_and_scale(clip, cloud())
    choice = camera_from_solve(bpy.context.scene, clip)
    assert choice.source.endswith("moving as 0001.png Solve, solved on frames 36 to 90 only")
    line, icon = camera_line(bpy.context)
    assert (line.endswith("only"), icon) == (True, "INFO")
    path = choice.camera.world_from_camera
    assert path is not None
    np.testing.assert_array_equal(path[:15], np.tile(path[15], (15, 1, 1)))


def test_without_a_solve_it_is_said_what_to_do(tmp_path: Path) -> None:
    settings = bpy.context.scene.kinelift
    settings.camera_source = "SOLVE"
    assert camera_line(bpy.context) == (
        "Choose a clip to use its camera solve, or choose another camera", "ERROR",
    )  # fmt: skip
    settings.clip = make_clip(tmp_path)
    assert camera_line(bpy.context)[1] == "ERROR"
    with pytest.raises(InputError, match=r"^shot\.png: its camera is not solved; [^\n]*$"):
        camera_choice(bpy.context)
    with pytest.raises(RuntimeError, match="Choose a clip whose camera is solved"):
        bpy.ops.kinelift.add_solve_camera()
