"""The whole refinement: the physique first, then the motion, window after window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import roma
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ..ground import Ground
from ..lifting import Lifted
from ..observation import Evidence
from ..resample import hemisphere_continuous
from .body import FREEDOMS, Body
from .feet import FeetOnGround, StandingFeet
from .motion_system import MotionSystem
from .physique import FRAMES, find_physique
from .steadiness import Steadiness
from .terms import JointLimits, Keypoints, NetworkAnswer, Sightings, Term

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
_PHYSIQUE_SHARE = 0.1
"""Of the time."""


def refine(
    evidence: Evidence,
    centre: Array,
    lifted: Lifted,
    root: Array,
    progress: Callable[[float], None] = lambda fraction: None,
    ground: Ground | None = None,
    contact_strength: float = 1.0,
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

    Returns:
        The answer with other rotations and lengths, and the path.
    """
    frames = len(root)
    pick = torch.linspace(0, frames - 1, min(frames, FRAMES)).round().long()
    few = torch.zeros(frames, dtype=torch.bool).index_fill(0, pick, True).nonzero()[:, 0]
    physique = find_physique(
        _seen(evidence, centre, few),
        _answer(lifted, root, lifted.lengths, few),
        lambda done: progress(_PHYSIQUE_SHARE * done),
    )

    rotations, path = lifted.rotations.copy(), root.copy()
    windows, reached = _windows(frames), 0
    for number, (window, held) in enumerate(windows):
        rotations[reached : window.stop] = _steady(lifted.rotations[reached : window.stop])
        reached = window.stop
        rows = torch.arange(window.start, window.stop)
        network = _answer(lifted, root, physique.lengths.numpy(), rows)
        still = torch.from_numpy(lifted.still[window])
        terms: list[Term] = [
            Keypoints(_seen(evidence, centre, rows), physique.marks),
            network,
            Steadiness(),
            JointLimits(),
            StandingFeet(still, contact_strength),
        ]
        if ground is not None:
            terms.append(FeetOnGround(still, ground))
        done = Body(_matrices(rotations[window]), torch.from_numpy(path[window]), physique.lengths)

        def tell(share: float, before: int = number) -> None:
            progress(_PHYSIQUE_SHARE + (1 - _PHYSIQUE_SHARE) * (before + share) / len(windows))

        body = _most_probable(done, terms, held, tell)
        quaternions = roma.quat_xyzw_to_wxyz(roma.rotmat_to_unitquat(body.rotations))
        rotations[window], path[window] = quaternions.float().numpy(), body.root.numpy()
    return replace(lifted, rotations=rotations, lengths=physique.lengths.numpy()), path


def _most_probable(body: Body, terms: list[Term], held: int, progress: Callable[[float], None]) -> Body:
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


def _seen(evidence: Evidence, centre: Array, frames: torch.Tensor) -> Sightings:
    confidence = evidence.confidence[0].cpu()[frames].double()
    rays = torch.where(confidence[..., None] > 0, evidence.rays[0].cpu()[frames].double(), 0.0)
    return Sightings(rays, confidence, torch.from_numpy(centre)[frames])


def _answer(lifted: Lifted, root: Array, lengths: Array, frames: torch.Tensor) -> NetworkAnswer:
    rows = frames.numpy()
    body = Body(_matrices(lifted.rotations[rows]), torch.from_numpy(root[rows]), torch.from_numpy(lengths))
    return NetworkAnswer(body, torch.from_numpy(lifted.error[rows]))


def _matrices(quaternions: NDArray[np.float32]) -> torch.Tensor:
    """(T, 22, 3, 3) in double precision from quaternions (T, 22, 4), w first."""
    unit = torch.nn.functional.normalize(torch.from_numpy(quaternions).double(), dim=-1)
    matrices: torch.Tensor = roma.unitquat_to_rotmat(roma.quat_wxyz_to_xyzw(unit))
    return matrices
