"""The motion that is most probable given all evidence, window after window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import roma
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ..ground import Ground
from ..lifting import Lifted
from ..observation import Evidence
from ..progress import Progress
from ..resample import hemisphere_continuous
from .body import FREEDOMS, Body
from .feet import FeetOnGround, StandingFeet
from .fitting import FittedFrames, fit_frames
from .given import answer_on, matrices, sightings_on
from .motion_system import MotionSystem
from .steadiness import Steadiness
from .terms import JointLimits, Keypoints, Term

Array = NDArray[np.float64]

WINDOW = 512
"""Frames at once."""
AHEAD = 64
"""Frames at a window's end that the next one does again, knowing what follows."""
HELD = 4
"""Frames that a window takes over from the one before it: as many as jerk ties together."""
ROUNDS = 6
STARTS = 2.5
"""Frames of the window over which the network's answer is averaged to start from."""


def refine(
    evidence: Evidence,
    centre: Array,
    lifted: Lifted,
    root: Array,
    progress: Progress = lambda fraction: None,
    ground: Ground | None = None,
    contact_strength: float = 1.0,
    fitted: FittedFrames | None = None,
) -> tuple[Lifted, Array]:
    """A take moved onto its own keypoints, without jitter, its feet planted.

    Args:
        evidence: of one clip (B = 1), at the network's rate.
        centre: (T, 3) metres, the camera's place in the solving axes.
        lifted: the network's answer.
        root: (T, 3) metres, the path of Hips in the solving axes.
        progress: told the fraction done; may raise to end the work.
        ground: in the solving axes; None if unknown.
        contact_strength: 0..1, how firmly feet that stand are kept from sliding.
        fitted: the answer of ``fit_frames``, if it is there already.

    Returns:
        The answer with other rotations and lengths, and the path.
    """
    if fitted is None:
        fitted = fit_frames(evidence, centre, lifted, root)
    physique = fitted.physique
    rotations, path = lifted.rotations.copy(), root.copy()
    windows, reached = _windows(len(root)), 0
    for number, (window, held) in enumerate(windows):
        rotations[reached : window.stop] = _steady(lifted.rotations[reached : window.stop])
        reached = window.stop
        rows = torch.arange(window.start, window.stop)
        network = answer_on(rows, lifted, root, centre, physique.lengths.numpy())
        still = torch.from_numpy(lifted.still[window])
        terms: list[Term] = [
            Keypoints(sightings_on(rows, evidence, centre), physique.marks),
            network,
            Steadiness(),
            JointLimits(),
            StandingFeet(still, contact_strength),
        ]
        if ground is not None:
            terms.append(FeetOnGround(still, ground))
        done = Body(matrices(rotations[window]), torch.from_numpy(path[window]), physique.lengths)

        def tell(share: float, before: int = number) -> None:
            progress((before + share) / len(windows))

        body = _most_probable(done, terms, held, tell)
        quaternions = roma.quat_xyzw_to_wxyz(roma.rotmat_to_unitquat(body.rotations))
        rotations[window], path[window] = quaternions.float().numpy(), body.root.numpy()
    return replace(lifted, rotations=rotations, lengths=physique.lengths.numpy()), path


def _most_probable(body: Body, terms: list[Term], held: int, progress: Progress) -> Body:
    """Gauss and Newton's method from a body on, whose first frames are held."""
    for count in range(ROUNDS):
        system = MotionSystem(len(body), FREEDOMS)
        for term in terms:
            term.add_to(system, body, count / max(ROUNDS - 1, 1))
        system.hold(held)
        progress((count + 0.5) / ROUNDS)
        body = body.changed(system.solve())
        progress((count + 1) / ROUNDS)
    return body


def _windows(frames: int) -> list[tuple[slice, int]]:
    """Stretches that cover a clip, and how many frames of each are held as the last one left them."""
    windows, start, held = [], 0, 0
    while frames - start > WINDOW + AHEAD:
        windows.append((slice(start, start + WINDOW), held))
        start, held = start + WINDOW - AHEAD - HELD, HELD
    return [*windows, (slice(start, frames), held)]


def _steady(rotations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where to start from: what trembles or flips for a moment would else be taken for lively."""
    smooth = gaussian_filter1d(hemisphere_continuous(rotations), STARTS, axis=0)
    return np.asarray(smooth / np.linalg.norm(smooth, axis=-1, keepdims=True))
