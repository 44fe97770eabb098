"""Nothing jerks, the less so the less it moves.

Somebody who stands has no reason to tremble, while a kick is all jerk: as in the one-euro filter (Casiez et
al., CHI 2012) what moves fast is smoothed less. Without that either feet would tremble or kicks be lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ..skeleton import J
from .body import TURN_JOINTS, TURNS, Body
from .motion_system import MotionSystem

TURN_JERK = 0.002
"""Radians a frame cubed that joints jerk which don't move."""
SHIFT_JERK = 0.0005
"""Metres a frame cubed, of Hips."""
LIVELY = 0.7
"""What is added to either per radian or metre a frame that the speed varies by."""
_NOISE = 2.0
"""Frames of the window that takes detectors' noise out of a speed."""
_STEADY = 10.0
"""Frames of the window whose mean speed doesn't count: somebody may walk or spin without a jerk."""
_SPELL = 8.0
"""Frames of the window over which lively moments count for their neighbours."""

_JOINT_OF_FREEDOM = np.array([*TURN_JOINTS, J, J, J])


def liveliness(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much the speed of each joint varies around each step.

    Args:
        steps: (T, FREEDOMS) radians and metres a frame.

    Returns:
        The same shape and units; the same for all freedoms of a joint.
    """
    smooth = gaussian_filter1d(steps, _NOISE, axis=0)
    varied = np.square(smooth - gaussian_filter1d(smooth, _STEADY, axis=0))
    of_joints = np.stack(
        [varied[:, joint == _JOINT_OF_FREEDOM].sum(axis=1) for joint in range(J + 1)], axis=1
    )
    return np.asarray(np.sqrt(gaussian_filter1d(of_joints, _SPELL, axis=0))[:, _JOINT_OF_FREEDOM])


@dataclass(frozen=True)
class Steadiness:
    """The third difference of every freedom is small, against how it moves."""

    def add_to(self, system: MotionSystem, body: Body, done: float) -> None:
        """See ``terms.Term``."""
        if len(body) < 4:
            return
        lively = torch.from_numpy(liveliness(body.steps.numpy())[1:-1])
        spread = LIVELY * lively
        spread[:, :TURNS] += TURN_JERK
        spread[:, TURNS:] += SHIFT_JERK
        system.add_jerks(body.steps.diff(n=2, dim=0), spread**-2)
