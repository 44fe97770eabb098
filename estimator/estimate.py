"""From one person's keypoints and a camera to global motion: the whole estimator in one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .camera import Camera
from .motion import Motion
from .track import KeypointTrack

Progress = Callable[[float], None]
"""Told the fraction done, 0..1, a few times a second at most; an exception raised in it ends the work."""


@dataclass(frozen=True)
class EstimateOptions:
    """What the user decides.

    Attributes:
        person_height: standing height of the actor in metres; None if unknown.
        device: "auto", "cpu", "cuda" or "mps".
        weights: file to load instead of the weights that ship.
    """

    person_height: float | None = None
    device: str = "auto"
    weights: Path | None = None


def estimate_motion(
    track: KeypointTrack,
    camera: Camera,
    options: EstimateOptions = EstimateOptions(),
    progress: Progress = lambda fraction: None,
) -> Motion:
    """Global motion of one person, at the clip's rate.

    Args:
        track: of at least 2 frames; ``fps``, ``width`` and ``height`` filled in.
        camera: intrinsics, and extrinsics where known.

    Raises:
        InputError: for a track that can't be used.
        MissingDependencyError: without torch, scipy or roma.
    """
    raise NotImplementedError
