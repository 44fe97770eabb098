"""The estimator's steps in their order; everything here needs torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from .camera import Camera
from .errors import InputError
from .evidence import SolvingAxes, gather_evidence, solving_axes
from .generator import load_weights
from .lifting import Lifted, lift, root_evidence
from .motion import Motion
from .placement import place
from .refinement import refine
from .root_solve import solve_root
from .track import KeypointTrack, Progress

_LIFTING_SHARE = 0.25
"""Of the time; refinement takes most of the rest."""


def choose_device(name: str) -> torch.device:
    """The torch device for "auto", "cpu", "cuda" or "mps".

    Raises:
        InputError: if torch has no such device here.
    """
    available = ["cpu"]
    if torch.backends.mps.is_available():
        available.insert(0, "mps")
    if torch.cuda.is_available():
        available.insert(0, "cuda")
    if name == "auto":
        return torch.device(available[0])
    if name not in available:
        raise InputError(f"device {name!r} is not available here; choose {' or '.join(['auto', *available])}")
    return torch.device(name)


def run(
    track: KeypointTrack,
    fps: float,
    camera: Camera,
    person_height: float | None,
    refined: bool,
    device: str,
    weights: Path,
    progress: Progress,
) -> Motion:
    """See ``estimate.estimate_motion``."""
    axes = solving_axes(camera.extrinsics(track.frame_start, len(track)), len(track))
    lifted, root = _in_solving_axes(
        track, fps, camera, axes, person_height, refined, device, weights, progress
    )
    progress(0.9)
    motion = place(track, fps, camera, axes, lifted, root)
    progress(1.0)
    return motion


def _in_solving_axes(
    track: KeypointTrack,
    fps: float,
    camera: Camera,
    axes: SolvingAxes,
    person_height: float | None,
    refined: bool,
    device: str,
    weights: Path,
    progress: Progress,
) -> tuple[Lifted, NDArray[np.float64]]:
    """The person and the path (T, 3) of Hips, metres.

    On its own so that the evidence and the network are out of memory when the motion is made.
    """
    evidence, centre = gather_evidence(track, fps, camera, axes, person_height)
    generator = load_weights(weights, choose_device(device))
    lifted = lift(generator, evidence, person_height, lambda done: progress(_LIFTING_SHARE * done))
    root = solve_root(root_evidence(evidence, centre, lifted))
    if refined:
        lifted, root = refine(evidence, centre, lifted, root, lambda done: progress(0.3 + 0.6 * done))
    return lifted, root
