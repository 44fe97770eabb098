"""Whether it moves as the truth does: neither jittery nor smoothed to death."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PEAK = 99.0
"""Percentile of a joint's speeds that counts as its peak: the highest one alone may be a single bad frame."""


def jitter(points: Array, fps: float) -> float:
    """Mean third difference, metres a second cubed, of points (T, N, 3); nan under four frames.

    To be divided by the truth's: 1 is as lively as the truth.
    """
    third = np.diff(points, n=3, axis=0)
    return float(np.linalg.norm(third, axis=-1).mean() * fps**3) if len(third) else float("nan")


def peak_speed(points: Array, fps: float) -> float:
    """Peak speed in metres a second of points (T, N, 3), averaged over points; nan under two frames.

    To be divided by the truth's: under 1, fast motion was smoothed away.
    """
    speed = np.linalg.norm(np.diff(points, axis=0), axis=-1) * fps
    return float(np.percentile(speed, PEAK, axis=0).mean()) if len(speed) else float("nan")


def acceleration_error(predicted: Array, truth: Array) -> float:
    """Mean difference of second differences, metres per frame squared, of points (T, N, 3).

    Kanazawa et al. (HMMR, CVPR 2019); nan under three frames.
    """
    difference = np.diff(predicted - truth, n=2, axis=0)
    return float(np.linalg.norm(difference, axis=-1).mean()) if len(difference) else float("nan")
