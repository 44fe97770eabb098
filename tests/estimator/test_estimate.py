"""The whole estimator with the weights that ship, on a made-up person seen by a camera."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from estimator.camera import pinhole
from estimator.errors import InputError
from estimator.estimate import EstimateOptions, estimate_motion
from estimator.keypoint_set import KEYPOINT_MIRROR, K
from estimator.metrics import p_mpjpe
from estimator.motion import Motion
from estimator.skeleton import JOINT_MIRROR, PARENTS, lengths_from_rest_offsets, stature
from estimator.track import FRAME_RATES, KeypointTrack
from estimator.world import CONFIDENT_FRAME

from .motions import camera_at, waving

FPS = 25.0


def seen_by_camera(motion: Motion, fps: float = FPS) -> KeypointTrack:
    """The person's keypoints as a clean detector sees them, a few of them missing."""
    import torch

    from estimator.kinematics import forward_kinematics, keypoints

    lengths = torch.from_numpy(lengths_from_rest_offsets(motion.rest_offsets))
    matrices = Rotation.from_quat(motion.rotations.reshape(-1, 4), scalar_first=True).as_matrix()
    pose = forward_kinematics(
        torch.from_numpy(matrices.reshape(len(motion), 22, 3, 3)),
        torch.from_numpy(motion.rest_offsets),
        torch.from_numpy(motion.root_translation),
    )
    camera = camera_at()
    extrinsics = camera.world_from_camera
    assert extrinsics is not None
    points = (keypoints(pose, lengths).numpy() - extrinsics[:3, 3]) @ extrinsics[:3, :3]
    pixels = camera.project(points)
    missing = np.random.default_rng(0).random((len(motion), K)) < 0.05
    pixels[missing] = np.nan
    return KeypointTrack(1, pixels, np.where(missing, 0.0, 0.9), 7, 1280, 720, fps, "made-up")


@pytest.fixture(scope="module")
def track() -> KeypointTrack:
    return seen_by_camera(waving(80, fps=FPS, swing=0.25))


@pytest.fixture(scope="module")
def camera():
    return replace(pinhole(1280, 720, 900.0), world_from_camera=None)


@pytest.fixture(scope="module")
def motion(track, camera) -> Motion:
    return estimate_motion(track, camera)


def test_world_and_camera_joints_are_the_same_points(motion):
    matrix = motion.world_from_camera
    assert np.abs(motion.joints_camera @ matrix[:3, :3].T + matrix[:3, 3] - motion.joints_world).max() < 1e-5
    assert np.allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3))


def test_joints_follow_from_rotations_and_offsets(motion):
    bones = np.linalg.norm(motion.joints_world[:, 1:] - motion.joints_world[:, PARENTS[1:]], axis=-1)
    assert np.abs(bones - np.linalg.norm(motion.rest_offsets[1:], axis=-1)).max() < 1e-9
    assert np.abs(motion.joints_world[:, 0] - motion.root_translation).max() < 1e-9
    assert np.abs(np.linalg.norm(motion.rotations, axis=-1) - 1).max() < 1e-9
    assert (motion.rotations[1:] * motion.rotations[:-1]).sum(-1).min() > 0


def test_unknown_camera_gets_the_world_of_the_conventions(motion):
    ahead = motion.world_from_camera[:3, 2]
    assert abs(ahead[0]) < 1e-6 and ahead[1] > 0, "the camera looks along +Y"
    confident = motion.frame_confidence >= CONFIDENT_FRAME
    first = np.argmax(confident if confident.any() else motion.frame_confidence)
    # The origin is set at the network's rate, whose frames don't fall on the clip's: a step or two of 2 cm.
    assert np.abs(motion.root_translation[first, :2]).max() < 0.06


def test_frames_and_rate_are_the_clips(motion, track):
    assert (len(motion), motion.fps, motion.frame_start) == (80, FPS, 7)
    assert motion.contacts.min() >= 0 and motion.contacts.max() <= 1
    assert motion.frame_confidence.min() >= 0 and motion.frame_confidence.max() <= 1
    assert np.array_equal(motion.confidence, track.confidence)


@pytest.mark.parametrize("moving", [False, True])
def test_turning_a_known_camera_about_the_vertical_turns_the_answer(track, camera, moving):
    extrinsics = camera_at().world_from_camera
    if moving:
        pan = Rotation.from_euler("z", np.linspace(0, 0.2, len(track))).as_matrix()
        extrinsics = np.broadcast_to(extrinsics, (len(track), 4, 4)).copy()
        extrinsics[:, :3, :3] = pan @ extrinsics[:, :3, :3]
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("z", 70, degrees=True).as_matrix()
    turn[:3, 3] = [3.0, -2.0, 0.0]
    one = estimate_motion(track, replace(camera, world_from_camera=extrinsics, frame_start=7))
    two = estimate_motion(track, replace(camera, world_from_camera=turn @ extrinsics, frame_start=7))
    assert np.abs(one.joints_world @ turn[:3, :3].T + turn[:3, 3] - two.joints_world).max() < 1e-4
    assert np.abs(one.joints_camera - two.joints_camera).max() < 1e-4


def test_feet_are_on_the_ground_of_a_known_camera_unless_the_ground_is_switched_off(track, camera):
    """A camera said to be 8 cm lower than it was: the feet seem to sink, and are lifted out."""
    extrinsics = camera_at().world_from_camera.copy()
    extrinsics[2, 3] -= 0.08
    known = replace(camera, world_from_camera=extrinsics)

    def lowest(on_ground):
        motion = estimate_motion(track, known, EstimateOptions(on_ground=on_ground))
        return np.median(motion.end_points[:, 3:, 2].min(axis=1))

    assert lowest(True) > lowest(False)
    assert lowest(True) > -0.03


def test_known_height_scales_the_person_and_where_it_is(track, camera):
    tall = estimate_motion(track, camera, EstimateOptions(person_height=2.0))
    assert np.isclose(stature(lengths_from_rest_offsets(tall.rest_offsets)), 2.0)
    with pytest.raises(InputError, match="contact strength of 2: give 0"):
        estimate_motion(track, camera, EstimateOptions(contact_strength=2.0))
    giant = estimate_motion(track, camera, EstimateOptions(person_height=float(np.float32(3.0))))
    assert np.isclose(stature(lengths_from_rest_offsets(giant.rest_offsets)), 3.0)
    with pytest.raises(InputError, match="175 m tall"):
        estimate_motion(track, camera, EstimateOptions(person_height=175.0))


def test_mirrored_keypoints_give_the_mirrored_pose(track, camera, motion):
    """The network is asked both ways; what is left is rounding, and printed."""
    pixels = track.keypoints[:, list(KEYPOINT_MIRROR)] * [-1.0, 1.0] + [1280.0, 0.0]
    mirrored = estimate_motion(
        replace(track, keypoints=pixels, confidence=track.confidence[:, list(KEYPOINT_MIRROR)]), camera
    )
    image = mirrored.joints_camera[:, list(JOINT_MIRROR)] * [-1.0, 1.0, 1.0]
    difference = p_mpjpe(image, motion.joints_camera)
    apart = np.linalg.norm(image - motion.joints_camera, axis=-1)
    print(f"asymmetry: {1000 * difference.mean():.1f} mm of pose, {1000 * apart.mean():.0f} mm in the camera")
    assert difference.max() < 0.005
    assert apart.max() < 0.02


@pytest.mark.parametrize("fps", [24.0, 29.97, 60.0, 120.0])
def test_other_frame_rates_give_the_same_motion(motion, camera, fps):
    """The same person filmed at another rate: as many frames as were given, the joints where they were."""
    frames = int(80 * fps / FPS)
    seen = seen_by_camera(waving(80, fps=FPS, swing=0.25))
    at = np.arange(frames) * FPS / fps
    inside = at <= 79
    low = np.minimum(np.floor(at).astype(int), 78)
    share = (np.clip(at, 0, 79) - low)[:, None, None]
    pixels = seen.keypoints[low] * (1 - share) + seen.keypoints[low + 1] * share
    confidence = np.where(np.isnan(pixels).any(-1), 0.0, 0.9)
    other = estimate_motion(replace(seen, keypoints=pixels, confidence=confidence, fps=fps), camera)
    assert len(other) == frames
    same = low[inside & (np.abs(at - low) < 1e-9)]
    rows = np.flatnonzero(inside & (np.abs(at - low) < 1e-9))
    distance = np.linalg.norm(
        (other.joints_camera - other.joints_camera[:, :1])[rows]
        - (motion.joints_camera - motion.joints_camera[:, :1])[same],
        axis=-1,
    )
    assert np.median(distance) < 0.05


def test_long_gaps_are_bridged(track, camera):
    pixels, confidence = track.keypoints.copy(), track.confidence.copy()
    pixels[30:50], confidence[30:50] = np.nan, 0.0
    bridged = estimate_motion(replace(track, keypoints=pixels, confidence=confidence), camera)
    assert np.isfinite(bridged.joints_world).all()
    # Far from the gap the wild waving itself takes such steps.
    steps = np.linalg.norm(np.diff(bridged.joints_world[27:53], axis=0), axis=-1)
    assert steps.max() < 0.4, "no pop at the gap's edges"
    assert bridged.frame_confidence[30:50].max() == 0.0


def test_two_frames_are_enough_and_one_is_not(track, camera):
    assert len(estimate_motion(track.sliced(7, 8), camera)) == 2
    with pytest.raises(InputError, match="made-up: person 1 is on one frame only"):
        estimate_motion(track.sliced(7, 7), camera)


def test_a_track_without_keypoints_is_refused(track, camera):
    empty = replace(
        track, keypoints=np.full_like(track.keypoints, np.nan), confidence=np.zeros_like(track.confidence)
    )
    with pytest.raises(InputError, match="no frame with 4 keypoints"):
        estimate_motion(empty, camera)


def test_a_camera_of_another_picture_is_refused(track):
    with pytest.raises(InputError, match="on a picture of 1280 × 720, the camera's is 640 × 360; give"):
        estimate_motion(track, pinhole(640, 360))


def test_a_track_with_numbers_that_mean_nothing_is_refused(track, camera):
    with pytest.raises(InputError, match="person 1 has keypoints that are no numbers"):
        estimate_motion(replace(track, confidence=np.ones_like(track.confidence)), camera)
    for wrong in (100.0, -1.0, np.nan):
        with pytest.raises(InputError, match="person 1 has confidences beyond 0 to 1"):
            estimate_motion(replace(track, confidence=wrong * track.confidence), camera)


def test_keypoints_that_all_lie_on_one_spot_make_no_noise(track, camera, recwarn):
    spot = np.broadcast_to([600.0, 300.0], track.keypoints.shape)
    motion = estimate_motion(replace(track, keypoints=spot, confidence=np.full((80, K), 0.9)), camera)
    assert np.isfinite(motion.joints_world).all()
    assert not [one for one in recwarn if one.category is RuntimeWarning]


@pytest.mark.parametrize("fps", [None, 0.0, 0.001, -25.0, 1e9, float("nan"), float("inf")])
def test_a_frame_rate_that_no_clip_has_is_refused(track, camera, fps):
    with pytest.raises(InputError, match=r"person 1 has (no|a) frame rate.*frames per second, 1 to 10000$"):
        estimate_motion(replace(track, fps=fps), camera)


@pytest.mark.parametrize("fps", FRAME_RATES)
def test_the_slowest_and_the_fastest_clips_work(track, camera, fps):
    motion = estimate_motion(replace(track.sliced(7, 12), fps=fps), camera)
    assert (len(motion), motion.fps) == (6, fps)
    assert np.isfinite(motion.joints_world).all()


def test_progress_rises_and_may_end_the_work(track, camera):
    heard: list[float] = []
    estimate_motion(track, camera, progress=heard.append)
    assert heard == sorted(heard) and heard[-1] == 1.0

    class Cancelled(Exception):
        pass

    def stop(fraction: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        estimate_motion(track, camera, progress=stop)


def test_an_unknown_device_is_refused(track, camera):
    with pytest.raises(InputError, match="'abacus' is not available"):
        estimate_motion(track, camera, EstimateOptions(device="abacus"))
