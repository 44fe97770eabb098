"""Through noise: feet that stand are planted, nothing trembles or pops, and what is quick stays quick."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from estimator import metrics
from estimator.example.detector import WORLD_FROM_CAMERA, example_camera, example_motion
from estimator.refinement import refine
from estimator.skeleton import CONTACT_END_POINTS, JOINT_INDEX

from .noisy_takes import Take, noisy_take, with_rotations

CAMERA = replace(example_camera(), world_from_camera=WORLD_FROM_CAMERA)
FRAMES = 130
FEET = list(CONTACT_END_POINTS)
KNEES = [JOINT_INDEX["LeftLeg"], JOINT_INDEX["RightLeg"]]


def cut(motion, frames):
    """The first frames of a motion."""
    per_frame = (
        "root_translation",
        "rotations",
        "joints_world",
        "joints_camera",
        "end_points",
        "contacts",
        "keypoints",
        "confidence",
        "frame_confidence",
    )
    return replace(motion, **{name: getattr(motion, name)[:frames] for name in per_frame})


@pytest.fixture(scope="module")
def walk() -> Take:
    """Somebody who walks up and begins to turn."""
    return noisy_take(cut(example_motion(), FRAMES), CAMERA, jitter=0.0)


@pytest.fixture(scope="module")
def refined(walk):
    return walk.refined()


def sliding(motion, truth):
    """Metres a frame of points that truly stand."""
    stands = (truth.contacts[1:] > 0.5) & (truth.contacts[:-1] > 0.5)
    return np.linalg.norm(np.diff(motion.end_points[:, FEET], axis=0), axis=-1)[stands].mean()


def jitter(motion):
    return metrics.jitter(motion.joints_camera[:, list(metrics.EVALUATED_JOINTS)], motion.fps)


def knee_steps(motion):
    """Radians from frame to frame (T - 1, 2)."""
    quaternions = motion.rotations[:, KNEES]
    return np.abs(np.diff(2 * np.arctan2(quaternions[..., 1], quaternions[..., 0]), axis=0))


def test_standing_feet_are_planted(walk, refined):
    assert sliding(walk.before(), walk.truth) > 0.008
    assert sliding(refined, walk.truth) < 0.002


def test_planting_may_be_turned_down_and_off(walk, refined):
    slides = [sliding(walk.refined(contact_strength=s), walk.truth) for s in (0.0, 0.3)]
    assert slides[0] > 1.3 * slides[1] > 1.3 * sliding(refined, walk.truth)


def test_a_still_foot_is_still_without_a_ground(walk):
    assert sliding(walk.refined(on_ground=False), walk.truth) < 0.002


def test_feet_stay_out_of_the_ground(walk, refined):
    heights = refined.end_points[:, FEET, 2]
    assert heights.min() > -0.01
    standing = walk.truth.contacts > 0.5
    assert np.abs(heights[standing]).mean() < 0.005


def test_feet_come_out_of_a_ground_that_is_higher(walk):
    higher = replace(walk.ground, level=walk.ground.level + 0.05)
    lifted, root = refine(walk.evidence, walk.centre, walk.lifted, walk.root, ground=higher)
    heights = walk.placed(lifted, root).end_points[:, FEET, 2]
    assert np.median(heights.min(axis=1)) > 0.035


def test_nothing_trembles_and_nothing_is_smoothed_to_death(walk, refined):
    assert jitter(walk.before()) > 5 * jitter(walk.truth)
    assert 0.7 < jitter(refined) / jitter(walk.truth) < 1.3


def test_nothing_pops_when_feet_are_put_down_and_lifted(walk, refined):
    assert knee_steps(refined).max() < knee_steps(walk.truth).max() + np.radians(3)
    steps = metrics.rotation_steps(refined.rotations)
    assert steps.max() < metrics.rotation_steps(walk.truth.rotations).max() + 3
    root = np.linalg.norm(np.diff(refined.root_translation, n=2, axis=0), axis=1)
    true = np.linalg.norm(np.diff(walk.truth.root_translation, n=2, axis=0), axis=1)
    assert root.max() < true.max() + 0.005


def test_the_take_comes_nearer_to_the_truth(walk, refined):
    truth = walk.truth

    def error(motion):
        joints = list(metrics.EVALUATED_JOINTS)
        return metrics.p_mpjpe(motion.joints_camera[:, joints], truth.joints_camera[:, joints]).mean()

    assert error(refined) < 0.7 * error(walk.before())


def _kick():
    """Somebody who stands and kicks forward: the thigh comes up by 75° in a fifth of a second."""
    still = example_motion()
    frames, start = 60, 27
    rotations = np.repeat(still.rotations[-1:], frames, axis=0)
    time = np.arange(frames) - start
    raised = np.exp(-0.5 * (time / 3.0) ** 2)
    snapped = np.exp(-0.5 * ((time - 1) / 3.0) ** 2) - np.exp(-0.5 * ((time + 4) / 3.0) ** 2)
    for name, angle in (("RightUpLeg", -75 * raised), ("RightLeg", 35 - 35 * snapped)):
        joint = JOINT_INDEX[name]
        rest = Rotation.from_quat(rotations[:, joint], scalar_first=True)
        turn = Rotation.from_rotvec(np.radians(angle)[:, None] * [1.0, 0.0, 0.0])
        turned = turn * rest if name == "RightUpLeg" else turn
        rotations[:, joint] = turned.as_quat(scalar_first=True)
    contacts = np.tile([1.0, 1.0, 0.0, 0.0], (frames, 1))
    root = np.repeat(still.root_translation[-1:], frames, axis=0)
    return with_rotations(cut(still, frames), CAMERA, rotations, root, contacts)


def test_a_kick_stays_quick():
    take = noisy_take(_kick(), CAMERA, liveliness=0.85)
    refined = take.refined()
    ankle = [JOINT_INDEX["RightFoot"]]

    def peak(motion):
        return np.linalg.norm(np.diff(motion.joints_world[:, ankle], axis=0), axis=-1).max() * 30

    assert peak(take.truth) > 4.0, "metres a second"
    assert 0.9 < peak(refined) / peak(take.truth) < 1.15
    assert sliding(refined, take.truth) < 0.002, "the foot that stands"
