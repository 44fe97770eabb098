"""Linear least squares for a path in time linear in its length: one banded, positive definite system."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

Array = NDArray[np.float64]


class PathSystem:
    """Normal equations of the path: a 3x3 block for each frame; between frames multiples of the identity."""

    def __init__(self, frames: int) -> None:
        self.blocks = np.zeros((frames, 3, 3))
        self.right = np.zeros((frames, 3))
        self.coupling = np.zeros(frames)
        """of all directions alike, on the diagonal"""
        self.to_next = np.zeros(max(frames - 1, 0))
        self.to_after_next = np.zeros(max(frames - 2, 0))

    def add_steps(self, weight: Array, step: Array) -> None:
        """Adds ``weight |p[t+1] - p[t] - step|²``; weight (T-1,), step (T-1, 3)."""
        weighted = weight[:, None] * step
        self.coupling[:-1] += weight
        self.coupling[1:] += weight
        self.to_next -= weight
        self.right[:-1] -= weighted
        self.right[1:] += weighted

    def add_bends(self, weight: Array, bend: Array) -> None:
        """Adds ``weight |p[t] - 2 p[t+1] + p[t+2] - bend|²``; weight (T-2,), bend (T-2, 3)."""
        weighted = weight[:, None] * bend
        self.right[:-2] += weighted
        self.right[1:-1] -= 2.0 * weighted
        self.right[2:] += weighted
        self.coupling[:-2] += weight
        self.coupling[1:-1] += 4.0 * weight
        self.coupling[2:] += weight
        self.to_next[:-1] -= 2.0 * weight
        self.to_next[1:] -= 2.0 * weight
        self.to_after_next += weight

    def solve(self) -> Array:
        """(T, 3). Unknowns are frame by frame x, y, z; row 6 - d of the bands is the d-th upper diagonal."""
        frames = len(self.right)
        bands = np.zeros((7, frames, 3))
        bands[6] = np.einsum("tii->ti", self.blocks) + self.coupling[:, None]
        bands[5, :, 1] = self.blocks[:, 0, 1]
        bands[5, :, 2] = self.blocks[:, 1, 2]
        bands[4, :, 2] = self.blocks[:, 0, 2]
        bands[3, 1:] = self.to_next[:, None]
        bands[0, 2:] = self.to_after_next[:, None]
        path: Array = solveh_banded(bands.reshape(7, -1), self.right.reshape(-1), overwrite_ab=True)
        return path.reshape(frames, 3)
