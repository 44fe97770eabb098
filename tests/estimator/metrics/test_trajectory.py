"""Known answers of errors of the way through the world."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from estimator.metrics import depth_error, drift, root_error, w_mpjpe, wa_mpjpe

RANDOM = np.random.default_rng(5)
BODY = RANDOM.normal(scale=0.4, size=(1, 14, 3))
WAY = np.linspace([0.0, 0.0, 0.0], [10.0, 0.0, 0.0], 201)
WALK = BODY + WAY[:, None] + RANDOM.normal(scale=0.02, size=(201, 14, 3))
TURN = Rotation.random(random_state=2).as_matrix()


def test_a_copy_elsewhere_in_the_world_has_no_error():
    copy = WALK @ TURN.T + [3.0, -2.0, 1.0]
    for measure in (w_mpjpe, wa_mpjpe):
        assert measure(copy, WALK).max() < 1e-9
        assert measure(copy, WALK, scaled=False).max() < 1e-9
        assert measure(1.3 * copy, WALK).max() < 1e-9
        assert measure(1.3 * copy, WALK, scaled=False).mean() > 0.1
        assert measure(copy * [1.0, 1.0, -1.0], WALK).mean() > 0.1
    assert root_error(copy[:, 0], WALK[:, 0]).metres < 1e-9


def test_a_drift_of_one_metre_over_a_path_of_ten():
    # 11 m instead of 10: laid middle on middle the ends are half a metre off, on average a quarter.
    error = root_error(1.1 * WAY, WAY)
    assert error.path == pytest.approx(10.0)
    assert error.metres == pytest.approx(0.25, rel=0.01)
    assert error.percent == pytest.approx(2.5, rel=0.01)


def test_a_short_path_has_no_error_in_per_cent():
    assert root_error(WAY[:10] + 0.1, WAY[:10]).percent is None


def test_w_mpjpe_grows_with_the_drift_and_starts_anew_in_each_chunk():
    walk = BODY + WAY[:, None]
    too_fast = BODY + 1.1 * WAY[:, None]
    error = w_mpjpe(too_fast, walk, scaled=False)
    assert len(error) == 201
    # 5 cm a frame, a tenth of it too much; both frames of the start are averaged.
    assert error[99] == pytest.approx(0.1 * 0.05 * 98.5, rel=0.02)
    assert error[100] < 0.01 and error[50] < error[99]
    # The frame left over belongs to the second chunk.
    assert error[200] == pytest.approx(0.1 * 0.05 * 99.5, rel=0.02)
    assert wa_mpjpe(too_fast, walk, scaled=False).mean() < 0.6 * error.mean()


def test_short_clips_are_one_chunk():
    assert len(w_mpjpe(WALK[:40], WALK[:40])) == 40
    assert w_mpjpe(1.1 * WALK[:40], WALK[:40]).max() < 1e-9


def test_too_far_by_a_tenth_along_the_ray():
    truth = np.array([[0.0, 0.0, 5.0], [3.0, 0.0, 4.0]])
    assert np.allclose(depth_error(1.1 * truth, truth), 0.5)
    assert np.allclose(depth_error(0.9 * truth, truth), -0.5)
    assert np.allclose(depth_error(truth + np.array([[0.2, 0.1, 0.0], [0.0, 0.3, 0.0]]), truth), 0.0)


def test_drift_is_what_is_left_at_the_end():
    walk = BODY + WAY[:, None]
    aside = np.clip((np.arange(201) - 30) / 100, 0.0, 1.0)[:, None, None] * [0.0, 0.6, 0.8]
    assert drift((walk + aside) @ TURN.T, walk) == pytest.approx(1.0)
    assert drift(walk @ TURN.T + 4.0, walk) < 1e-9
