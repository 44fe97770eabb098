"""What the camera says: pixels, and which way is down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def reprojection_percent(predicted: Array, truth: Array, height: Array) -> Array:
    """Distance in the picture in per cent of the person's height there.

    Never a measure by itself: a flat person on the picture plane reprojects perfectly.

    Args:
        predicted, truth: (T, N, 2) pixels; NaN behind the camera.
        height: (T,) pixels, of the standing person at that distance.

    Returns:
        (T,) means over the points that both show; nan where there are none.
    """
    distance = np.linalg.norm(predicted - truth, axis=-1)
    shown = np.isfinite(distance)
    total = np.where(shown, distance, 0.0).sum(-1)
    count = shown.sum(-1)
    mean = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return np.asarray(100 * mean / height)


def gravity_error(predicted: Array, truth: Array) -> Array:
    """Degrees (...) between directions (..., 3), of any length; in the same axes."""
    # The arc tangent is exact for small angles, where the arc cosine isn't.
    sine = np.linalg.norm(np.cross(predicted, truth), axis=-1)
    return np.asarray(np.degrees(np.arctan2(sine, (predicted * truth).sum(-1))))
