"""Which way is down: robust averages, upright and balanced bodies, level ground."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from estimator.gravity import average_gravity, level_gravity, upright_gravity, uprightness
from estimator.keypoint_set import KEYPOINT_INDEX, K
from estimator.skeleton import MEAN_LENGTHS

from .stepping import FRAMES_STANDING, Array, T, degrees_between, stepping

DOWN = np.array([0.0, 1.0, 0.0])
"""In the axes of a level camera."""


def standing_body(frames: int = 90) -> tuple[Array, Array, Array]:
    """An upright person who sways and swings the arms before a level camera.

    Returns:
        Keypoints (T, 26, 3) and contact points (T, 4, 3) from Hips, and still (T, 4).
    """
    heights = {
        "ear": 0.72,
        "shoulder": 0.5,
        "elbow": 0.25,
        "wrist": 0.0,
        "hip": 0.0,
        "knee": -0.45,
        "ankle": -0.85,
    }
    keypoints = np.zeros((frames, K, 3))
    for part, height in heights.items():
        for side, sign in (("left", 1.0), ("right", -1.0)):
            keypoints[:, KEYPOINT_INDEX[f"{side}_{part}"]] = [0.12 * sign, -height, 0.0]
    keypoints[:, KEYPOINT_INDEX["neck"]] = [0.0, -0.5, 0.0]
    swing = 0.3 * np.sin(np.arange(frames) / 8.0)
    keypoints[:, KEYPOINT_INDEX["left_wrist"], 2] += swing
    keypoints[:, KEYPOINT_INDEX["right_wrist"], 2] -= swing
    feet = np.array([[0.12, 0.93, 0.08], [0.12, 0.93, -0.12], [-0.12, 0.93, 0.08], [-0.12, 0.93, -0.12]])
    return keypoints, np.tile(feet, (frames, 1, 1)), np.full((frames, 4), 0.9)


def leaning(points: Array, degrees: float, axis: str = "x") -> Array:
    return np.asarray(points @ Rotation.from_euler(axis, degrees, degrees=True).as_matrix().T)


def test_an_upright_body_and_a_right_network_agree() -> None:
    keypoints, feet, still = standing_body()
    found = upright_gravity(DOWN, keypoints, feet, still, np.ones(len(still)))
    assert degrees_between(found, DOWN) < 1.5


@pytest.mark.parametrize("tilt", [-22.0, -10.0, 10.0, 22.0])
def test_the_body_corrects_a_network_that_takes_the_camera_for_level(tilt: float) -> None:
    keypoints, feet, still = standing_body()
    true = leaning(DOWN, tilt)
    found = upright_gravity(DOWN, leaning(keypoints, tilt), leaning(feet, tilt), still, np.ones(len(still)))
    assert degrees_between(found, true) < 0.35 * abs(tilt)


def test_a_bent_trunk_over_standing_feet_says_little() -> None:
    keypoints, feet, still = standing_body()
    bent = keypoints.copy()
    above = [
        KEYPOINT_INDEX[n]
        for n in ("neck", *(f"{s}_{p}" for s in ("left", "right") for p in ("ear", "shoulder")))
    ]
    bent[:, above] = leaning(keypoints[:, above], 60.0)
    # Who bends keeps the balance: the hips go back as far as the head goes forward.
    bent[..., 2] += 0.15
    feet_there = feet.copy()
    assert degrees_between(upright_gravity(DOWN, bent, feet_there, still, np.ones(len(still))), DOWN) < 12.0


def test_frames_on_which_somebody_sits_say_little() -> None:
    keypoints, feet, _ = standing_body()
    standing = uprightness(keypoints, feet, MEAN_LENGTHS)
    assert (standing > 0.9).all()
    seated = feet + np.array([0.0, -0.45, -0.3])
    assert (uprightness(keypoints, seated, MEAN_LENGTHS) < 0.5 * standing).all()
    turned = uprightness(leaning(keypoints, 40.0), leaning(feet, 40.0), MEAN_LENGTHS)
    np.testing.assert_allclose(turned, standing)


def test_a_lying_person_does_not_turn_the_world() -> None:
    keypoints, feet, still = standing_body()
    lying = upright_gravity(
        DOWN, leaning(keypoints, 85.0, "z"), leaning(feet, 85.0, "z"), still, np.ones(len(still))
    )
    assert degrees_between(lying, DOWN) < 5.0


def test_turning_the_scene_about_the_view_turns_gravity() -> None:
    rng = np.random.default_rng(3)
    keypoints, feet, still = standing_body()
    keypoints = keypoints + 0.05 * rng.standard_normal(keypoints.shape)
    down = leaning(DOWN, 8.0)
    one = upright_gravity(down, keypoints, feet, still, np.ones(len(still)))
    two = upright_gravity(
        leaning(down, 30.0, "z"),
        leaning(keypoints, 30.0, "z"),
        leaning(feet, 30.0, "z"),
        still,
        np.ones(len(still)),
    )
    np.testing.assert_allclose(leaning(one, 30.0, "z"), two, atol=1e-9)


def test_without_a_body_the_network_decides() -> None:
    nothing = np.zeros((5, K, 3))
    found = upright_gravity(leaning(DOWN, 5.0), nothing, np.zeros((5, 4, 3)), np.zeros((5, 4)), np.ones(5))
    np.testing.assert_allclose(found, leaning(DOWN, 5.0), atol=1e-9)


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


@pytest.mark.parametrize("tilt", [2.0, 5.0, 9.0, 11.0])
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
    assert degrees_between(down, np.array([0.0, 0.0, -1.0])) < tilt + 0.8
    assert np.ptp(points[still > 0.5] @ -down) < 0.07


def test_runners_whose_feet_never_stand_level_gravity_by_their_steps() -> None:
    _, points, _ = stepping((0.6, 0.8), 1.0)
    tilted = Rotation.from_rotvec(np.array([0.8, -0.6, 0.0]) * math.radians(6.0)).apply([0.0, 0.0, -1.0])
    down = level_gravity(tilted, points, np.zeros((T, 4)), np.ones(T))
    assert degrees_between(down, np.array([0.0, 0.0, -1.0])) < 1.5


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
    np.testing.assert_array_equal(level_gravity(down, points, still, np.zeros(T)), down)
    bench = points.copy()
    bench[-20:, 2:, 2] += 0.45
    assert degrees_between(level_gravity(down, bench, still, np.ones(T)), down) < 1.0


def test_whoever_sits_upright_on_a_high_seat_does_not_stand() -> None:
    keypoints, feet, still = standing_body()
    lengths = MEAN_LENGTHS
    seated, seated_feet = keypoints.copy(), feet + np.array([0.0, -0.45, -0.42])
    for side in ("left", "right"):
        seated[:, KEYPOINT_INDEX[f"{side}_knee"]] += [0.0, -0.4, -0.42]
        seated[:, KEYPOINT_INDEX[f"{side}_ankle"]] += [0.0, -0.45, -0.42]
    assert uprightness(keypoints, feet, lengths).min() > 0.9
    assert uprightness(seated, seated_feet, lengths).max() < 0.1
    # Mass that isn't over the feet then says nothing.
    trust = np.ones(len(still)) * uprightness(seated, seated_feet, lengths)
    both = [np.concatenate(pair) for pair in ((keypoints, seated), (feet, seated_feet), (still, still))]
    found = upright_gravity(DOWN, *both, np.concatenate([np.ones(len(still)), trust]))
    assert degrees_between(found, DOWN) < 2.5


def test_standing_long_in_one_place_shows_no_slope() -> None:
    """Heels and toes of feet that are answered tilted are no ground that slopes."""
    found = []
    for seconds in (1, 20):
        feet = np.array([[0.1, 1.0, 4.0], [0.1, 0.97, 3.8], [-0.1, 1.0, 4.0], [-0.1, 0.97, 3.8]])
        frames = 30 * seconds
        points = np.tile(feet, (frames, 1, 1))
        found.append(level_gravity(DOWN, points, np.full((frames, 4), 0.95), np.ones(frames)))
    assert degrees_between(found[1], DOWN) < 1.0
    assert degrees_between(found[1], found[0]) < 0.1
