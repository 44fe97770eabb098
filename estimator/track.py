"""The 2D keypoints of one person through a clip: what the readers make and the estimator takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .keypoint_set import KEYPOINT_NAMES, K

DEFAULT_FPS = 30.0
"""Frames per second of a clip, where nobody says it."""

FRAME_RATES = (1.0, 10_000.0)
"""Frames per second, from and to, both included. Slower ones show no motion, only places and poses."""

MAX_PIXEL = 1e6
"""A coordinate further out than this is no detection but a defect of the file."""


@dataclass(frozen=True)
class KeypointTrack:
    """One person's 2D keypoints on consecutive frames of a clip.

    Attributes:
        person_id: from 1, the largest track of the file first.
        keypoints: (T, 26, 2) pixels, origin top left, x right, y down; NaN where missing.
        confidence: (T, 26) in 0..1; 0 where, and only where, the keypoint is missing.
        frame_start: number of the first row's frame, counted from 0 = the clip's first picture.
            Files that number pictures from 1 are brought to this. Numbers that begin further up are kept, as
            those of a part of a longer clip.
        width, height: of the picture in pixels; None where the file doesn't say.
        fps: frames per second of the clip; None where the file doesn't say.
        source: name of the file for messages.
    """

    person_id: int
    keypoints: NDArray[np.float64]
    confidence: NDArray[np.float64]
    frame_start: int = 0
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    source: str = ""

    def __post_init__(self) -> None:
        frames = len(self.keypoints)
        if self.keypoints.shape != (frames, K, 2) or self.confidence.shape != (frames, K):
            raise ValueError(
                f"keypoints {self.keypoints.shape} and confidence {self.confidence.shape} are not "
                f"({frames}, {K}, 2) and ({frames}, {K})"
            )

    def __len__(self) -> int:
        return len(self.keypoints)

    @property
    def present(self) -> NDArray[np.bool_]:
        """(T, 26) where there is a keypoint."""
        return self.confidence > 0

    @property
    def mean_confidence(self) -> float:
        """Over the keypoints that are there; 0 for an empty track."""
        present = self.present
        return float(self.confidence[present].mean()) if present.any() else 0.0

    @property
    def frames_seen(self) -> int:
        """Number of frames with at least one keypoint."""
        return int(self.present.any(axis=1).sum())

    def with_picture(self, width: int | None, height: int | None, fps: float | None) -> KeypointTrack:
        """The same track with the picture's size and rate filled in from elsewhere (given values win)."""
        return replace(
            self,
            width=width if width is not None else self.width,
            height=height if height is not None else self.height,
            fps=fps if fps is not None else self.fps,
        )

    def sliced(self, first: int, last: int) -> KeypointTrack:
        """Frames ``first`` to ``last``, both included, numbered as ``frame_start`` is."""
        a, b = max(first - self.frame_start, 0), min(last - self.frame_start + 1, len(self))
        if a >= b:
            raise InputError(
                f"{self.source}: person {self.person_id} is on frames {self.frame_start} to "
                f"{self.frame_start + len(self) - 1}, none of them in the range {first} to {last}; "
                "widen the range"
            )
        return replace(
            self,
            keypoints=self.keypoints[a:b],
            confidence=self.confidence[a:b],
            frame_start=self.frame_start + a,
        )


def check_frame_rate(fps: float | None, where: str) -> None:
    """Raises InputError, which begins with ``where``, if frames per second are missing or none of a clip."""
    least, most = FRAME_RATES
    if fps is None or not least <= fps <= most:
        stated = "has no frame rate" if fps is None else f"has a frame rate of {fps:g}"
        raise InputError(f"{where} {stated}; give the clip's frames per second, {least:g} to {most:g}")


def clean_keypoints(
    keypoints: NDArray[np.float64], confidence: NDArray[np.float64], where: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Enforces ``KeypointTrack``'s rules on what a file holds.

    A point at exactly (0, 0), with NaN, or with a confidence that is 0 or not finite is missing. Negative
    confidence, infinite or absurd coordinates are defects.

    Args:
        keypoints: (..., 26, 2) pixels as read.
        confidence: (..., 26); values over 1 (some tools sum heat maps) are clipped.
        where: file and frame, for messages.

    Raises:
        InputError: naming ``where``, the keypoint and the value.
    """
    points = np.array(keypoints, dtype=np.float64)
    scores = np.array(confidence, dtype=np.float64)
    scores[~np.isfinite(scores)] = 0.0
    bad = np.isinf(points).any(axis=-1) | (np.abs(np.nan_to_num(points)) > MAX_PIXEL).any(axis=-1)
    if bad.any():
        *_, k = np.argwhere(bad)[0]
        raise InputError(
            f"{where}: keypoint {KEYPOINT_NAMES[k]} lies at {points[bad][0].tolist()}, which is no pixel; "
            "repair or delete it"
        )
    negative = scores < 0
    if negative.any():
        *_, k = np.argwhere(negative)[0]
        raise InputError(
            f"{where}: keypoint {KEYPOINT_NAMES[k]}: its confidence of {scores[negative][0]:g} is negative; "
            "it must lie between 0 and 1"
        )
    missing = np.isnan(points).any(axis=-1) | (scores == 0) | (points == 0).all(axis=-1)
    points[missing] = np.nan
    return points, np.where(missing, 0.0, np.clip(scores, 0.0, 1.0))
