"""The source's motion on targets of any build: limbs point the same way, and nothing else is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.animation import array_curves, fcurves_of, read_curves, write_curves
from kinelift_checkout.addon.retarget.anatomy import read_body
from kinelift_checkout.addon.retarget.bone_map import BoneMap
from kinelift_checkout.addon.retarget.evaluation import stage
from kinelift_checkout.addon.retarget.human_bones import REQUIRED
from kinelift_checkout.addon.retarget.local_keys import bone_path
from kinelift_checkout.addon.retarget.plan import RetargetSettings
from kinelift_checkout.addon.retarget.preset_maps import presets
from kinelift_checkout.addon.retarget.rest_rig import read_rest_rig
from kinelift_checkout.addon.retarget.retarget_result import write_results
from kinelift_checkout.addon.retarget.retargeting import finished, retarget
from kinelift_checkout.addon.retarget.rotations import (
    angle_between,
    from_euler,
    from_matrices,
    to_matrices,
)
from kinelift_checkout.addon.retarget.source_motion import _evaluated, _from_curves, moved_by_keys_alone
from kinelift_checkout.addon.retarget.transfer import Placing
from kinelift_checkout.addon.take import PERSON_KEY
from kinelift_checkout.estimator.errors import InputError
from mathutils import Euler, Matrix
from numpy.typing import NDArray

from tests.addon.motions import random_motion
from tests.addon.retarget.measuring import (
    FREE,
    LIMBS,
    degrees_between,
    directions,
    map_of,
    pair_of,
    run,
    shown,
    turn_between,
    untouched,
)
from tests.addon.retarget.rigs import Build, build_preset, build_rig, put_askew
from tests.addon.retarget.sources import take_of, walking_motion

Array = NDArray[np.float64]
pytestmark = pytest.mark.usefixtures("empty_file")

PRESETS = {preset.name: preset for preset in presets()}

BUILDS = {
    "T": Build(),
    "A": Build(arms=45.0, legs=1.3, seed=1),
    "down-bent": Build(arms=80.0, bend=12.0, legs=0.7, trunk=1.2, turned=120.0, seed=2),
    "imported": Build(arms=30.0, y_up=True, any_tails=True, seed=3),
}


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
@pytest.mark.parametrize("name", ["mixamo", "unreal", "makehuman", "smpl", "daz_genesis_9"])
def test_limbs_point_as_the_sources_do(name: str, build: Build) -> None:
    source = take_of(random_motion(frames=24, swing=0.6, tilt=0.3))
    target = build_preset(PRESETS[name], build)
    put_askew(target, 0.01)
    pair = pair_of(source, target)
    source_map, target_map = pair.maps
    before = untouched(target)
    assert run(source, target) == []
    assert untouched(target) == before
    for frame in (1, 9, 24):
        theirs, their_turns = shown(source, source_map, frame)
        ours, our_turns = shown(target, target_map, frame)
        assert degrees_between(directions(theirs), directions(ours)).max() < 0.1
        for human in ("hips", "head", "left_hand", "right_upper_arm", "left_shin", "right_foot", "left_toes"):
            assert turn_between(pair.wanted(human, their_turns[human]), our_turns[human]) < 0.1, human


@pytest.mark.parametrize("name", ["unity_vrm", "biped", "cmu", "xsens", "character_creator"])
def test_rests_that_mean_the_same_give_the_same_pose(name: str) -> None:
    """One motion onto an A-pose and a T-pose rig of the same person: all joints are at the same places, so
    nothing is twisted either: knuckles and finger joints lie beside their hands."""
    source = take_of(random_motion(frames=8, swing=0.5))
    rigs = [build_preset(PRESETS[name], Build(arms=arms, seed=seed)) for arms, seed in ((0.0, 1), (55.0, 2))]
    heads = []
    for rig in rigs:
        run(source, rig)
        heads.append(shown(rig, map_of(rig), 6)[0])
    for human in heads[0]:
        if human != "root":
            np.testing.assert_allclose(heads[0][human], heads[1][human], atol=1e-4, err_msg=human)


@pytest.mark.parametrize("name", PRESETS)
def test_every_presets_rig(name: str) -> None:
    """In an A-pose with random rolls and tails: limbs, and every bone's orientation with its twist."""
    source = take_of(random_motion(frames=12, swing=0.6, tilt=0.3))
    target = build_preset(PRESETS[name], Build(arms=50.0, legs=0.9, turned=30.0, any_tails=True, seed=7))
    put_askew(target, 0.02)
    pair = pair_of(source, target)
    source_map, target_map = pair.maps
    before = untouched(target)
    run(source, target)
    assert untouched(target) == before
    for frame in (1, 12):
        theirs, their_turns = shown(source, source_map, frame)
        ours, our_turns = shown(target, target_map, frame)
        assert degrees_between(directions(theirs), directions(ours)).max() < 0.1
        for human in target_map.bones:
            if human not in source_map or human == "root" or human.startswith(("spine", "neck")):
                continue  # chains of other numbers of bones share the turns differently
            assert turn_between(pair.wanted(human, their_turns[human]), our_turns[human]) < 0.1, human


@pytest.mark.parametrize("orders", [("XYZ",), ("ZXY",), ("XZY", "YXZ", "YZX", "ZYX")], ids="/".join)
def test_euler_angles_step_no_more_than_the_rotations_do(orders: tuple[str, ...]) -> None:
    """From frame to frame an angle changes by the turn over the middle angle's cosine, not by a flip."""
    source = take_of(walking_motion(60, 120))
    target = build_preset(PRESETS["mixamo"], Build(arms=45.0, seed=5))
    for index, bone in enumerate(target.pose.bones):
        bone.rotation_mode = orders[index % len(orders)]
    run(source, target)
    target_map = map_of(target)
    checked = 0
    for human, name in target_map.bones.items():
        path = f"{bone_path(name)}rotation_euler"
        curves = sorted((c for c in read_curves(target) if c.data_path == path), key=lambda c: c.index)
        if not curves:
            continue
        angles = np.column_stack([curve.values for curve in curves])
        order = target.pose.bones[name].rotation_mode
        turns = from_euler(angles, order)
        step = angle_between(turns[:-1], turns[1:])
        middle = np.cos(angles[:, "XYZ".index(order[1])])
        bound = step / np.minimum(np.abs(middle[:-1]), np.abs(middle[1:])) + np.radians(5.0)
        clear = np.abs(middle[:-1]) > 0.1  # where it is locked the outer angles may change freely
        assert (np.abs(np.diff(angles, axis=0)).max(axis=1) <= bound)[clear].all(), human
        checked += 1
    assert checked > 15


MODES = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE", "QUATERNION")


def test_keys_are_in_each_bones_own_rotation_mode_without_flips() -> None:
    source = take_of(random_motion(frames=60, swing=0.5, turn=4.0))
    target = build_preset(PRESETS["mixamo"], Build(arms=45.0))
    for index, bone in enumerate(target.pose.bones):
        bone.rotation_mode = MODES[index % len(MODES)]
    before = untouched(target)
    run(source, target)
    assert untouched(target) == before
    source_map, target_map = map_of(source, "SOURCE"), map_of(target)
    for frame in (1, 30, 60):
        theirs, ours = (shown(ob, m, frame)[0] for ob, m in ((source, source_map), (target, target_map)))
        assert degrees_between(directions(theirs), directions(ours)).max() < 0.1
    properties = {"AXIS_ANGLE": "rotation_axis_angle", "QUATERNION": "rotation_quaternion"}
    for curve in fcurves_of(target):
        name = curve.data_path.split('"')[1]
        if curve.data_path.endswith("location"):
            continue
        mode = target.pose.bones[name].rotation_mode
        assert curve.data_path.endswith(properties.get(mode, "rotation_euler"))
        values = np.array([key.co[1] for key in curve.keyframe_points])
        # A flip is a jump by half a turn or more, in a quaternion by a whole sign.
        assert np.abs(np.diff(values)).max() < (1.0 if mode in properties else np.pi - 0.3), (name, mode)


def test_the_path_scales_with_the_legs() -> None:
    source = take_of(random_motion(frames=30))
    target = build_preset(PRESETS["mixamo"], Build(legs=0.6))
    run(source, target)
    pair = pair_of(source, target)
    source_map, target_map = pair.maps
    scale = pair.bodies[1].leg_length / pair.bodies[0].leg_length
    ways = []
    for armature, bone_map in ((source, source_map), (target, target_map)):
        centres = []
        for frame in (1, 15, 30):
            heads = shown(armature, bone_map, frame)[0]
            centres.append((heads["left_thigh"] + heads["right_thigh"]) / 2)
        ways.append(np.array(centres) - centres[0])
    np.testing.assert_allclose(ways[1], scale * ways[0], atol=1e-4)


@pytest.mark.parametrize("mode", ["HIPS", "ROOT_BONE", "OBJECT"])
def test_whoever_carries_the_path_the_person_moves_the_same(mode: str) -> None:
    source = take_of(random_motion(frames=20))
    stage = bpy.data.objects.new("Stage", None)
    bpy.context.scene.collection.objects.link(stage)
    stage.matrix_basis = Matrix.Translation((1.0, 2.0, 0.3)) @ Euler((0.1, 0.2, 0.9)).to_matrix().to_4x4()
    target = build_preset(PRESETS["unreal"], Build(arms=45.0))
    target.parent, target.rotation_mode = stage, "ZXY"
    bpy.context.view_layer.update()
    target_map = map_of(target)
    run(source, target)
    wanted = shown(target, target_map, 13)
    run(source, target, RetargetSettings(plant_feet=False, root_mode=mode))
    found = shown(target, target_map, 13)
    for human in target_map.bones:
        if human == "root" or human[-1].isdigit():
            continue
        np.testing.assert_allclose(found[0][human], wanted[0][human], atol=2e-4, err_msg=human)
        assert turn_between(found[1][human], wanted[1][human]) < 0.05
    if mode == "ROOT_BONE":
        heads = [shown(target, target_map, frame)[0] for frame in (1, 9, 20)]
        away = [h["root"] - (h["left_thigh"] + h["right_thigh"]) / 2 for h in heads]
        levels = np.linalg.norm(np.array(away)[:, :2], axis=1)
        np.testing.assert_allclose(levels, levels[0], atol=1e-3)
        np.testing.assert_allclose([h["root"][2] for h in heads], heads[0]["root"][2], atol=1e-4)


def test_in_place_and_axis_locks() -> None:
    source = take_of(random_motion(frames=20))
    target = build_preset(PRESETS["mixamo"])
    target_map = map_of(target)

    def way(settings: RetargetSettings) -> Array:
        run(source, target, settings)
        heads = [shown(target, target_map, frame)[0] for frame in (1, 20)]
        centres = [(h["left_thigh"] + h["right_thigh"]) / 2 for h in heads]
        return centres[1] - centres[0]

    free = way(FREE)
    assert np.abs(free[:2]).max() > 0.05
    still = way(RetargetSettings(plant_feet=False, root_mode="IN_PLACE"))
    np.testing.assert_allclose(still, free * [0.0, 0.0, 1.0], atol=1e-4)
    locked = way(RetargetSettings(plant_feet=False, placing=Placing(locked=(True, False, True))))
    np.testing.assert_allclose(locked, free * [0.0, 1.0, 0.0], atol=1e-4)


def test_starts() -> None:
    source = take_of(random_motion(frames=10))
    target = build_preset(PRESETS["mixamo"], Build(turned=70.0))
    target.location = (5.0, 6.0, 1.0)
    bpy.context.view_layer.update()
    target_map = map_of(target)
    body = read_body(read_rest_rig(target), target_map)

    def first(placing: Placing) -> tuple[Array, Array]:
        run(source, target, RetargetSettings(plant_feet=False, placing=placing))
        heads, _ = shown(target, target_map, 1)
        return (heads["left_thigh"] + heads["right_thigh"]) / 2, heads["left_thigh"] - heads["right_thigh"]

    at_source = shown(source, map_of(source, "SOURCE"), 1)[0]
    centre, _ = first(Placing())
    np.testing.assert_allclose(
        centre[:2], (at_source["left_thigh"] + at_source["right_thigh"])[:2] / 2, atol=1e-4
    )
    centre, _ = first(Placing("CURSOR", (3.0, -2.0, 0.5)))
    np.testing.assert_allclose(centre[:2], (3.0, -2.0), atol=1e-4)
    centre, left = first(Placing("OBJECT"))
    np.testing.assert_allclose(centre[:2], (5.0, 6.0), atol=1e-4)
    rest = body.heads["left_thigh"] - body.heads["right_thigh"]
    assert degrees_between(left[:2] / np.linalg.norm(left[:2]), rest[:2] / np.linalg.norm(rest[:2])) < 1.0
    assert centre[2] > 1.5


def test_fewer_keys() -> None:
    source = take_of(random_motion(frames=61))
    target = build_preset(PRESETS["mixamo"])
    target_map = map_of(target)
    run(source, target, RetargetSettings(plant_feet=False, every=3))
    keys = {len(curve.keyframe_points) for curve in fcurves_of(target)}
    assert keys == {21}
    run(source, target)
    before = [shown(target, target_map, frame)[1] for frame in (7, 22, 50)]
    run(source, target, RetargetSettings(plant_feet=False, tolerance=np.radians(1.0)))
    count = sum(len(curve.keyframe_points) for curve in fcurves_of(target))
    assert count < 0.6 * 61 * len(fcurves_of(target))
    for frame, wanted in zip((7, 22, 50), before, strict=True):
        found = shown(target, target_map, frame)[1]
        assert turn_between(found["hips"], wanted["hips"]) < 1.2
        assert turn_between(found["left_forearm"], wanted["left_forearm"]) < 6.0  # a chain of five


def test_locked_bones_and_channels_keep_their_values() -> None:
    source = take_of(random_motion(frames=6))
    target = build_preset(PRESETS["mixamo"])
    target_map = map_of(target)
    neck, hand = (target.pose.bones[target_map.bones[human]] for human in ("neck_1", "left_hand"))
    neck.lock_rotation = (True, True, True)
    hand.rotation_mode, hand.lock_rotation = "XYZ", (False, True, False)
    notes = run(source, target)
    assert any(neck.name in note for note in notes)
    paths = {(curve.data_path, curve.array_index) for curve in fcurves_of(target)}
    assert not any(f'"{neck.name}"' in path for path, _ in paths)
    path = f'pose.bones["{hand.name}"].rotation_euler'
    assert {index for found, index in paths if found == path} == {0, 2}


def test_the_nla_gets_a_strip_that_plays_the_same() -> None:
    source = take_of(random_motion(frames=12))
    target = build_preset(PRESETS["mixamo"])
    target_map = map_of(target)
    run(source, target)
    wanted = shown(target, target_map, 8)[0]
    run(source, target, RetargetSettings(plant_feet=False, fill_strip=True))
    data = target.animation_data
    assert data.action is None
    assert len(data.nla_tracks) == 1
    found = shown(target, target_map, 8)[0]
    for human in ("head", "left_hand", "right_toes"):
        np.testing.assert_allclose(found[human], wanted[human], atol=1e-5)


def test_a_source_moved_by_constraints_is_evaluated() -> None:
    """The same motion, once from keys and once copied by constraints from a hidden armature."""
    source = take_of(random_motion(frames=10))
    target = build_preset(PRESETS["mixamo"])
    target_map = map_of(target)
    run(source, target)
    wanted = shown(target, target_map, 7)[0]
    copy = bpy.data.objects.new("Copy", source.data)
    copy[PERSON_KEY] = 1  # a take: its ground is known
    bpy.context.scene.collection.objects.link(copy)
    bpy.context.view_layer.update()
    for bone in copy.pose.bones:
        constraint = bone.constraints.new("COPY_TRANSFORMS")
        constraint.target, constraint.subtarget = source, bone.name
    bpy.context.view_layer.update()
    settings = RetargetSettings(plant_feet=False, frames=(1, 10))
    steps = retarget(bpy.context.scene, copy, map_of(copy, "SOURCE"), target, target_map, settings)
    write_results([finished(steps)])
    found = shown(target, target_map, 7)[0]
    for human in ("head", "left_hand", "right_toes", "hips"):
        np.testing.assert_allclose(found[human], wanted[human], atol=1e-3)


def hang_between(target: bpy.types.Object, bone_map: BoneMap, hung: str, other: str) -> None:
    """Puts a helper above a bone that turns halfway with another bone: no single parent fits any more."""
    bpy.context.view_layer.objects.active = target
    bpy.ops.object.mode_set(mode="EDIT")
    bones = target.data.edit_bones
    bone = bones[bone_map.bones[hung]]
    helper = bones.new("helper")
    helper.head, helper.tail = bone.head, bone.tail
    helper.parent, bone.parent = bone.parent, helper
    bpy.ops.object.mode_set(mode="OBJECT")
    constraint = target.pose.bones["helper"].constraints.new("COPY_ROTATION")
    constraint.target, constraint.subtarget, constraint.influence = target, bone_map.bones[other], 0.5


def test_a_target_with_mechanisms_is_corrected_frame_by_frame() -> None:
    """The chest's control hangs half on the hips and half on the world: no single parent fits."""
    source = take_of(random_motion(frames=6, swing=0.5))
    target = build_preset(PRESETS["mixamo"], Build(arms=30.0))
    target_map = map_of(target)
    hang_between(target, target_map, "spine_3", "hips")
    run(source, target)
    for frame in (1, 4, 6):
        theirs = shown(source, map_of(source, "SOURCE"), frame)[0]
        ours = shown(target, target_map, frame)[0]
        assert degrees_between(directions(theirs), directions(ours)).max() < 1.0


def test_what_cant_be_used_is_refused_and_nothing_changes() -> None:
    source = take_of(random_motion(frames=6))
    good = build_preset(PRESETS["mixamo"])
    empty = bpy.data.objects.new("Nothing", None)
    bare = bpy.data.objects.new("Bare", bpy.data.armatures.new("Bare"))
    bpy.context.scene.collection.objects.link(bare)
    still = build_preset(PRESETS["kinelift"])
    source_map, target_map = map_of(source, "SOURCE"), map_of(good)

    def refused(said: str, source: Any, target: Any, **changes: Any) -> None:
        count = (len(bpy.data.actions), len(bpy.data.scenes))
        maps = {"source_map": source_map, "target_map": target_map} | changes
        settings = maps.pop("settings", FREE)
        with pytest.raises(InputError, match=said):
            finished(
                retarget(bpy.context.scene, source, maps["source_map"], target, maps["target_map"], settings)
            )
        assert (len(bpy.data.actions), len(bpy.data.scenes)) == count

    refused("^Walk Person 1: is source and target", source, source)
    refused("^Nothing: is no armature", source, empty)
    refused("^Bare: the armature has no bones", source, bare)
    for settings in (FREE, replace(FREE, frames=(1, 6))):
        still_map = map_of(still, "SOURCE")
        refused(f"^{still.name}: has no action", still, good, source_map=still_map, settings=settings)
    no_hips = {human: bone for human, bone in target_map.bones.items() if human != "hips"}
    refused("no bone is chosen for Hips", source, good, target_map=BoneMap(no_hips))
    good.scale = (-1.0, 1.0, 1.0)
    bpy.context.view_layer.update()
    refused("scale is negative", source, good)
    good.scale = (1.0, 2.0, 1.0)
    bpy.context.view_layer.update()
    refused("scale is uneven", source, good)
    good.scale = (1.0, 1.0, 1.0)
    flat = build_preset(PRESETS["mixamo"], name="Flat")
    flat.data.transform(Matrix.Scale(0.0, 4))
    bpy.context.view_layer.update()
    refused(r"^Flat: bone \w+ has no length", source, flat)
    bpy.context.view_layer.objects.active = good
    bpy.ops.object.mode_set(mode="EDIT")
    refused("is in Edit Mode", source, good)
    bpy.ops.object.mode_set(mode="OBJECT")
    run(source, good)


def test_matrices_and_quaternions_agree() -> None:
    generator = np.random.default_rng(0)
    q = generator.normal(size=(200, 4))
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    back = from_matrices(3.0 * to_matrices(q))
    np.testing.assert_allclose(np.abs((q * back).sum(axis=1)), 1.0, atol=1e-12)


def test_a_rig_with_the_required_bones_alone() -> None:
    """One spine bone, no neck, shoulders, hands and toes."""
    names = {human: f"bone {human}" for human in REQUIRED}
    target = build_rig(names, Build(arms=20.0))
    source = take_of(random_motion(frames=5))
    source_map = map_of(source, "SOURCE")
    write_results([finished(retarget(bpy.context.scene, source, source_map, target, BoneMap(names), FREE))])
    theirs, ours = shown(source, source_map, 4)[0], shown(target, BoneMap(names), 4)[0]
    for start, end in LIMBS:
        if end in names:
            ends = [heads[end] - heads[start] for heads in (theirs, ours)]
            assert degrees_between(*(vector / np.linalg.norm(vector) for vector in ends)) < 0.1


def test_curves_alone_give_what_blender_evaluates() -> None:
    """The fast way to read a source: every rotation mode, locations, connected bones, between keys."""
    source = build_preset(PRESETS["mixamo"], Build(arms=30.0))
    source.location, source.rotation_euler, source.scale = (1.0, 2.0, 3.0), (0.3, 0.2, 0.1), (0.5, 0.5, 0.5)
    bpy.context.view_layer.objects.active = source
    bpy.ops.object.mode_set(mode="EDIT")
    for human in ("left_forearm", "left_shin", "right_hand"):
        source.data.edit_bones[PRESETS["mixamo"].bones[human]].use_connect = True
    bpy.ops.object.mode_set(mode="OBJECT")
    generator = np.random.default_rng(0)
    curves = []
    channels = {"QUATERNION": ("rotation_quaternion", 4), "AXIS_ANGLE": ("rotation_axis_angle", 4)}
    for index, bone in enumerate(source.pose.bones):
        bone.rotation_mode = MODES[index % len(MODES)]
        channel, size = channels.get(bone.rotation_mode, ("rotation_euler", 3))
        at = np.array([1.0, 4.0, 11.0])
        path = f'pose.bones["{bone.name}"].'
        curves += array_curves(path + channel, at, generator.normal(size=(3, size)), bone.name, "BEZIER")
        curves += array_curves(path + "location", at, 0.1 * generator.normal(size=(3, 3)), bone.name)
    write_curves(source, "Everything", curves)
    bpy.context.view_layer.update()
    rig = read_rest_rig(source)
    assert moved_by_keys_alone(source, rig, rig.bones)
    frames = np.array([1.0, 2.0, 6.5, 11.0])
    rotations, heads = _from_curves(source, rig, rig.bones, frames)
    with stage(source, bpy.context.scene) as own:
        for row, frame in enumerate(frames):
            turns, places = _evaluated(own.go_to(float(frame)), rig.bones)
            np.testing.assert_allclose(heads[row], places, atol=2e-5)
            assert np.abs((turns * rotations[row]).sum(axis=1)).min() > 1 - 1e-6


def test_stopping_halfway_changes_nothing() -> None:
    source = take_of(random_motion(frames=20))
    target = build_preset(PRESETS["mixamo"])
    target_map = map_of(target)
    hang_between(target, target_map, "spine_3", "hips")
    run(source, target)
    bpy.context.scene.frame_set(5)
    before = untouched(target)
    blocks = [len(bpy.data.actions), len(bpy.data.scenes), target.animation_data.action]
    for stop_after in (1, 2, 5):
        steps = retarget(bpy.context.scene, source, map_of(source, "SOURCE"), target, target_map, FREE)
        for _ in range(stop_after):
            assert isinstance(next(steps), float)
        steps.close()
        assert untouched(target) == before
        assert [len(bpy.data.actions), len(bpy.data.scenes), target.animation_data.action] == blocks


def test_hips_that_are_stuck_are_refused() -> None:
    source = take_of(random_motion(frames=4))
    target = build_preset(PRESETS["unreal"])
    bpy.context.view_layer.objects.active = target
    bpy.ops.object.mode_set(mode="EDIT")
    target.data.edit_bones["pelvis"].use_connect = True
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(InputError, match=r"^unreal: bone pelvis, the map's Hips, is connected"):
        run(source, target)


def test_a_take_is_read_from_its_curves_alone() -> None:
    """The fast way: what a take stores besides its pose doesn't make Blender evaluate every frame."""
    source = take_of(random_motion(frames=6))
    assert any(curve.data_path.startswith('["kinelift') for curve in fcurves_of(source))
    rig = read_rest_rig(source)
    assert moved_by_keys_alone(source, rig, rig.bones)


@pytest.mark.parametrize("name", ["mixamo", "unreal"])
def test_bones_that_are_scaled_in_the_pose(name: str) -> None:
    """A character made smaller by its hips' bone: directions hold, and its path has its own size."""
    source = take_of(random_motion(frames=12, swing=0.5))
    target = build_preset(PRESETS[name], Build(arms=45.0))
    target_map = map_of(target)
    first = target.pose.bones[target_map.bones["hips"]]
    first.scale = (0.5, 0.5, 0.5)
    target.pose.bones[target_map.bones["left_hand"]].scale = (1.4, 1.4, 1.4)
    bpy.context.view_layer.update()
    before = untouched(target)
    run(source, target)
    assert untouched(target) == before
    source_map = map_of(source, "SOURCE")
    body = read_body(read_rest_rig(source), source_map)
    centres = []
    for frame in (1, 6, 12):
        theirs, ours = (shown(ob, m, frame)[0] for ob, m in ((source, source_map), (target, target_map)))
        assert degrees_between(directions(theirs), directions(ours)).max() < 0.1
        centres.append([(h["left_thigh"] + h["right_thigh"]) / 2 for h in (theirs, ours)])
        leg = sum(
            np.linalg.norm(ours[f"left_{b}"] - ours[f"left_{a}"])
            for a, b in (("thigh", "shin"), ("shin", "foot"))
        )
        size = leg / body.leg_length
    way = np.array(centres) - np.array(centres)[:1]
    np.testing.assert_allclose(way[:, 1], size * way[:, 0], atol=1e-3)
