"""Keypoints and clip of different pictures are noticed; scaled copies are scaled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from kinelift_checkout.addon.picture_check import (
    KeypointPicture,
    fitted_to_clip,
    keypoint_picture,
    picture_warning,
)
from kinelift_checkout.estimator.keypoints import read_keypoints
from kinelift_checkout.estimator.track import KeypointTrack


def track(width: int | None, height: int | None) -> KeypointTrack:
    points = np.random.default_rng(0).uniform(0, 700, size=(5, 26, 2))
    return KeypointTrack(1, points, np.ones((5, 26)), width=width, height=height)


@pytest.mark.parametrize(
    ("picture", "clip", "says"),
    [
        (KeypointPicture(1920, 1080, 1000, 900), (1920, 1080), None),
        (KeypointPicture(960, 540, 900, 500), (1920, 1080), None),  # a copy at half the size
        (KeypointPicture(854, 480, 800, 400), (1280, 720), None),  # rounded to whole pixels
        (KeypointPicture(1088, 1920, 1000, 1800), (1080, 1920), "1088 × 1920"),
        (KeypointPicture(1080, 1920, 1000, 1800), (1920, 1080), "turned"),
        (KeypointPicture(0, 0, 1000, 1800), (1920, 1080), "turned"),
        (KeypointPicture(0, 0, 1900, 1070), (1920, 1080), None),
        (KeypointPicture(0, 0, 1900, 1070), (1280, 720), "1900 × 1070"),
    ],
)
def test_warns(picture: KeypointPicture, clip: tuple[int, int], says: str | None) -> None:
    warning = picture_warning(picture, clip)
    assert (warning is None) if says is None else (warning is not None and says in warning)


def test_keypoints_of_a_scaled_copy_are_scaled_and_others_left_alone() -> None:
    half = track(640, 360)
    np.testing.assert_allclose(fitted_to_clip(half, (1280, 720)).keypoints, 2 * half.keypoints)
    for size in ((1088, 1920), (None, None)):
        odd = track(*size)
        fitted = fitted_to_clip(odd, (1080, 1920))
        np.testing.assert_array_equal(fitted.keypoints, odd.keypoints)
        assert (fitted.width, fitted.height) == (1080, 1920)


def test_a_real_recording_of_another_width_is_noticed_where_the_file_says_its_size(shared: Path) -> None:
    folder = shared / "real-eval" / "pose2sim_balancing_cam01"
    tracks = read_keypoints(folder / "mediapipe.json")
    picture = keypoint_picture(tracks)
    assert picture_warning(picture, (picture.width, picture.height)) is None
    assert picture_warning(picture, (1920, 1080)) is not None
    openpose = keypoint_picture(read_keypoints(folder / "keypoints"))
    assert "turned" in (picture_warning(openpose, (1920, 1080)) or "")
