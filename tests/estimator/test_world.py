"""The world that gravity and standing feet give: conventions, robustness, degenerate cameras."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from estimator.ground import Ground, ground_below
from estimator.world import world_from_ground

from .stepping import Array, T, camera_at, moved, seen_by, stepping


def world_from_gravity(down: Array, root: Array, feet: Array, still: Array, trust: Array) -> Array:
    return world_from_ground(ground_below(-down, feet, still, trust), root, trust)


def test_heights_are_counted_from_the_ground() -> None:
    ground = Ground(np.array([0.0, -1.0, 0.0]), -1.5)
    np.testing.assert_allclose(ground.heights(np.array([[3.0, 1.5, 2.0], [0.0, 1.0, 9.0]])), [0.0, 0.5])


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
    tilted = np.array(down) * np.cos(np.radians(1.5)) + [0.0, np.sin(np.radians(1.5)), 0.0]
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
