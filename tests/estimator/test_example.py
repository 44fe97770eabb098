"""The embedded example is a person walking on the ground, seen by the camera it claims."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from estimator import kinematics
from estimator.example import example_motion, write_example
from estimator.example.detector import example_camera
from estimator.keypoints import read_keypoints
from estimator.motion import Motion
from estimator.motion_npz import load_motion
from estimator.skeleton import CONTACT_END_POINTS, JOINT_INDEX, lengths_from_rest_offsets


@pytest.fixture(scope="module")
def motion() -> Motion:
    return example_motion()


def test_standing_feet_stand_still_and_no_foot_enters_the_ground(motion: Motion) -> None:
    feet = motion.end_points[:, CONTACT_END_POINTS, :]
    steps = np.linalg.norm(np.diff(feet, axis=0), axis=-1)
    stands = (motion.contacts[1:] > 0) & (motion.contacts[:-1] > 0)
    assert stands.sum() > 300
    assert steps[stands].max() < 1e-9
    assert np.abs(feet[motion.contacts > 0][:, 2]).max() < 1e-9
    assert feet[..., 2].min() > -1e-9
    assert ((motion.contacts > 0).any(axis=1)).all(), "somebody who walks has a foot on the ground"


def test_walks_up_turns_right_round_and_waves(motion: Motion) -> None:
    joints = motion.joints_world
    assert np.allclose(motion.root_translation[0, :2], 0, atol=0.03)
    assert motion.root_translation[:60, 1].min() < -2.0, "two metres towards the camera in two seconds"
    across = joints[:, JOINT_INDEX["LeftUpLeg"]] - joints[:, JOINT_INDEX["RightUpLeg"]]
    heading = np.unwrap(np.arctan2(across[:, 1], across[:, 0]))
    assert heading[-1] - heading[0] == pytest.approx(2 * np.pi, abs=0.3)
    hand, neck = (joints[-40:, JOINT_INDEX[name]] for name in ("RightHand", "Neck"))
    assert (hand[:, 2] > neck[:, 2]).all()
    assert np.ptp(hand[:, 0]) > 0.15


def test_hips_move_as_a_walkers_do(motion: Motion) -> None:
    walking = motion.root_translation[:60]
    speed = np.linalg.norm(np.diff(walking[:, :2], axis=0), axis=-1) * motion.fps
    assert 1.0 < speed.mean() < 1.3
    assert 0.02 < np.ptp(walking[:, 2]) < 0.08, "metres of rise and fall"
    acceleration = np.diff(motion.joints_world, n=2, axis=0) * motion.fps**2
    assert np.linalg.norm(acceleration, axis=-1).max() < 80, "m/s²: nothing pops"


def test_files_hold_what_the_detector_marked(motion: Motion, tmp_path: Path) -> None:
    files = write_example(tmp_path)
    assert len(list(files.keypoints.iterdir())) == len(motion)
    tracks = read_keypoints(files.keypoints)
    assert len(tracks) == 1
    (track,) = tracks
    marked = motion.confidence[track.frame_start :][: len(track)].copy()
    marked[:, 17] = 0  # BODY_25 has no head top
    assert np.array_equal(track.confidence > 0, marked > 0)
    pixels = motion.keypoints[track.frame_start :][: len(track)]
    assert np.nanmax(np.abs(track.keypoints - pixels)[marked > 0]) < 1e-3
    truth = load_motion(files.truth)
    assert np.allclose(truth.joints_world, motion.joints_world, atol=1e-6)


def test_detector_errs_as_its_confidence_says(motion: Motion) -> None:
    lengths = torch.from_numpy(lengths_from_rest_offsets(motion.rest_offsets))
    rotations = torch.from_numpy(
        Rotation.from_quat(motion.rotations.reshape(-1, 4)[:, [1, 2, 3, 0]]).as_matrix()
    ).reshape(len(motion), -1, 3, 3)
    root = torch.from_numpy(motion.root_translation)
    pose = kinematics.forward_kinematics(rotations, torch.from_numpy(motion.rest_offsets), root)
    world = kinematics.keypoints(pose, lengths).numpy()
    camera_from_world = np.linalg.inv(motion.world_from_camera)
    true = example_camera().project(world @ camera_from_world[:3, :3].T + camera_from_world[:3, 3])
    errors = np.linalg.norm(motion.keypoints - true, axis=-1)
    sure, unsure = motion.confidence > 0.8, (motion.confidence > 0) & (motion.confidence < 0.6)
    assert unsure.sum() > 50
    assert 0.5 < np.median(errors[sure]) < 2.5, "pixels"
    assert np.median(errors[unsure]) > 2 * np.median(errors[sure])


def test_same_seed_same_example(tmp_path: Path) -> None:
    first, second, other = (write_example(tmp_path / str(n), seed) for n, seed in enumerate((3, 3, 4)))
    texts = [
        "".join(path.read_text() for path in sorted(files.keypoints.iterdir()))
        for files in (first, second, other)
    ]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_frames_without_the_person_have_no_people(tmp_path: Path) -> None:
    files = write_example(tmp_path)
    people = [len(json.loads(path.read_text())["people"]) for path in sorted(files.keypoints.iterdir())]
    assert set(people) == {0, 1}
    assert people.count(0) == 3
