"""The clip-wide solve of the root: exact on exact evidence, good on bad evidence, and without preferences."""

import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from estimator.errors import InputError
from estimator.ground import Ground
from estimator.root_solve import RootEvidence, solve_root

Array = NDArray[np.float64]
STANCE = 0.6
"""Share of a step's second that the foot stands."""
UP = np.array([0.0, -1.0, 0.0])
BODY = [
    (0.0, 0.68),
    (0.0, 0.55),
    (0.18, 0.5),
    (-0.18, 0.5),
    (0.22, 0.22),
    (-0.22, 0.22),
    (0.22, -0.02),
    (-0.22, -0.02),
    (0.1, 0.0),
    (-0.1, 0.0),
    (0.0, 0.0),
]
"""To the left and up from Hips, metres: head, neck, shoulders, elbows, wrists, hips, pelvis."""


def walk(frames: int = 450, fps: float = 30.0, distance: float = 5.0) -> tuple[Array, RootEvidence]:
    """Somebody walks in a circle before a camera 1 m above the ground; exact evidence, in camera axes.

    Returns:
        Hips (T, 3) and what a perfect network and detector would say; planted feet don't slide.
    """
    speed, radius, ground = 1.2, 1.3, 1.0
    times = np.arange(frames) / fps

    def path(t: Array) -> Array:
        angle = speed / radius * t
        bob = 0.06 + 0.02 * np.cos(4.0 * np.pi * t)
        return np.stack([radius * np.sin(angle), bob, distance - radius * np.cos(angle)], axis=-1)

    def heading(t: Array) -> Array:
        angle = speed / radius * t
        return np.stack([np.cos(angle), 0.0 * angle, np.sin(angle)], axis=-1)

    hips, left = path(times), np.cross(UP, heading(times))
    contacts, still, joints = [], [], []
    for side, phase in ((1.0, 0.0), (-1.0, 0.5)):
        number = np.floor(times - phase + 1e-9)
        into = times - phase - number

        def footprint(number: Array, side: float = side, phase: float = phase) -> tuple[Array, Array]:
            middle = number + phase + STANCE / 2
            place = path(middle) + side * 0.1 * np.cross(UP, heading(middle))
            place[:, 1] = ground
            return place, heading(middle)

        (start, ahead), (end, ahead_next) = footprint(number), footprint(number + 1)
        swing = np.clip((into - STANCE) / (1.0 - STANCE), 0.0, 1.0)
        share = (swing**3 * (10.0 - 15.0 * swing + 6.0 * swing**2))[:, None]
        foot = start + share * (end - start) + 0.1 * np.sin(np.pi * swing)[:, None] * UP
        toward = (1.0 - share) * ahead + share * ahead_next
        contacts += [foot - 0.08 * toward, foot + 0.12 * toward]
        still += [(into <= STANCE).astype(float)] * 2
        ankle = foot + 0.07 * UP
        joints += [ankle, (ankle + hips) / 2 + 0.08 * heading(times)]
    body = [hips + sideways * left + up * UP for sideways, up in BODY]
    points = np.stack([*body, *joints, *contacts], axis=1)
    velocity = np.gradient(hips, axis=0)
    velocity[:-1] = np.diff(hips, axis=0) * fps
    return hips, RootEvidence(
        directions=points / np.linalg.norm(points, axis=-1, keepdims=True),
        weights=np.ones(points.shape[:2]),
        offsets=points - hips[:, None],
        centre=np.zeros((frames, 3)),
        distance=np.linalg.norm(hips, axis=1),
        velocity=velocity,
        still=np.stack(still, axis=1),
        contact_offsets=np.stack(contacts, axis=1) - hips[:, None],
        fps=fps,
    )


def lasting(rng: np.random.Generator, shape: tuple[int, ...], fps: float, seconds: float = 0.4) -> Array:
    """Smooth noise (T, ...) of standard deviation 1 that lasts ``seconds``, as a network's errors do."""
    noise = gaussian_filter1d(rng.standard_normal(shape), seconds * fps / np.sqrt(2.0), axis=0)
    return np.asarray(noise / noise.std())


def spoilt(evidence: RootEvidence, seed: int) -> RootEvidence:
    """Evidence as a network and a detector give it.

    The pose is 60 mm off (35 mm a coordinate) and 2 % too large, the distance 5 % off throughout and another
    6 % for a while, velocity by 0.17 m/s, rays by 2 cm at 5 m; 5 % of the contacts are the wrong way round.
    """
    rng = np.random.default_rng(seed)
    frames, points = evidence.weights.shape
    pose = 0.035 * lasting(rng, (frames, points, 3), evidence.fps)
    rays = evidence.directions + 0.004 * rng.standard_normal(evidence.directions.shape)
    wrong = rng.random(evidence.still.shape) < 0.05
    factor = 0.05 + 0.06 * lasting(rng, (frames,), evidence.fps, 0.7)
    return replace(
        evidence,
        directions=rays / np.linalg.norm(rays, axis=-1, keepdims=True),
        offsets=1.02 * (evidence.offsets + pose),
        contact_offsets=1.02 * (evidence.contact_offsets + pose[:, -4:]),
        distance=evidence.distance * np.exp(factor),
        velocity=evidence.velocity + 0.1 * lasting(rng, (frames, 3), evidence.fps),
        still=np.where(wrong, 1.0 - evidence.still, evidence.still) * 0.9 + 0.05,
    )


def frame_by_frame(evidence: RootEvidence) -> Array:
    """The rays alone, each frame for itself."""
    rays = evidence.directions
    beside = np.eye(3) - rays[..., :, None] * rays[..., None, :]
    target = np.einsum("tkij,tkj->ti", beside, evidence.centre[:, None] - evidence.offsets)
    return np.asarray(np.linalg.solve(beside.sum(axis=1), target[..., None])[..., 0])


def depth_and_side_error(path: Array, truth: Array) -> tuple[Array, Array]:
    """Metres along the line of sight (T,), signed, and across it (T,)."""
    error = path - truth
    depth = (error * truth).sum(axis=1) / np.linalg.norm(truth, axis=1)
    return depth, np.sqrt(np.maximum((error**2).sum(axis=1) - depth**2, 0.0))


def hidden(evidence: RootEvidence, frames: slice) -> RootEvidence:
    """Without keypoints in some frames."""
    directions, weights = evidence.directions.copy(), evidence.weights.copy()
    directions[frames] = np.nan
    weights[frames] = 0.0
    return replace(evidence, directions=directions, weights=weights)


def pointed_off(
    evidence: RootEvidence, frames: slice, points: slice, by: tuple[float, float, float]
) -> RootEvidence:
    """With some rays ``by`` metres beside the person."""
    directions = evidence.directions.copy()
    points_there = directions[frames, points] * evidence.distance[frames, None, None] + by
    directions[frames, points] = points_there / np.linalg.norm(points_there, axis=-1, keepdims=True)
    return replace(evidence, directions=directions)


@pytest.mark.parametrize("fps", [12.0, 30.0, 120.0])
@pytest.mark.parametrize("distance", [3.0, 12.0])
def test_exact_evidence_gives_the_exact_path(fps: float, distance: float) -> None:
    hips, evidence = walk(200, fps, distance)
    np.testing.assert_allclose(solve_root(evidence), hips, rtol=0, atol=1e-6)


def test_exact_evidence_with_missing_keypoints_gives_the_exact_path() -> None:
    rng = np.random.default_rng(0)
    hips, evidence = walk(200)
    missing = rng.random(evidence.weights.shape) < 0.3
    evidence = replace(
        evidence,
        weights=np.where(missing, 0.0, rng.uniform(0.5, 1.0, missing.shape)),
        directions=np.where(missing[..., None], np.nan, evidence.directions),
    )
    assert (evidence.weights.sum(axis=1) > 4.0).all()
    np.testing.assert_allclose(solve_root(evidence), hips, rtol=0, atol=1e-6)


def test_exact_evidence_from_a_moving_camera_gives_the_exact_path() -> None:
    hips, evidence = walk(200)
    times = np.arange(200) / 30.0
    far_off = np.array([4e4, -7e4, 300.0])
    centre = np.stack([0.5 * times, 0.3 * np.sin(times), -0.2 * times], axis=-1) + far_off
    hips_there = hips + far_off
    points = hips_there[:, None] + evidence.offsets - centre[:, None]
    evidence = replace(
        evidence,
        directions=points / np.linalg.norm(points, axis=-1, keepdims=True),
        centre=centre,
        distance=np.linalg.norm(hips_there - centre, axis=1),
    )
    np.testing.assert_allclose(solve_root(evidence), hips_there, rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_the_clip_knows_depth_far_better_than_its_frames(seed: int) -> None:
    hips, exact = walk()
    evidence = spoilt(exact, seed)
    depth, side = depth_and_side_error(solve_root(evidence), hips)
    alone, side_alone = depth_and_side_error(frame_by_frame(evidence), hips)
    step, step_alone = np.diff(depth).std(), np.diff(alone).std()
    print(f"depth {depth.std():.3f} m (frame by frame {alone.std():.3f})")
    print(f"its steps {step:.4f} m (frame by frame {step_alone:.4f})")
    print(f"across {side.mean():.3f} m ({side_alone.mean():.3f})")
    assert depth.std() < 0.06
    assert depth.std() < 0.7 * alone.std()
    assert step < 0.005
    assert step < 0.1 * step_alone
    assert abs(depth.mean()) < 0.16  # 2 % of size is 10 cm
    assert side.mean() < 0.03


@pytest.mark.parametrize("seed", range(3))
def test_standing_feet_hardly_slide(seed: int) -> None:
    _, exact = walk()
    evidence = spoilt(exact, seed)
    standing = (exact.still[:-1] > 0.5) & (exact.still[1:] > 0.5)

    def slide(path: Array) -> float:
        """Mean millimetres a frame of the pose's feet while the true ones stand."""
        feet = path[:, None] + evidence.contact_offsets
        return float(1000.0 * np.linalg.norm(np.diff(feet, axis=0), axis=-1)[standing].mean())

    without = solve_root(replace(evidence, still=np.zeros_like(evidence.still)))
    # What is left is the pose moving a heel against its toe and one foot against the other.
    assert slide(solve_root(evidence)) < 4.5
    assert slide(solve_root(evidence)) < 0.8 * slide(without)
    assert slide(solve_root(evidence)) < 0.1 * slide(frame_by_frame(evidence))


@pytest.mark.parametrize("seed", range(3))
def test_feet_that_begin_and_end_to_stand_do_not_jerk_the_path(seed: int) -> None:
    hips, exact = walk()
    evidence = spoilt(exact, seed)

    def jerk(path: Array) -> float:
        return float(np.linalg.norm(np.diff(path, n=3, axis=0), axis=1).sum())

    assert jerk(solve_root(evidence)) < 2.5 * jerk(hips)  # these hips move more smoothly than anybody's
    assert jerk(solve_root(evidence)) < 0.02 * jerk(frame_by_frame(evidence))


def test_the_error_does_not_depend_on_the_frame_rate() -> None:
    errors = []
    for fps in (15.0, 30.0, 60.0, 120.0):
        hips, exact = walk(round(12 * fps), fps)
        depths = [depth_and_side_error(solve_root(spoilt(exact, seed)), hips)[0].std() for seed in range(3)]
        errors.append(np.mean(depths))
    assert max(errors) < 0.06


@pytest.mark.parametrize("first", [0, 200, 390])
def test_a_gap_of_two_seconds_is_bridged(first: int) -> None:
    hips, exact = walk()
    gap = slice(first, first + 60)
    path = solve_root(hidden(spoilt(exact, 1), gap))
    error = np.linalg.norm(path - hips, axis=1)
    assert error[gap].max() < 0.35
    assert np.linalg.norm(np.diff(path - hips, axis=0), axis=1).max() < 0.015  # no pop at its edges


def test_a_gap_that_nothing_is_known_about_is_bridged_smoothly() -> None:
    hips, exact = walk()
    evidence = hidden(spoilt(exact, 2), slice(200, 260))
    velocity, still = evidence.velocity.copy(), evidence.still.copy()
    velocity[200:260] = 0.0
    still[200:260] = 0.0
    path = solve_root(replace(evidence, velocity=velocity, still=still))
    assert np.linalg.norm(path - hips, axis=1)[200:260].max() < 0.5
    acceleration = np.linalg.norm(np.diff(path, n=2, axis=0), axis=1) * 30.0**2
    assert acceleration[195:265].max() < 12.0  # the walk itself has 3.6
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert steps[200:260].max() < 3.0 / 30.0


def test_two_frames_one_of_them_empty() -> None:
    hips, exact = walk(2)
    for empty in (slice(0, 1), slice(1, 2)):
        np.testing.assert_allclose(solve_root(hidden(exact, empty)), hips, rtol=0, atol=1e-6)


def test_a_single_frame_and_a_single_ray_are_enough_to_place_somebody() -> None:
    hips, exact = walk(60)
    evidence = hidden(exact, slice(1, 60))
    np.testing.assert_allclose(solve_root(evidence)[0], hips[0], atol=1e-6)
    weights = evidence.weights * (np.arange(evidence.weights.shape[1]) == 10)  # the pelvis
    path = solve_root(replace(evidence, weights=weights))
    np.testing.assert_allclose(path[0], hips[0], atol=1e-6)
    assert np.linalg.norm(path - hips, axis=1).max() < 0.8


def test_nobody_at_all_is_an_error() -> None:
    _, exact = walk(10)
    with pytest.raises(InputError, match="no frame has a keypoint"):
        solve_root(hidden(exact, slice(0, 10)))


@pytest.mark.parametrize(("frames", "points"), [(slice(200, 215), slice(None)), (slice(None), slice(0, 4))])
@pytest.mark.parametrize("by", [(0.5, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, -0.8, 0.0)])
def test_false_rays_do_not_pull_the_path(
    frames: slice, points: slice, by: tuple[float, float, float]
) -> None:
    _, exact = walk()
    evidence = spoilt(exact, 0)
    moved = solve_root(pointed_off(evidence, frames, points, by)) - solve_root(evidence)
    assert np.linalg.norm(moved, axis=1).max() < 0.08


def test_scattered_false_rays_do_not_pull_the_path() -> None:
    _, exact = walk()
    evidence = spoilt(exact, 0)
    rng = np.random.default_rng(3)
    false = rng.random(evidence.weights.shape) < 0.1
    rays = evidence.directions + 0.1 * false[..., None] * rng.standard_normal(evidence.directions.shape)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    moved = solve_root(replace(evidence, directions=rays)) - solve_root(evidence)
    assert np.linalg.norm(moved, axis=1).max() < 0.05


def test_false_velocities_do_not_pull_the_person_out_of_the_picture() -> None:
    hips, exact = walk()
    evidence = spoilt(exact, 0)
    path = solve_root(replace(evidence, velocity=np.zeros_like(evidence.velocity)))
    assert depth_and_side_error(path, hips)[1].mean() < 0.05


def test_a_burst_of_false_distances_does_not_pull_the_path() -> None:
    _, exact = walk()
    evidence = spoilt(exact, 0)
    distance = evidence.distance.copy()
    distance[100:200] *= 3.0
    moved = solve_root(replace(evidence, distance=distance)) - solve_root(evidence)
    assert np.linalg.norm(moved, axis=1).max() < 0.03


def test_turning_and_shifting_the_evidence_turns_and_shifts_the_answer() -> None:
    _, exact = walk(150)
    evidence = hidden(spoilt(exact, 4), slice(60, 80))
    turn = Rotation.random(random_state=5).as_matrix()
    shift = np.array([3.0, -2.0, 8.0])
    turned = replace(
        evidence,
        directions=evidence.directions @ turn.T,
        offsets=evidence.offsets @ turn.T,
        centre=evidence.centre @ turn.T + shift,
        velocity=evidence.velocity @ turn.T,
        contact_offsets=evidence.contact_offsets @ turn.T,
    )
    np.testing.assert_allclose(solve_root(turned), solve_root(evidence) @ turn.T + shift, rtol=0, atol=1e-9)


@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_scaling_all_lengths_scales_the_answer(factor: float) -> None:
    def scaled(evidence: RootEvidence) -> RootEvidence:
        return replace(
            evidence,
            offsets=factor * evidence.offsets,
            distance=factor * evidence.distance,
            velocity=factor * evidence.velocity,
            contact_offsets=factor * evidence.contact_offsets,
        )

    hips, exact = walk(150)
    np.testing.assert_allclose(solve_root(scaled(exact)), factor * hips, rtol=0, atol=1e-6)
    evidence = spoilt(exact, 6)
    # What counts as an outlier is given in metres, so noise doesn't scale to the last digit.
    np.testing.assert_allclose(solve_root(scaled(evidence)), factor * solve_root(evidence), rtol=0, atol=0.05)


def test_time_has_no_direction() -> None:
    _, exact = walk(150)
    evidence = hidden(spoilt(exact, 7), slice(100, 120))
    reversed_velocity = np.concatenate([-evidence.velocity[-2::-1], np.zeros((1, 3))])
    backwards = replace(
        evidence,
        **{
            name: getattr(evidence, name)[::-1]
            for name in ("directions", "weights", "offsets", "centre", "distance", "still", "contact_offsets")
        },
        velocity=reversed_velocity,
    )
    np.testing.assert_allclose(solve_root(backwards)[::-1], solve_root(evidence), rtol=0, atol=1e-9)


def test_an_hour_takes_little_memory() -> None:
    _, exact = walk(1000)
    long = replace(
        exact,
        **{
            name: np.resize(getattr(exact, name), (100_000, *getattr(exact, name).shape[1:]))
            for name in (
                "directions",
                "weights",
                "offsets",
                "centre",
                "distance",
                "velocity",
                "still",
                "contact_offsets",
            )
        },
    )
    tracemalloc.start()
    start = time.process_time()
    path = solve_root(long)
    seconds = time.process_time() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{seconds:.1f} s, {peak / 2**20:.0f} MB")
    assert np.isfinite(path).all()
    assert peak < 100 * 2**20


def test_shapes_that_do_not_fit_are_refused() -> None:
    _, exact = walk(10)
    with pytest.raises(ValueError, match="distance"):
        replace(exact, distance=exact.distance[:9])


@pytest.mark.parametrize("faster", [1.6, 2.5])
def test_a_person_faster_than_the_network_believes_stays_in_the_picture(faster: float) -> None:
    hips, exact = walk(60)
    evidence = spoilt(exact, 0)
    slow = replace(
        evidence, velocity=evidence.velocity - (faster - 1.0) * exact.velocity, still=0.0 * evidence.still
    )
    assert depth_and_side_error(solve_root(slow), hips)[1].max() < 0.12


def test_a_person_who_gets_smaller_goes_away_even_if_the_network_feels_no_step() -> None:
    """As if the camera drew back: nothing moves but the distance, for three seconds."""
    hips, exact = walk(90)
    away = hips * np.linspace(1.0, 1.8, 90)[:, None]
    points = away[:, None] + exact.offsets
    evidence = replace(
        exact,
        directions=points / np.linalg.norm(points, axis=-1, keepdims=True),
        distance=np.linalg.norm(away, axis=1),
    )
    depth, side = depth_and_side_error(solve_root(evidence), away)
    assert np.abs(depth).max() < 0.8  # of 3.2 m that the person got further away
    assert side.max() < 0.1


LEVEL = Ground(UP, -1.0)
"""The ground of ``walk``."""


def test_exact_evidence_on_the_ground_gives_the_exact_path() -> None:
    hips, evidence = walk(200)
    np.testing.assert_allclose(solve_root(evidence, LEVEL), hips, rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(2))
def test_feet_stand_on_the_ground_and_it_tells_the_distance(seed: int) -> None:
    hips, exact = walk()
    evidence = spoilt(exact, seed)

    def deepest(path: Array) -> float:
        heights = LEVEL.heights(path[:, None] + evidence.contact_offsets)
        return float(np.percentile(heights.min(axis=1), 5))

    free, held = solve_root(evidence), solve_root(evidence, LEVEL)
    assert deepest(held) > -0.1
    assert deepest(held) > deepest(free)
    assert (
        np.abs(depth_and_side_error(held, hips)[0]).mean()
        < np.abs(depth_and_side_error(free, hips)[0]).mean()
    )


def test_who_stands_far_above_the_ground_stays_there() -> None:
    _, exact = walk()
    evidence = spoilt(exact, 0)
    far_below = Ground(UP, -2.0)
    moved = solve_root(evidence, far_below) - solve_root(evidence)
    assert np.linalg.norm(moved, axis=1).max() < 0.02


def test_an_uncertain_ground_counts_less() -> None:
    _, exact = walk()
    evidence = spoilt(exact, 0)
    raised = Ground(UP, -0.9)
    free = solve_root(evidence)
    pulls = [
        np.linalg.norm(solve_root(evidence, replace(raised, certainty=certainty)) - free, axis=1).mean()
        for certainty in (0.0, 0.1, 1.0)
    ]
    assert pulls[0] == 0.0 and pulls[0] < pulls[1] < pulls[2]
