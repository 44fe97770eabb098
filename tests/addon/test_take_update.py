"""Estimating again: an unedited take becomes the new one, in place; an edited one is never touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.action import ActionSettings
from kinelift_checkout.addon.animation import curves_digest, fcurves_of, read_curves
from kinelift_checkout.addon.take import Take, TakeSettings, write_take
from kinelift_checkout.addon.take_record import (
    TakeIdentity,
    is_unedited,
    stands_where_written,
    takes_of,
)
from kinelift_checkout.estimator.camera import pinhole
from kinelift_checkout.estimator.errors import InputError
from kinelift_checkout.estimator.motion import Motion
from mathutils import Matrix
from numpy.typing import NDArray

from tests.addon.motions import look_at, random_motion
from tests.addon.test_camera import make_clip
from tests.addon.test_take import file_contents, shown_joints

Array = NDArray[np.float64]
pytestmark = pytest.mark.usefixtures("empty_file")

CAMERA = pinhole(1280, 720, 900.0)
IDENTITY = TakeIdentity("/clips/walk.mp4", "/clips/walk.json", (1,), None, 0)
SETTINGS = TakeSettings(ActionSettings(clip_start=1), name="walk", identity=IDENTITY)


def moving(frames: int) -> Array:
    """(frames, 4, 4) of a camera that passes by."""
    places = np.linspace((-2.0, -6.0, 1.5), (2.0, -6.0, 1.5), frames)
    return np.array([look_at(place, np.array([0.5, 0.0, 1.0])) for place in places])


def first_take() -> Take:
    return write_take(bpy.context, [random_motion(frames=20)], CAMERA, SETTINGS)


def other_motion(**changes: object) -> Motion:
    """Of a person of another size, who moves otherwise."""
    motion = random_motion(seed=7, frames=30, **changes)  # type: ignore[arg-type]
    return replace(motion, rest_offsets=1.1 * motion.rest_offsets)


def test_an_unedited_take_becomes_the_new_one_in_place() -> None:
    take = first_take()
    person = take.armatures[0]
    hat = bpy.data.objects.new("Hat", None)
    bpy.context.scene.collection.objects.link(hat)
    hat.parent = person
    follower = hat.constraints.new("COPY_LOCATION")
    follower.target = person
    person.pose.bones["Head"].constraints.new("DAMPED_TRACK")
    before, hips = file_contents(), person.data.bones["Hips"].head_local.z
    motion = other_motion()
    assert takes_of(bpy.context.scene, IDENTITY) == [take.empty]
    assert is_unedited(take.empty)
    again = write_take(bpy.context, [motion], CAMERA, SETTINGS, earlier=take.empty)
    assert (again.empty, again.armatures[0], again.camera) == (take.empty, person, take.camera)
    assert file_contents() == before, "no data-block more or less, all with their names"
    assert (hat.parent, follower.target) == (person, person)
    assert len(person.pose.bones["Head"].constraints) == 1
    assert tuple(person.animation_data.action.frame_range) == (1.0, 30.0)
    for row in (0, 29):
        joints = shown_joints(person, 1 + row)
        np.testing.assert_allclose(joints[0], motion.joints_world[row, 0], atol=1e-4)
    assert person.data.bones["Hips"].head_local.z == pytest.approx(1.1 * hips, abs=0.01)
    assert is_unedited(again.empty)
    assert bpy.context.scene.camera == take.camera


@pytest.mark.parametrize("root_mode", ["ROOT_BONE", "IN_PLACE"])
def test_bones_may_change_with_the_settings(root_mode: str) -> None:
    take = first_take()
    bpy.context.view_layer.objects.active = take.armatures[0]
    bpy.ops.object.mode_set(mode="POSE")
    motion = random_motion(seed=3, frames=20)
    settings = replace(SETTINGS, action=ActionSettings(root_mode=root_mode, clip_start=1))  # type: ignore[arg-type]
    again = write_take(bpy.context, [motion], CAMERA, settings, earlier=take.empty)
    assert bpy.context.mode == "POSE"
    joints = shown_joints(again.armatures[0], 8)
    expected = motion.joints_world[7]
    if root_mode == "IN_PLACE":
        expected = expected - motion.root_translation[7] * [1.0, 1.0, 0.0]
    np.testing.assert_allclose(joints, expected, atol=1e-4)
    back = write_take(bpy.context, [motion], CAMERA, SETTINGS, earlier=take.empty)
    np.testing.assert_allclose(shown_joints(back.armatures[0], 8), motion.joints_world[7], atol=1e-4)


def test_a_camera_that_stands_may_come_to_move_and_back() -> None:
    take = first_take()
    path = moving(20)
    camera = replace(CAMERA, world_from_camera=path)
    motion = random_motion(frames=20, world_from_camera=path)
    write_take(bpy.context, [motion], camera, SETTINGS, earlier=take.empty)
    scene, shown = bpy.context.scene, take.camera
    assert shown is not None
    scene.frame_set(15)
    np.testing.assert_allclose(shown.matrix_world.translation, path[14, :3, 3], atol=1e-5)
    assert is_unedited(take.empty), "that it moves by its own keys is no edit"
    write_take(bpy.context, [random_motion(frames=20)], CAMERA, SETTINGS, earlier=take.empty)
    scene.frame_set(1)
    place = shown.matrix_world.translation.copy()
    scene.frame_set(15)
    np.testing.assert_allclose(shown.matrix_world.translation, place, atol=1e-6)
    assert len(bpy.data.actions) == 1


def test_where_the_take_was_put_it_stays() -> None:
    take = first_take()
    take.empty.matrix_basis = Matrix.Translation((3.0, 1.0, 0.0)) @ Matrix.Rotation(0.5, 4, "Z")
    place = take.empty.matrix_basis.copy()
    assert is_unedited(take.empty)
    for _ in range(3):
        write_take(bpy.context, [other_motion()], CAMERA, SETTINGS, earlier=take.empty)
        np.testing.assert_allclose(take.empty.matrix_basis, place, atol=1e-6)
        assert not stands_where_written(take.empty)


@pytest.mark.parametrize("size", [1.0, 100.0])
@pytest.mark.parametrize("moved", [False, True])
def test_a_take_of_other_units_gets_those_of_the_scene(moved: bool, size: float) -> None:
    """Whether the user has scaled it meanwhile, as was needed before scenes' units were heeded, or not."""
    take = first_take()
    camera = take.camera
    assert camera is not None
    camera.data.clip_end = 500.0
    if moved:
        take.empty.location, take.empty.scale = (3.0, 1.0, 0.0), (size, size, size)
    bpy.context.scene.unit_settings.scale_length = 0.01
    for _ in range(2):
        write_take(bpy.context, [other_motion()], CAMERA, SETTINGS, earlier=take.empty)
        assert tuple(take.empty.scale) == pytest.approx((100.0, 100.0, 100.0))
        assert tuple(take.empty.location) == pytest.approx((3.0, 1.0, 0.0) if moved else (0.0, 0.0, 0.0))
        data = camera.data
        assert (data.clip_start, data.clip_end, data.display_size) == pytest.approx((10.0, 50_000.0, 100.0))


def test_how_the_user_has_it_shown_stays(tmp_path: Path) -> None:
    clip = make_clip(tmp_path)
    take = write_take(bpy.context, [random_motion(frames=20)], CAMERA, SETTINGS, clip)
    person, camera = take.armatures[0], take.camera
    assert camera is not None
    person.animation_data.action.pose_markers.new("hits the ball").frame = 7
    person.data.display_type, person.data.show_names = "STICK", True
    camera.data.background_images[0].alpha = 0.4
    camera.data.background_images.new().alpha = 0.7
    camera.data.dof.use_dof, camera.data.clip_end, camera.data.display_size = True, 50.0, 3.0
    assert is_unedited(take.empty)
    before = file_contents()
    nearer = replace(CAMERA, fx=1000.0, fy=1000.0, cx=600.0)
    write_take(bpy.context, [other_motion()], nearer, SETTINGS, clip, earlier=take.empty)
    assert file_contents() == before
    markers = person.animation_data.action.pose_markers
    assert [(marker.frame, marker.name) for marker in markers] == [(7, "hits the ball")]
    assert (person.data.display_type, person.data.show_names) == ("STICK", True)
    data = camera.data
    assert [round(image.alpha, 3) for image in data.background_images] == [0.4, 0.7]
    assert (data.dof.use_dof, data.clip_end, data.display_size) == (True, 50.0, 3.0)
    assert data.lens * 1280 / data.sensor_width == pytest.approx(1000.0)
    assert data.shift_x == pytest.approx(40 / 1280)
    assert is_unedited(take.empty)


def test_a_camera_that_shares_its_lens_does_not_change_the_other() -> None:
    take = first_take()
    assert take.camera is not None
    other = bpy.data.objects.new("Other", take.camera.data)
    lens = other.data.lens
    write_take(bpy.context, [other_motion()], pinhole(1280, 720, 500.0), SETTINGS, earlier=take.empty)
    assert other.data.lens == lens
    assert take.camera.data.lens == pytest.approx(lens * 500 / 900)


def move_a_key(take: Take) -> None:
    fcurves_of(take.armatures[0])[17].keyframe_points[4].co.y += 0.01


def smooth_a_key(take: Take) -> None:
    fcurves_of(take.armatures[0])[17].keyframe_points[4].interpolation = "BEZIER"


def add_a_key(take: Take) -> None:
    take.armatures[0].pose.bones["Head"].keyframe_insert("scale", frame=3)


def shake_a_curve(take: Take) -> None:
    fcurves_of(take.armatures[0])[3].modifiers.new("NOISE")


def swap_the_action(take: Take) -> None:
    action = take.armatures[0].animation_data.action
    take.armatures[0].animation_data.action = action.copy()


def unassign_the_action(take: Take) -> None:
    take.armatures[0].animation_data.action = None


def move_the_armature(take: Take) -> None:
    take.armatures[0].location.x += 0.1


def scale_the_armature(take: Take) -> None:
    take.armatures[0].scale = (1.01, 1.01, 1.01)


def rename_the_take(take: Take) -> None:
    take.empty.name = "best take"


def rename_the_action(take: Take) -> None:
    take.armatures[0].animation_data.action.name = "walk, cleaned"


def zoom_the_camera(take: Take) -> None:
    take.camera.data.lens += 1.0  # type: ignore[union-attr]


def lengthen_a_bone(take: Take) -> None:
    bpy.context.view_layer.objects.active = take.armatures[0]
    bpy.ops.object.mode_set(mode="EDIT")
    take.armatures[0].data.edit_bones["LeftHand"].tail.x += 0.05
    bpy.ops.object.mode_set(mode="OBJECT")


def stay_in_edit_mode(take: Take) -> None:
    bpy.context.view_layer.objects.active = take.armatures[0]
    bpy.ops.object.mode_set(mode="EDIT")


def push_down(take: Take) -> None:
    data = take.armatures[0].animation_data
    data.nla_tracks.new().strips.new("pushed", 1, data.action)


EDITS = (
    move_a_key, smooth_a_key, add_a_key, shake_a_curve, swap_the_action, unassign_the_action,
    move_the_armature, scale_the_armature, rename_the_take, rename_the_action, zoom_the_camera,
    lengthen_a_bone, stay_in_edit_mode, push_down,
)  # fmt: skip


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_every_edit_is_noticed(edit: Callable[[Take], None]) -> None:
    take = first_take()
    assert is_unedited(take.empty)
    edit(take)
    assert not is_unedited(take.empty)


def test_looking_is_no_edit(tmp_path: Path) -> None:
    """Frames are changed, helpers hidden or removed, markers too; the file is saved and opened."""
    take = first_take()
    bpy.context.scene.frame_set(9)
    for one in (take.armatures[0], take.camera):
        one.hide_viewport = one.select_set(True) or False
    take.armatures[0].pose.bones["Head"].constraints.new("DAMPED_TRACK")
    ground = next(child for child in take.empty.children if child.type == "MESH")
    bpy.data.objects.remove(ground)
    marker = take.armatures[0].animation_data.action.pose_markers.new("Doubtful: mine")
    take.armatures[0].animation_data.action.pose_markers.remove(marker)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "take.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "take.blend"))
    (empty,) = takes_of(bpy.context.scene, IDENTITY)
    assert is_unedited(empty)
    again = write_take(bpy.context, [other_motion()], CAMERA, SETTINGS, earlier=empty)
    assert sorted(child.type for child in again.empty.children) == ["ARMATURE", "CAMERA", "MESH"]
    assert sorted(one.name for one in bpy.data.objects) == [
        "walk", "walk Camera", "walk Ground", "walk Person 1",
    ]  # fmt: skip


def test_another_person_range_or_clip_is_another_take() -> None:
    take = first_take()
    for changes in (
        {"people": (2,)},
        {"people": (1, 2)},
        {"frames": (0, 9)},
        {"frame_offset": 1},
        {"clip": "/clips/run.mp4"},
        {"keypoints": "/clips/again.json"},
    ):
        assert takes_of(bpy.context.scene, replace(IDENTITY, **changes)) == []  # type: ignore[arg-type]
    assert takes_of(bpy.context.scene, IDENTITY) == [take.empty]


def test_an_update_that_fails_leaves_the_earlier_take() -> None:
    take = first_take()
    keys, before = curves_digest(take.armatures[0]), file_contents()
    motion = other_motion()
    rotations = motion.rotations.copy()
    rotations[-1, 3] = np.nan
    with pytest.raises(InputError, match="no usable pose on frame 29"):
        write_take(bpy.context, [replace(motion, rotations=rotations)], CAMERA, SETTINGS, earlier=take.empty)
    assert file_contents() == before
    assert curves_digest(take.armatures[0]) == keys
    assert is_unedited(take.empty)


def test_an_action_that_is_used_elsewhere_is_kept() -> None:
    take = first_take()
    action = take.armatures[0].animation_data.action
    action.use_fake_user = True
    values = [curve.values.tolist() for curve in read_curves(take.armatures[0])]
    write_take(bpy.context, [other_motion()], CAMERA, SETTINGS, earlier=take.empty)
    assert action.name in bpy.data.actions
    assert take.armatures[0].animation_data.action != action
    assert [curve.values.tolist() for curve in read_curves(take.armatures[0])] != values
