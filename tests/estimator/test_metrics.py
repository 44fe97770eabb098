"""Known answers of the metrics."""

import numpy as np
from scipy.spatial.transform import Rotation

from estimator.metrics import mpjpe, p_mpjpe, similarity

RANDOM = np.random.default_rng(3)
JOINTS = RANDOM.normal(size=(7, 14, 3))


def test_turned_scaled_and_moved_copy_has_no_procrustes_error():
    turn = Rotation.random(random_state=1).as_matrix()
    copy = 2.5 * JOINTS @ turn.T + [1.0, 2.0, 3.0]
    assert p_mpjpe(copy, JOINTS).max() < 1e-12
    rotation, scale, shift = similarity(copy, JOINTS)
    assert np.allclose(rotation, turn.T) and np.allclose(scale, 0.4)
    assert np.allclose(scale[:, None] * (rotation @ np.array([1.0, 2.0, 3.0])) + shift, 0.0)


def test_a_mirror_image_is_an_error():
    assert p_mpjpe(JOINTS * [-1.0, 1.0, 1.0], JOINTS).min() > 0.1


def test_without_scale_a_larger_copy_is_an_error():
    rotation, scale, shift = similarity(1.1 * JOINTS, JOINTS, scaled=False)
    assert np.allclose(scale, 1.0)
    left = 1.1 * JOINTS @ np.swapaxes(rotation, -1, -2) + shift[:, None] - JOINTS
    assert np.linalg.norm(left, axis=-1).mean() > 0.05


def test_mpjpe_of_a_shift_is_its_length():
    assert np.allclose(mpjpe(JOINTS + np.array([0.03, 0.0, 0.04]), JOINTS), 0.05)
