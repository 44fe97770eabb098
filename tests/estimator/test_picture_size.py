"""Guesses at the picture's size."""

import numpy as np
import pytest

from estimator.keypoint_set import K
from estimator.picture_size import guess_picture_size, size_warning
from estimator.track import KeypointTrack


def track_to(right: float, bottom: float, outliers: int = 0) -> KeypointTrack:
    """Keypoints spread evenly from 50, 50 to a corner, and some far beyond it."""
    share = np.linspace(0, 1, 100 * K).reshape(100, K, 1)
    keypoints = 50 + share * (np.array([right, bottom]) - 50)
    keypoints[0, :outliers] = 5000
    confidence = np.ones((100, K))
    confidence[50, 3], keypoints[50, 3] = 0, np.nan
    return KeypointTrack(1, keypoints, confidence)


@pytest.mark.parametrize(
    ("extent", "size"),
    [
        ((600, 350), (640, 360)),
        ((600, 400), (640, 480)),
        ((350, 600), (360, 640)),
        ((1279, 719), (1280, 720)),
        ((700, 1250), (720, 1280)),
        ((1900, 1070), (1920, 1080)),
        ((9000, 3000), (8956, 2986)),  # 99.5 % of the way, past every common size
    ],
)
def test_the_smallest_common_size_that_holds_the_points(
    extent: tuple[float, float], size: tuple[int, int]
) -> None:
    assert guess_picture_size([track_to(*extent)]) == size


def test_a_few_points_beyond_the_edge_do_not_count() -> None:
    assert guess_picture_size([track_to(1200, 700, outliers=5)]) == (1280, 720)


def test_all_people_count() -> None:
    assert guess_picture_size([track_to(300, 300), track_to(1800, 900)]) == (1920, 1080)


@pytest.mark.parametrize(
    ("extent", "size", "says"),
    [
        ((1900, 1070), (1920, 1080), None),
        ((1930, 1090), (1920, 1080), None),  # a little outside, where detectors guess
        ((1070, 1900), (1920, 1080), "if width and height are swapped, give --size 1080 1920"),
        ((1900, 1070), (640, 360), "beyond the picture of 640 × 360; check the size"),
    ],
)
def test_a_size_that_the_keypoints_do_not_fit_on_is_noticed(
    extent: tuple[float, float], size: tuple[int, int], says: str | None
) -> None:
    warning = size_warning([track_to(*extent)], *size)
    assert (warning is None) if says is None else (warning is not None and says in warning)
