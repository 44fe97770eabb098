"""Resampling keeps time, values and masks."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from estimator import resample
from estimator.chunks import chunks
from estimator.resample import (
    frame_positions,
    frames_around,
    hemisphere_continuous,
    resample_curve,
    resample_line,
    resample_points,
    resample_rotations,
    resampled_length,
)

Array = NDArray[np.float64]
CLIP_RATES = [12.0, 15.0, 23.976, 24.0, 25.0, 29.97, 30.0, 48.0, 50.0, 59.94, 60.0, 120.0, 240.0]
NETWORK = 30.0


def smooth_path(times: Array) -> Array:
    """(T, 3) metres: a walk's speeds and frequencies."""
    return np.stack(
        [
            1.3 * times + 0.05 * np.sin(4.0 * np.pi * times),
            0.3 * np.sin(2.0 * np.pi * times),
            0.04 * np.cos(4.0 * np.pi * times + 0.3),
        ],
        axis=-1,
    )


def smooth_quaternions(times: Array) -> Array:
    """(T, 3, 4), w first, all in the hemisphere of the frame before."""
    angles = np.stack([2.5 * times, 0.8 * np.sin(6.0 * times), 0.1 * np.cos(9.0 * times)], axis=-1)
    joints = [Rotation.from_euler("xyz", angles[:, order]) for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1])]
    return hemisphere_continuous(np.stack([joint.as_quat()[:, [3, 0, 1, 2]] for joint in joints], axis=1))


def angles_between(a: Array, b: Array) -> Array:
    """Radians."""
    return np.asarray(2.0 * np.arccos(np.clip(np.abs((a * b).sum(axis=-1)), 0.0, 1.0)))


def points_at_rate(
    values: Array, confidence: Array, fps: float, to: float, frames: int
) -> tuple[Array, Array]:
    """``resample_points`` at evenly spaced moments."""
    return resample_points(values, confidence, frame_positions(len(values), fps, to, frames), fps / to)


@pytest.mark.parametrize("fps", CLIP_RATES)
@pytest.mark.parametrize("frames", [1, 2, 7, 100, 101])
def test_round_trip_returns_every_frame_without_extrapolating(fps: float, frames: int) -> None:
    inside = resampled_length(frames, fps, NETWORK)
    there = frame_positions(frames, fps, NETWORK, inside)
    assert there[0] == 0.0
    assert there[-1] == frames - 1
    back = frame_positions(inside, NETWORK, fps, frames)
    np.testing.assert_allclose(back / NETWORK, np.arange(frames) / fps, rtol=0, atol=1e-9)


@pytest.mark.parametrize("fps", CLIP_RATES)
def test_time_does_not_drift_over_an_hour(fps: float) -> None:
    frames = 100_000
    inside = resampled_length(frames, fps, NETWORK)
    times = np.arange(frames) / fps
    moved = resample_line(times, fps, NETWORK, inside)
    back = resample_line(moved, NETWORK, fps, frames)
    last = -math.ceil(fps / NETWORK) - 1  # the last frames see the held one
    np.testing.assert_allclose(moved[:-1], np.arange(inside - 1) / NETWORK, rtol=0, atol=1e-6)
    np.testing.assert_allclose(back[:last], times[:last], rtol=0, atol=1e-6)


@pytest.mark.parametrize("fps", [15.0, 23.976, 24.0, 25.0, 60.0, 120.0])
def test_a_smooth_path_survives_the_round_trip(fps: float) -> None:
    path = smooth_path(np.arange(round(8 * fps)) / fps)
    inside = resampled_length(len(path), fps, NETWORK)
    back = resample_curve(resample_curve(path, fps, NETWORK, inside), NETWORK, fps, len(path))
    assert back.shape == path.shape
    half_second = round(fps / 2)  # at the ends the last frame is held and the spline is free; metres
    assert np.abs(back - path)[half_second:-half_second].max() < 1e-4
    assert np.abs(back - path).max() < 0.02


@pytest.mark.parametrize("fps", [23.976, 24.0, 25.0, 60.0, 120.0])
def test_rotations_survive_the_round_trip(fps: float) -> None:
    rotations = smooth_quaternions(np.arange(round(8 * fps)) / fps)
    inside = resampled_length(len(rotations), fps, NETWORK)
    there = resample_rotations(rotations, fps, NETWORK, inside)
    back = resample_rotations(there, NETWORK, fps, len(rotations))
    np.testing.assert_allclose(np.linalg.norm(there, axis=-1), 1.0, rtol=0, atol=1e-12)
    half_second = round(fps / 2)
    assert np.degrees(angles_between(back, rotations)[half_second:-half_second]).max() < 0.01
    assert np.degrees(angles_between(back, rotations)).max() < 3.0
    assert ((there[1:] * there[:-1]).sum(axis=-1) > 0).all()


def test_constant_turning_speed_is_kept_whatever_the_signs() -> None:
    frames = 50
    half = 0.5 * 0.3 * np.arange(frames)
    turning = np.stack([np.cos(half), np.sin(half), 0 * half, 0 * half], axis=-1)[:, None]
    turning[::3] *= -1.0
    out = resample_rotations(turning, 25.0, 30.0, 59)
    half_out = 0.5 * 0.3 * np.arange(59) * 25.0 / 30.0
    expected = np.stack([np.cos(half_out), np.sin(half_out), 0 * half_out, 0 * half_out], axis=-1)[:, None]
    assert np.degrees(angles_between(out[2:-2], expected[2:-2])).max() < 0.05


def test_equal_rates_change_no_bit() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(50, 26, 2)) * 500.0
    confidence = rng.random((50, 26))
    missing = rng.random((50, 26)) < 0.3
    points[missing] = np.nan
    confidence[missing] = 0.0
    for fps in (30.0, 23.976, 29.97, 1000.0 / 33.0):
        same, same_confidence = points_at_rate(points, confidence, fps, fps, 50)
        np.testing.assert_array_equal(same, points)
        np.testing.assert_array_equal(same_confidence, confidence)
        quaternions = smooth_quaternions(np.arange(50) / fps)
        assert resample_rotations(quaternions, fps, fps, 50).tobytes() == quaternions.tobytes()
        assert resample_curve(points[:, 0], fps, fps, 50).tobytes() == points[:, 0].tobytes()
        assert resample_line(confidence, fps, fps, 50).tobytes() == confidence.tobytes()


@pytest.mark.parametrize("fps", [25.0, 60.0])
def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch, fps: float) -> None:
    times = np.arange(150) / fps
    path, rotations = smooth_path(times), smooth_quaternions(times)
    inside = resampled_length(len(times), fps, NETWORK)

    def resampled() -> list[Array]:
        return [
            resample_curve(path, fps, NETWORK, inside),
            resample_rotations(rotations, fps, NETWORK, inside),
        ]

    whole = resampled()
    monkeypatch.setattr(resample, "chunks", lambda frames: chunks(frames, 7))
    for one, other in zip(whole, resampled(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("fps", [15.0, 25.0, 30.0, 59.94, 120.0])
def test_frames_around_moments_are_all_that_points_need(fps: float) -> None:
    rng = np.random.default_rng(0)
    values, confidence = rng.normal(size=(90, 4, 2)), rng.random((90, 4))
    missing = rng.random((90, 4)) < 0.2
    values[missing], confidence[missing] = np.nan, 0.0
    position, stride = frame_positions(90, fps, NETWORK, resampled_length(90, fps, NETWORK)), fps / NETWORK
    whole = resample_points(values, confidence, position, stride)
    for chunk in chunks(len(position), 7):
        source = frames_around(position[chunk], stride, 90)
        inside = position[chunk] - source.start
        part = resample_points(values[source], confidence[source], inside, stride)
        for one, other in zip(whole, part, strict=True):
            np.testing.assert_allclose(one[chunk], other, rtol=0, atol=1e-9)


def test_points_between_two_frames_need_both() -> None:
    values = np.arange(12.0).reshape(6, 1, 2)
    confidence = np.array([0.9, 0.5, 0.0, 0.7, 0.8, 1.0])[:, None]
    values[2] = np.nan
    out, out_confidence = points_at_rate(values, confidence, 15.0, 30.0, 11)
    np.testing.assert_allclose(out_confidence[:, 0], [0.9, 0.5, 0.5, 0, 0, 0, 0.7, 0.7, 0.8, 0.8, 1.0])
    np.testing.assert_array_equal(np.isnan(out[:, 0, 0]), out_confidence[:, 0] == 0)
    np.testing.assert_allclose(out[:3, 0, 0], [0.0, 1.0, 2.0])
    np.testing.assert_allclose(out[6:, 0, 1], [7.0, 8.0, 9.0, 10.0, 11.0])


@pytest.mark.parametrize("fps", CLIP_RATES)
def test_points_in_steady_motion_stay_on_their_line_also_beside_gaps(fps: float) -> None:
    frames = round(4 * fps)
    times = np.arange(frames) / fps
    values = np.stack([3.0 * times, 7.0 - times], axis=-1)[:, None].repeat(3, axis=1)
    confidence = np.ones((frames, 3))
    confidence[frames // 3 : frames // 2, 1] = 0.0
    confidence[:3, 2] = 0.0
    values[confidence == 0] = np.nan
    inside = resampled_length(frames, fps, NETWORK)
    out, out_confidence = points_at_rate(values, confidence, fps, NETWORK, inside)
    exact = np.minimum(np.arange(inside) / NETWORK, times[-1])
    expected = np.stack([3.0 * exact, 7.0 - exact], axis=-1)[:, None].repeat(3, axis=1)
    np.testing.assert_allclose(
        out, np.where(out_confidence[..., None] > 0, expected, np.nan), rtol=0, atol=1e-9
    )
    assert (out_confidence[:, 0] == 1.0).all()
    gap = (out_confidence[:, 1] == 0).sum() / NETWORK
    assert abs(gap - (frames // 2 - frames // 3) / fps) < 1.0 / fps + 1.0 / NETWORK


def test_noise_shrinks_on_the_way_down_and_motion_does_not() -> None:
    rng = np.random.default_rng(1)
    times = np.arange(1200) / 120.0
    path = smooth_path(times)[:, None]
    noise = rng.normal(scale=0.01, size=path.shape)
    everywhere = np.ones((1200, 1))
    clean, _ = points_at_rate(path, everywhere, 120.0, NETWORK, 300)
    noisy, _ = points_at_rate(path + noise, everywhere, 120.0, NETWORK, 300)
    assert np.std(noisy - clean) < 0.6 * 0.01  # every fourth frame alone would keep all of it
    assert np.abs(clean - smooth_path(np.arange(300) / NETWORK)[:, None]).max() < 0.004


def test_probabilities_stay_probabilities() -> None:
    still = (np.random.default_rng(2).random((60, 4)) > 0.5).astype(float)
    out = resample_line(still, 24.0, 30.0, resampled_length(60, 24.0, 30.0))
    assert out.min() == 0.0
    assert out.max() == 1.0


def test_hemispheres_are_continuous_and_rotations_the_same() -> None:
    rng = np.random.default_rng(3)
    smooth = smooth_quaternions(np.arange(300) / 30.0)
    flipped = smooth * np.where(rng.random((300, 3, 1)) < 0.5, -1.0, 1.0)
    flipped[0] = smooth[0]
    np.testing.assert_array_equal(hemisphere_continuous(flipped), smooth)
