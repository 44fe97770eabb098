"""Robust weights and averages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def robust(residual: Array, outlier: float) -> Array:
    """Weight of a residual under Geman and McClure's loss: 1 at 0, 1/4 at ``outlier``, then soon 0."""
    return np.asarray(1.0 / (1.0 + np.square(residual / outlier)) ** 2)


def geometric_median(points: Array, weights: Array) -> Array:
    """(T, C) the point with the least sum of weighted distances to points (T, K, C); weights (T, K).

    A few rounds of Weiszfeld's algorithm, enough to leave a minority of far-off points behind. Unlike medians
    by coordinate it turns with its input.
    """
    median = np.zeros((len(points), points.shape[2]))
    pull = weights
    for _ in range(5):
        total = np.maximum(pull.sum(axis=1, keepdims=True), 1e-12)
        median = np.einsum("tk,tkc->tc", pull, points) / total
        pull = weights / np.maximum(np.linalg.norm(points - median[:, None], axis=-1), 0.01)
    return median
