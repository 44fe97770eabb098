"""How large a person is in the picture, from whichever limbs are seen."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import percentile_filter

from .keypoint_set import KEYPOINT_INDEX
from .track import KeypointTrack

Array = NDArray[np.float64]

_LIMBS = (("shoulder", "hip", 0.29), ("hip", "knee", 0.245), ("knee", "ankle", 0.245))
_ARMS = (("shoulder", "elbow", 0.167), ("elbow", "wrist", 0.155))
"""Ends of limbs, and their length as a share of the stature of an adult."""

_LONGEST = 75.0
"""Percentile over limbs and then over time: most are foreshortened, some are misplaced."""

_LEAST = 1.0
"""Pixels; less is no person, but keypoints that all lie on one spot."""

_SECONDS = 1.0
"""Over which it is smoothed: longer than a squat hides the legs' length, shorter than an approach."""


def stature_in_picture(track: KeypointTrack, fps: float) -> Array:
    """(T,) pixels that the person would be tall standing upright at their distance; NaN if no limb is seen.

    Gaps are bridged.
    """
    point = KEYPOINT_INDEX
    seen = [
        np.linalg.norm(
            track.keypoints[:, point[f"{side}_{a}"]] - track.keypoints[:, point[f"{side}_{b}"]], axis=1
        )
        / share
        for side in ("left", "right")
        for a, b, share in (*_LIMBS, *_ARMS)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # frames without a limb stay NaN
        size = np.nanpercentile(np.stack(seen, axis=1), _LONGEST, axis=1)
    known = np.isfinite(size)
    if not known.any():
        return np.asarray(size)
    frames = np.arange(len(size))
    bridged = np.interp(frames, frames[known], size[known])
    # SciPy's filter answers with zeros where its window is much longer than the clip.
    half = min(round(_SECONDS * fps / 2), (len(size) - 1) // 2)
    return np.asarray(np.maximum(percentile_filter(bridged, _LONGEST, size=2 * half + 1), _LEAST))
