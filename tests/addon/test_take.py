"""Takes: whole or not at all, beside earlier ones, without touching what the user has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon import quaternions
from kinelift_checkout.addon import take as takes
from kinelift_checkout.addon.action import ActionSettings
from kinelift_checkout.addon.animation import read_curves
from kinelift_checkout.addon.figure import create_figure
from kinelift_checkout.addon.take import TakeSettings, remove_take, write_take
from kinelift_checkout.addon.take_place import face_minus_y, place_at_cursor
from kinelift_checkout.estimator.camera import Camera, pinhole
from kinelift_checkout.estimator.errors import InputError
from kinelift_checkout.estimator.motion import Motion
from kinelift_checkout.estimator.skeleton import JOINT_NAMES
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from tests.addon.motions import look_at, random_motion
from tests.addon.test_armature import enter, user_state
from tests.addon.test_camera import make_clip, pixels_in_blender

Array = NDArray[np.float64]
pytestmark = pytest.mark.usefixtures("empty_file")

CAMERA = pinhole(1280, 720, 900.0)
SETTINGS = TakeSettings(ActionSettings(clip_start=1), name="walk")


def file_contents() -> dict[str, object]:
    """Every data-block with its users, and the scene's settings that a take might touch."""
    contents: dict[str, object] = {}
    for kind in dir(bpy.data):
        blocks = getattr(bpy.data, kind)
        if isinstance(blocks, type(bpy.data.objects)):
            contents[kind] = sorted((block.name, block.users) for block in blocks)
    scene = bpy.context.scene
    contents["scene"] = (
        scene.camera and scene.camera.name,
        scene.frame_current,
        scene.frame_start,
        scene.frame_end,
        scene.render.fps,
        scene.render.resolution_x,
        scene.render.pixel_aspect_x,
        [child.name for child in scene.collection.children],
    )
    return contents


def shown_joints(person: bpy.types.Object, frame: int) -> Array:
    bpy.context.scene.frame_set(frame)
    shown = person.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([(shown.matrix_world @ shown.pose.bones[name].head) for name in JOINT_NAMES])


def in_world_of(motion: Motion, world: Array) -> Motion:
    """The same person seen by the same camera, told in another world."""
    turned = motion.joints_world @ world[:3, :3].T + world[:3, 3]
    rotations = motion.rotations.copy()
    quaternion = np.array(Matrix(world[:3, :3]).to_quaternion())
    rotations[:, 0] = quaternions.multiply(quaternion, rotations[:, 0])
    return replace(
        motion,
        joints_world=turned,
        rotations=rotations,
        root_translation=turned[:, 0],
        world_from_camera=world @ motion.world_from_camera,
    )


def test_a_take_holds_people_and_camera_under_one_empty() -> None:
    people = [
        random_motion(frames=20),
        random_motion(frames=12, seed=5, person_id=2, frame_start=6),
    ]
    take = write_take(bpy.context, people, CAMERA, SETTINGS)
    assert take.collection.name == "Kinelift"
    assert take.collection.name in bpy.context.scene.collection.children
    assert [child.parent for child in (*take.armatures, take.camera)] == [take.empty] * 3
    assert bpy.context.scene.camera == take.camera
    for person, motion in zip(take.armatures, people, strict=True):
        assert person["kinelift_source"] == "walk.json"
        assert person["kinelift_person"] == motion.person_id
        assert person["kinelift_version"]
        for row in (0, len(motion) - 1):
            joints = shown_joints(person, 1 + motion.frame_start + row)
            np.testing.assert_allclose(joints, motion.joints_world[row], atol=1e-4)


@pytest.mark.parametrize("portrait", [False, True])
def test_the_armature_lies_on_the_footage(tmp_path: Path, portrait: bool) -> None:
    """Projected by Blender through the take's camera, joints fall where the clip's camera saw them."""
    size = (720, 1280) if portrait else (1280, 720)
    camera = Camera(*size, 950.0, 950.0, 0.45 * size[0], 0.55 * size[1])
    motion = random_motion(frames=10)
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y = size
    take = write_take(bpy.context, [motion], camera, SETTINGS, make_clip(tmp_path, *size))
    for row in (0, 9):
        joints = shown_joints(take.armatures[0], 1 + row)
        seen = pixels_in_blender(take.camera, joints)
        np.testing.assert_allclose(seen, camera.project(motion.joints_camera[row]), atol=0.2)


def test_a_moving_camera_moves_with_the_clip() -> None:
    frames = np.arange(30)
    path = np.array(
        [look_at(np.array([0.1 * f - 2, -6.0, 1.5]), np.array([0.5, 0.0, 1.0]), 0.01 * f) for f in frames]
    )
    camera = replace(CAMERA, world_from_camera=path, frame_start=0)
    motion = random_motion(frames=20, frame_start=5, world_from_camera=path[5:25])
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y = 1280, 720
    take = write_take(bpy.context, [motion], camera, SETTINGS)
    for row in (0, 7, 19):
        joints = shown_joints(take.armatures[0], 1 + 5 + row)
        seen = pixels_in_blender(take.camera, joints)
        np.testing.assert_allclose(seen, camera.project(motion.joints_camera[row]), atol=0.2)


def test_people_from_different_worlds_meet_in_one() -> None:
    first = random_motion(frames=8)
    world = np.array(Matrix.Rotation(0.8, 4, "Z") @ Matrix.Rotation(0.05, 4, "X"))
    world[:3, 3] = (3.0, -1.0, 0.1)
    second = random_motion(frames=8, seed=9, person_id=2)
    take = write_take(bpy.context, [first, in_world_of(second, world)], CAMERA, SETTINGS)
    np.testing.assert_allclose(shown_joints(take.armatures[1], 4), second.joints_world[3], atol=2e-4)
    assert any("Person 2" in note and "2.9°" in note for note in take.notes)


def test_what_the_scene_does_not_fit_is_said() -> None:
    scene = bpy.context.scene
    scene.frame_end = 15
    wide = replace(CAMERA, fy=CAMERA.fx * 1.5)
    first = write_take(bpy.context, [random_motion(frames=30)], wide, SETTINGS)
    assert scene.frame_end == 15
    assert [note.split(";")[0] for note in first.notes] == [
        "Scene had no camera",
        "The clip's pixel aspect is 1.500, the scene's 1.000",
        "The take reaches frame 30, Scene ends at 15",
    ]
    assert not write_take(bpy.context, [random_motion(frames=15)], CAMERA, SETTINGS).notes
    scene.render.resolution_x, scene.render.resolution_y = 1080, 1920
    (shape,) = write_take(bpy.context, [random_motion(frames=15)], CAMERA, SETTINGS).notes
    assert f"{CAMERA.width} × {CAMERA.height}, Scene renders 1080 × 1920" in shape


def test_a_second_take_leaves_the_first_alone() -> None:
    motion = random_motion(frames=6)
    first = write_take(bpy.context, [motion], CAMERA, SETTINGS)
    keys = [(c.values.tolist(), c.data_path) for c in read_curves(first.armatures[0])]
    first.armatures[0].location.x = 7.0
    second = write_take(bpy.context, [motion], CAMERA, SETTINGS)
    assert first.collection == second.collection
    assert len({first.empty.name, second.empty.name}) == 2
    assert first.armatures[0].animation_data.action != second.armatures[0].animation_data.action
    assert first.armatures[0].location.x == 7.0
    assert [(c.values.tolist(), c.data_path) for c in read_curves(first.armatures[0])] == keys
    assert bpy.context.scene.camera == first.camera


@pytest.mark.parametrize("mode", ["OBJECT", "EDIT", "SCULPT", "POSE"])
def test_the_users_state_is_untouched(mode: str) -> None:
    enter(mode)
    before = user_state()
    write_take(bpy.context, [random_motion(frames=4)], CAMERA, SETTINGS)
    after = user_state()
    for key in ("active", "mode", "selected", "scene", "scenes", "frame"):
        assert after[key] == before[key]


def test_an_excluded_collection_is_opened_again_and_said_so() -> None:
    motion = random_motion(frames=4)
    write_take(bpy.context, [motion], CAMERA, SETTINGS)
    layer = bpy.context.view_layer.layer_collection.children["Kinelift"]
    layer.exclude = True
    take = write_take(bpy.context, [motion], CAMERA, SETTINGS)
    assert not bpy.context.view_layer.layer_collection.children["Kinelift"].exclude
    assert take.armatures[0].visible_get()
    assert any("shown again" in note for note in take.notes)


def test_a_users_own_collection_of_that_name_is_not_used() -> None:
    own = bpy.data.collections.new("Kinelift")
    bpy.context.scene.collection.children.link(own)
    take = write_take(bpy.context, [random_motion(frames=4)], CAMERA, SETTINGS)
    assert take.collection != own
    assert not own.objects


@pytest.mark.parametrize("again", [False, True])
def test_a_take_that_fails_leaves_nothing(again: bool) -> None:
    """The second person has a hole in the last frame, found when most has been made."""
    good = random_motion(frames=6)
    if again:
        write_take(bpy.context, [good], CAMERA, SETTINGS)
        bpy.context.view_layer.layer_collection.children["Kinelift"].exclude = True
    before = file_contents()
    rotations = good.rotations.copy()
    rotations[-1, 3] = np.nan
    with pytest.raises(InputError, match=r"person 2 has no usable pose on frame 5"):
        write_take(bpy.context, [good, replace(good, person_id=2, rotations=rotations)], CAMERA, SETTINGS)
    assert file_contents() == before
    if again:
        assert bpy.context.view_layer.layer_collection.children["Kinelift"].exclude
    with pytest.raises(InputError, match="No person"):
        write_take(bpy.context, [], CAMERA, SETTINGS)
    assert file_contents() == before


def test_a_camera_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = file_contents()
    monkeypatch.setattr(takes, "pixel_aspect", None)  # the very last step fails
    with pytest.raises(TypeError):
        write_take(bpy.context, [random_motion(frames=6)], CAMERA, SETTINGS)
    assert file_contents() == before


def test_removing_a_take_keeps_what_the_user_hung_on_it() -> None:
    before = file_contents()
    take = write_take(bpy.context, [random_motion(frames=6)], CAMERA, SETTINGS)
    create_figure(take.armatures[0])
    hat = bpy.data.objects.new("Hat", None)
    bpy.context.scene.collection.objects.link(hat)
    hat.parent = take.armatures[0]
    hat.location = (0.0, 0.0, 2.0)
    take.empty.location = (1.0, 2.0, 0.0)
    remove_take(take.empty)
    np.testing.assert_allclose(hat.matrix_basis.translation, (1.0, 2.0, 2.0), atol=1e-6)
    bpy.data.objects.remove(hat)
    for material in [m for m in bpy.data.materials if m.name.startswith("Kinelift ")]:
        bpy.data.materials.remove(material)  # shared by figures, kept with the file like any material
    assert file_contents() == before


@pytest.mark.parametrize("root_mode", ["HIPS", "ROOT_BONE", "IN_PLACE"])
def test_place_at_cursor_and_face_minus_y(root_mode: str) -> None:
    motion = random_motion(frames=12, tilt=0.1)
    settings = replace(SETTINGS, action=ActionSettings(root_mode=root_mode, clip_start=40))
    stage = bpy.data.objects.new("Stage", None)
    bpy.context.scene.collection.objects.link(stage)
    stage.matrix_basis = Matrix.Translation((1.0, 1.0, 0.0)) @ Matrix.Rotation(0.5, 4, "Z")
    take = write_take(bpy.context, [motion], CAMERA, settings)
    take.empty.parent = stage
    bpy.context.scene.frame_set(3)

    place_at_cursor(take.empty, Vector((4.0, -2.0, 0.5)))
    assert bpy.context.scene.frame_current == 3
    joints = shown_joints(take.armatures[0], 40)
    np.testing.assert_allclose(joints[0, :2], (4.0, -2.0), atol=1e-5)
    assert joints[0, 2] == pytest.approx(motion.root_translation[0, 2] + 0.5, abs=1e-5)

    face_minus_y(take.empty)
    turned = shown_joints(take.armatures[0], 40)
    np.testing.assert_allclose(turned[0], joints[0], atol=1e-5)
    left, right = (turned[JOINT_NAMES.index(f"{side}UpLeg")] for side in ("Left", "Right"))
    assert (left - right)[0] > 0
    assert abs((left - right)[1]) < 1e-5
    np.testing.assert_allclose(turned[:, 2], joints[:, 2], atol=1e-5)


def test_only_a_takes_empty_can_be_placed() -> None:
    thing = bpy.data.objects.new("Thing", None)
    for move in (face_minus_y, lambda empty: place_at_cursor(empty, Vector())):
        with pytest.raises(InputError, match=r"^Thing: holds no person"):
            move(thing)


def test_the_figure_follows_the_bones() -> None:
    motion = random_motion(frames=8)
    take = write_take(bpy.context, [motion], CAMERA, SETTINGS)
    figure = create_figure(take.armatures[0])
    bpy.context.scene.frame_set(5)
    shown = figure.evaluated_get(bpy.context.evaluated_depsgraph_get())
    points = np.array([shown.matrix_world @ vertex.co for vertex in shown.data.vertices])
    for joint in (JOINT_NAMES.index("LeftHand"), JOINT_NAMES.index("RightFoot")):
        group = figure.vertex_groups[JOINT_NAMES[joint]].index
        mine = [v.index for v in figure.data.vertices if v.groups[0].group == group]
        distance = np.linalg.norm(points[mine] - motion.joints_world[4, joint], axis=1)
        assert distance.min() < 0.05
        assert distance.max() < 0.35
    height = max(vertex.co.z for vertex in figure.data.vertices)
    assert height == pytest.approx(take.armatures[0].data.bones["Head"].tail_local.z, abs=0.1)
    assert min(vertex.co.z for vertex in figure.data.vertices) > -0.04
