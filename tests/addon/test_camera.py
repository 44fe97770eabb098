"""The matching camera: what it sees is what the clip's camera saw, to a fraction of a pixel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from kinelift_checkout.addon import blender_camera
from kinelift_checkout.addon.timing import KeyTimes
from kinelift_checkout.estimator.camera import Camera, pinhole
from kinelift_checkout.estimator.distortion import Distortion
from kinelift_checkout.estimator.errors import InputError
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from tests.addon.motions import look_at, random_motion

Array = NDArray[np.float64]
pytestmark = pytest.mark.usefixtures("empty_file")

POSE = look_at(np.array([1.2, -5.0, 2.1]), np.array([0.4, 0.3, 0.9]), roll=0.2)

CAMERAS = {
    "landscape": Camera(1280, 720, 1100.0, 1100.0, 640.0, 360.0),
    "portrait": Camera(1080, 1920, 1500.0, 1500.0, 540.0, 960.0),
    "off centre": Camera(1280, 720, 1000.0, 1000.0, 520.0, 420.0),
    "portrait off centre": Camera(720, 1280, 1300.0, 1300.0, 400.0, 500.0),
    "wide pixels": Camera(1440, 1080, 1000.0, 1000.0 * 4 / 3, 700.0, 560.0),
    "tall pixels": Camera(720, 576, 900.0, 820.0, 350.0, 300.0),
    "distorted": Camera(
        1920, 1080, 1400.0, 1400.0, 940.0, 560.0, distortion=Distortion("polynomial", (-0.12, 0.03, 0.0))
    ),
}


def match_scene(camera: Camera) -> None:
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y = camera.width, camera.height
    render.pixel_aspect_x, render.pixel_aspect_y = blender_camera.pixel_aspect(camera)


def link(blender_object: bpy.types.Object) -> bpy.types.Object:
    bpy.context.scene.collection.objects.link(blender_object)
    bpy.context.view_layer.update()
    return blender_object


def pixels_in_blender(camera_object: bpy.types.Object, points: Array) -> Array:
    """(N, 2) where Blender's own projection puts world points (N, 3), origin top left."""
    render = bpy.context.scene.render
    projection = camera_object.calc_matrix_camera(
        bpy.context.evaluated_depsgraph_get(),
        x=render.resolution_x,
        y=render.resolution_y,
        scale_x=render.pixel_aspect_x,
        scale_y=render.pixel_aspect_y,
    )
    seen = np.array([projection @ camera_object.matrix_world.inverted() @ Vector((*p, 1.0)) for p in points])
    ndc = seen[:, :2] / seen[:, 3:]
    return (ndc * [0.5, -0.5] + 0.5) * [render.resolution_x, render.resolution_y]


def to_camera(pose: Array, points: Array) -> Array:
    inverse = np.linalg.inv(pose)
    return points @ inverse[:3, :3].T + inverse[:3, 3]


def make_clip(folder: Path, width: int = 1080, height: int = 1920) -> bpy.types.MovieClip:
    image = bpy.data.images.new("picture", width, height)
    image.filepath_raw, image.file_format = str(folder / "shot.png"), "PNG"
    image.save()
    bpy.data.images.remove(image)
    return bpy.data.movieclips.load(str(folder / "shot.png"))


@pytest.mark.parametrize("name", list(CAMERAS))
def test_blender_projects_as_the_camera_does(name: str) -> None:
    camera = CAMERAS[name]
    match_scene(camera)
    made = link(blender_camera.create_camera("Camera", camera, POSE, scene=bpy.context.scene, clip=None))
    points = random_motion(frames=2).joints_world[0]
    # Blender sees no distortion; the background is undistorted for it, and so are the pixels here.
    seen = camera.rays(camera.project(to_camera(POSE, points))) * [camera.fx, camera.fy] + [
        camera.cx,
        camera.cy,
    ]
    np.testing.assert_allclose(pixels_in_blender(made, points), seen, atol=0.02)
    views = [world_to_camera_view(bpy.context.scene, made, Vector(p)) for p in points]
    again = np.array([(v.x * camera.width, (1 - v.y) * camera.height) for v in views])
    np.testing.assert_allclose(again, seen, atol=0.02)


def test_the_horizontal_view_holds_in_a_scene_of_another_shape() -> None:
    camera = CAMERAS["portrait off centre"]
    made = link(blender_camera.create_camera("Camera", camera, POSE, scene=bpy.context.scene, clip=None))
    points = random_motion(frames=2).joints_world[0]
    seen = camera.project(to_camera(POSE, points))
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 1920, 1080
    across = pixels_in_blender(made, points)[:, 0] / 1920
    np.testing.assert_allclose(across, seen[:, 0] / camera.width, atol=2e-5)


@pytest.mark.parametrize("name", ["landscape", "portrait off centre", "wide pixels", "tall pixels"])
@pytest.mark.parametrize("fit", ["HORIZONTAL", "VERTICAL", "AUTO"])
def test_scene_camera_of_any_sensor_fit_is_read_as_blender_projects_it(name: str, fit: str) -> None:
    camera = CAMERAS[name]
    match_scene(camera)
    data = bpy.data.cameras.new("Camera")
    data.sensor_fit, data.lens, data.shift_x, data.shift_y = fit, 42.0, 0.05, -0.03
    data.sensor_width, data.sensor_height = 30.0, 22.0
    thing = bpy.data.objects.new("Camera", data)
    thing.matrix_basis = Matrix(POSE @ blender_camera.FLIP) @ Matrix.Scale(2.0, 4)
    link(thing)
    choice = blender_camera.camera_from_object(
        bpy.context.scene, thing, camera.width // 2, camera.height // 2
    )
    points = random_motion(frames=2).joints_world[0]
    assert choice.camera.world_from_camera is not None
    assert choice.camera.world_from_camera.shape == (4, 4)
    seen = choice.camera.project(to_camera(choice.camera.world_from_camera, points))
    np.testing.assert_allclose(seen * 2, pixels_in_blender(thing, points), atol=0.05)
    assert "Camera" in choice.source
    assert "42.0 mm" in choice.source


def test_moving_scene_camera_is_sampled_per_frame_and_written_back() -> None:
    """Also through a parent and a constraint, and the user's frame comes back."""
    scene = bpy.context.scene
    camera = CAMERAS["landscape"]
    match_scene(camera)
    target = link(bpy.data.objects.new("Target", None))
    target.location = (0.0, 0.0, 1.0)
    dolly = link(bpy.data.objects.new("Dolly", None))
    for frame, x in ((11, -2.0), (30, 2.5)):
        dolly.location = (x, -5.0, 1.0)
        dolly.keyframe_insert("location", frame=frame)
    thing = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    thing.parent = dolly
    thing.constraints.new("TRACK_TO").target = target
    link(thing)
    scene.frame_set(3, subframe=0.25)
    choice = blender_camera.camera_from_object(
        scene, thing, camera.width, camera.height, clip_start=11, frames=(11, 30)
    )
    assert (scene.frame_current, scene.frame_subframe) == (3, 0.25)
    poses = choice.camera.world_from_camera
    assert poses is not None
    assert poses.shape == (20, 4, 4)
    assert choice.camera.frame_start == 0
    copy = link(blender_camera.create_camera("Copy", choice.camera, poses[0], scene=scene, clip=None))
    times = KeyTimes(np.arange(11.0, 31.0), np.arange(20.0))
    blender_camera.animate_camera(copy, "Dolly", times, poses)
    for frame in (11, 17, 30):
        scene.frame_set(frame)
        np.testing.assert_allclose(copy.matrix_world, thing.matrix_world, atol=2e-5)


def test_camera_that_has_an_action_but_stands_still_is_static() -> None:
    thing = link(bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera")))
    for frame in (1, 20):
        thing.keyframe_insert("location", frame=frame)
    bpy.context.scene.frame_end = 20
    choice = blender_camera.camera_from_object(bpy.context.scene, thing, 960, 540)
    assert choice.camera.world_from_camera is not None
    assert choice.camera.world_from_camera.ndim == 2
    assert "static" in choice.source


def test_scene_cameras_that_cannot_be_used_are_refused_in_one_line() -> None:
    scene = bpy.context.scene
    thing = link(bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye")))
    with pytest.raises(InputError, match=r"^Scene: renders 1920 × 1080, [^\n]*Match Scene to Clip"):
        blender_camera.camera_from_object(scene, thing, 1080, 1920)
    for frame, lens in ((1, 30.0), (9, 50.0)):
        thing.data.lens = lens
        thing.data.keyframe_insert("lens", frame=frame)
    scene.frame_set(5)
    with pytest.raises(InputError, match=r"^Eye: zooms from 30\.0 to 50\.0 mm; "):
        blender_camera.camera_from_object(scene, thing, 1920, 1080)
    assert scene.frame_current == 5
    thing.data.type = "ORTHO"
    with pytest.raises(InputError, match=r"^Eye: is no perspective camera"):
        blender_camera.camera_from_object(scene, thing, 1920, 1080)


def test_a_new_clip_does_not_know_its_lens(tmp_path: Path) -> None:
    clip = make_clip(tmp_path)
    for choice in ("AUTO", "ESTIMATE"):
        made = blender_camera.camera_from_clip(clip, choice)
        assert made.camera == pinhole(1080, 1920)
        assert made.source.startswith("Lens not known")
    given = blender_camera.camera_from_clip(clip, "VALUE", 1234.0)
    assert given.camera == pinhole(1080, 1920, 1234.0)
    with pytest.raises(InputError, match=r"shot\.png: the focal length must be above 0"):
        blender_camera.camera_from_clip(clip, "VALUE", 0.0)


LENSES = {
    "POLYNOMIAL": ({"k1": -0.1, "k2": 0.02, "k3": 0.001}, "polynomial", (-0.1, 0.02, 0.001)),
    "DIVISION": ({"division_k1": -0.1, "division_k2": 0.03}, "division", (-0.1, 0.03)),
    "BROWN": (
        {"brown_k1": -0.1, "brown_k2": 0.02, "brown_p1": 0.003, "brown_p2": -0.004},
        "brown",
        (-0.1, 0.02, 0.0, 0.0, 0.003, -0.004),
    ),
    "NUKE": ({"nuke_k1": -0.1, "nuke_k2": 0.02}, "nuke", None),
}


@pytest.mark.parametrize("model", list(LENSES))
def test_a_confirmed_lens_is_taken_whole(tmp_path: Path, model: str) -> None:
    clip = make_clip(tmp_path)
    lens = clip.tracking.camera
    lens.pixel_aspect = 1.25
    lens.focal_length_pixels = 1500.0
    lens.principal_point_pixels = (500.0, 1000.0)
    lens.distortion_model = model
    settings, name, coefficients = LENSES[model]
    for key, value in settings.items():
        setattr(lens, key, value)
    made = blender_camera.camera_from_clip(clip, "CLIP").camera
    np.testing.assert_allclose(
        [made.fx, made.fy, made.cx, made.cy], [1500.0, 1875.0, 500.0, 920.0], rtol=1e-5
    )
    assert made.focal_known
    assert made.distortion.model == name
    if coefficients is None:
        coefficients = Distortion.from_nuke(-0.1, 0.02, 1500.0, 1080, 1536).coefficients
    np.testing.assert_allclose(made.distortion.coefficients, coefficients, rtol=1e-5, atol=1e-8)

    thing = blender_camera.create_camera("Camera", made, POSE, scene=bpy.context.scene, clip=clip)
    background = thing.data.background_images[0]
    assert background.clip == clip
    assert background.clip_user.use_render_undistorted
    assert thing.data.show_background_images
    assert thing.data.sensor_width == pytest.approx(lens.sensor_width)
    assert thing.data.lens == pytest.approx(lens.focal_length, rel=1e-5)


def test_background_covers_the_width_in_any_scene(tmp_path: Path) -> None:
    clip = make_clip(tmp_path)
    scene = bpy.context.scene
    camera = pinhole(1080, 1920)
    for size, method in (((1920, 1080), "CROP"), ((1080, 1920), "FIT"), ((500, 1920), "FIT")):
        scene.render.resolution_x, scene.render.resolution_y = size
        thing = blender_camera.create_camera("Camera", camera, POSE, scene=scene, clip=clip)
        background = thing.data.background_images[0]
        assert background.frame_method == method
        assert not background.clip_user.use_render_undistorted


def test_a_clip_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shot.mp4").write_text("no film")
    clip = bpy.data.movieclips.load(str(tmp_path / "shot.mp4"))
    with pytest.raises(InputError, match=r"^shot\.mp4: its picture can't be read; [^\n]*$"):
        blender_camera.camera_from_clip(clip, "AUTO")


def test_a_solved_clip_knows_its_lens(tmp_path: Path) -> None:
    """Solves a camera that passes a cloud of points, through Blender's own solver."""
    width, height, focal = 1280, 720, 1000.0
    for frame in range(1, 31):
        image = bpy.data.images.new("picture", width, height)
        image.filepath_raw, image.file_format = str(tmp_path / f"{frame:03d}.png"), "PNG"
        if frame in (1, 30):
            image.save()
        else:
            (tmp_path / f"{frame:03d}.png").write_bytes((tmp_path / "001.png").read_bytes())
        bpy.data.images.remove(image)
    clip = bpy.data.movieclips.load(str(tmp_path / "001.png"))
    clip.tracking.camera.focal_length_pixels = focal
    assert not blender_camera.camera_from_clip(clip, "AUTO").camera.focal_known

    camera = pinhole(width, height, focal)
    cloud = np.random.default_rng(0).uniform((-1.5, -1.5, 0.0), (1.5, 1.5, 2.0), size=(24, 3))
    poses = [
        look_at(np.array([x, -6.0, 1.0 + 0.3 * x]), np.array([0.2 * x, 0.0, 1.0]))
        for x in np.linspace(-1.5, 1.5, 30)
    ]
    tracks = [clip.tracking.tracks.new(name=f"{n}", frame=1) for n in range(len(cloud))]
    for frame, pose in enumerate(poses, start=1):
        for track, (x, y) in zip(tracks, camera.project(to_camera(pose, cloud)), strict=True):
            track.markers.insert_frame(frame, co=(x / width, 1 - y / height))
    settings = clip.tracking.settings
    settings.use_keyframe_selection = False
    clip.tracking.objects.active.keyframe_a, clip.tracking.objects.active.keyframe_b = 1, 30
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    area.type = "CLIP_EDITOR"
    space = area.spaces.active
    space.clip, space.mode = clip, "TRACKING"
    region = next(region for region in area.regions if region.type == "WINDOW")
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window, area=area, region=region, space_data=space):
        bpy.ops.clip.solve_camera()
    assert clip.tracking.reconstruction.is_valid
    made = blender_camera.camera_from_clip(clip, "AUTO")
    assert made.camera.focal_known
    assert made.camera.fx == pytest.approx(focal, rel=1e-3)
    assert "camera solve, average error" in made.source
    assert replace(made.camera, fx=focal, fy=focal) == pinhole(width, height, focal)
