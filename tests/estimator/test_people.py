"""People of one clip share a camera, a ground, and true distances."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from estimator.camera import Camera, pinhole
from estimator.estimate import EstimateOptions, estimate_motion, estimate_people
from estimator.motion import Motion
from estimator.people import in_one_world
from estimator.skeleton import lengths_from_rest_offsets, stature
from estimator.track import KeypointTrack

from . import motions
from .scripted import STATURE, looking, seen, turn, walk

PLACES = ((-1.0, 0.0, 0.0), (1.2, 2.0, 0.0))
SIZES = (1.0, 1.12)


def filmed() -> tuple[list[KeypointTrack], Camera]:
    """Somebody walks 3 m; somebody taller turns around two metres behind."""
    lens = pinhole(1920, 1080, 1920 / 2 / math.tan(math.radians(22)))
    camera = replace(lens, world_from_camera=looking((0.5, -8.0, 1.6), (0.0, -0.5, 0.9)))
    scripts = (walk(3.0), turn())
    tracks = [
        seen(script, camera, noisy=True, person_id=person, size=size, place=place)
        for person, (script, size, place) in enumerate(zip(scripts, SIZES, PLACES, strict=True), start=1)
    ]
    return [track.sliced(0, 89) for track in tracks], lens


def height(motion: Motion) -> float:
    return float(stature(lengths_from_rest_offsets(motion.rest_offsets)))


def way_between(one: Motion, other: Motion, frame: int) -> np.ndarray:
    return np.asarray(other.joints_world[frame, 0] - one.joints_world[frame, 0])


def test_two_people_come_out_at_their_distance_when_one_height_is_known() -> None:
    tracks, lens = filmed()
    heard: list[float] = []
    one, other = estimate_people(tracks, lens, EstimateOptions(person_height=STATURE), heard.append)
    assert heard == sorted(heard) and heard[-1] == 1.0
    assert np.array_equal(one.world_from_camera, other.world_from_camera)
    assert height(one) == pytest.approx(STATURE, rel=0.01)
    assert height(other) == pytest.approx(SIZES[1] * STATURE, rel=0.07)
    for frame in (0, 80):
        truth = np.array(PLACES[1]) - PLACES[0] + [0.0, 0.0 if frame == 0 else 1.9, 0.0]
        distance = np.linalg.norm(way_between(one, other, frame)[:2])
        assert distance == pytest.approx(np.linalg.norm(truth), rel=0.15)
    for motion in (one, other):
        assert abs(np.median(motion.end_points[:, 3:, 2].min(axis=1))) < 0.06, "both stand on the ground"
    # Alone, the second is put elsewhere: too small and too near, on a ground of their own.
    alone = estimate_motion(tracks[1], lens)
    assert abs(alone.world_from_camera[2, 3] - 1.6) > abs(other.world_from_camera[2, 3] - 1.6)


def split(motion: Motion, size: float, tilt: float) -> Motion:
    """The same person estimated alone: too large, and in a world that is tilted about the camera's x axis."""
    pose = motion.world_from_camera
    wrong = np.eye(4)
    wrong[:3, :3] = Rotation.from_euler("x", tilt, degrees=True).as_matrix() @ pose[:3, :3]
    feet = size * motion.joints_camera[:, [17, 21]].mean(axis=1) @ wrong[:3, :3].T
    wrong[2, 3] = -float(np.median(feet[:, 2])) + 0.03

    def there(points: np.ndarray) -> np.ndarray:
        camera = (points - pose[:3, 3]) @ pose[:3, :3]
        return np.asarray(size * camera @ wrong[:3, :3].T + wrong[:3, 3])

    turned = Rotation.from_matrix(wrong[:3, :3] @ pose[:3, :3].T)
    rotations = motion.rotations.copy()
    root = Rotation.from_quat(rotations[:, 0], scalar_first=True)
    rotations[:, 0] = (turned * root).as_quat(scalar_first=True)
    return replace(
        motion,
        rest_offsets=size * motion.rest_offsets,
        root_translation=there(motion.root_translation),
        rotations=rotations,
        joints_world=there(motion.joints_world),
        joints_camera=size * motion.joints_camera,
        end_points=there(motion.end_points),
        world_from_camera=wrong,
    )


def test_everything_of_a_person_moves_along() -> None:
    one = replace(motions.waving(), person_id=1)
    other = replace(split(motions.waving(), 1.1, 3.0), person_id=2)
    first, second = in_one_world([one, other], heights_known=[1])
    for before, after in ((one, first), (other, second)):
        scale = height(after) / height(before)
        pose = after.world_from_camera
        world = after.joints_camera @ pose[:3, :3].T + pose[:3, 3]
        assert np.abs(world - after.joints_world).max() < 1e-9
        assert np.abs(after.joints_camera - scale * before.joints_camera).max() < 1e-9
        assert np.abs(after.root_translation - after.joints_world[:, 0]).max() < 1e-9
        to_hips = np.linalg.norm(before.end_points - before.joints_world[:, :1], axis=-1)
        assert (
            np.abs(
                np.linalg.norm(after.end_points - after.joints_world[:, :1], axis=-1) - scale * to_hips
            ).max()
            < 1e-9
        )
        turned = Rotation.from_matrix(pose[:3, :3] @ before.world_from_camera[:3, :3].T)
        expected = (turned * Rotation.from_quat(before.rotations[:, 0], scalar_first=True)).as_matrix()
        found = Rotation.from_quat(after.rotations[:, 0], scalar_first=True).as_matrix()
        assert np.abs(found - expected).max() < 1e-9
    assert height(first) == pytest.approx(height(one), rel=0.01)


def test_known_heights_stay_and_a_given_camera_height_is_kept() -> None:
    one = replace(motions.waving(), person_id=1)
    other = replace(split(motions.waving(), 1.1, 3.0), person_id=2)
    both = in_one_world([one, other], heights_known=[1, 2])
    for before, after in zip((one, other), both, strict=True):
        assert height(after) == pytest.approx(height(before), rel=0.015)
    given = in_one_world([one, other], camera_height=1.7)
    assert given[0].world_from_camera[2, 3] == pytest.approx(1.7, rel=0.015)


def test_people_before_a_known_camera_stay_as_they_are() -> None:
    one, other = motions.waving(), replace(motions.waving(), person_id=3)
    assert in_one_world([one, other]) == [one, other]
    assert in_one_world([one]) == [one]
    moving = np.broadcast_to(one.world_from_camera, (len(one), 4, 4))
    followed = [replace(motion, world_from_camera=moving) for motion in (one, other)]
    assert in_one_world(followed) == followed
