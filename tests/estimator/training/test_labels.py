"""Still points and the height of the floor, on feet whose truth is known."""

import numpy as np
import pytest

from estimator.training.labels import ground_height, still_points


def _steps(fps: float, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Points (T, 4, 3) that stand 0.5 s, then move on at 1 m/s for 0.4 s; and the time in that cycle."""
    time = np.arange(int(3.6 * fps)) / fps
    phase = time % 0.9
    x = 0.4 * (time // 0.9) + np.clip(phase - 0.5, 0.0, 0.4)
    lift = 0.1 * np.sin(np.clip((phase - 0.5) / 0.4, 0.0, 1.0) * np.pi)
    points = np.stack([x, np.zeros_like(x), 0.03 + lift], axis=-1)[:, None]
    points = np.repeat(points, 4, axis=1)
    return points + np.random.default_rng(1).normal(0.0, noise, points.shape), phase


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0, 120.0])
def test_still_points_are_found_at_any_rate(fps: float) -> None:
    points, phase = _steps(fps, noise=0.0003)
    still = still_points(points, fps)
    # A label may be up to two frames of the slowest rate early or late.
    assert still[(phase > 0.08) & (phase < 0.42)].all()
    assert not still[(phase > 0.58) & (phase < 0.82)].any()


def test_a_point_may_be_still_at_any_height_but_may_not_drift() -> None:
    high = np.full((60, 4, 3), 1.5)
    assert still_points(high, 30.0).all()
    drifting = high + np.arange(60)[:, None, None] / 30.0 * np.array([0.2, 0.0, 0.0])
    assert not still_points(drifting, 30.0).any()


@pytest.mark.parametrize("floor", [-0.2, 0.0, 0.35])
def test_the_floor_is_where_the_points_stand(floor: float) -> None:
    points, _ = _steps(60.0, noise=0.001)
    height = ground_height(points + np.array([0.0, 0.0, floor - 0.03]), still_points(points, 60.0), 60.0)
    assert height == pytest.approx(floor, abs=0.005)


def test_who_never_stands_shows_no_floor() -> None:
    flying = np.cumsum(np.full((60, 4, 3), 0.1), axis=0)
    assert ground_height(flying, still_points(flying, 60.0), 60.0) is None
