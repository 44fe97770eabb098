"""Linear least squares for all freedoms of all frames at once, in time linear in their number."""

from __future__ import annotations

import torch
from scipy.linalg import solveh_banded
from torch import Tensor

_JERK = (-1.0, 3.0, -3.0, 1.0)
_HELD = 1e9
"""Weight that lets nothing change, against up to 1e7 of all that may want to."""


class MotionSystem:
    """Normal equations of a sum of squares ``weight · (rows · change + residual)²``.

    What frames say by themselves fills a block per frame; what ties a frame to the next, a block between the
    two; third differences tie four frames in a row, each freedom for itself. Hence a symmetric, positive
    definite system with 3 N diagonals beside the main one.

    Args:
        frames: T.
        freedoms: N, of each frame.
    """

    def __init__(self, frames: int, freedoms: int) -> None:
        self.frames, self.freedoms = frames, freedoms
        self._same = torch.zeros(frames, freedoms, freedoms, dtype=torch.float64)
        self._next = torch.zeros(frames - 1, freedoms, freedoms, dtype=torch.float64)
        self._bands = torch.zeros(4, frames, freedoms, dtype=torch.float64)
        """of each freedom by itself, between a frame and itself, the next, the second and the third"""
        self._right = torch.zeros(frames, freedoms, dtype=torch.float64)

    def add(self, rows: Tensor, residual: Tensor, weight: Tensor) -> None:
        """What frames say by themselves: rows (T, M, N), residual and weight (T, M)."""
        weighted = rows * weight[..., None]
        self._same += weighted.mT @ rows
        self._right -= (weighted.mT @ residual[..., None])[..., 0]

    def add_each(self, residual: Tensor, weight: Tensor) -> None:
        """What is said of each freedom by itself: residual and weight (T, N)."""
        self._bands[0] += weight
        self._right -= weight * residual

    def add_steps(self, rows: Tensor, residual: Tensor, weight: Tensor) -> None:
        """What ties frames to the next: ``rows[t + 1] · change[t + 1] - rows[t] · change[t] + residual[t]``.

        Args:
            rows: (T, M, N).
            residual, weight: (T - 1, M).
        """
        before, after = rows[:-1], rows[1:]
        weighted_before, weighted_after = before * weight[..., None], after * weight[..., None]
        self._same[:-1] += weighted_before.mT @ before
        self._same[1:] += weighted_after.mT @ after
        self._next -= weighted_before.mT @ after
        self._right[:-1] += (weighted_before.mT @ residual[..., None])[..., 0]
        self._right[1:] -= (weighted_after.mT @ residual[..., None])[..., 0]

    def add_jerks(self, residual: Tensor, weight: Tensor) -> None:
        """Third differences of each freedom by itself: residual and weight (T - 3, N)."""
        count = self.frames - 3
        for one, factor in enumerate(_JERK):
            self._right[one : one + count] -= factor * weight * residual
            for other in range(one, 4):
                self._bands[other - one, one : one + count] += factor * _JERK[other] * weight

    def hold(self, frames: int) -> None:
        """Nothing changes on the first frames."""
        self._bands[0, :frames] += _HELD
        self._right[:frames] = 0.0

    def solve(self) -> Tensor:
        """(T, N) the change."""
        frames, n = self.frames, self.freedoms
        wide = 3 * n
        tall = wide + 1
        # LAPACK's upper bands: entry (i, j) lies at [j, wide + i - j]. Blocks are added through views whose
        # rows are the matrix's columns; their empty triangle falls onto neighbours and adds nothing there.
        bands = torch.zeros(frames * n * tall + n, dtype=torch.float64)
        bands.as_strided((frames, n, n), (n * tall, tall - 1, 1), wide).add_(self._same.triu().mT)
        if frames > 1:
            start = n * tall + wide - n
            bands.as_strided((frames - 1, n, n), (n * tall, tall - 1, 1), start).add_(self._next.mT)
        upper = bands[: frames * n * tall].view(frames, n, tall)
        for later in range(min(4, frames)):
            upper[later:, :, wide - later * n] += self._bands[later, : frames - later]
        change = solveh_banded(
            upper.view(frames * n, tall).numpy().T,
            self._right.reshape(-1).numpy(),
            overwrite_ab=True,
            check_finite=False,
        )
        return torch.from_numpy(change).view(frames, n)
