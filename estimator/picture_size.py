"""A guess at the size of the picture that keypoints come from, where neither file nor user says it."""

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
