"""Lens distortion in the models that design files, OpenCV and Blender use.

All functions work on normalised image coordinates x/z, y/z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Distortion:
    """A lens distortion model and its coefficients; the default distorts nothing."""

    model: str = "none"
    coefficients: tuple[float, ...] = ()

    def distort(self, points: Array) -> Array:
        """Where the lens puts ideal points; (..., 2) to (..., 2)."""
        return points

    def undistort(self, points: Array) -> Array:
        """Inverse of ``distort``."""
        return points
