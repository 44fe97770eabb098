"""Keypoints that are in memory already, as a track."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..track import KeypointTrack, check_frame_rate, clean_keypoints
from .layouts import KeypointLayout


def track_from_array(
    points: NDArray[np.floating[Any]],
    layout: KeypointLayout,
    *,
    fps: float,
    width: int | None = None,
    height: int | None = None,
    frame_start: int = 0,
    person_id: int = 1,
    source: str = "array",
) -> KeypointTrack:
    """One person's keypoints on consecutive frames, as a detector gives them.

    Args:
        points: (T, N, 3) x and y in pixels, confidence in 0..1. Missing are points with NaN, at exactly
            (0, 0), or with a confidence that is 0 or not finite.
        layout: whose N points these are, such as ``layouts.COCO17``; ``layouts.CANONICAL`` for our own 26.
        fps: frames per second of the clip.
        width, height: of the picture in pixels.
        frame_start: number of the first row's frame; 0 is the clip's first picture.
        person_id: to tell people apart.
        source: what messages call it.

    Raises:
        InputError: another shape than the layout's, or values that are no keypoints.
    """
    check_frame_rate(fps, source)
    points = np.asarray(points)
    if points.ndim != 3 or points.shape[1:] != (layout.count, 3) or points.dtype.kind not in "iuf":
        raise InputError(
            f"{source}: an array of {points.dtype} and shape {points.shape}; give numbers in the shape "
            f"(frames, {layout.count}, 3) for {layout.name}"
        )
    canonical = layout.to_canonical(points)
    keypoints, confidence = clean_keypoints(canonical[..., :2], canonical[..., 2], source)
    return KeypointTrack(person_id, keypoints, confidence, frame_start, width, height, fps, source)
