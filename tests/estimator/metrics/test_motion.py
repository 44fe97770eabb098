"""Known answers of what feet, speed and jitter are measured by."""

import numpy as np
import pytest

from estimator.metrics import (
    ContactCounts,
    acceleration_error,
    contact_counts,
    contact_sliding,
    foot_sliding,
    gravity_error,
    jitter,
    peak_speed,
    penetration,
    reprojection_percent,
    standing_height_error,
)

RANDOM = np.random.default_rng(7)
TIME = np.arange(120)[:, None, None] / 30.0
SWING = np.concatenate([np.sin(3 * TIME), np.cos(2 * TIME), 0 * TIME], axis=-1)


def test_feet_that_rest_in_truth_and_slide_in_the_answer():
    truth = np.zeros((41, 2, 3))
    truth[20:, 1, 0] = 0.05 * np.arange(1, 22)  # the second foot walks off
    answer = truth + np.arange(41)[:, None, None] * [0.003, 0.004, 0.0]
    assert foot_sliding(truth, truth) == 0.0
    assert foot_sliding(answer, truth) == pytest.approx(0.005)
    assert np.isnan(foot_sliding(answer, np.arange(41)[:, None, None] * [[[0.1, 0.0, 0.0]]]))


def test_contacts_that_are_claimed_but_not_kept():
    points = np.arange(11)[:, None, None] * np.array([[[0.01, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    assert contact_sliding(points, np.ones((11, 2))) == pytest.approx(0.005)
    assert contact_sliding(points, np.array([[0.1, 0.9]] * 11)) == 0.0
    assert np.isnan(contact_sliding(points, np.zeros((11, 2))))


def test_the_lowest_foot_counts_and_height_over_the_ground_does_not():
    feet = np.array([[[0, 0, 0.1], [0, 0, -0.04]], [[0, 0, 0.5], [0, 0, 0.2]]])
    assert penetration(feet) == pytest.approx(0.02)
    assert penetration(feet + np.array([0.0, 0.0, 0.1])) == 0.0


def test_height_is_compared_where_the_truth_stands():
    truth = np.zeros((4, 1, 3))
    answer = truth + np.array([0.0, 0.0, 0.03])
    answer[3, 0, 2] = 5.0
    still = np.array([[True], [True], [True], [False]])
    assert standing_height_error(answer, truth, still) == pytest.approx(0.03)
    assert np.isnan(standing_height_error(answer, truth, ~still & False))
    held_up = truth + np.array([0.0, 0.0, 0.2])
    assert np.isnan(standing_height_error(answer, held_up, still)), "a foot held still stands on no ground"


def test_contacts_are_right_wrong_or_missed():
    still = np.array([[True, True, False, False]])
    assert contact_counts(np.array([[0.9, 0.1, 0.8, 0.2]]), still) == ContactCounts(1, 1, 1)
    assert contact_counts(still.astype(float), still) == ContactCounts(2, 0, 0)
    assert contact_counts(np.zeros((1, 4)), still & False) == ContactCounts(0, 0, 0)


def test_jitter_of_a_cubic_is_its_third_derivative():
    cubic = np.concatenate([TIME**3, 0 * TIME, 0 * TIME], axis=-1)
    assert jitter(cubic, 30.0) == pytest.approx(6.0)
    assert jitter(0.5 * TIME**2 * np.ones(3), 30.0) < 1e-6


def test_smoothing_lowers_and_noise_raises_jitter():
    smooth = 0.5 * SWING
    noisy = SWING + RANDOM.normal(scale=0.002, size=SWING.shape)
    assert jitter(smooth, 30.0) / jitter(SWING, 30.0) == pytest.approx(0.5)
    assert jitter(noisy, 30.0) / jitter(SWING, 30.0) > 3.0


def test_peak_speed_is_in_metres_a_second_and_ignores_one_jump():
    steady = np.arange(301)[:, None, None] * np.array([[[0.1, 0.0, 0.0]]])
    assert peak_speed(steady, 30.0) == pytest.approx(3.0)
    jumping = steady.copy()
    jumping[100:] += 2.0
    assert peak_speed(jumping, 30.0) == pytest.approx(3.0)
    assert peak_speed(0.8 * SWING, 30.0) / peak_speed(SWING, 30.0) == pytest.approx(0.8)


def test_acceleration_error_forgives_uniform_motion():
    moving = SWING + TIME * [0.5, 0.0, 0.0] + 2.0
    assert acceleration_error(moving, SWING) < 1e-12
    falling = SWING + np.arange(120)[:, None, None] ** 2 * np.array([0.0, 0.0, 0.002])
    assert acceleration_error(falling, SWING) == pytest.approx(0.004)
    assert np.isnan(acceleration_error(SWING[:2], SWING[:2]))


def test_reprojection_is_in_per_cent_of_the_height_there():
    truth = RANDOM.uniform(100, 900, size=(3, 5, 2))
    height = np.array([100.0, 200.0, 400.0])
    off = truth + np.array([6.0, 8.0])
    assert np.allclose(reprojection_percent(off, truth, height), [10.0, 5.0, 2.5])
    off[1] = np.nan
    off[2, 0] = np.nan
    percent = reprojection_percent(off, truth, height)
    assert np.isnan(percent[1]) and percent[2] == pytest.approx(2.5)


def test_gravity_error_is_the_angle():
    down = np.array([0.0, 1.0, 0.0])
    assert gravity_error(5.0 * down, down) == pytest.approx(0.0, abs=1e-9)
    assert gravity_error(np.array([0.0, 0.0, 2.0]), down) == pytest.approx(90.0)
    assert gravity_error(np.array([0.0, 1.0, np.tan(np.radians(1e-4))]), down) == pytest.approx(1e-4)
