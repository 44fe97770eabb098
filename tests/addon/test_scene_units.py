"""In scenes whose unit is no metre, such as those for Unreal in centimetres, people have their size too."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from kinelift_checkout.addon import command
from kinelift_checkout.addon.action import ActionSettings
from kinelift_checkout.addon.blender_camera import camera_from_object
from kinelift_checkout.addon.estimate_request import estimate_request
from kinelift_checkout.addon.headless.clip_scene import save_scene
from kinelift_checkout.addon.headless.settings import BatchSettings, Character
from kinelift_checkout.addon.retarget.plan import RetargetSettings
from kinelift_checkout.addon.retarget.preset_maps import presets
from kinelift_checkout.addon.scene_units import metres_per_unit, shown_length
from kinelift_checkout.addon.solve_camera import camera_from_solve, solve_follower
from kinelift_checkout.addon.take import TakeSettings, write_take
from kinelift_checkout.estimator.camera import pinhole
from kinelift_checkout.estimator.command_line.clips import Clip
from kinelift_checkout.estimator.command_line.settings import Settings
from kinelift_checkout.estimator.estimate import EstimateOptions
from kinelift_checkout.estimator.keypoints import track_from_array
from kinelift_checkout.estimator.keypoints.layouts import COCO17
from kinelift_checkout.estimator.motion_bvh import save_bvh
from kinelift_checkout.estimator.motion_npz import save_motion
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from tests.addon.motions import random_motion
from tests.addon.recordings import example_points, write_coco
from tests.addon.reimporting import bone_heads, only_armature
from tests.addon.retarget.measuring import run
from tests.addon.retarget.rigs import build_preset
from tests.addon.retarget.sources import take_of, walking_motion
from tests.addon.solved_clips import set_floor_and_scale, solved_clip
from tests.addon.test_ground import known_camera
from tests.addon.test_solve_camera import FIRST, cloud, handheld

Array = NDArray[np.float64]
pytestmark = pytest.mark.usefixtures("registered")

CENTIMETRE = 0.01
MIXAMO = next(preset for preset in presets() if preset.name == "mixamo")
PLANTED = RetargetSettings(plant_feet=True)


def in_centimetres() -> bpy.types.Scene:
    scene = bpy.context.scene
    scene.unit_settings.scale_length = CENTIMETRE
    return scene


def test_a_scene_without_units_is_in_metres() -> None:
    scene = in_centimetres()
    assert metres_per_unit(scene) == pytest.approx(CENTIMETRE)
    scene.unit_settings.system = "NONE"
    assert metres_per_unit(scene) == 1.0


def test_a_take_has_its_size_and_lies_on_the_footage() -> None:
    scene = in_centimetres()
    motion = random_motion(frames=12)
    camera = pinhole(1280, 720, 900.0)
    settings = TakeSettings(ActionSettings(clip_start=1), ground_height=0.3)
    take = write_take(bpy.context, [motion], camera, settings)
    scene.render.resolution_x, scene.render.resolution_y = camera.width, camera.height
    (person,) = take.armatures
    heads = bone_heads(person)
    over_ground = np.array([0.0, 0.0, 0.3])
    np.testing.assert_allclose(heads, 100 * (motion.joints_world + over_ground), atol=1e-3)
    own = take.camera
    assert own is not None
    scene.frame_set(1)
    # Blender's projection of what Blender shows, within near and far.
    across, up, depth = np.array([world_to_camera_view(scene, own, Vector(head)) for head in heads[0]]).T
    seen = camera.project(motion.joints_camera[0])
    np.testing.assert_allclose(np.stack([across, 1 - up], axis=-1) * [1280, 720], seen, atol=0.05)
    assert (depth > own.data.clip_start).all()
    assert (depth < own.data.clip_end).all()
    assert own.data.clip_end == pytest.approx(100_000.0)


def test_a_camera_of_the_scene_is_read_in_metres() -> None:
    scene = in_centimetres()
    thing = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(thing)
    for frame, x in ((1, 120.0), (3, 320.0)):
        thing.location = (x, -500.0, 150.0)
        thing.keyframe_insert("location", frame=frame)
    size = scene.render.resolution_x, scene.render.resolution_y
    poses = camera_from_object(scene, thing, *size, frames=(1, 3)).camera.world_from_camera
    assert poses is not None
    np.testing.assert_allclose(poses[[0, 2], :3, 3], [[1.2, -5.0, 1.5], [3.2, -5.0, 1.5]], atol=1e-5)


def test_heights_are_read_in_metres_and_told_in_them(tmp_path: Path) -> None:
    scene = in_centimetres()
    settings = scene.kinelift
    settings.keypoints_path = str(write_coco(tmp_path / "k.json", [np.full((2, 17, 3), 1.0)]))
    settings.camera_height = 160.0
    scene.cursor.location.z = 40.0
    bpy.ops.kinelift.pick_ground(source="CURSOR")
    assert settings.ground_height == pytest.approx(40.0)
    assert shown_length(settings.ground_height, scene) == "40 cm"
    request = estimate_request(bpy.context)
    assert request.options.camera_height == pytest.approx(1.6)
    assert request.take.ground_height == pytest.approx(0.4)


def test_an_estimate_before_a_known_camera_is_the_same_as_in_metres(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="estimating needs torch")
    keypoints = write_coco(tmp_path / "keypoints.json", [example_points(40)])
    heads = {}
    for unit in (1.0, CENTIMETRE):
        scene = bpy.context.scene
        scene.unit_settings.scale_length = unit
        known_camera(keypoints, lift=0.5)
        scene.camera.matrix_world = Matrix.Scale(1 / unit, 4) @ scene.camera.matrix_world
        scene.kinelift.ground_height = 0.5 / unit
        bpy.context.view_layer.update()
        assert bpy.ops.kinelift.estimate_motion() == {"FINISHED"}
        empty = scene.objects[scene.kinelift.latest_take]
        (person,) = (child for child in empty.children if child.type == "ARMATURE")
        heads[unit] = unit * bone_heads(person)
        (own,) = (child for child in empty.children if child.type == "CAMERA")
        np.testing.assert_allclose(
            own.matrix_world.translation, scene.camera.matrix_world.translation, rtol=1e-5
        )
    np.testing.assert_allclose(heads[CENTIMETRE], heads[1.0], atol=1e-4)


def test_a_solved_camera_is_read_in_metres(tmp_path: Path) -> None:
    scene = bpy.context.scene
    clip = solved_clip(tmp_path, handheld(), cloud(), FIRST)
    scene.kinelift.clip = clip
    bpy.ops.kinelift.add_solve_camera()
    set_floor_and_scale(clip, cloud())
    in_metres = camera_from_solve(scene, clip).camera.world_from_camera
    in_centimetres()
    follower = solve_follower(scene, clip)
    assert follower is not None
    assert follower.data.clip_start == pytest.approx(0.1), (
        "nearer than what was solved, which has no scale yet"
    )
    # As Set Scale does, with a distance in the scene's units.
    follower.matrix_basis = Matrix.Scale(100.0, 4) @ follower.matrix_basis
    scaled = camera_from_solve(scene, clip).camera.world_from_camera
    assert in_metres is not None
    assert scaled is not None
    np.testing.assert_allclose(scaled, in_metres, atol=1e-4)


def test_a_character_in_centimetres_moves_as_one_in_metres() -> None:
    motion = walking_motion(0, 60)
    found = {}
    for unit in (1.0, CENTIMETRE):
        bpy.context.scene.unit_settings.scale_length = unit
        target = build_preset(MIXAMO)
        target.data.transform(Matrix.Scale(1 / unit, 4))
        bpy.context.view_layer.update()
        source = take_of(motion)
        assert run(source, target, PLANTED) == []
        found[unit] = bone_heads(target, tuple(MIXAMO.bones.values()))
        for one in (source, target):
            bpy.data.objects.remove(one)
    np.testing.assert_allclose(CENTIMETRE * found[CENTIMETRE], found[1.0], atol=1e-4)


@pytest.mark.parametrize("kind", ["FBX_UNREAL", "FBX_UNITY", "BVH"])
def test_what_is_exported_is_in_metres(kind: str, tmp_path: Path) -> None:
    in_centimetres()
    motion = walking_motion(0, 12)
    person = take_of(motion)
    bpy.context.view_layer.objects.active = person
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 1, 12
    assert bpy.ops.kinelift.export_motion(kind=kind, filepath=str(tmp_path / "take")) == {"FINISHED"}
    (written,) = tmp_path.glob("take.*")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if kind == "BVH":
        bpy.ops.import_anim.bvh(filepath=str(written), frame_start=1)
    else:
        bpy.ops.import_scene.fbx(filepath=str(written), anim_offset=0.0)
    np.testing.assert_allclose(bone_heads(only_armature()), motion.joints_world, atol=2e-3)


def test_it_is_said_where_an_exporter_takes_units_for_metres(tmp_path: Path) -> None:
    in_centimetres()
    person = take_of(walking_motion(0, 4))
    bpy.context.view_layer.objects.active = person
    with redirect_stdout(StringIO()) as said:
        bpy.ops.kinelift.export_motion(kind="USD", filepath=str(tmp_path / "take"))
    assert "a unit of the scene is a metre: 100 times the size" in said.getvalue()


def test_a_batch_has_the_units_of_the_characters_scene(tmp_path: Path) -> None:
    bpy.context.scene.name = "Another"
    stage = bpy.data.scenes.new("Stage")
    bpy.context.window.scene = stage
    stage.unit_settings.scale_length = CENTIMETRE
    hero = build_preset(MIXAMO)
    hero.name = "Hero"
    hero.data.transform(Matrix.Scale(100.0, 4))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "hero.blend"))
    save_motion(tmp_path / "walk.npz", walking_motion(0, 6))
    command_line = ["retarget", str(tmp_path / "walk.npz"), "--character", f"{tmp_path / 'hero.blend'}:Hero"]
    out = ["--out", str(tmp_path / "out"), "--report", str(tmp_path / "report.json")]
    assert command.run([*command_line, *out, "--save", "fbx,usd,blend"]) == 0
    assert "walk.usd saved; in it a unit" in (tmp_path / "report.json").read_text()
    heights = []
    for ending, unit in (("blend", CENTIMETRE), ("fbx", 1.0)):
        if ending == "blend":
            bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out" / "walk.blend"))
            assert metres_per_unit(bpy.context.scene) == pytest.approx(CENTIMETRE)
            assert [scene.name for scene in bpy.data.scenes] == ["Scene"]
        else:
            bpy.ops.wm.read_factory_settings(use_empty=True)
            bpy.ops.import_scene.fbx(filepath=str(tmp_path / "out" / "walk.fbx"))
        armature = bpy.data.objects["Hero"]
        head, foot = (
            bone_heads(armature, (MIXAMO.bones[human],))[0, 0, 2] for human in ("head", "left_foot")
        )
        heights.append(unit * (head - foot))
    assert heights[0] == pytest.approx(heights[1], rel=1e-4)
    assert 1.2 < heights[0] < 1.8


def test_the_same_from_bvh_and_npz(tmp_path: Path) -> None:
    hero = build_preset(MIXAMO)
    hero.name = "Hero"
    in_centimetres()
    hero.data.transform(Matrix.Scale(100.0, 4))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "hero.blend"))
    (tmp_path / "in").mkdir()
    motion = walking_motion(60, 6)
    save_motion(tmp_path / "in" / "a.npz", motion)
    save_bvh(tmp_path / "in" / "b.bvh", motion)
    command_line = ["retarget", str(tmp_path / "in"), "--character", f"{tmp_path / 'hero.blend'}:Hero"]
    assert command.run([*command_line, "--out", str(tmp_path / "out"), "--save", "blend"]) == 0
    paths = []
    for name in ("a", "b"):
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out" / f"{name}.blend"))
        paths.append(bone_heads(bpy.data.objects["Hero"], (MIXAMO.bones["hips"],))[:6])
    np.testing.assert_allclose(paths[1], paths[0], atol=5.0)
    assert np.abs(paths[0][:, 0, :2]).max() > 50.0, "the motion begins well off the origin"


def test_a_saved_batch_has_the_cameras_height_in_the_scenes_units(tmp_path: Path) -> None:
    in_centimetres()
    clip = Clip(tmp_path / "walk.json", "walk")
    own = Settings(out=tmp_path, options=EstimateOptions(camera_height=1.6))
    settings = BatchSettings(own, character=Character(tmp_path / "hero.blend", "Hero", None, CENTIMETRE))
    track = track_from_array(np.full((2, 17, 3), 100.0), COCO17, fps=30.0)
    save_scene(tmp_path / "walk.blend", clip, None, [track], [1], settings)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "walk.blend"))
    assert bpy.context.scene.kinelift.camera_height == pytest.approx(160.0)
