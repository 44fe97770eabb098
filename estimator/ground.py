"""The ground: a level plane, at the lowest height on which feet stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d

Array = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]

STANDS_STILL = 0.5
"""Probability from which on a contact point says something about the ground."""

LOW_SHARE = 0.1
"""Share of the standing feet's heights below which the search for the ground starts: most people stand on
the ground at some time, though they may stand on stairs or chairs for longer."""

SAME_GROUND = 0.08
"""Metres; standing feet this near to each other in height stand on the same ground."""

KNOWN_GROUND = 0.3
"""Metres; if the feet seem to stand further off the known world's z = 0, that isn't their ground."""

STEP_FRAMES = 11
"""At the network's rate, of a runner's step."""

TREADING = 0.02
"""Metres above the lowest point of a step that count as that."""

OFTEN_STANDING = 0.2
"""Share of the frames with a standing foot, below which little is known about the ground."""


@dataclass(frozen=True)
class Ground:
    """The plane ``up · p = level``, in whatever axes it was found in.

    Attributes:
        up: (3,) unit vector.
        level: metres.
        certainty: 0..1, how much it counts against other evidence.
    """

    up: Array
    level: float
    certainty: float = 1.0

    def heights(self, points: Floats) -> Array:
        """Metres (...) over the ground of points (..., 3)."""
        return np.asarray(points @ self.up - self.level)


def standing(still: Array, frame_confidence: Array) -> Array:
    """(T, 4) how much each contact point says about the ground.

    Args:
        still: (T, 4) probability that it stands still.
        frame_confidence: (T,) 0..1.
    """
    weights: Array = np.where(still >= STANDS_STILL, still, 0.0) * frame_confidence[:, None]
    return weights


def share_standing(still: Array, frame_confidence: Array) -> float:
    """Share of the frames, by their confidence, on which a foot stands; see ``standing``."""
    stands = standing(still, frame_confidence).max(axis=1)
    return float(stands.sum() / max(frame_confidence.sum(), 1e-12))


def supporting(heights: Array, still: Array, frame_confidence: Array) -> Array:
    """(T, 4) how much each contact point says about where the ground is.

    Standing points do. Of somebody who runs or jumps so that hardly any stands still, the lowest of each
    step do.

    Args:
        heights: (T, 4) metres.
        still, frame_confidence: see ``standing``.
    """
    rarely = 1.0 - min(share_standing(still, frame_confidence) / OFTEN_STANDING, 1.0)
    lowest = minimum_filter1d(heights.min(axis=1), STEP_FRAMES)
    treads = heights <= lowest[:, None] + TREADING
    weights: Array = standing(still, frame_confidence) + rarely * treads * frame_confidence[:, None]
    return weights


def ground_below(up: Array, contact_points: Array, still: Array, frame_confidence: Array) -> Ground:
    """The ground under somebody's feet.

    Args:
        up: (3,) unit vector.
        contact_points: (T, 4, 3) metres.
        still: (T, 4) probability that a contact point stands still.
        frame_confidence: (T,) 0..1.
    """
    heights = contact_points @ up
    weights = supporting(heights, still, frame_confidence)
    certainty = min(share_standing(still, frame_confidence) / OFTEN_STANDING, 1.0)
    return Ground(up, lowest_level(heights.reshape(-1), weights.reshape(-1)), certainty)


def lowest_level(heights: Array, weights: Array) -> float:
    """Height of the lowest level on which feet stand, from heights (N,) with weights (N,).

    The median near a low percentile, moved until it settles: unlike the percentile itself it doesn't sink
    into the ground as heights get noisier.
    """
    order = np.argsort(heights)
    height = heights[order]
    below = np.cumsum(weights[order])

    def height_at(weight: float) -> float:
        return float(height[min(int(np.searchsorted(below, weight)), len(height) - 1)])

    level = height_at(LOW_SHARE * below[-1])
    for _ in range(20):
        low, high = np.searchsorted(height, [level - SAME_GROUND, level + SAME_GROUND], side="right")
        under = below[low - 1] if low else 0.0
        settled = height_at((under + below[high - 1]) / 2)
        if settled == level:
            break
        level = settled
    return level
