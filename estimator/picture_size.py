"""The size of the picture that keypoints come from: guessed where nobody says it, else checked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .track import KeypointTrack

_LANDSCAPE = (
    (640, 360),
    (640, 480),
    (854, 480),
    (960, 540),
    (1280, 720),
    (1920, 1080),
    (2560, 1440),
    (3840, 2160),
    (7680, 4320),
)
COMMON_SIZES: tuple[tuple[int, int], ...] = tuple(
    sorted({*_LANDSCAPE, *((h, w) for w, h in _LANDSCAPE)}, key=lambda size: (size[0] * size[1], -size[0]))
)
"""Width and height of usual videos, the smallest first."""

_OUTLIERS = 0.5
"""Per cent of the coordinates that may lie beyond the edge: detectors guess where hidden limbs are."""


_BEYOND = 0.02
"""Of the picture's size; detectors guess hidden limbs a little outside."""

_ASTRAY = 1.0
"""Per cent of the coordinates that may lie anywhere, where a size is checked."""


def extent(tracks: Sequence[KeypointTrack]) -> tuple[float, float]:
    """How far right and down the keypoints of all people of a clip reach, pixels; 0 without keypoints."""
    points = np.concatenate([track.keypoints[track.present] for track in tracks])
    right, bottom = np.percentile(points, 100 - _ASTRAY, axis=0) if len(points) else (0.0, 0.0)
    return float(right), float(bottom)


def is_within(right: float, bottom: float, width: int, height: int) -> bool:
    """Whether keypoints that reach so far can be on a picture of this size."""
    return right <= width * (1 + _BEYOND) and bottom <= height * (1 + _BEYOND)


def size_warning(tracks: Sequence[KeypointTrack], width: int, height: int) -> str | None:
    """What is wrong with a size that was given, as the rest of a line; None if nothing seems to be."""
    right, bottom = extent(tracks)
    if is_within(right, bottom, width, height):
        return None
    turned = is_within(right, bottom, height, width)
    todo = f"if width and height are swapped, give --size {height} {width}" if turned else "check the size"
    reach = f"{right:.0f} × {bottom:.0f}"
    return f"the keypoints reach to {reach}, beyond the picture of {width} × {height}; {todo}"


def guess_picture_size(tracks: Sequence[KeypointTrack]) -> tuple[int, int]:
    """The smallest common size that holds the keypoints of all people of a clip.

    Args:
        tracks: at least one keypoint among them.

    Returns:
        Width and height in pixels; past the largest common size, the extent itself.
    """
    points = np.concatenate([track.keypoints[track.present] for track in tracks])
    right, bottom = np.percentile(points, 100 - _OUTLIERS, axis=0)
    for width, height in COMMON_SIZES:
        if right <= width and bottom <= height:
            return width, height
    return max(math.ceil(right), 1), max(math.ceil(bottom), 1)
