"""How the body's points move with its freedoms is the derivative of forward kinematics."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from estimator.generator import HINGE_JOINTS
from estimator.refinement.body import FREEDOMS, TURN_AXES, TURN_JOINTS, TURNS, Body, offsets_of
from estimator.skeleton import HINGES, KEYPOINT_BASIS, KEYPOINT_JOINTS, MEAN_LENGTHS, J

T = 3
OFFSETS = offsets_of(torch.from_numpy(MEAN_LENGTHS), torch.from_numpy(KEYPOINT_BASIS))


@pytest.fixture
def body():
    random = np.random.default_rng(0)
    rotations = Rotation.from_rotvec(random.normal(size=(T * J, 3))).as_matrix().reshape(T, J, 3, 3)
    root = random.normal(size=(T, 3))
    return Body(torch.from_numpy(rotations), torch.from_numpy(root), torch.from_numpy(MEAN_LENGTHS))


def test_every_joint_has_its_axes():
    assert 3 * (J - len(HINGE_JOINTS)) + len(HINGE_JOINTS) + 3 == FREEDOMS
    for joint, (axis, _) in zip(HINGE_JOINTS, HINGES.values(), strict=True):
        assert [TURN_AXES[turn] for turn in range(TURNS) if TURN_JOINTS[turn] == joint] == [axis]


def test_points_move_as_said(body):
    places, moves = body.points(KEYPOINT_JOINTS, OFFSETS)
    small = 1e-6
    for freedom in range(FREEDOMS):
        change = torch.zeros(T, FREEDOMS, dtype=torch.float64)
        change[:, freedom] = small
        moved, _ = body.changed(change).points(KEYPOINT_JOINTS, OFFSETS)
        assert torch.allclose((moved - places) / small, moves[..., freedom], atol=1e-4)


def test_away_from_undoes_a_change(body):
    random = torch.Generator().manual_seed(1)
    change = 0.3 * torch.randn(T, FREEDOMS, generator=random, dtype=torch.float64)
    assert torch.allclose(body.changed(change).away_from(body), change, atol=1e-9)


def test_steps_are_changes_from_frame_to_frame(body):
    again = Body(body.rotations[:-1], body.root[:-1], body.lengths).changed(
        torch.where(torch.arange(FREEDOMS) < TURNS, 0.1, 0.2).expand(T - 1, -1).double()
    )
    both = Body(
        torch.stack([body.rotations[0], again.rotations[0]]),
        torch.stack([body.root[0], again.root[0]]),
        body.lengths,
    )
    expected = torch.where(torch.arange(FREEDOMS) < TURNS, 0.1, 0.2).double()
    assert torch.allclose(both.steps[0], expected, atol=1e-9)
