"""Labels that no set carries: which points of the feet stand still, and where the ground is."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter

from .capture_bvh import Array, SourceClip

STILL_SPEED = 0.15
"""m/s in the world, at any height."""
_SPEED_SMOOTHING_SECONDS = 0.03
_SHORTEST_SECONDS = 0.1
_STANDING_SPEED = 0.1
_STANDING_BAND = 0.04
"""Metres over the lowest standing ankles that still count as standing on the floor."""
_OFF_GROUND = re.compile(r"crawl|roll|get ?up|cartwheel|flip", re.IGNORECASE)


def ground_is_known(set_name: str, subject: str, action: str) -> bool:
    """Whether the person stands on one level floor at z = 0 and on nothing else.

    Subject 01 climbs on a playground, 03 walks over uneven terrain; who crawls, rolls or gets up touches the
    floor with more than the soles.
    """
    uneven = set_name.startswith("cmu_") and subject in ("01", "03")
    return not uneven and _OFF_GROUND.search(action) is None


def speeds(points: Array, fps: float) -> Array:
    """(T, ...) metres per second of points (T, ..., 3), lightly smoothed."""
    sigma = _SPEED_SMOOTHING_SECONDS * fps
    smooth = gaussian_filter1d(points, sigma, axis=0, mode="nearest") if sigma > 0.5 else points
    return np.asarray(np.linalg.norm(np.gradient(smooth, axis=0), axis=-1) * fps)


def still_points(points: Array, fps: float) -> NDArray[np.bool_]:
    """(T, N) whether points (T, N, 3) stand still in the world; runs and gaps under 0.1 s are closed."""
    still = speeds(points, fps) < STILL_SPEED
    window = 2 * int(_SHORTEST_SECONDS * fps / 2) + 1
    return np.asarray(median_filter(still, size=(window, 1), mode="nearest"))


def standing_frames(clip: SourceClip, joint: str) -> NDArray[np.bool_]:
    """(T,) whether a source's foot or toe joint stands on the floor; never where there is no level floor."""
    if not ground_is_known(clip.set, clip.subject, clip.action):
        return np.zeros(len(clip), dtype=bool)
    still = speeds(clip.at(joint), clip.fps) < _STANDING_SPEED
    height = clip.at(joint)[:, 2]
    if not still.any():
        return still
    return np.asarray(still & (height < np.percentile(height[still], 10) + _STANDING_BAND))


def ground_height(points: Array, still: NDArray[np.bool_], fps: float) -> float | None:
    """Height of the floor from the still points of the feet, or None where the person hardly stands.

    Args:
        points: (T, 4, 3) world, heels and toe tips.
        still: (T, 4).
        fps: frames per second.
    """
    heights = np.where(still, points[..., 2], np.inf).min(axis=1)
    heights = heights[np.isfinite(heights)]
    if len(heights) < 0.25 * fps:
        return None
    floor = np.percentile(heights, 10)
    return float(np.median(heights[heights < floor + _STANDING_BAND]))
