"""What detectors get wrong is put right or left out; what people really do is left alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from estimator.camera import pinhole
from estimator.cleaning import clean_track
from estimator.estimate import estimate_motion
from estimator.keypoint_set import KEYPOINT_INDEX, K
from estimator.keypoints import read_keypoints
from estimator.motion_summary import reprojection_errors
from estimator.track_scale import stature_in_picture

from .seen import FPS, LEGS, STATURE, exchanged, walker

WRIST = KEYPOINT_INDEX["left_wrist"]
ARMS = [KEYPOINT_INDEX[f"{s}_{p}"] for s in ("left", "right") for p in ("elbow", "wrist")]
REAL = Path(__file__).parents[3] / "shared" / "keypoints"


@pytest.mark.parametrize("fps", [15.0, 30.0, 60.0])
@pytest.mark.parametrize("turn", [0.0, 4.0, 7.0])
def test_walks_and_spins_come_back_as_they_were(fps: float, turn: float) -> None:
    track = walker(int(4 * fps), fps=fps, turn=turn)
    clean = clean_track(track, fps)
    assert clean.track is track, "legs cross, and shoulders change places, without being swapped"
    assert (clean.trust == 1.0).all()


def test_the_size_in_the_picture_doesnt_depend_on_the_pose() -> None:
    track = walker(turn=2.0)
    assert np.abs(stature_in_picture(track, FPS) / STATURE - 1.0).max() < 0.2


@pytest.mark.parametrize("frames", [[20], [33, 34, 35], [0], [89], [10, 21, 44, 45, 46], list(range(36, 44))])
@pytest.mark.parametrize("points", [LEGS, ARMS, list(range(K))], ids=["legs", "arms", "all"])
def test_swapped_sides_are_swapped_back(frames: list[int], points: list[int]) -> None:
    truth = walker(turn=0.5)
    clean = clean_track(replace(truth, keypoints=exchanged(truth, frames, points)), FPS)
    wrong = np.linalg.norm(clean.track.keypoints - truth.keypoints, axis=-1) > 0.08 * STATURE
    assert not wrong.any(), f"still wrong on frames {np.flatnonzero(wrong.any(axis=1))}"
    far_apart = np.linalg.norm(
        truth.keypoints[frames] - exchanged(truth, slice(None), points)[frames], axis=-1
    ).max(axis=1)
    noticed = clean.trust[frames] < 1.0
    assert noticed[far_apart > 0.1 * STATURE].all(), "frames that were put right are trusted less"
    others = np.setdiff1d(np.arange(len(truth)), frames)
    assert (clean.trust[others] == 1.0).mean() > 0.95


def test_legs_of_which_one_is_not_seen_stay() -> None:
    truth = walker()
    confidence = truth.confidence.copy()
    right = [k for k in LEGS if k in {KEYPOINT_INDEX[f"right_{p}"] for p in ("knee", "ankle", "heel")}]
    confidence[:, right] = 0.0
    keypoints = np.where(confidence[..., None] > 0, truth.keypoints, np.nan)
    track = replace(truth, keypoints=keypoints, confidence=confidence)
    assert clean_track(track, FPS).track is track


@pytest.mark.parametrize("long", [1, 2])
def test_points_that_jump_away_and_back_are_left_out(long: int) -> None:
    truth = walker()
    keypoints = truth.keypoints.copy()
    keypoints[40 : 40 + long, WRIST] += [0.3 * STATURE * long, -0.2 * STATURE]
    clean = clean_track(replace(truth, keypoints=keypoints), FPS)
    missing = truth.present & ~clean.track.present
    assert missing[40 : 40 + long, WRIST].all() and missing.sum() == long
    assert np.isnan(clean.track.keypoints[missing]).all()
    assert (clean.trust[40 : 40 + long] < 1.0).all()


def test_a_fast_punch_is_no_false_detection() -> None:
    """Half a stature out and back within a fifth of a second."""
    truth = walker(noise=0.0)
    keypoints = truth.keypoints.copy()
    out = 0.5 * STATURE * np.sin(np.linspace(0, np.pi, 7)[1:-1]) ** 2
    keypoints[40:45, WRIST, 0] += out
    track = replace(truth, keypoints=keypoints)
    assert clean_track(track, FPS).track is track


def test_a_jump_onto_somebody_else_is_cut_out() -> None:
    truth = walker(120)
    keypoints = truth.keypoints.copy()
    keypoints[50:80] = walker(30).keypoints * 0.9 + [600.0, 20.0]
    clean = clean_track(replace(truth, keypoints=keypoints), FPS)
    gone = ~clean.track.present.any(axis=1)
    assert np.flatnonzero(gone).tolist() == list(range(50, 80))
    assert (clean.trust[50:80] == 0.0).all() and (clean.trust[:50] == 1.0).all()


def test_of_a_track_that_stays_with_somebody_else_the_longer_part_is_kept() -> None:
    truth = walker(120)
    keypoints = truth.keypoints.copy()
    keypoints[80:] += [-500.0, 0.0]
    kept = clean_track(replace(truth, keypoints=keypoints), FPS).track.present.any(axis=1)
    assert kept[:80].all() and not kept[80:].any()


def test_gaps_are_no_jumps() -> None:
    truth = walker(120)
    keypoints, confidence = truth.keypoints.copy(), truth.confidence.copy()
    keypoints[40:70], confidence[40:70] = np.nan, 0.0
    track = replace(truth, keypoints=keypoints, confidence=confidence)
    assert clean_track(track, FPS).track is track


def test_long_tracks_are_cleaned_piece_by_piece_as_if_in_one() -> None:
    truth = walker(2100)
    keypoints = exchanged(truth, [1023, 1024, 2047], LEGS)
    jumps = [500, 1022, 1026, 2048]
    keypoints[jumps, WRIST] += [0.5 * STATURE, 0.0]
    clean = clean_track(replace(truth, keypoints=keypoints), FPS).track
    lost = truth.present & ~clean.present
    assert np.flatnonzero(lost.any(axis=1)).tolist() == jumps and lost.sum() == len(jumps)
    assert np.nanmax(np.linalg.norm(clean.keypoints - truth.keypoints, axis=-1)) < 0.08 * STATURE


@pytest.mark.parametrize("frames", [2, 5, 12])
def test_short_tracks_stay_whole(frames: int) -> None:
    track = walker(frames)
    assert np.allclose(stature_in_picture(track, FPS), 1.1 * STATURE, rtol=0.15)
    assert clean_track(track, FPS).track is track


def test_a_track_that_jumps_all_the_time_stays_as_it_is() -> None:
    truth = walker(60)
    places = 900.0 * (np.arange(60) % 4)[:, None, None]
    track = replace(truth, keypoints=truth.keypoints + places)
    assert clean_track(track, FPS).track.present.any(axis=1).all()


def test_nobody_is_cleaned_to_nobody() -> None:
    nobody = replace(walker(), keypoints=np.full((90, K, 2), np.nan), confidence=np.zeros((90, K)))
    assert clean_track(nobody, FPS).track is nobody


def test_a_runner_whose_legs_the_detector_swaps_lies_on_his_keypoints() -> None:
    path = REAL / "mediapipe33" / "sports2d_demo3.json"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    track = read_keypoints(path)[0]
    assert track.width and track.height
    camera = pinhole(track.width, track.height)
    motion = estimate_motion(track, camera)
    errors = reprojection_errors(motion, camera)
    assert np.percentile(errors, 95) < 6.0
    ankles = [KEYPOINT_INDEX["left_ankle"], KEYPOINT_INDEX["right_ankle"]]
    for frame in (10, 21):
        assert np.array_equal(motion.keypoints[frame, ankles], track.keypoints[frame, ankles[::-1]])
        assert motion.frame_confidence[frame] < motion.frame_confidence[frame - 1]
