"""Frames from all over the clip, each fitted to its keypoints by itself, and the physique that suits all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..kinematics import end_points, keypoints
from ..lifting import Lifted
from ..observation import Evidence
from ..progress import Progress
from ..skeleton import CONTACT_END_POINTS
from .given import answer_on, sightings_on
from .physique import Physique, find_physique

Array = NDArray[np.float64]

FRAMES = 192
"""The most that are looked at."""


@dataclass(frozen=True)
class FittedFrames:
    """N frames of a clip, in the solving axes.

    Attributes:
        frames: (N,) which they are, in ascending order.
        physique: of the person, and of the detector that looks at it.
        root: (N, 3) metres, of Hips.
        keypoints: (N, 26, 3) metres from Hips to where an average detector marks them.
        contact_offsets: (N, 4, 3) metres from Hips.
    """

    frames: NDArray[np.int64]
    physique: Physique
    root: Array
    keypoints: Array
    contact_offsets: Array


def fit_frames(
    evidence: Evidence,
    centre: Array,
    lifted: Lifted,
    root: Array,
    progress: Progress = lambda fraction: None,
) -> FittedFrames:
    """Poses and physique from keypoints and the network's answer; time, ground and contacts have no say.

    Args:
        evidence: of one clip (B = 1).
        centre: (T, 3) metres, the camera's place in the solving axes.
        lifted: the network's answer.
        root: (T, 3) metres, the path of Hips in the solving axes.
        progress: told the fraction done; may raise to end the work.
    """
    rows = np.unique(np.linspace(0, len(root) - 1, min(len(root), FRAMES)).round().astype(np.int64))
    frames = torch.from_numpy(rows)
    physique, body = find_physique(
        sightings_on(frames, evidence, centre),
        answer_on(frames, lifted, root, centre, lifted.lengths),
        progress,
    )
    hips = body.root[:, None]
    contacts = end_points(body.pose, body.lengths)[:, list(CONTACT_END_POINTS)]
    return FittedFrames(
        rows,
        physique,
        body.root.numpy(),
        (keypoints(body.pose, body.lengths) - hips).numpy(),
        (contacts - hips).numpy(),
    )
