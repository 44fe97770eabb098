"""Sends an arm or a leg where captured people's never went, and bends the trunk as theirs never was.

There is little free motion capture and hardly any dance or gymnastics in it, so that the network has seen
limbs in a part of their reach only. Hips and all other limbs stay as captured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import roma
import torch
from torch import Tensor

from ..skeleton import HINGES, JOINT_INDEX
from .library import MotionBatch, quat_product
from .smooth_noise import smooth_noise

MEMORY = (8.0, 30.0)
"""Frames over which a limb is on its way."""
AWAY = 3.0
"""The larger, the less time is spent between the captured motion and the other."""


@dataclass(frozen=True)
class _Reach:
    """Ranges in degrees that angles are drawn from evenly.

    Attributes:
        swing: two angles that say where the limb points; see ``_arm`` and ``_leg``.
        twist: about the limb itself.
        hinge: how far elbow or knee bends.
    """

    swing: tuple[tuple[float, float], tuple[float, float]]
    twist: tuple[float, float]
    hinge: tuple[float, float]


ARM = _Reach(((-60.0, 130.0), (5.0, 170.0)), (-80.0, 80.0), (0.0, 140.0))
LEG = _Reach(((-60.0, 130.0), (-20.0, 80.0)), (-60.0, 60.0), (0.0, 130.0))
TRUNK = ((-30.0, 60.0), (-35.0, 35.0), (-40.0, 40.0))
"""Degrees: ahead, to a side, and turned, shared evenly by the joints of the spine."""
_SOLE = {"Left": slice(0, 2), "Right": slice(2, 4)}
"""Of the four points that may be still: a side's heel and toe tip."""
_SPINE = [JOINT_INDEX[name] for name in ("Spine", "Spine1", "Spine2")]


def move_limbs(
    motion: MotionBatch, arms: float, legs: float, trunk: float, random: torch.Generator
) -> MotionBatch:
    """Moves each arm of some windows, one leg of some, so that the other one stands, and the trunk of some.

    Whether the foot of a leg that is away is still is not known any more.

    Args:
        arms, legs, trunk: chances per window; of each arm, of either leg, of the trunk.
    """
    batch = len(motion.root)
    draw = torch.rand(batch, 4, generator=random)
    left = torch.rand(batch, generator=random) < 0.5
    leg = draw[:, 2] < legs
    rotations = motion.rotations.clone()
    steady = torch.ones_like(motion.still_labelled)
    for side, chosen in (("Left", draw[:, 0] < arms), ("Right", draw[:, 1] < arms)):
        _move(rotations, f"{side}Arm", f"{side}ForeArm", chosen, random)
    for side, chosen in (("Left", leg & left), ("Right", leg & ~left)):
        away = _move(rotations, f"{side}UpLeg", f"{side}Leg", chosen, random)
        steady[chosen, :, _SOLE[side]] &= (away < 0.02)[..., None]
    _bend(rotations, draw[:, 3] < trunk, random)
    return replace(
        motion,
        rotations=rotations,
        still_labelled=motion.still_labelled & steady,
    )


def _move(rotations: Tensor, upper: str, lower: str, chosen: Tensor, random: torch.Generator) -> Tensor:
    """Turns the two joints (B, T, 22, 4) of a limb in the chosen windows (B,), in place.

    Returns:
        (N, T) how far the limb of the N chosen windows is away from the capture, 0..1.
    """
    count, frames = int(chosen.sum()), rotations.shape[1]
    if not count:
        return rotations.new_zeros(0, frames)
    arm = upper.endswith("Arm")
    reach = ARM if arm else LEG
    angles, away = _wandering((*reach.swing, reach.twist, reach.hinge), count, frames, random)
    first, second, twist, hinge = angles.unbind(-1)
    mirrored = -1.0 if upper.startswith("Right") else 1.0
    goal = (_arm if arm else _leg)(first, second, twist, mirrored)
    axis, sign = HINGES[lower]
    bent = torch.zeros(count, frames, 3)
    bent[..., axis] = sign * hinge
    for joint, wanted in ((upper, goal), (lower, _from_rotvec(bent))):
        row = JOINT_INDEX[joint]
        rotations[chosen, :, row] = _between(rotations[chosen, :, row], wanted, away)
    return away


def _bend(rotations: Tensor, chosen: Tensor, random: torch.Generator) -> None:
    """Bends the spine of the chosen windows (B,) of (B, T, 22, 4), in place."""
    count, frames = int(chosen.sum()), rotations.shape[1]
    if not count:
        return
    angles, away = _wandering(TRUNK, count, frames, random)
    goal = _from_rotvec(angles / len(_SPINE))
    for row in _SPINE:
        rotations[chosen, :, row] = _between(rotations[chosen, :, row], goal, away)


def _wandering(
    ranges: Sequence[tuple[float, float]], count: int, frames: int, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Angles that wander evenly over ranges, and when they count.

    Args:
        ranges: C of them, degrees.

    Returns:
        (count, frames, C) radians, and (count, frames) how far from the capture to them, 0..1.
    """
    memory = MEMORY[0] + (MEMORY[1] - MEMORY[0]) * float(torch.rand((), generator=random))
    noise = smooth_noise((count, frames, len(ranges) + 1), memory, random)
    low, high = torch.tensor(ranges).deg2rad().unbind(-1)
    # A Gaussian's share below it is spread evenly.
    angles = low + (high - low) * torch.special.ndtr(noise[..., :-1])
    return angles, torch.sigmoid(AWAY * (noise[..., -1] + torch.randn(count, 1, generator=random)))


def _arm(azimuth: Tensor, elevation: Tensor, twist: Tensor, mirrored: float) -> Tensor:
    """Quaternions (..., 4) of an upper arm that points as said.

    Args:
        azimuth: 0 to the side, a right angle to the front.
        elevation: 0 down, half a turn up.
        mirrored: 1 for the left arm, -1 for the right.
    """
    side = elevation.sin() * azimuth.cos()
    points = torch.stack([side, -elevation.sin() * azimuth.sin(), -elevation.cos()], dim=-1)
    at_rest = points.new_tensor([1.0, 0.0, 0.0]).expand_as(points)
    axis = torch.linalg.cross(at_rest, points)
    sine = axis.norm(dim=-1, keepdim=True)
    angle = torch.atan2(sine, points[..., :1])
    swing = _from_rotvec(_mirrored(axis * (angle / sine.clamp(min=1e-6)), mirrored))
    return quat_product(swing, _about(0, twist))


def _leg(flexion: Tensor, abduction: Tensor, twist: Tensor, mirrored: float) -> Tensor:
    """Quaternions (..., 4) of a thigh: raised to the front, then to its side, then turned about itself."""
    turned = quat_product(_about(0, -flexion), _about(1, -mirrored * abduction))
    return quat_product(turned, _about(2, twist))


def _mirrored(rotvec: Tensor, mirrored: float) -> Tensor:
    """A rotation as it is seen in the plane x = 0, if ``mirrored`` is -1."""
    return rotvec * rotvec.new_tensor([1.0, mirrored, mirrored])


def _about(axis: int, angle: Tensor) -> Tensor:
    rotvec = angle.new_zeros(*angle.shape, 3)
    rotvec[..., axis] = angle
    return _from_rotvec(rotvec)


def _from_rotvec(rotvec: Tensor) -> Tensor:
    quaternions: Tensor = roma.quat_xyzw_to_wxyz(roma.rotvec_to_unitquat(rotvec))
    return quaternions


def _between(start: Tensor, goal: Tensor, share: Tensor) -> Tensor:
    """Quaternions (N, T, 4) from one curve to another, without jumps from frame to frame.

    Between two rotations half a turn apart the short way changes sides, so each window keeps to the way that
    is the shorter one where it counts.
    """
    start, goal = _continuous(start), _continuous(goal)
    near = (start * goal).sum(dim=-1) * share * (1.0 - share)
    sign = torch.where(near.sum(dim=1) < 0, -1.0, 1.0)[:, None, None]
    return torch.nn.functional.normalize(start + share[..., None] * (sign * goal - start), dim=-1)


def _continuous(curve: Tensor) -> Tensor:
    """Quaternions (N, T, 4) of the same rotations, each in the half of the sphere of the one before."""
    turns = torch.where((curve[:, 1:] * curve[:, :-1]).sum(dim=-1) < 0, -1.0, 1.0).cumprod(dim=1)
    return torch.cat([curve[:, :1], curve[:, 1:] * turns[..., None]], dim=1)
