"""Somebody who walks and turns, seen by a camera from the side: keypoints with the places they are at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from estimator.keypoint_set import KEYPOINT_INDEX, KEYPOINT_MIRROR, K
from estimator.track import KeypointTrack

Array = NDArray[np.float64]
FPS = 30.0
STATURE = 300.0
"""Pixels."""

LEGS = [
    KEYPOINT_INDEX[f"{side}_{name}"]
    for side in ("left", "right")
    for name in ("knee", "ankle", "big_toe", "small_toe", "heel")
]
_HEIGHTS = {"eye": 0.94, "ear": 0.93, "shoulder": 0.82, "elbow": 0.63, "wrist": 0.47, "hip": 0.53}


def walker(frames: int = 90, *, fps: float = FPS, noise: float = 0.004, turn: float = 0.0) -> KeypointTrack:
    """Walks across the picture and, if ``turn`` (radians a second) isn't 0, spins about the vertical.

    Args:
        noise: of the detector, in statures.
    """
    time = np.arange(frames) / fps
    body = np.zeros((frames, K, 3))  # ahead, to the left, up; in statures
    phase = 2 * np.pi * 0.95 * time
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for name, height in _HEIGHTS.items():
            wide = {"eye": 0.02, "ear": 0.045, "hip": 0.06}.get(name, 0.11)
            body[:, KEYPOINT_INDEX[f"{side}_{name}"]] = [0.02 if name == "eye" else 0.0, sign * wide, height]
        swing = sign * np.sin(phase)
        body[:, KEYPOINT_INDEX[f"{side}_elbow"], 0] -= 0.06 * swing
        body[:, KEYPOINT_INDEX[f"{side}_wrist"], 0] -= 0.17 * swing
        lifted = 0.06 * np.maximum(sign * np.cos(phase), 0.0)
        for name, (ahead, up, share) in {
            "knee": (0.02, 0.28, 0.45),
            "ankle": (0.0, 0.04, 1.0),
            "heel": (-0.03, 0.01, 1.0),
            "big_toe": (0.11, 0.01, 1.0),
            "small_toe": (0.10, 0.01, 1.0),
        }.items():
            point = body[:, KEYPOINT_INDEX[f"{side}_{name}"]]
            point[:, 0] = ahead + 0.2 * share * swing
            point[:, 1] = 0.06 * sign
            point[:, 2] = up + share * lifted
    body[:, KEYPOINT_INDEX["nose"]] = [0.06, 0.0, 0.92]
    body[:, KEYPOINT_INDEX["head_top"]] = [0.0, 0.0, 1.0]
    body[:, KEYPOINT_INDEX["neck"]] = [0.0, 0.0, 0.83]
    body[:, KEYPOINT_INDEX["pelvis"]] = [0.0, 0.0, 0.53]
    heading = turn * time[:, None]
    across = np.cos(heading) * body[..., 0] - np.sin(heading) * body[..., 1] + 0.8 * time[:, None]
    pixels = np.stack([across, 1.0 - body[..., 2]], axis=-1) * STATURE + [100.0, 50.0]
    random = np.random.default_rng(4)
    jitter = random.standard_normal((frames, K, 2))
    jitter = 0.6 * jitter + 1.5 * gaussian_filter1d(random.standard_normal((frames, K, 2)), 4.0, axis=0)
    return KeypointTrack(
        1, pixels + noise * STATURE * jitter, np.full((frames, K), 0.9), 0, 1280, 720, fps, "walker"
    )


def exchanged(track: KeypointTrack, frames: slice | list[int], points: list[int]) -> Array:
    """Its keypoints with left and right taken for each other."""
    keypoints = track.keypoints.copy()
    rows = np.arange(len(track))[frames]
    mirror = [KEYPOINT_MIRROR[k] for k in points]
    keypoints[np.ix_(rows, points)] = track.keypoints[np.ix_(rows, mirror)]
    return keypoints
