"""The ground: shown under the take, put where the user says, and left out of account when told so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.action import ActionSettings
from kinelift_checkout.addon.estimate_request import estimate_request
from kinelift_checkout.addon.estimate_work import do_estimate
from kinelift_checkout.addon.ground_grid import create_ground_grid
from kinelift_checkout.addon.take import TakeSettings, write_take
from kinelift_checkout.estimator.camera import pinhole
from kinelift_checkout.estimator.example.detector import example_camera
from mathutils import Matrix

from tests.addon.motions import random_motion
from tests.addon.recordings import example_points, write_coco

pytestmark = pytest.mark.usefixtures("registered")


def test_the_grid_lies_under_the_path_and_is_never_rendered(tmp_path: Path) -> None:
    motion = random_motion(frames=30)
    settings = TakeSettings(ActionSettings(), name="walk", ground_height=0.4)
    take = write_take(bpy.context, [motion], pinhole(1280, 720, 900.0), settings)
    (ground,) = (child for child in take.empty.children if child.type == "MESH")
    bpy.context.view_layer.update()
    corners = np.array([ground.matrix_world @ vertex.co for vertex in ground.data.vertices])
    np.testing.assert_allclose(corners[:, 2], 0.4, atol=1e-6)
    assert (corners[:, :2].min(axis=0) < motion.root_translation[:, :2].min(axis=0) - 0.9).all()
    assert (corners[:, :2].max(axis=0) > motion.root_translation[:, :2].max(axis=0) + 0.9).all()
    assert ground.hide_render
    assert not ground.data.polygons

    scene = bpy.context.scene
    scene.render.engine, scene.render.film_transparent = "BLENDER_WORKBENCH", True
    scene.render.resolution_x, scene.render.resolution_y = 160, 90
    scene.render.filepath = str(tmp_path / "picture.png")
    bpy.ops.render.render(write_still=True)
    picture = bpy.data.images.load(scene.render.filepath)
    assert max(list(picture.pixels)[3::4]) == 0.0, "nothing is to be seen"


def test_a_long_way_has_a_wider_grid() -> None:
    for length, step in ((4.0, 1.0), (70.0, 2.0), (900.0, 50.0)):
        grid = create_ground_grid("Ground", np.array([[0.0, 0.0, 1.0], [length, 3.0, 1.0]]))
        x = np.unique([vertex.co.x for vertex in grid.data.vertices])
        np.testing.assert_allclose(np.diff(x), step)
        assert x[0] <= -1.0
        assert x[-1] >= length + 1.0
        assert len(grid.data.vertices) < 2000


def test_the_ground_is_picked_from_the_scene() -> None:
    settings = bpy.context.scene.kinelift
    bpy.context.scene.cursor.location.z = 0.75
    bpy.ops.kinelift.pick_ground(source="CURSOR")
    assert settings.ground_height == pytest.approx(0.75)
    bpy.ops.mesh.primitive_cube_add(size=2.0, location=(3.0, 1.0, -1.4))
    bpy.context.object.scale = (5.0, 5.0, 0.1)
    bpy.ops.kinelift.pick_ground(source="OBJECT")
    assert settings.ground_height == pytest.approx(-1.3), "the top of the slab"
    tips = set()
    for source in ("CURSOR", "OBJECT"):
        properties = bpy.context.window_manager.operator_properties_last("kinelift.pick_ground")
        properties.source = source
        tips.add(bpy.types.KINELIFT_OT_pick_ground.description(bpy.context, properties))
    assert tips == {
        "The ground is as high as the 3D cursor",
        "The ground is the top of the active object, such as a floor",
    }
    bpy.context.view_layer.objects.active = None
    with pytest.raises(RuntimeError, match="no active object"):
        bpy.ops.kinelift.pick_ground(source="OBJECT")


def known_camera(keypoints: Path, lift: float) -> None:
    """The example's camera as the scene's, in a world that lies ``lift`` metres higher."""
    scene, camera = bpy.context.scene, example_camera()
    assert camera.world_from_camera is not None
    data = bpy.data.cameras.new("Camera")
    data.sensor_fit, data.lens = "HORIZONTAL", camera.fx / camera.width * data.sensor_width
    scene.camera = bpy.data.objects.new("Camera", data)
    scene.collection.objects.link(scene.camera)
    pose = camera.world_from_camera @ np.diag([1.0, -1.0, -1.0, 1.0])
    pose[2, 3] += lift
    scene.camera.matrix_world = Matrix(pose)
    bpy.context.view_layer.update()
    scene.render.resolution_x, scene.render.resolution_y = camera.width, camera.height
    scene.kinelift.keypoints_path = str(keypoints)
    scene.kinelift.camera_source = "SCENE"


@pytest.fixture
def keypoints(tmp_path: Path) -> Path:
    return write_coco(tmp_path / "keypoints.json", [example_points(60)])


def feet_low(empty: bpy.types.Object) -> float:
    (person,) = (child for child in empty.children if child.type == "ARMATURE")
    low = []
    for frame in range(bpy.context.scene.frame_start, bpy.context.scene.frame_start + 60, 10):
        bpy.context.scene.frame_set(frame)
        shown = person.evaluated_get(bpy.context.evaluated_depsgraph_get())
        tips = (shown.pose.bones[f"{side}ToeBase"].tail for side in ("Left", "Right"))
        low.append(min((shown.matrix_world @ tip).z for tip in tips))
    return float(np.median(low))


def test_with_a_known_camera_the_person_stands_on_the_ground_that_was_picked(keypoints: Path) -> None:
    pytest.importorskip("torch", reason="estimating needs torch")
    known_camera(keypoints, lift=2.0)
    scene = bpy.context.scene
    scene.kinelift.ground_height = 2.0
    bpy.ops.kinelift.estimate_motion()
    empty = scene.objects[scene.kinelift.latest_take]
    assert empty.location.z == 2.0
    assert feet_low(empty) == pytest.approx(2.0, abs=0.06)
    (own,) = (child for child in empty.children if child.type == "CAMERA")
    np.testing.assert_allclose(own.matrix_world, scene.camera.matrix_world, atol=1e-5)


def test_somebody_who_stands_elsewhere_than_on_the_known_cameras_ground_is_told_of(keypoints: Path) -> None:
    pytest.importorskip("torch", reason="estimating needs torch")
    known_camera(keypoints, lift=2.0)

    def notes() -> tuple[str, ...]:
        return do_estimate(estimate_request(bpy.context), lambda fraction, text: None).notes

    picture, ground = notes()
    assert picture == "The picture is taken to be 640 × 360 as the scene is; choose the clip"
    assert ground.startswith(("Person 1 stands 1.9 m above", "Person 1 stands 2.0 m above"))
    bpy.context.scene.kinelift.ground_height = 2.0
    assert notes() == (picture,)
    bpy.context.scene.kinelift.ground_height = 0.0
    bpy.context.scene.kinelift.on_ground = False
    assert notes() == (picture,)


def test_settings_of_the_ground_reach_the_estimator(keypoints: Path) -> None:
    settings = bpy.context.scene.kinelift
    settings.keypoints_path = str(keypoints)
    settings.on_ground, settings.camera_height, settings.contact_strength = False, 1.25, 0.25
    options = estimate_request(bpy.context).options
    assert (options.on_ground, options.camera_height, options.contact_strength) == (False, 1.25, 0.25)
    settings.on_ground, settings.camera_height, settings.contact_strength = True, 0.0, 1.0
    options = estimate_request(bpy.context).options
    assert options == replace(options, on_ground=True, camera_height=None, contact_strength=1.0)


def test_the_cameras_height_puts_the_takes_camera_there(keypoints: Path) -> None:
    pytest.importorskip("torch", reason="estimating needs torch")
    scene = bpy.context.scene
    scene.kinelift.keypoints_path = str(keypoints)
    scene.kinelift.camera_height = 1.2
    bpy.ops.kinelift.estimate_motion()
    assert scene.camera.location.z == pytest.approx(1.2, abs=1e-4)
    scene.kinelift.camera_height = 60.0
    with pytest.raises(RuntimeError, match="does not fit what it saw"):
        bpy.ops.kinelift.estimate_motion()
