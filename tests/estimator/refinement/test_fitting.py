"""Where a detector marks a person is told apart from the pose; nearer and further from turns."""

from dataclasses import replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from estimator import kinematics
from estimator.example.detector import WORLD_FROM_CAMERA, example_camera, example_motion
from estimator.keypoint_set import KEYPOINT_INDEX
from estimator.lifting import body_points
from estimator.refinement import fit_frames, refine
from estimator.refinement.body import TURNS, offsets_of
from estimator.refinement.given import answer_on
from estimator.skeleton import (
    CONTACT_END_POINTS,
    JOINT_INDEX,
    KEYPOINT_BASIS,
    KEYPOINT_JOINTS,
    lengths_from_rest_offsets,
)
from estimator.stance import fitted_stance

from .noisy_takes import Take, noisy_take
from .test_noisy_takes import cut

CAMERA = replace(example_camera(), world_from_camera=WORLD_FROM_CAMERA)
KNEE = KEYPOINT_INDEX["left_knee"]
HIGHER = torch.tensor([0.0, 0.0, 0.05], dtype=torch.float64)
"""Metres up the shin at rest, where a peculiar detector sees knees."""


def take_of_a_detector(off: torch.Tensor) -> Take:
    """Somebody who walks, before a detector that marks the left knee ``off`` (3,) metres from its place."""
    truth = cut(example_motion(), 100)
    lengths = torch.from_numpy(lengths_from_rest_offsets(truth.rest_offsets))
    marks = offsets_of(lengths, torch.from_numpy(KEYPOINT_BASIS))
    marks[KNEE] += off
    local = Rotation.from_quat(truth.rotations.reshape(-1, 4), scalar_first=True).as_matrix()
    pose = kinematics.forward_kinematics(
        torch.from_numpy(local.reshape(*truth.rotations.shape[:2], 3, 3)),
        torch.from_numpy(truth.rest_offsets),
        torch.from_numpy(truth.root_translation),
    )
    points = kinematics.attached_points(pose, KEYPOINT_JOINTS, marks).numpy()
    seen = CAMERA.project((points - WORLD_FROM_CAMERA[:3, 3]) @ WORLD_FROM_CAMERA[:3, :3])
    return noisy_take(replace(truth, keypoints=seen), CAMERA, jitter=0.5)


def test_a_mark_that_is_off_on_every_frame_is_found() -> None:
    found = []
    for off in (torch.zeros_like(HIGHER), HIGHER):
        take = take_of_a_detector(off)
        fitted = fit_frames(take.evidence, take.centre, take.lifted, take.root)
        found.append(fitted.physique.marks[KNEE].numpy())
    moved = found[1] - found[0]
    assert 0.5 * HIGHER[2] < moved[2] < 1.2 * HIGHER[2]
    assert np.abs(moved[:2]).max() < 0.02


def test_it_does_not_move_the_knee() -> None:
    knee = JOINT_INDEX["LeftLeg"]
    places = []
    for off in (torch.zeros_like(HIGHER), HIGHER):
        take = take_of_a_detector(off)
        places.append(take.refined().joints_camera[:, knee])
    assert np.linalg.norm(places[1] - places[0], axis=1).mean() < 0.5 * HIGHER[2]


def test_somebody_who_was_placed_too_near_is_put_where_their_size_tells() -> None:
    take = take_of_a_detector(torch.zeros_like(HIGHER))
    nearer = 0.96 * take.root
    lifted = replace(take.lifted, error=np.full(len(nearer), 0.03))
    _, path = refine(take.evidence, take.centre, lifted, nearer)
    far = [np.linalg.norm(root, axis=1).mean() for root in (take.root, nearer, path)]
    assert abs(far[2] / far[0] - 1) < 0.4 * abs(far[1] / far[0] - 1)


def test_the_answer_is_about_turns_and_the_way_along_and_across_the_line_of_sight() -> None:
    take = take_of_a_detector(torch.zeros_like(HIGHER))
    answer = answer_on(torch.arange(5), take.lifted, take.root, take.centre, take.lifted.lengths)
    rows = answer.rows
    assert torch.allclose(rows @ rows.mT, torch.eye(rows.shape[-1], dtype=torch.float64).expand_as(rows))
    along = torch.nn.functional.normalize(answer.body.root - answer.centre, dim=-1)
    assert torch.allclose(rows[:, TURNS, TURNS:], along)
    assert (answer.weight[:, TURNS] < answer.weight[:, TURNS + 1]).all(), "less is known along it"


def test_each_frame_of_the_clip_has_a_fitted_frame_beside_it() -> None:
    take = take_of_a_detector(torch.zeros_like(HIGHER))
    fitted = fit_frames(take.evidence, take.centre, take.lifted, take.root)
    rows = np.array([0, 40, 99])
    few = replace(
        fitted,
        frames=rows,
        root=fitted.root[rows],
        keypoints=fitted.keypoints[rows],
        contact_offsets=fitted.contact_offsets[rows],
    )
    stance = fitted_stance(take.lifted, few)
    assert (stance.nearest[[0, 19, 21, 40, 69, 70, 99]] == [0, 0, 1, 1, 1, 2, 2]).all()
    points, still, trust = stance.feet()
    assert len(points) == len(still) == len(trust) == 100


def test_fitted_frames_are_nearer_to_the_truth_than_the_answer() -> None:
    take = take_of_a_detector(torch.zeros_like(HIGHER))
    fitted = fit_frames(take.evidence, take.centre, take.lifted, take.root)
    assert take.axes.world_from_axes is not None
    turn = take.axes.world_from_axes[:3, :3]
    truth = take.truth.end_points[:, list(CONTACT_END_POINTS)] - take.truth.root_translation[:, None]
    answered = body_points(take.lifted.rotations, take.lifted.lengths)[1]
    off = [
        np.linalg.norm(offsets @ turn.T - truth, axis=-1).mean()
        for offsets in (fitted.contact_offsets, answered)
    ]
    assert off[0] < 0.6 * off[1]
