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
UPRIGHT = 0.7
"""Cosine between the trunk and the vertical, below which somebody doesn't crouch but lies or turns over."""
_LARGEST_FLEXION = 2.5
_EXTENDED = 0.999
"""Of a leg's length, beyond which there is no knee to bend."""
_THIGH, _SHIN = LENGTH_NAMES.index("thigh"), LENGTH_NAMES.index("shin")
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
    """Lets some of the people who are upright go down and come up again, or stay down."""
    batch, frames = motion.root.shape[:2]
    lengths = motion.lengths
    thigh, shin = lengths[:, None, _THIGH], lengths[:, None, _SHIN]
    leg = thigh + shin
    memory = 8.0 + 22.0 * float(torch.rand((), generator=random))
    moods = smooth_noise((batch, frames, 1), memory, random)[..., 0] + torch.randn(batch, 1, generator=random)
    depth = _uniform(*DEPTH, batch, random)
    down = torch.sigmoid(4.0 * moods) * depth
    back = down * _uniform(*BACK, batch, random)
    lean = torch.deg2rad(_uniform(*LEAN_DEGREES, batch, random)) * down / DEPTH[1]
    of_pelvis, of_neck = _uniform(0.3, 1.0, batch, random), _uniform(0.0, 0.8, batch, random)

    local = rotation_matrices(motion.rotations)
    offsets = rest_offsets_from_lengths(lengths)[:, None]
    before = forward_kinematics(local, offsets, motion.root)
    upright = (before.rotations[:, :, 0, 2, 2] > UPRIGHT).all(dim=1)
    chosen = (torch.rand(batch, generator=random) < chance) & upright

    bent = local.clone()
    spine, neck = JOINT_INDEX["Spine"], JOINT_INDEX["Neck"]
    bent[:, :, 0] = local[:, :, 0] @ _about_x(lean * of_pelvis)
    bent[:, :, spine] = _about_x(lean * (1.0 - of_pelvis)) @ local[:, :, spine]
    bent[:, :, neck] = _about_x(-lean * of_neck) @ local[:, :, neck]
    behind = torch.nn.functional.normalize(before.rotations[:, :, 0, :2, 1], dim=-1)
    sunk = torch.cat([back[..., None] * behind, -down[..., None]], dim=-1) * leg[..., None]
    root = motion.root + sunk
    now = forward_kinematics(bent, offsets, root)
    for up_leg, knee, foot in _LEGS:
        to_ankle = before.joints[:, :, foot] - now.joints[:, :, up_leg]
        reach = torch.minimum(to_ankle.norm(dim=-1), _EXTENDED * leg)
        # Law of cosines; the shin turns about the thigh's x.
        cosine = (reach.square() - thigh.square() - shin.square()) / (2.0 * thigh * shin)
        flexion = torch.acos(cosine.clamp(math.cos(_LARGEST_FLEXION), 1.0))
        in_thigh = torch.stack(
            [torch.zeros_like(flexion), shin * flexion.sin(), -thigh - shin * flexion.cos()], dim=-1
        )
        old = before.rotations[:, :, up_leg]
        points = torch.nn.functional.normalize((old @ in_thigh[..., None])[..., 0], dim=-1)
        orientation = _swing(points, torch.nn.functional.normalize(to_ankle, dim=-1)) @ old
        bent[:, :, up_leg] = now.rotations[:, :, 0].mT @ orientation
        bent[:, :, knee] = _about_x(flexion)
        bent[:, :, foot] = (orientation @ bent[:, :, knee]).mT @ before.rotations[:, :, foot]

    quaternions = roma.quat_xyzw_to_wxyz(roma.rotmat_to_unitquat(bent))
    return replace(
        motion,
        rotations=torch.where(chosen[:, None, None, None], quaternions, motion.rotations),
        root=torch.where(chosen[:, None, None], root, motion.root),
    )
