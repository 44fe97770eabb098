"""The world that gravity and standing feet give: conventions, robustness, degenerate cameras."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from estimator.world import average_gravity, level_gravity, world_from_gravity

Array = NDArray[np.float64]
STEPS = 14
FRAMES_STANDING = 15
T = STEPS * FRAMES_STANDING


def stepping(forward: tuple[float, float], stride: float) -> tuple[Array, Array, Array]:
    """Feet put down along a line on the ground z = 0, one after the other, in a world with Z up.

    Returns:
        Hips (T, 3), contact points (T, 4, 3) and still (T, 4); the foot that doesn't stand is in the air.
    """
    ahead = np.array([*forward, 0.0]) / math.hypot(*forward)
    left = np.array([-ahead[1], ahead[0], 0.0])
    still = np.zeros((T, 4))
    points = np.zeros((T, 4, 3))
    hips = np.linspace(0, STEPS * stride, T)[:, None] * ahead + [0.0, 0.0, 0.93]
    for step in range(STEPS):
        rows = slice(step * FRAMES_STANDING, (step + 1) * FRAMES_STANDING)
        side, other = ([0, 1], [2, 3]) if step % 2 else ([2, 3], [0, 1])
        place = (step + 0.5) * stride * ahead + (0.1 if step % 2 else -0.1) * left
        points[rows, side[0]] = place - 0.08 * ahead
        points[rows, side[1]] = place + 0.12 * ahead
        points[rows, other] = points[rows, side] + [0.0, 0.0, 0.12]
        still[rows, side] = 0.95
        still[rows, other] = 0.1
    return hips, points, still


def camera_at(position: tuple[float, float, float], pitch: float, yaw: float, roll: float) -> Array:
    """(4, 4) world_from_camera; degrees; pitch is negative for looking down, yaw 0 looks along +Y."""
    level = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    turned = Rotation.from_euler("ZXY", [yaw, pitch, roll], degrees=True).as_matrix() @ level
    camera = np.eye(4)
    camera[:3, :3] = turned
    camera[:3, 3] = position
    return camera


def seen_by(camera: Array, points: Array) -> Array:
    return np.asarray((points - camera[:3, 3]) @ camera[:3, :3])


def moved(transform: Array, points: Array) -> Array:
    return np.asarray(points @ transform[:3, :3].T + transform[:3, 3])


def degrees_between(a: Array, b: Array) -> float:
    return math.degrees(2.0 * math.asin(min(1.0, float(np.linalg.norm(a - b)) / 2.0)))


@pytest.mark.parametrize("pitch", [-89.0, -60.0, -10.0, 0.0, 5.0, 70.0])
@pytest.mark.parametrize("roll", [0.0, 7.0, -90.0, 180.0])
def test_the_world_is_recovered_up_to_its_heading_and_origin(pitch: float, roll: float) -> None:
    hips, points, still = stepping((0.3, 1.0), 0.6)
    camera = camera_at((2.0, -5.0, 1.4), pitch, 25.0, roll)
    world = world_from_gravity(
        -camera[2, :3], seen_by(camera, hips), seen_by(camera, points), still, np.ones(T)
    )
    np.testing.assert_allclose(world[:3, :3] @ world[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(world[:3, :3]) == pytest.approx(1.0)
    np.testing.assert_allclose(world[3], [0.0, 0.0, 0.0, 1.0])
    view = world[:3, 2]
    assert view[0] == pytest.approx(0.0, abs=1e-12)
    assert view[1] > 0
    hips_world = moved(world, seen_by(camera, hips))
    np.testing.assert_allclose(hips_world[0], [0.0, 0.0, 0.93], atol=1e-9)
    np.testing.assert_allclose(hips_world[:, 2], hips[:, 2], atol=1e-9)
    np.testing.assert_allclose(moved(world, seen_by(camera, points))[still > 0.5][:, 2], 0.0, atol=1e-9)


@pytest.mark.parametrize(("down", "picture_y"), [((0.0, 0.0, 1.0), -1.0), ((0.0, 0.0, -1.0), 1.0)])
def test_a_vertical_view_takes_its_heading_from_the_picture(
    down: tuple[float, float, float], picture_y: float
) -> None:
    hips, points, still = stepping((1.0, 0.0), 0.6)
    world = world_from_gravity(np.array(down), hips, points, still, np.ones(T))
    np.testing.assert_allclose(world[:3, :3] @ [0.0, picture_y, 0.0], [0.0, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(world[:3, :3] @ down, [0.0, 0.0, -1.0], atol=1e-12)
    assert np.linalg.det(world[:3, :3]) == pytest.approx(1.0)
    # The rule for vertical views continues the one for tilted views.
    tilted = np.array(down) * math.cos(math.radians(1.5)) + [0.0, math.sin(math.radians(1.5)), 0.0]
    nearly = world_from_gravity(tilted, hips, points, still, np.ones(T))
    assert np.degrees(Rotation.from_matrix(world[:3, :3].T @ nearly[:3, :3]).magnitude()) < 2.0


def test_the_origin_lies_below_the_first_confident_hips() -> None:
    hips, points, still = stepping((1.0, 0.0), 0.6)
    camera = camera_at((1.0, -4.0, 1.2), -8.0, 0.0, 0.0)
    confidence = np.full(T, 0.9)
    confidence[:40] = 0.1
    world = world_from_gravity(
        -camera[2, :3], seen_by(camera, hips), seen_by(camera, points), still, confidence
    )
    np.testing.assert_allclose(moved(world, seen_by(camera, hips[40])), [0.0, 0.0, 0.93], atol=1e-9)


def test_the_ground_is_where_feet_stand_in_spite_of_noise_and_of_feet_elsewhere() -> None:
    rng = np.random.default_rng(0)
    hips, points, still = stepping((1.0, 0.2), 0.5)
    points += rng.normal(scale=0.025, size=points.shape)
    points[-60:, :, 2] += 0.45  # on a bench for a good quarter of the time
    points[::37, :, 2] -= 0.8  # a pose gone wrong
    camera = camera_at((1.0, -4.0, 1.2), -8.0, 0.0, 3.0)
    world = world_from_gravity(
        -camera[2, :3], seen_by(camera, hips), seen_by(camera, points), still, np.ones(T)
    )
    ground = moved(world, seen_by(camera, np.array([2.0, 0.4, 0.0])))[2]
    assert abs(ground) < 0.01


def test_without_standing_feet_the_lowest_feet_are_near_the_ground() -> None:
    hips, points, _ = stepping((1.0, 0.0), 0.6)
    camera = camera_at((1.0, -4.0, 1.2), -8.0, 0.0, 0.0)
    world = world_from_gravity(
        -camera[2, :3], seen_by(camera, hips), seen_by(camera, points), np.zeros((T, 4)), np.ones(T)
    )
    assert abs(moved(world, seen_by(camera, hips))[0, 2] - 0.93) < 0.07


def test_gravity_survives_a_third_of_frames_that_are_wrong() -> None:
    rng = np.random.default_rng(1)
    truth = np.array([0.05, 0.99, 0.13])
    truth /= np.linalg.norm(truth)
    down = truth + rng.normal(scale=0.08, size=(600, 3))
    down[200:400] = [0.0, 0.3, 0.9]
    down *= rng.uniform(0.5, 3.0, size=(600, 1))
    down[77] = 0.0
    average = average_gravity(down)
    assert np.linalg.norm(average) == pytest.approx(1.0)
    assert degrees_between(average, truth) < 3.0
    plain = down.mean(axis=0)
    assert degrees_between(plain / np.linalg.norm(plain), truth) > 10.0


def test_gravity_follows_confidence() -> None:
    down = np.array([[0.0, 3.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    assert degrees_between(average_gravity(down), np.array([0.0, 1.0, 0.0])) < 0.5


def test_gravity_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="cancel"):
        average_gravity(np.zeros((5, 3)))


@pytest.mark.parametrize("tilt", [2.0, 5.0, 9.0])
@pytest.mark.parametrize("about", [0.0, 50.0, 90.0, 200.0])
def test_walking_levels_gravity_along_the_walk(tilt: float, about: float) -> None:
    rng = np.random.default_rng(round(tilt + about))
    _, points, still = stepping((0.6, 0.8), 0.5)
    wobble = gaussian_filter1d(rng.standard_normal(points.shape), 8.0, axis=0)
    feet = points + 0.03 * wobble / wobble.std()
    axis = np.array([math.cos(math.radians(about)), math.sin(math.radians(about)), 0.0])
    tilted = Rotation.from_rotvec(axis * math.radians(tilt)).apply([0.0, 0.0, -1.0])
    down = level_gravity(tilted, feet, still, np.ones(T))
    along = np.array([0.6, 0.8, 0.0])
    assert math.degrees(math.asin(abs(float(down @ along)))) < 1.0
    assert degrees_between(down, np.array([0.0, 0.0, -1.0])) < tilt + 0.5
    assert np.ptp(points[still > 0.5] @ -down) < 0.07


def test_standing_in_one_place_changes_gravity_little() -> None:
    rng = np.random.default_rng(2)
    _, points, still = stepping((0.0, 1.0), 0.0)
    tilted = Rotation.from_euler("x", 4.0, degrees=True).apply([0.0, 0.0, -1.0])
    wobble = gaussian_filter1d(rng.standard_normal(points.shape), 8.0, axis=0)
    down = level_gravity(tilted, points + 0.03 * wobble / wobble.std(), still, np.ones(T))
    assert degrees_between(down, tilted) < 3.0


def test_stairs_platforms_and_flights_do_not_become_the_ground() -> None:
    down = np.array([0.0, 0.0, -1.0])
    _, points, still = stepping((1.0, 0.0), 0.4)
    stairs = points.copy()
    stairs[..., 2] += 0.17 * (np.arange(T) // FRAMES_STANDING)[:, None]
    np.testing.assert_array_equal(level_gravity(down, stairs, still, np.ones(T)), down)
    platform = points.copy()
    platform[T // 2 :, :, 2] += 0.45
    np.testing.assert_array_equal(level_gravity(down, platform, still, np.ones(T)), down)
    np.testing.assert_array_equal(level_gravity(down, points, np.zeros((T, 4)), np.ones(T)), down)
    bench = points.copy()
    bench[-20:, 2:, 2] += 0.45
    assert degrees_between(level_gravity(down, bench, still, np.ones(T)), down) < 1.0
