"""Feet that stand where they should; world axes with z up and the ground at z = 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

RESTS = 0.01
"""Metres a frame (at 30 a second) under which a true foot point counts as resting."""
ON_GROUND = 0.05
"""Metres under which a true foot point that rests rests on the ground, and isn't held up."""
STANDS = 0.5
"""Probability from which on a contact is claimed."""


def _steps(points: Array) -> Array:
    """(T - 1, N) metres from each frame to the next."""
    return np.asarray(np.linalg.norm(np.diff(points, axis=0), axis=-1))


def foot_sliding(predicted: Array, truth: Array) -> float:
    """Mean displacement from frame to frame of foot points while the true ones rest.

    After Shin et al. (WHAM, CVPR 2024), who count contacts with the ground; here points rest at any height.

    Args:
        predicted, truth: (T, N, 3) foot points at 30 frames a second, metres.

    Returns:
        Metres a frame; nan if nothing rests.
    """
    resting = _steps(truth) < RESTS
    return float(_steps(predicted)[resting].mean()) if resting.any() else float("nan")


def contact_sliding(points: Array, still: Array) -> float:
    """Mean displacement of contact points while the answer itself says that they stand still.

    For clips without truth: an answer that claims contacts has to keep them.

    Args:
        points: (T, N, 3) metres.
        still: (T, N) probabilities.

    Returns:
        Metres a frame; nan if no contact is claimed.
    """
    claimed = (still[1:] >= STANDS) & (still[:-1] >= STANDS)
    return float(_steps(points)[claimed].mean()) if claimed.any() else float("nan")


def penetration(points: Array) -> float:
    """Mean over frames of how deep the lowest of the points (T, N, 3) is under the ground, metres."""
    return float(np.maximum(-points[..., 2].min(axis=1), 0.0).mean())


def standing_height_error(predicted: Array, truth: Array, still: Flags) -> float:
    """Mean difference in height of foot points while they stand on the ground.

    Args:
        predicted, truth: (T, N, 3) metres, both over their own ground.
        still: (T, N) where the true points stand still, at any height.

    Returns:
        Metres; nan if nothing stands on the ground.
    """
    error = np.abs(predicted[..., 2] - truth[..., 2])
    stands = still & (truth[..., 2] < ON_GROUND)
    return float(error[stands].mean()) if stands.any() else float("nan")


@dataclass(frozen=True)
class ContactCounts:
    """How often a contact was claimed rightly, claimed wrongly, and missed; counts of clips may be added."""

    right: int
    wrong: int
    missed: int


def contact_counts(claimed: Array, still: Flags) -> ContactCounts:
    """Contacts claimed with a probability of a half or more, against the true ones; both (T, N)."""
    yes = claimed >= STANDS
    return ContactCounts(int((yes & still).sum()), int((yes & ~still).sum()), int((~yes & still).sum()))
