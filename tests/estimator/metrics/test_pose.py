"""Known answers of the pose errors."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from estimator.metrics import (
    EVALUATED_JOINTS,
    aligned,
    bone_length_spread,
    mpjpe,
    n_mpjpe,
    p_mpjpe,
    similarity,
)
from estimator.skeleton import JOINT_NAMES

RANDOM = np.random.default_rng(3)
JOINTS = RANDOM.normal(size=(7, 14, 3))
TURN = Rotation.random(random_state=1).as_matrix()


def test_turned_scaled_and_moved_copy_has_no_procrustes_error():
    copy = 2.5 * JOINTS @ TURN.T + [1.0, 2.0, 3.0]
    assert p_mpjpe(copy, JOINTS).max() < 1e-12
    rotation, scale, shift = similarity(copy, JOINTS)
    assert np.allclose(rotation, TURN.T) and np.allclose(scale, 0.4)
    assert np.allclose(scale[:, None] * (rotation @ np.array([1.0, 2.0, 3.0])) + shift, 0.0)


def test_a_mirror_image_is_an_error():
    assert p_mpjpe(JOINTS * [-1.0, 1.0, 1.0], JOINTS).min() > 0.1


def test_without_scale_a_larger_copy_is_an_error():
    transform = similarity(1.1 * JOINTS, JOINTS, scaled=False)
    assert np.allclose(transform[1], 1.0)
    assert mpjpe(aligned(1.1 * JOINTS, transform), JOINTS).min() > 0.05


def test_points_in_one_place_are_moved_to_the_middle():
    assert np.allclose(
        aligned(np.ones((2, 5, 3)), similarity(np.ones((2, 5, 3)), JOINTS[:2, :5])),
        JOINTS[:2, :5].mean(axis=1, keepdims=True),
    )


def test_mpjpe_of_a_shift_is_its_length():
    assert np.allclose(mpjpe(JOINTS + np.array([0.03, 0.0, 0.04]), JOINTS), 0.05)


def test_n_mpjpe_forgives_size_but_not_turns():
    assert n_mpjpe(0.7 * JOINTS, JOINTS).max() < 1e-12
    assert mpjpe(0.7 * JOINTS, JOINTS).min() > 0.1
    assert n_mpjpe(JOINTS @ TURN.T, JOINTS).min() > 0.1


def test_errors_come_in_the_order_in_which_they_forgive():
    other = JOINTS + RANDOM.normal(scale=0.2, size=JOINTS.shape)
    assert (p_mpjpe(other, JOINTS) < mpjpe(other, JOINTS)).all()
    assert (n_mpjpe(other, JOINTS) <= mpjpe(other, JOINTS) * 1.05).all()


def test_evaluated_are_limbs_neck_and_head():
    names = [JOINT_NAMES[joint] for joint in EVALUATED_JOINTS]
    assert len(set(names)) == 14 and "Hips" not in names
    assert {"LeftHand", "RightFoot", "Neck", "Head"} <= set(names)


def test_bones_that_keep_their_length_have_no_spread():
    still = np.broadcast_to(RANDOM.normal(size=(4, 3)), (20, 4, 3))
    turned = np.stack([still[0] @ Rotation.from_rotvec([0, 0, a]).as_matrix().T for a in np.arange(20.0)])
    assert bone_length_spread(turned, ((0, 1), (2, 3))) < 1e-12
    # A bone that is 0.9 m on half of the frames and 1.1 m on the others spreads by a tenth of its mean.
    breathing = np.zeros((20, 2, 3))
    breathing[:, 1, 2] = np.where(np.arange(20) % 2, 0.9, 1.1)
    assert bone_length_spread(breathing, ((0, 1),)) == pytest.approx(0.1)
