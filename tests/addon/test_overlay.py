"""The overlay puts keypoints where the picture shows them, however the view is moved."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from kinelift_checkout.addon.blender_camera import create_camera
from kinelift_checkout.addon.overlay_positions import (
    PersonInPicture,
    on_clip_editor,
    people_in_frame,
    through_camera,
)
from kinelift_checkout.estimator.camera import Camera
from kinelift_checkout.estimator.distortion import Distortion
from kinelift_checkout.estimator.keypoint_set import KEYPOINT_INDEX, K
from mathutils import Vector
from numpy.typing import NDArray

from tests.addon.motions import look_at
from tests.addon.recordings import EXAMPLE_SIZE, example_person, example_points, render_clip, write_coco

pytestmark = pytest.mark.usefixtures("registered")


def person(points: NDArray[np.float64], size: tuple[int, int]) -> PersonInPicture:
    return PersonInPicture(3, True, points, size)


def test_in_the_clip_editor_corners_and_middle_follow_zoom_and_pan() -> None:
    points = np.full((K, 2), np.nan)
    points[0], points[1], points[2] = (0.0, 0.0), (200.0, 100.0), (100.0, 50.0)
    (shown,) = on_clip_editor([person(points, (200, 100))], (10.0, 20.0), (810.0, 420.0))
    np.testing.assert_allclose(shown.points, [(10.0, 420.0), (810.0, 20.0), (410.0, 220.0)])
    # Of the three, nose and both eyes, two pairs are limbs.
    assert len(shown.lines) == 4
    assert shown.number_at[1] > 420.0


def test_missing_points_are_not_drawn() -> None:
    points = np.full((K, 2), np.nan)
    assert on_clip_editor([person(points, (200, 100))], (0.0, 0.0), (1.0, 1.0)) == []
    points[KEYPOINT_INDEX["left_knee"]] = (5.0, 5.0)
    (shown,) = on_clip_editor([person(points, (200, 100))], (0.0, 0.0), (1.0, 1.0))
    assert (len(shown.points), len(shown.lines)) == (1, 0)


def test_the_frame_of_the_clip_is_the_row_of_the_keypoints(tmp_path: Path) -> None:
    path = write_coco(
        tmp_path / "k.json", [example_points(20), example_points(20, shift=300.0)], first_frame=100
    )
    settings = bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(render_clip(tmp_path / "walk.mp4", frames=20)))
    settings.clip.frame_start = 31
    assert people_in_frame(bpy.context, 31) == []
    bpy.ops.kinelift.import_keypoints(filepath=str(path))
    assert people_in_frame(bpy.context, 31) == []
    settings.frame_offset = -100
    truth = example_person()
    for frame in (31, 40, 50):
        found = {one.person_id: one for one in people_in_frame(bpy.context, frame)}
        assert set(found) == {1, 2}
        assert [found[1].selected, found[2].selected] == [True, False]
        seen = np.isfinite(found[1].points[:17]).all(axis=-1)
        assert seen.sum() > 10
        left = min(found.values(), key=lambda one: float(np.nanmean(one.points[:, 0])))
        both = seen & np.isfinite(left.points[:17]).all(axis=-1)
        np.testing.assert_allclose(left.points[:17][both], truth.keypoints[frame - 31, :17][both], atol=1e-6)
        assert left.size == EXAMPLE_SIZE
    assert people_in_frame(bpy.context, 51) == []


def test_the_offset_of_a_clip_that_starts_later_in_its_file(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "k.json", [example_points(20)])
    settings = bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(render_clip(tmp_path / "walk.mp4", frames=20)))
    bpy.ops.kinelift.import_keypoints(filepath=str(path))
    plain = people_in_frame(bpy.context, 9)[0].points
    settings.clip.frame_offset = 3
    np.testing.assert_array_equal(people_in_frame(bpy.context, 6)[0].points, plain)


CAMERAS = {
    "landscape": Camera(1280, 720, 1000.0, 1000.0, 640.0, 360.0),
    "portrait": Camera(1080, 1920, 1500.0, 1500.0, 540.0, 960.0),
    "off centre": Camera(1280, 720, 900.0, 900.0, 700.0, 300.0),
    "wide pixels": Camera(720, 576, 700.0, 740.0, 360.0, 288.0),
}


@pytest.mark.parametrize("name", list(CAMERAS))
@pytest.mark.parametrize("same_shape", [True, False])
def test_through_the_camera_a_points_image_lies_on_the_point(name: str, same_shape: bool) -> None:
    camera = CAMERAS[name]
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = (
        (camera.width, camera.height) if same_shape else (800, 800)
    )
    scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = camera.fy / camera.fx, 1.0
    pose = look_at(np.array([2.0, -5.0, 1.6]), np.array([0.0, 0.0, 1.0]), roll=0.1)
    made = create_camera("Camera", camera, pose, scene=scene, clip=None)
    scene.collection.objects.link(made)
    scene.camera = made
    bpy.context.view_layer.update()

    world = np.random.default_rng(1).uniform((-0.8, -0.8, 0.2), (0.8, 0.8, 1.8), size=(K, 3))
    to_camera = np.linalg.inv(pose)
    pixels = camera.project(world @ to_camera[:3, :3].T + to_camera[:3, 3])
    (shown,) = through_camera([person(pixels, (camera.width, camera.height))], bpy.context, *view(made))
    for point, place in zip(world, shown.points, strict=True):
        seen = world_to_camera_view(scene, made, Vector(point))
        np.testing.assert_allclose(place, (seen.x * 640, seen.y * 480), atol=0.05)


def test_in_a_scene_in_millimetres_points_lie_on_their_pixels_too() -> None:
    scene = bpy.context.scene
    scene.unit_settings.scale_length = 0.001
    scene.render.resolution_x, scene.render.resolution_y = 1280, 720
    pose = look_at(np.array([20_000.0, -9_000.0, 1_600.0]), np.array([20_000.0, 0.0, 1_000.0]))
    scene.camera = create_camera("Camera", CAMERAS["landscape"], pose, scene=scene, clip=None)
    scene.collection.objects.link(scene.camera)
    bpy.context.view_layer.update()
    pixels = np.random.default_rng(3).uniform((100.0, 100.0), (1180.0, 620.0), size=(K, 2))
    (shown,) = through_camera([person(pixels, (1280, 720))], bpy.context, *view(scene.camera))
    np.testing.assert_allclose(
        shown.points, np.stack([pixels[:, 0] / 2, 480 - pixels[:, 1] / 1.5], axis=-1), atol=0.1
    )


def test_through_a_camera_that_shows_the_clip_undistorted(tmp_path: Path) -> None:
    scene, settings = bpy.context.scene, bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(render_clip(tmp_path / "walk.mp4", (1280, 720), 2)))
    lens = settings.clip.tracking.camera
    lens.units, lens.focal_length_pixels, lens.k1 = "PIXELS", 1000.0, -0.12
    camera = Camera(
        1280, 720, lens.focal_length_pixels, lens.focal_length_pixels, 640.0, 360.0,
        distortion=Distortion("polynomial", (lens.k1, 0.0, 0.0)),
    )  # fmt: skip
    scene.render.resolution_x, scene.render.resolution_y = 1280, 720
    pose = look_at(np.array([0.0, -4.0, 1.2]), np.array([0.0, 0.0, 1.0]))
    scene.camera = create_camera("Camera", camera, pose, scene=scene, clip=settings.clip)
    scene.collection.objects.link(scene.camera)
    bpy.context.view_layer.update()
    world = np.random.default_rng(2).uniform((-1.5, -0.5, 0.2), (1.5, 0.5, 1.8), size=(K, 3))
    to_camera = np.linalg.inv(pose)
    pixels = camera.project(world @ to_camera[:3, :3].T + to_camera[:3, 3])
    (shown,) = through_camera([person(pixels, (1280, 720))], bpy.context, *view(scene.camera))
    seen = [world_to_camera_view(scene, scene.camera, Vector(point)) for point in world]
    np.testing.assert_allclose(shown.points, [(v.x * 640, v.y * 480) for v in seen], atol=0.1)


def view(camera: bpy.types.Object) -> tuple[SimpleNamespace, SimpleNamespace]:
    """A region of 640 × 480 that the camera's frame fills, and its view: what Blender makes when it draws.

    Without a window nothing is drawn, so the matrix comes from the camera itself.
    """
    graph = bpy.context.evaluated_depsgraph_get()
    render = bpy.context.scene.render
    window = camera.calc_matrix_camera(
        graph,
        x=render.resolution_x,
        y=render.resolution_y,
        scale_x=render.pixel_aspect_x,
        scale_y=render.pixel_aspect_y,
    )
    matrix = window @ camera.matrix_world.normalized().inverted()
    return SimpleNamespace(width=640, height=480), SimpleNamespace(perspective_matrix=matrix)
