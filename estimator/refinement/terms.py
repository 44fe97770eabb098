"""What speaks for or against a motion, a class for each kind of evidence.

Each is asked, round after round, to add what it has to say about the present body to the normal equations.
Feet have a module of their own (``feet``), and so has time (``steadiness``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import roma
import torch
from torch import Tensor

from ..generator import HINGE_JOINTS
from ..joint_limits import FURTHEST
from ..skeleton import HINGES, JOINT_NAMES, KEYPOINT_JOINTS
from .body import FREEDOMS, TURN_AXES, TURN_JOINTS, TURNS, Body
from .motion_system import MotionSystem

RAY = 0.02
"""Metres, spread of a detection about the line of sight to where an average detector marks the point."""
OUTLIER = 0.12
"""Metres off, from which on a detection counts for less and less."""
FIRST_OUTLIER = 0.6
"""Metres; the same in the first round, since a whole person may be off together, or a whole leg."""
NARROWED = 0.7
"""Share of the rounds after which the one has gone over into the other."""
SHIFT = 0.04
"""Metres, spread of the error of the root's path."""
FURTHER = 0.015
"""Of the distance, what is added to that along the line of sight: how large somebody is in the picture tells
it better than the network."""
STRAY = 0.01
"""Metres a frame, spread of the error of its steps: the path's error comes and goes slowly."""
USUAL_ERROR = 0.06
"""Metres; a frame on which the network expects twice this error of itself may be corrected twice as far."""
NETWORK_OUTLIER = 3.0
"""Spreads away, from which on the network's answer counts for less: it jumps where keypoints are false."""
HINGE_RANGE = (-0.02, 2.6)
"""Radians that elbows and knees bend."""
LIMIT_GIVE = 0.05
"""Radians, spread beyond either."""

_TURN_DEGREES = {
    "Hips": 6.0,
    "Spine": 5.0,
    "Spine1": 4.0,
    "Spine2": 4.0,
    "Neck": 8.0,
    "Head": 10.0,
    "Shoulder": 6.0,
    "Arm": 15.0,
    "ForeArm": 15.0,
    "Hand": 5.0,
    "UpLeg": 10.0,
    "Leg": 10.0,
    "Foot": 12.0,
    "ToeBase": 5.0,
}
"""Spread of the network's error per joint."""


class Term(Protocol):
    """One kind of evidence about T frames."""

    def add_to(self, system: MotionSystem, body: Body, done: float) -> None:
        """Adds what it says about a body.

        Args:
            done: 0 in the first round to 1 in the last, for what is only believed step by step.
        """


def inlier(square: Tensor, outlier: float) -> Tensor:
    """Weight under Geman and McClure's loss of squared residuals: 1 at 0, 1/4 at ``outlier``, then soon 0."""
    return (1.0 + square / outlier**2) ** -2


@dataclass(frozen=True)
class Sightings:
    """What a camera saw on T frames.

    Attributes:
        rays: (T, 26, 3) unit vectors to the keypoints in the solving axes, zero where missing.
        confidence: (T, 26) 0..1.
        centre: (T, 3) metres, where the camera was.
    """

    rays: Tensor
    confidence: Tensor
    centre: Tensor

    def __getitem__(self, frames: slice | Tensor) -> Sightings:
        """Some of the frames."""
        return Sightings(self.rays[frames], self.confidence[frames], self.centre[frames])

    @property
    def across(self) -> Tensor:
        """(T, 26, 3, 3) what takes the part along the line of sight out of a vector."""
        return torch.eye(3, dtype=self.rays.dtype) - self.rays[..., :, None] * self.rays[..., None, :]

    def beside(self, places: Tensor) -> Tensor:
        """(T, 26, 3) metres from each line of sight to where the body has the keypoint."""
        from_camera = places - self.centre[:, None]
        return from_camera - (from_camera * self.rays).sum(dim=-1, keepdim=True) * self.rays

    def weight(self, beside: Tensor, done: float) -> Tensor:
        """(T, 26) how much each counts; see ``Term`` for ``done``."""
        outlier = FIRST_OUTLIER * (OUTLIER / FIRST_OUTLIER) ** min(done / NARROWED, 1.0)
        return self.confidence * inlier(beside.square().sum(dim=-1), outlier) / RAY**2


@dataclass(frozen=True)
class Keypoints:
    """The body's keypoints lie on the lines of sight to them.

    Attributes:
        seen: by the camera.
        marks: (26, 3) metres, where this detector marks this person, from the joints in their frames.
    """

    seen: Sightings
    marks: Tensor

    def add_to(self, system: MotionSystem, body: Body, done: float) -> None:
        """See ``Term``."""
        places, moves = body.points(KEYPOINT_JOINTS, self.marks)
        beside = self.seen.beside(places)
        weight = self.seen.weight(beside, done)
        rows = self.seen.across @ moves
        each = weight[..., None].expand_as(beside)
        system.add(rows.flatten(1, 2), beside.flatten(1), each.flatten(1))


@dataclass(frozen=True)
class NetworkAnswer:
    """The motion is near the network's answer.

    Attributes:
        body: the answer.
        error: (T,) metres, that the network expects of itself.
        centre: (T, 3) metres, where the camera was.
    """

    body: Body
    error: Tensor
    centre: Tensor

    @cached_property
    def rows(self) -> Tensor:
        """(T, FREEDOMS, FREEDOMS) what the answer is about: each turn, then Hips along the line of sight and
        in two directions across it."""
        along = torch.nn.functional.normalize(self.body.root - self.centre, dim=-1)
        # Householder's reflection of the first axis onto the line of sight; its other columns are across it.
        mirror = along - torch.eye(3, dtype=along.dtype)[0]
        far = mirror.square().sum(dim=-1)[:, None, None].clamp(min=1e-12)
        axes = torch.eye(3, dtype=along.dtype) - 2.0 * mirror[:, :, None] * mirror[:, None, :] / far
        rows = torch.eye(FREEDOMS, dtype=along.dtype).repeat(len(along), 1, 1)
        rows[:, TURNS:, TURNS:] = axes
        return rows

    @cached_property
    def weight(self) -> Tensor:
        """(T, FREEDOMS) inverse variances, in the order of ``rows``."""
        room = (self.error / USUAL_ERROR).clamp(0.5, 3.0)
        spread = _spread() * room[:, None]
        # The surer a pose is, the more its size in the picture tells.
        spread[:, TURNS] += FURTHER / room.square() * (self.body.root - self.centre).norm(dim=-1)
        return spread**-2

    def add_to(self, system: MotionSystem, body: Body, done: float) -> None:
        """See ``Term``."""
        away = (self.rows @ body.away_from(self.body)[..., None])[..., 0]
        spreads = away.square() * self.weight
        system.add(self.rows, away, self.weight / (1.0 + spreads / NETWORK_OUTLIER**2))
        if len(body) > 1:
            shifts = torch.eye(FREEDOMS, dtype=torch.float64)[TURNS:].expand(len(body), -1, -1)
            strayed = body.away_from(self.body)[:, TURNS:].diff(dim=0)
            system.add_steps(shifts, strayed, torch.full_like(strayed, STRAY**-2))


def _spread() -> Tensor:
    """(FREEDOMS,) radians and metres that the network is off."""
    names = [JOINT_NAMES[joint].removeprefix("Left").removeprefix("Right") for joint in TURN_JOINTS]
    degrees = torch.tensor([_TURN_DEGREES[name] for name in names], dtype=torch.float64)
    return torch.cat([torch.deg2rad(degrees), torch.full((3,), SHIFT, dtype=torch.float64)])


_FURTHEST = torch.tensor(FURTHEST, dtype=torch.float64)


@dataclass(frozen=True)
class JointLimits:
    """Elbows and knees bend one way only, and no trunk, clavicle or neck turns further than people's do."""

    def add_to(self, system: MotionSystem, body: Body, done: float) -> None:
        """See ``Term``."""
        turned = roma.rotmat_to_rotvec(body.rotations)
        angle = turned.norm(dim=-1)
        excess = (angle - _FURTHEST).clamp(min=0.0)
        beyond = turned * (excess / angle.clamp(min=1e-9))[..., None]
        for joint, (axis, sign) in zip(HINGE_JOINTS, HINGES.values(), strict=True):
            bend = sign * turned[:, joint, axis]
            beyond[:, joint, axis] = sign * (bend - bend.clamp(*HINGE_RANGE))
        residual = torch.zeros(len(body), FREEDOMS, dtype=torch.float64)
        residual[:, :TURNS] = beyond[:, TURN_JOINTS, TURN_AXES]
        past = torch.zeros_like(residual)
        past[:, :TURNS] = (beyond != 0).any(dim=-1).double()[:, TURN_JOINTS]
        system.add_each(residual, past / LIMIT_GIVE**2)
