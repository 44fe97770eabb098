"""The estimator's steps in their order; everything here needs torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from .camera import Camera
from .camera_height import ground_at_camera_height
from .cleaning import clean_track
from .errors import InputError
from .estimate import WEIGHTS, EstimateOptions
from .evidence import SolvingAxes, gather_evidence, solving_axes
from .generator import load_weights
from .ground import KNOWN_GROUND, Ground
from .lifting import Lifted, lift, root_evidence
from .motion import Motion
from .observation import Evidence
from .placement import place
from .progress import Progress, part_of
from .refinement import fit_frames, refine
from .root_solve import solve_root
from .stance import Stance, answered_stance, fitted_stance
from .steadying import steadied
from .track import KeypointTrack
from .world import world_from_ground

Array = NDArray[np.float64]

_CLEANED, _GATHERED, _LIFTED, _SOLVED, _REFINED = 0.03, 0.05, 0.25, 0.35, 0.9
"""Fractions done, of a clip's time, after each step. A step tells more often where it takes long: whoever
cancels waits until then."""


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


def run(track: KeypointTrack, camera: Camera, options: EstimateOptions, progress: Progress) -> Motion:
    """See ``estimate.estimate_motion``, which has checked all of this."""
    fps = track.fps
    assert fps is not None
    axes = solving_axes(camera.extrinsics(track.frame_start, len(track)), len(track))
    axes = replace(axes, camera_height=options.camera_height)
    clean = clean_track(track, fps)
    progress(_CLEANED)
    track = clean.track
    person = _in_solving_axes(track, fps, camera, axes, options, progress)
    progress(_REFINED)
    motion = place(track, fps, camera, *person)
    progress(1.0)
    return replace(motion, frame_confidence=motion.frame_confidence * clean.trust)


def _in_solving_axes(
    track: KeypointTrack,
    fps: float,
    camera: Camera,
    axes: SolvingAxes,
    options: EstimateOptions,
    progress: Progress,
) -> tuple[Array, Lifted, Array]:
    """The world from the solving axes (4, 4), the person, and the path (T, 3) of Hips, metres.

    On its own so that the evidence and the network are out of memory when the motion is made.
    """
    evidence, centre = gather_evidence(track, fps, camera, axes, options.person_height)
    progress(_GATHERED)
    generator = load_weights(options.weights or WEIGHTS, choose_device(options.device))
    return _solved(
        evidence,
        centre,
        axes,
        # Has no name here, so that it is out of memory as soon as something better takes its place.
        lift(generator, evidence, options.person_height, part_of(progress, _GATHERED, _LIFTED)),
        options,
        progress,
    )


def _solved(
    evidence: Evidence,
    centre: Array,
    axes: SolvingAxes,
    lifted: Lifted,
    options: EstimateOptions,
    progress: Progress,
) -> tuple[Array, Lifted, Array]:
    """What follows after the network: path, ground, refinement. See ``_in_solving_axes``."""
    # The solvers' matrices are small: threads, of BLAS and of torch, wait for each other for longer than they
    # work, and where the processor is busy with something else they do so many times as long.
    with threadpool_limits(limits=1):
        lifted = replace(lifted, rotations=steadied(lifted.rotations, evidence.confidence[0].cpu().numpy()))
        seen = root_evidence(evidence, centre, lifted)
        within = part_of(progress, _LIFTED, _SOLVED)
        root = solve_root(seen)
        within(0.2)
        fitted = None
        stance = answered_stance(lifted, seen, root)
        if options.refine:
            fitted = fit_frames(evidence, centre, lifted, root, part_of(within, 0.2, 0.8))
            stance = fitted_stance(lifted, fitted)
        ground = _ground(axes, stance)
        del stance
        support = ground if options.on_ground else None
        if support is not None:
            root = solve_root(seen, support)
        del seen
        within(1.0)
        if options.refine:
            lifted, root = refine(
                evidence,
                centre,
                lifted,
                root,
                part_of(progress, _SOLVED, _REFINED),
                support,
                options.contact_strength,
                fitted,
            )
        world_from_axes = axes.world_from_axes
        if world_from_axes is None:
            assert ground is not None
            world_from_axes = world_from_ground(ground, root, lifted.trust)
    return world_from_axes, lifted, root


def _ground(axes: SolvingAxes, stance: Stance) -> Ground | None:
    """The ground in the solving axes; None where a known camera's world isn't about these feet."""
    if axes.world_from_axes is not None:
        known = Ground(axes.world_from_axes[2, :3], -float(axes.world_from_axes[2, 3]))
        found = stance.ground(known.up)
        return known if abs(found.level - known.level) < KNOWN_GROUND else None
    up = -stance.gravity()
    if axes.camera_height is not None:
        return ground_at_camera_height(axes.camera_height, up, *stance.feet())
    return stance.ground(up)
