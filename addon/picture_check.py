"""Whether keypoints and clip show the same picture, told by sizes; pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..estimator.picture_size import extent, is_within
from ..estimator.track import KeypointTrack

_SAME_ASPECT = 0.004
"""Relative; 1088 for 1080 differs by 0.7 %, rounding to whole pixels by 0.2 % in a picture of 480."""


@dataclass(frozen=True)
class KeypointPicture:
    """What a keypoint file tells about the picture it was made from.

    Attributes:
        width, height: as the file says; 0 where it doesn't.
        right, bottom: how far the keypoints reach, pixels.
    """

    width: int
    height: int
    right: float
    bottom: float


def keypoint_picture(tracks: Sequence[KeypointTrack]) -> KeypointPicture:
    """From all people of a clip."""
    return KeypointPicture(tracks[0].width or 0, tracks[0].height or 0, *extent(tracks))


def picture_warning(picture: KeypointPicture, clip_size: tuple[int, int]) -> str | None:
    """One line if keypoints and clip don't fit together, and what to do; None if they do.

    The clip's size must not be 0. Keypoints from a smaller or larger copy of the same picture fit, because
    they are scaled.
    """
    width, height = clip_size
    if picture.width and picture.height:
        size = picture.width, picture.height
        fits, fits_turned = _same_aspect(size, clip_size), _same_aspect((size[1], size[0]), clip_size)
        seen = f"are from a picture of {size[0]} × {size[1]}"
    else:
        reach = picture.right, picture.bottom
        fits, fits_turned = is_within(*reach, width, height), is_within(*reach, height, width)
        seen = f"reach to {picture.right:.0f} × {picture.bottom:.0f}"
    if fits:
        return None
    todo = (
        "one of them is turned. Turn the video itself (phones only note it) and detect again"
        if fits_turned
        else "they will not line up exactly. Use the video that the keypoints were detected in"
    )
    return f"Keypoints {seen}, the clip is {width} × {height}: {todo}"


def fitted_to_clip(track: KeypointTrack, clip_size: tuple[int, int]) -> KeypointTrack:
    """The track in the clip's pixels: scaled if it comes from a copy of another size, else as it is."""
    if track.width and track.height and _same_aspect((track.width, track.height), clip_size):
        scale = np.array(clip_size) / (track.width, track.height)
        track = replace(track, keypoints=track.keypoints * scale)
    return track.with_picture(*clip_size, None)


def _same_aspect(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return abs(a[0] * b[1] / (a[1] * b[0]) - 1) < _SAME_ASPECT
