"""Feet that stand: they don't slide, and those near the ground are on it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..ground import Ground
from ..skeleton import CONTACT_END_POINTS, END_POINT_BASIS, END_POINT_JOINTS
from .body import Body, offsets_of
from .motion_system import MotionSystem
from .terms import inlier

SLIDE = 0.001
"""Metres a frame that a standing point seems to move."""
STEPPED = 0.05
"""Metres a frame; a point that moves as fast was not standing, whatever was predicted."""
ON_GROUND = 0.012
"""Metres, spread of the height of a foot that stands on the ground."""
OFF_GROUND = 0.1
"""Metres above the ground, from which on a foot more likely stands on something else."""
SUNK = 0.3
"""Metres below the ground, from which on somebody more likely went downstairs."""

_JOINTS = tuple(END_POINT_JOINTS[point] for point in CONTACT_END_POINTS)
_BASIS = torch.from_numpy(END_POINT_BASIS[:, list(CONTACT_END_POINTS)])


@dataclass(frozen=True)
class StandingFeet:
    """Heels and toes that stand still stay where they are, at any height.

    Their places are nowhere written down: each frame is tied to the next, so a foot stands where all
    evidence of the whole contact wants it, and eases in and out as the probability does.

    Attributes:
        still: (T, 4) probability that a contact point stands still.
        strength: 0..1; 0 lets feet slide as they are seen to.
    """

    still: Tensor
    strength: float

    def add_to(self, system: MotionSystem, body: Body, done: float) -> None:
        """See ``terms.Term``."""
        if len(body) < 2 or self.strength == 0:
            return
        places, moves = body.points(_JOINTS, offsets_of(body.lengths, _BASIS))
        step = places.diff(dim=0)
        both = (self.still[1:] * self.still[:-1]).square()
        # To the fourth power, because even a weak tie holds a foot through a whole contact.
        weight = self.strength**4 * both * inlier(step.square().sum(dim=-1), STEPPED) / SLIDE**2
        each = weight[..., None].expand_as(step)
        system.add_steps(moves.flatten(1, 2), step.flatten(1), each.flatten(1))


@dataclass(frozen=True)
class FeetOnGround:
    """Contact points that stand near the ground are on it, and none is below it.

    Attributes:
        still: (T, 4) probability that a contact point stands still.
        ground: in the solving axes.
    """

    still: Tensor
    ground: Ground

    def add_to(self, system: MotionSystem, body: Body, done: float) -> None:
        """See ``terms.Term``."""
        places, moves = body.points(_JOINTS, offsets_of(body.lengths, _BASIS))
        up = torch.from_numpy(self.ground.up)
        height = places @ up - self.ground.level
        stands = self.still.square() * inlier(height.square(), OFF_GROUND)
        under = (height < 0) * inlier(height.square(), SUNK)
        weight = self.ground.certainty * torch.maximum(stands, under) / ON_GROUND**2
        system.add((up @ moves), height, weight)
