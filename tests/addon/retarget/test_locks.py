"""Bones that may turn about some axes only: limbs point as far as they can, and locked channels stay."""

from __future__ import annotations

from itertools import pairwise

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.animation import fcurves_of
from kinelift_checkout.addon.retarget.control_rig import observe_controls, pose_kept
from kinelift_checkout.addon.retarget.evaluation import stage
from kinelift_checkout.addon.retarget.preset_maps import presets
from kinelift_checkout.addon.retarget.rest_rig import read_rest_rig
from kinelift_checkout.addon.retarget.rotation_locks import Locks, within_locks
from kinelift_checkout.addon.retarget.rotations import angle_between, from_euler, to_matrices
from numpy.typing import NDArray

from tests.addon.motions import random_motion
from tests.addon.retarget.measuring import (
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
from tests.addon.retarget.rigs import Build, build_preset
from tests.addon.retarget.sources import take_of, walking_motion

pytestmark = [
    pytest.mark.usefixtures("empty_file"),
    pytest.mark.filterwarnings("error::RuntimeWarning"),
]

Array = NDArray[np.float64]
PRESETS = {preset.name: preset for preset in presets()}


@pytest.mark.parametrize("order", ["XYZ", "ZXY", "YZX"])
@pytest.mark.parametrize("free", ["X", "Z"])
def test_knees_and_elbows_that_are_hinges(order: str, free: str) -> None:
    """The bone above is twisted, so that limbs still point as the source's; hands and feet are right."""
    source = take_of(random_motion(frames=24, swing=0.6, tilt=0.3))
    target = build_preset(PRESETS["unreal"], Build(arms=40.0, legs=1.2, seed=6))
    pair = pair_of(source, target)
    source_map, target_map = pair.maps
    hinges = [f"{side}_{part}" for side in ("left", "right") for part in ("forearm", "shin")]
    for human in hinges:
        bone = target.pose.bones[target_map.bones[human]]
        bone.rotation_mode = order
        bone.lock_rotation = [axis != free for axis in "XYZ"]
    before = untouched(target)
    run(source, target)
    assert untouched(target) == before
    keyed = {(curve.data_path, curve.array_index) for curve in fcurves_of(target)}
    for human in hinges:
        path = f'pose.bones["{target_map.bones[human]}"].rotation_euler'
        assert {index for found, index in keyed if found == path} == {"XYZ".index(free)}
    clearly_bent = 0
    for frame in (1, 7, 13, 19, 24):
        theirs, their_turns = shown(source, source_map, frame)
        ours, our_turns = shown(target, target_map, frame)
        apart = degrees_between(directions(theirs), directions(ours))
        bends = {
            end: degrees_between(*(direction for direction in directions(theirs)[index - 1 : index + 1]))
            for index, (_, end) in enumerate(LIMBS)
            if end.endswith(("hand", "foot"))
        }
        for (_, end), error in zip(LIMBS, apart, strict=True):
            if end in bends and bends[end] < 6.0:
                assert error < 6.0, end
                continue
            assert error < 1.0, end
            clearly_bent += end in bends
        for human in ("left_hand", "right_hand", "left_foot", "right_foot"):
            assert turn_between(pair.wanted(human, their_turns[human]), our_turns[human]) < 0.1, human
    assert clearly_bent > 8


def test_a_walk_on_hinges_doesnt_flip() -> None:
    """Knees that bend about the axis that knees have: the thigh hardly twists, and nothing jumps."""
    source = take_of(walking_motion(20, 90))
    target = build_preset(PRESETS["mixamo"], Build(arms=30.0))
    target_map = map_of(target)
    bpy.context.view_layer.objects.active = target
    bpy.ops.object.mode_set(mode="EDIT")
    for human in ("left_thigh", "left_shin", "right_thigh", "right_shin"):
        target.data.edit_bones[target_map.bones[human]].align_roll((0.0, 1.0, 0.0))  # X lies across the body
    bpy.ops.object.mode_set(mode="OBJECT")
    free = [shown_thighs(source, target)]
    for human in ("left_shin", "right_shin"):
        bone = target.pose.bones[target_map.bones[human]]
        bone.rotation_mode, bone.lock_rotation = "XYZ", (False, True, True)
    free.append(shown_thighs(source, target))
    for without, hinged in zip(*free, strict=True):
        steps = [turn_between(a, b) for a, b in pairwise(without)]
        now = [turn_between(a, b) for a, b in pairwise(hinged)]
        assert max(now) < max(steps) + 5.0
        assert max(turn_between(a, b) for a, b in zip(without, hinged, strict=True)) < 25.0


def shown_thighs(source: bpy.types.Object, target: bpy.types.Object) -> list[list[Array]]:
    """Rotations (3, 3) of both thighs over the walk."""
    run(source, target)
    target_map = map_of(target)
    turns = [shown(target, target_map, frame)[1] for frame in range(1, 91)]
    return [[turn[f"{side}_thigh"] for turn in turns] for side in ("left", "right")]


def test_two_free_axes_reach_every_direction_and_locked_angles_stay() -> None:
    generator = np.random.default_rng(0)
    present = np.array([0.1, 0.2, -0.3])
    wanted = from_euler(generator.uniform(-0.8, 0.8, size=(50, 3)), "XYZ")
    found = within_locks(wanted, Locks((False, True, False), "ZXY", present))
    pointed = [to_matrices(q)[:, :, 1] for q in (wanted, found)]
    assert degrees_between(*pointed).max() < 0.1
    twisted = from_euler(
        np.column_stack([np.full(50, 0.1), generator.uniform(-1, 1, 50), np.full(50, -0.3)]), "XYZ"
    )
    kept = within_locks(twisted, Locks((True, False, True), "XYZ", present))
    assert np.degrees(angle_between(twisted, kept)).max() < 0.1  # what the locks allow is left as it is


def test_controls_that_only_explain_each_other_are_put_in_an_order() -> None:
    """Two bones that copy a third one: each seems to hang on the other, but one has to come first."""
    target = build_preset(PRESETS["unreal"])
    bpy.context.view_layer.objects.active = target
    bpy.ops.object.mode_set(mode="EDIT")
    bones = target.data.edit_bones
    for name in ("helper", "first", "second"):
        bone = bones.new(name)
        bone.head, bone.tail = (0.0, 0.0, 1.0), (0.0, 0.0, 1.2)
        bone.parent = bones["helper"] if name != "helper" else None
    bpy.ops.object.mode_set(mode="OBJECT")
    copy = target.pose.bones["helper"].constraints.new("COPY_TRANSFORMS")
    copy.target, copy.subtarget, copy.influence = target, "hand_l", 0.5  # so it hangs on nothing rigidly
    for name in ("first", "second"):
        copy = target.pose.bones[name].constraints.new("COPY_TRANSFORMS")
        copy.target, copy.subtarget = target, "helper"
    bpy.context.view_layer.update()
    chain = ["clavicle_l", "upperarm_l", "first", "second"]
    with stage(target, bpy.context.scene) as own, pose_kept(target):
        observed = observe_controls(target, read_rest_rig(target), chain, own)
    assert sorted(control.bone for control in observed.controls) == sorted(chain)
    for row, control in enumerate(observed.controls):
        assert control.turned_by < row
        assert control.carried_by < row
