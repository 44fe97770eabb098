"""Hands that touch on the source touch on a target of other proportions, if that is wanted."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest
import torch
from kinelift_checkout.addon.retarget.plan import RetargetSettings
from kinelift_checkout.addon.retarget.preset_maps import presets
from kinelift_checkout.estimator import kinematics, skeleton
from kinelift_checkout.estimator.motion import Motion
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tests.addon.motions import random_motion
from tests.addon.retarget.measuring import degrees_between, directions, map_of, run, shown, turn_between
from tests.addon.retarget.rigs import Build, build_preset
from tests.addon.retarget.sources import take_of

Array = NDArray[np.float64]
pytestmark = pytest.mark.usefixtures("empty_file")

PRESETS = {preset.name: preset for preset in presets()}
FRAMES = 41
KEPT = RetargetSettings(plant_feet=False, keep_hands=True)


def clapping() -> Motion:
    """From a T-pose the forearms come together before the chest, the wrists nearly touch, and open again."""
    like = random_motion(frames=FRAMES)
    share = np.sin(np.linspace(0, np.pi, FRAMES))
    local = np.tile(np.eye(3), (FRAMES, skeleton.J, 1, 1))
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        arm, elbow = (skeleton.JOINT_INDEX[f"{side}{part}"] for part in ("Arm", "ForeArm"))
        local[:, arm] = Rotation.from_euler("zy", np.outer(share, [-sign * 1.2, sign * 0.1])).as_matrix()
        local[:, elbow] = Rotation.from_euler("z", -sign * 1.55 * share).as_matrix()
    root = np.tile([0.0, 0.0, skeleton.hips_height(skeleton.MEAN_LENGTHS)], (FRAMES, 1))
    offsets = skeleton.rest_offsets(skeleton.MEAN_LENGTHS)
    pose = kinematics.forward_kinematics(*(torch.from_numpy(a) for a in (local, offsets, root)))
    xyzw = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_quat().reshape(FRAMES, skeleton.J, 4)
    joints = pose.joints.numpy()
    return replace(
        like,
        rest_offsets=offsets,
        root_translation=root,
        rotations=xyzw[..., [3, 0, 1, 2]],
        joints_world=joints,
        joints_camera=joints,
    )


def hands_apart(armature: bpy.types.Object, frame: int, role: str = "TARGET") -> tuple[Array, float]:
    """From the right hand to the left, and the arm's length."""
    heads, _ = shown(armature, map_of(armature, role), frame)
    arm = np.linalg.norm(heads["left_forearm"] - heads["left_upper_arm"]) + np.linalg.norm(
        heads["left_hand"] - heads["left_forearm"]
    )
    return heads["left_hand"] - heads["right_hand"], float(arm)


@pytest.mark.parametrize(
    "build", [Build(arms=40.0, trunk=1.3), Build(legs=0.6, trunk=0.8)], ids=["wide", "small"]
)
def test_hands_that_meet_meet_on_the_target(build: Build) -> None:
    source = take_of(clapping())
    target = build_preset(PRESETS["mixamo"], build)
    middle = FRAMES // 2 + 1
    wanted, their_arm = hands_apart(source, middle, "SOURCE")
    assert np.linalg.norm(wanted) < 0.2 * their_arm
    run(source, target)
    apart, arm = hands_apart(target, middle)
    off = np.linalg.norm(apart / arm - wanted / their_arm)
    turns = [shown(target, map_of(target), frame)[1] for frame in (1, middle)]
    run(source, target, KEPT)
    apart, _ = hands_apart(target, middle)
    kept = np.linalg.norm(apart / arm - wanted / their_arm)
    assert kept < 0.02
    assert off > 4 * kept
    after = [shown(target, map_of(target), frame)[1] for frame in (1, middle)]
    for before, now in zip(turns, after, strict=True):
        assert turn_between(before["left_hand"], now["left_hand"]) < 0.1  # palms stay as they were
    assert turn_between(turns[0]["left_upper_arm"], after[0]["left_upper_arm"]) < 0.1  # far from everything
    heads = [shown(target, map_of(target), frame)[0] for frame in range(1, FRAMES + 1)]
    elbows = np.array([h["left_forearm"] for h in heads])
    assert np.linalg.norm(np.diff(elbows, n=2, axis=0), axis=1).max() < 0.02  # and on the way nothing jumps


def test_the_same_proportions_are_left_as_they_are() -> None:
    source = take_of(clapping())
    twin = take_of(random_motion(frames=3))
    twin.animation_data_clear()
    twin.data = source.data.copy()
    bpy.context.view_layer.update()
    run(source, twin, KEPT)
    for frame in (1, 15, 21):
        theirs, ours = (shown(ob, map_of(source, "SOURCE"), frame)[0] for ob in (source, twin))
        assert degrees_between(directions(theirs), directions(ours)).max() < 0.2
