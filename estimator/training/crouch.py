"""Lets people who stand or walk crouch, squat and sit: their hips sink, their feet stay where they are.

Free motion capture has hardly anybody who sits down, and the network takes people who are folded for leaning
ones. Nothing is lost by it: contacts, floor and path stay true.
"""

from __future__ import annotations

import math
from dataclasses import replace

import roma
import torch
from torch import Tensor

from ..kinematics import forward_kinematics, rest_offsets_from_lengths
from ..skeleton import JOINT_INDEX, LENGTH_NAMES
from .library import MotionBatch, rotation_matrices
from .smooth_noise import smooth_noise

DEPTH = (0.1, 0.6)
"""How far hips sink at most, in lengths of the leg: from bent knees to a deep squat."""
BACK = (0.0, 0.8)
"""How far they go back meanwhile, of that: from a squat to sitting down on a chair."""
LEAN_DEGREES = (-10.0, 50.0)
"""How far the trunk leans ahead at the deepest."""
OF_PELVIS = (0.3, 1.0)
"""Share of that by which the pelvis leans; the spine does the rest."""
OF_NECK = (0.0, 0.8)
"""Share of it that the neck takes back, to look ahead."""
MEMORY = (8.0, 30.0)
"""Frames over which somebody changes their mind."""
DECIDED = 4.0
"""The larger, the less time is spent between standing and the deepest."""
UPRIGHT = 0.7
"""Cosine between the trunk and the vertical, below which somebody doesn't crouch but lies or turns over."""
STEEPEST_DEGREES = 110.0
"""By which a thigh is swung from where its leg pointed: further, and it comes to be turned over."""
_LARGEST_FLEXION = 2.5
_REACHED = 0.02
"""Metres that the ankle may come to lie beside where it was."""
_EXTENDED = 0.999
"""Of a leg's length, beyond which there is no knee to bend."""
_THIGH, _SHIN = LENGTH_NAMES.index("thigh"), LENGTH_NAMES.index("shin")
_SPINE, _NECK = JOINT_INDEX["Spine"], JOINT_INDEX["Neck"]
_LEGS = [[JOINT_INDEX[side + name] for name in ("UpLeg", "Leg", "Foot")] for side in ("Left", "Right")]


def _uniform(low: float, high: float, count: int, random: torch.Generator) -> Tensor:
    return (low + (high - low) * torch.rand(count, generator=random))[:, None]


def _about_x(angle: Tensor) -> Tensor:
    """(..., 3, 3) rotations by angles (...) about x: trunks lean ahead, knees bend."""
    turn: Tensor = roma.rotvec_to_rotmat(
        torch.stack([angle, torch.zeros_like(angle), torch.zeros_like(angle)], dim=-1)
    )
    return turn


def _swing(start: Tensor, goal: Tensor) -> Tensor:
    """(..., 3, 3) the shortest rotations that take directions (..., 3) to others."""
    axis = torch.linalg.cross(start, goal)
    sine = axis.norm(dim=-1, keepdim=True)
    angle = torch.atan2(sine, (start * goal).sum(dim=-1, keepdim=True))
    turn: Tensor = roma.rotvec_to_rotmat(axis * (angle / sine.clamp(min=1e-9)))
    return turn


def crouch(motion: MotionBatch, chance: float, random: torch.Generator) -> MotionBatch:
    """Lets some of the people who are upright go down and come up again, or stay down.

    Nobody does whose legs couldn't follow, as where a foot is as high as the hips.
    """
    chosen = torch.rand(len(motion.root), generator=random) < chance
    chosen &= (rotation_matrices(motion.rotations[:, :, 0])[..., 2, 2] > UPRIGHT).all(dim=1)
    if not chosen.any():
        return motion
    low, root_low, followed = _crouching(
        motion.rotations[chosen], motion.root[chosen], motion.lengths[chosen], random
    )
    chosen[chosen.clone()] = followed
    rotations, root = motion.rotations.clone(), motion.root.clone()
    rotations[chosen], root[chosen] = low[followed], root_low[followed]
    return replace(motion, rotations=rotations, root=root)


def _crouching(
    rotations: Tensor, root: Tensor, lengths: Tensor, random: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Rotations (B, T, 22, 4) and Hips (B, T, 3) of people with lengths (B, 10), who all crouch.

    Returns:
        Both as they come to be, and (B,) whose legs could follow all the time.
    """
    batch, frames = root.shape[:2]
    local, offsets = rotation_matrices(rotations), rest_offsets_from_lengths(lengths)[:, None]
    before = forward_kinematics(local, offsets, root)

    memory = float(_uniform(*MEMORY, 1, random))
    moods = smooth_noise((batch, frames, 1), memory, random)[..., 0] + torch.randn(batch, 1, generator=random)
    down = torch.sigmoid(DECIDED * moods) * _uniform(*DEPTH, batch, random)
    back = down * _uniform(*BACK, batch, random)
    lean = torch.deg2rad(_uniform(*LEAN_DEGREES, batch, random)) * down / DEPTH[1]
    of_pelvis, of_neck = _uniform(*OF_PELVIS, batch, random), _uniform(*OF_NECK, batch, random)

    bent = local.clone()
    bent[:, :, 0] = local[:, :, 0] @ _about_x(lean * of_pelvis)
    bent[:, :, _SPINE] = _about_x(lean * (1.0 - of_pelvis)) @ local[:, :, _SPINE]
    bent[:, :, _NECK] = _about_x(-lean * of_neck) @ local[:, :, _NECK]
    behind = torch.nn.functional.normalize(before.rotations[:, :, 0, :2, 1], dim=-1)
    leg = lengths[:, [_THIGH, _SHIN]].sum(dim=1)[:, None, None]
    root = root + leg * torch.cat([back[..., None] * behind, -down[..., None]], dim=-1)
    now = forward_kinematics(bent, offsets, root)
    followed = torch.ones(batch, dtype=torch.bool)
    for up_leg, knee, foot in _LEGS:
        to_ankle = before.joints[:, :, foot] - now.joints[:, :, up_leg]
        thigh_turned, flexion, follows = _bent_leg(before.rotations[:, :, up_leg], to_ankle, lengths)
        followed &= follows.all(dim=1)
        bent[:, :, up_leg] = now.rotations[:, :, 0].mT @ thigh_turned
        bent[:, :, knee] = _about_x(flexion)
        bent[:, :, foot] = (thigh_turned @ bent[:, :, knee]).mT @ before.rotations[:, :, foot]
    quaternions: Tensor = roma.quat_xyzw_to_wxyz(roma.rotmat_to_unitquat(bent))
    return quaternions, root, followed


def _bent_leg(thigh_before: Tensor, to_ankle: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A leg that reaches the ankle, its knee in the direction in which it was.

    Args:
        thigh_before: (B, T, 3, 3) how the thigh was turned in the world.
        to_ankle: (B, T, 3) metres from the hip.
        lengths: (B, 10).

    Returns:
        (B, T, 3, 3) how the thigh is turned now, (B, T) radians that the knee bends, and (B, T) whether the
        ankle is reached without turning the thigh over.
    """
    thigh, shin = lengths[:, None, _THIGH], lengths[:, None, _SHIN]
    reach = torch.minimum(to_ankle.norm(dim=-1), _EXTENDED * (thigh + shin))
    # Law of cosines; the shin turns about the thigh's x.
    cosine = (reach.square() - thigh.square() - shin.square()) / (2.0 * thigh * shin)
    flexion = torch.acos(cosine.clamp(math.cos(_LARGEST_FLEXION), 1.0))
    in_thigh = torch.stack(
        [torch.zeros_like(flexion), shin * flexion.sin(), -thigh - shin * flexion.cos()], dim=-1
    )
    points = torch.nn.functional.normalize((thigh_before @ in_thigh[..., None])[..., 0], dim=-1)
    ahead = torch.nn.functional.normalize(to_ankle, dim=-1)
    follows = (points * ahead).sum(dim=-1) > math.cos(math.radians(STEEPEST_DEGREES))
    follows &= (in_thigh.norm(dim=-1) - to_ankle.norm(dim=-1)).abs() < _REACHED
    return _swing(points, ahead) @ thigh_before, flexion, follows
