"""Keys: what Blender shows is the motion, in every root mode, at keys and between them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon import animation, armature, quaternions, timing
from kinelift_checkout.addon.action import ActionSettings, write_action
from kinelift_checkout.addon.take_properties import CONFIDENCE_PROPERTY, CONTACT_PROPERTIES
from kinelift_checkout.estimator.errors import InputError
from kinelift_checkout.estimator.motion import Motion
from kinelift_checkout.estimator.skeleton import JOINT_NAMES, PARENTS
from numpy.typing import NDArray

from tests.addon.motions import global_rotations, random_motion

Array = NDArray[np.float64]
pytestmark = pytest.mark.usefixtures("empty_file")


def person(motion: Motion, settings: ActionSettings) -> bpy.types.Object:
    ob = armature.create_armature("Person", motion.rest_offsets, root_bone=True)
    bpy.context.scene.collection.objects.link(ob)
    write_action(ob, motion, settings, "Walk")
    return ob


def evaluated(ob: bpy.types.Object, frame: float) -> tuple[Array, Array]:
    """Joint positions (22, 3) and orientations from rest (22, 3, 3) that Blender shows, in the world."""
    bpy.context.scene.frame_set(int(np.floor(frame)), subframe=frame - np.floor(frame))
    shown = ob.evaluated_get(bpy.context.evaluated_depsgraph_get())
    pose = [np.array(shown.matrix_world @ shown.pose.bones[name].matrix) for name in JOINT_NAMES]
    rest = [np.array(ob.data.bones[name].matrix_local)[:3, :3] for name in JOINT_NAMES]
    turned = [p[:3, :3] @ r.T for p, r in zip(pose, rest, strict=True)]
    return np.array([p[:3, 3] for p in pose]), np.array(turned)


def degrees_between(a: Array, b: Array) -> Array:
    # From the difference of the matrices: arccos of the trace has no precision near zero.
    return np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(a - b, axis=(-2, -1)) / np.sqrt(8), 0, 1)))


def between(motion: Motion, row: float) -> Motion:
    """The motion at a fractional row: straight lines for the root, slerp for the rotations."""
    below = int(row)
    pair = slice(below, below + 2)
    fraction = row - below
    root = (1 - fraction) * motion.root_translation[pair][0] + fraction * motion.root_translation[pair][1]
    turned = quaternions.slerp(*motion.rotations[pair], np.full(len(JOINT_NAMES), fraction))
    return replace(
        motion,
        **{
            field: getattr(motion, field)[:1]
            for field in ("joints_world", "joints_camera", "end_points", "contacts", "frame_confidence")
        },
        root_translation=root[None],
        rotations=turned[None],
    )


def joints_of(motion: Motion, rotations: Array) -> Array:
    """(T, 22, 3) from global rotations, by adding up offsets."""
    joints = np.zeros((len(motion), len(JOINT_NAMES), 3))
    joints[:, 0] = motion.root_translation
    for joint, parent in enumerate(PARENTS[1:], start=1):
        joints[:, joint] = joints[:, parent] + rotations[:, parent] @ motion.rest_offsets[joint]
    return joints


@pytest.mark.parametrize("root_mode", ["HIPS", "ROOT_BONE"])
def test_keys_show_the_motion(root_mode: str) -> None:
    motion = random_motion(frames=40, frame_start=7)
    ob = person(motion, ActionSettings(root_mode=root_mode, clip_start=101))
    truth = global_rotations(motion)
    for row in range(len(motion)):
        joints, turned = evaluated(ob, 101 + 7 + row)
        assert np.abs(joints - motion.joints_world[row]).max() < 1e-4
        assert degrees_between(turned, truth[row]).max() < 0.02


@pytest.mark.parametrize("root_mode", ["HIPS", "ROOT_BONE"])
def test_subframes_show_slerp_of_the_neighbours(root_mode: str) -> None:
    motion = random_motion(frames=30, seed=3)
    ob = person(motion, ActionSettings(root_mode=root_mode, clip_start=1))
    for row in np.arange(0.25, 28, 1.25):
        expected = between(motion, row)
        rotations = global_rotations(expected)
        joints, turned = evaluated(ob, 1 + row)
        assert np.linalg.norm(joints - joints_of(expected, rotations)[0], axis=-1).max() < 1e-3
        assert degrees_between(turned, rotations[0]).max() < 0.1


def test_in_place_removes_horizontal_travel_only() -> None:
    motion = random_motion(frames=25)
    ob = person(motion, ActionSettings(root_mode="IN_PLACE", clip_start=1))
    truth = global_rotations(motion)
    still = motion.joints_world - motion.root_translation[:, None] * [1.0, 1.0, 0.0]
    for row in range(0, 25, 4):
        joints, turned = evaluated(ob, 1 + row)
        assert np.abs(joints - still[row]).max() < 1e-4
        assert degrees_between(turned, truth[row]).max() < 0.02


def test_root_bone_stays_level_on_the_ground_and_turns_smoothly() -> None:
    """Also through a somersault about the sideways axis and a cartwheel, which has no heading halfway."""
    motion = random_motion(frames=90, tilt=0.05, turn=0.0)
    angle = np.concatenate([np.zeros(20), np.linspace(0, 2 * np.pi, 50), np.full(20, 2 * np.pi)])
    for axis in ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]):
        flip = np.concatenate([np.cos(angle / 2)[:, None], np.sin(angle / 2)[:, None] * axis], axis=1)
        rotations = motion.rotations.copy()
        rotations[:, 0] = quaternions.multiply(rotations[:, 0], flip)
        flipping = replace(motion, rotations=rotations)
        turned = global_rotations(flipping)
        flipping = replace(flipping, joints_world=joints_of(flipping, turned))
        ob = person(flipping, ActionSettings(root_mode="ROOT_BONE", clip_start=1))
        curves = {(c.data_path, c.index): c.values for c in animation.read_curves(ob)}
        location = np.array([curves['pose.bones["Root"].location', i] for i in range(3)]).T
        heading = np.array([curves['pose.bones["Root"].rotation_quaternion', i] for i in range(4)]).T
        np.testing.assert_allclose(location[:, :2], motion.root_translation[:, :2], atol=1e-5)
        np.testing.assert_allclose(location[:, 2], 0.0, atol=1e-7)
        np.testing.assert_allclose(heading[:, 1:3], 0.0, atol=1e-7)
        step = 2 * np.abs(np.diff(np.unwrap(np.arctan2(heading[:, 3], heading[:, 0]))))
        assert np.degrees(step).max() < 15
        joints, shown = evaluated(ob, 46)
        assert np.abs(joints - flipping.joints_world[45]).max() < 1e-4
        assert degrees_between(shown, turned[45]).max() < 0.02


@pytest.mark.parametrize(("fps", "scene_fps"), [(25.0, 30.0), (60.0, 24.0), (29.97, 30000 / 1001)])
@pytest.mark.parametrize("root_mode", ["HIPS", "ROOT_BONE"])
def test_real_time_keeps_the_seconds(root_mode: str, fps: float, scene_fps: float) -> None:
    """A wave known at all times: sampled at the clip's rate, written at the scene's."""
    motion = random_motion(frames=round(fps * 2), fps=fps, swing=0.0, tilt=0.0, frame_start=10)
    seconds = (10 + np.arange(len(motion))) / fps

    def path(t: Array) -> Array:
        return np.stack([np.sin(2 * t), 0.5 * np.cos(1.5 * t), 0.9 + 0.05 * np.sin(4 * t)], axis=-1)

    def elbow(t: Array) -> Array:
        return np.stack([np.cos(0.5 * np.sin(3 * t)), 0 * t, 0 * t, np.sin(0.5 * np.sin(3 * t))], axis=-1)

    rotations = np.zeros_like(motion.rotations)
    rotations[..., 0] = 1.0
    rotations[:, 8] = elbow(seconds)
    motion = replace(motion, rotations=rotations, root_translation=path(seconds))
    motion = replace(motion, joints_world=joints_of(motion, global_rotations(motion)))
    settings = ActionSettings(root_mode=root_mode, timing="REAL_TIME", clip_start=5, scene_fps=scene_fps)
    ob = person(motion, settings)

    frames = animation.read_curves(ob)[0].frames
    assert np.array_equal(frames, np.arange(frames[0], frames[-1] + 1))
    for frame, end in ((frames[0], seconds[0]), (frames[-1], seconds[-1])):
        assert abs((frame - 5) / scene_fps - end) < 1 / scene_fps
    for frame in frames[2:-2:5]:
        t = (frame - 5) / scene_fps
        joints, turned = evaluated(ob, float(frame))
        assert np.linalg.norm(joints[0] - path(np.array(t))) < 1e-3
        w, _, _, z = elbow(np.array(t))
        truth = np.array([[w * w - z * z, -2 * w * z, 0], [2 * w * z, w * w - z * z, 0], [0, 0, 1]])
        assert degrees_between(turned[8], truth) < 0.1


def test_equal_rates_make_both_timings_the_same() -> None:
    motion = random_motion(frames=20, frame_start=3)
    both = []
    for choice in ("FRAME_FOR_FRAME", "REAL_TIME"):
        ob = person(motion, ActionSettings(timing=choice, clip_start=2, scene_fps=motion.fps))
        both.append(animation.read_curves(ob))
    for a, b in zip(*both, strict=True):
        assert np.array_equal(a.frames, b.frames)
        np.testing.assert_allclose(a.values, b.values, atol=1e-6)


def test_real_time_writes_a_key_for_the_shortest_motion() -> None:
    motion = random_motion(frames=2, fps=240.0, frame_start=1)
    ob = person(motion, ActionSettings(timing="REAL_TIME", clip_start=0, scene_fps=24.0))
    assert len(animation.read_curves(ob)[0].frames) == 1


def test_neighbouring_keys_lie_in_one_hemisphere_whatever_the_motion_has() -> None:
    motion = random_motion(frames=50, turn=8.0)
    signs = np.random.default_rng(1).choice([-1.0, 1.0], size=(50, 22, 1))
    ob = person(replace(motion, rotations=motion.rotations * signs), ActionSettings())
    curves = {(c.data_path, c.index): c.values for c in animation.read_curves(ob)}
    for joint in JOINT_NAMES:
        path = f'pose.bones["{joint}"].rotation_quaternion'
        keys = np.array([curves[path, i] for i in range(4)]).T
        assert ((keys[1:] * keys[:-1]).sum(axis=1) > 0).all()
        assert keys[0, 0] >= 0


def test_contacts_and_confidence_are_shown_as_properties() -> None:
    motion = random_motion(frames=5)
    ob = person(motion, ActionSettings(clip_start=1))
    for row in (0, 3):
        bpy.context.scene.frame_set(1 + row)
        shown = ob.evaluated_get(bpy.context.evaluated_depsgraph_get())
        names = [name for pair in CONTACT_PROPERTIES.values() for name in pair]
        assert np.allclose([shown[name] for name in names], motion.contacts[row], atol=1e-5)
        assert shown[CONFIDENCE_PROPERTY] == pytest.approx(motion.frame_confidence[row], abs=1e-5)


def test_curves_are_grouped_by_bone_and_read_back() -> None:
    motion = random_motion(frames=5)
    ob = person(motion, ActionSettings(root_mode="ROOT_BONE", clip_start=1))
    curves = animation.read_curves(ob)
    assert len(curves) == 3 + 4 + 3 + 4 * 22 + 4 + 1
    for curve in curves:
        of_bone = f'pose.bones["{curve.group}"].'
        assert curve.data_path.startswith('["kinelift_' if curve.group == "Kinelift" else of_bone)
        assert curve.interpolation == "LINEAR"
        assert np.array_equal(curve.frames, np.arange(1, 6))
    assert {curve.group for curve in curves} == {"Root", "Kinelift", *JOINT_NAMES}
    rewritten = animation.write_curves(ob, "Copy", curves)
    assert ob.animation_data.action == rewritten
    for a, b in zip(curves, animation.read_curves(ob), strict=True):
        assert (a.data_path, a.index, a.group) == (b.data_path, b.index, b.group)
        assert np.array_equal(a.values, b.values)


def test_an_earlier_action_is_kept() -> None:
    motion = random_motion(frames=5)
    ob = person(motion, ActionSettings())
    first = ob.animation_data.action
    second = write_action(ob, motion, ActionSettings(clip_start=50), "Walk")
    assert ob.animation_data.action == second != first
    assert first.use_fake_user
    assert first.name == "Walk"


def test_other_data_blocks_can_be_animated() -> None:
    lens = bpy.data.cameras.new("Lens")
    camera = bpy.data.objects.new("Camera", lens)
    bpy.context.scene.collection.objects.link(camera)
    camera["trust"] = 0.0
    frames = np.arange(1.0, 11.0)
    animation.write_curves(
        lens, "Zoom", [animation.Curve("lens", 0, frames, 20 + frames, interpolation="CONSTANT")]
    )
    animation.write_curves(camera, "Trust", [animation.Curve('["trust"]', 0, frames, frames / 10)])
    bpy.context.scene.frame_set(4, subframe=0.5)
    assert lens.lens == pytest.approx(24.0)
    assert camera["trust"] == pytest.approx(0.45)


@pytest.mark.parametrize("fault", ["nan", "twice"])
def test_bad_curves_leave_nothing(fault: str) -> None:
    ob = bpy.data.objects.new("Thing", None)
    good = animation.Curve("location", 0, np.arange(3.0), np.arange(3.0))
    bad = replace(good, index=1, values=np.array([0.0, np.nan, 1.0])) if fault == "nan" else good
    with pytest.raises(ValueError, match=r"finite|twice"):
        animation.write_curves(ob, "Bad", [good, bad])
    assert not bpy.data.actions
    assert ob.animation_data is None


def test_wrong_armatures_and_motions_are_refused_in_one_line() -> None:
    motion = random_motion(frames=4)
    plain = armature.create_armature("Plain", motion.rest_offsets, root_bone=False)
    bpy.context.scene.collection.objects.link(plain)
    with pytest.raises(InputError, match=r"^Plain: has no bone Root; [^\n]*$"):
        write_action(plain, motion, ActionSettings(root_mode="ROOT_BONE"), "Walk")
    rotations = motion.rotations.copy()
    rotations[2, 5] = np.nan
    with pytest.raises(InputError, match=r"walk\.json: person 1 has no usable pose on frame 2"):
        write_action(plain, replace(motion, rotations=rotations), ActionSettings(), "Walk")
    plain.pose.bones["Neck"].rotation_mode = "XYZ"
    with pytest.raises(InputError, match="bone Neck is in rotation mode XYZ"):
        write_action(plain, motion, ActionSettings(), "Walk")
    assert not bpy.data.actions


def shown_picture(folder: Path) -> float:
    """Light of the clip's picture that Blender shows on the scene's frame."""
    scene = bpy.context.scene
    scene.render.filepath = str(folder / "shown.exr")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    image.colorspace_settings.name = "Non-Color"
    light = float(image.pixels[0])
    bpy.data.images.remove(image)
    return light


def test_clip_start_is_where_the_first_picture_is_shown(tmp_path: Path) -> None:
    """Pictures of growing light tell which of them Blender shows."""
    for number in range(1, 9):
        image = bpy.data.images.new("picture", 16, 16, float_buffer=True, is_data=True)
        image.pixels.foreach_set(np.tile(np.float32([number / 10] * 3 + [1.0]), 256))
        image.filepath_raw, image.file_format = str(tmp_path / f"p{number:03d}.exr"), "OPEN_EXR"
        image.save()
    clip = bpy.data.movieclips.load(str(tmp_path / "p001.exr"))
    clip.colorspace_settings.name = "Non-Color"
    scene = bpy.context.scene
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x = scene.render.resolution_y = 16
    scene.render.image_settings.file_format = "OPEN_EXR"
    if bpy.app.version < (5, 0, 0):
        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
        shown = tree.nodes.new("CompositorNodeComposite").inputs[0]
    else:
        tree = bpy.data.node_groups.new("Show", "CompositorNodeTree")
        scene.compositing_node_group = tree
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        shown = tree.nodes.new("NodeGroupOutput").inputs[0]
    source = tree.nodes.new("CompositorNodeMovieClip")
    source.clip = clip
    tree.links.new(source.outputs[0], shown)
    for clip.frame_start, clip.frame_offset in ((1, 0), (41, 0), (41, 2), (5, -1)):
        for picture in (2, 5):
            scene.frame_set(timing.clip_start(clip) + picture)
            assert shown_picture(tmp_path) == pytest.approx((picture + 1) / 10, abs=1e-3)
