"""Makes little motion capture go far: part swaps, turned joints, moved limbs, crouching, mirroring, build."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import roma
import torch
from torch import Tensor

from ..generator import HINGE_JOINTS
from ..joint_limits import FURTHEST
from ..skeleton import HINGES, JOINT_INDEX, JOINT_MIRROR, J
from .crouch import crouch
from .library import MotionBatch, quat_product
from .limbs import move_limbs
from .smooth_noise import smooth_noise

UPPER_BODY = [
    index for name, index in JOINT_INDEX.items() if index and not name.endswith(("Leg", "Foot", "ToeBase"))
]
LEGS = [index for name, index in JOINT_INDEX.items() if name.endswith(("Leg", "Foot", "ToeBase"))]
_FLEXION = (-0.05, 2.6)
"""Radians between which elbows and knees bend."""
_LEG_LENGTHS = [1, 2]


@dataclass(frozen=True)
class AugmentSettings:
    """Chances per window, and strengths; 0 switches one off."""

    swap: float = 0.4
    perturb: float = 0.5
    perturb_degrees: float = 14.0
    arms: float = 0.35
    """Of each arm."""
    legs: float = 0.4
    """Of one leg."""
    trunk: float = 0.2
    crouch: float = 0.2
    mirror: float = 0.5
    stature_spread: float = 0.07
    length_spread: float = 0.06


def _chance(probability: float, count: int, random: torch.Generator) -> Tensor:
    return torch.rand(count, generator=random) < probability


def swap_parts(motion: MotionBatch, settings: AugmentSettings, random: torch.Generator) -> MotionBatch:
    """Gives some windows the upper body of the window before them in the batch, which needs two."""
    chosen = _chance(settings.swap, len(motion.root), random)[:, None]
    swapped = chosen[..., None]
    upper = torch.zeros(J, dtype=torch.bool)
    upper[UPPER_BODY] = True
    take = swapped & upper
    return replace(
        motion,
        rotations=torch.where(take[..., None], motion.rotations.roll(1, 0), motion.rotations),
        rotation_labelled=torch.where(take, motion.rotation_labelled.roll(1, 0), motion.rotation_labelled),
        position_labelled=torch.where(take, motion.position_labelled.roll(1, 0), motion.position_labelled),
        rates_labelled=motion.rates_labelled & (motion.rates_labelled.roll(1, 0) | ~chosen),
    )


def perturb_joints(motion: MotionBatch, settings: AugmentSettings, random: torch.Generator) -> MotionBatch:
    """Turns joints by smooth random rotations; turned legs cost a window contacts, velocities and floor."""
    batch, frames = motion.root.shape[:2]
    chosen = _chance(settings.perturb, batch, random)
    legs = chosen & _chance(0.5, batch, random)
    memory = 15.0 + 45.0 * float(torch.rand((), generator=random))
    noise = smooth_noise((batch, frames, 3 * J), memory / 2, random).unflatten(-1, (J, 3))
    # A constant part shifts the pose, the moving part varies it.
    noise = noise + torch.randn(batch, 1, J, 3, generator=random)
    strength = torch.rand(batch, 1, J, 1, generator=random) * math.radians(settings.perturb_degrees)
    allowed = torch.zeros(batch, 1, J, 1)
    allowed[:, :, UPPER_BODY] = chosen.float()[:, None, None, None]
    allowed[:, :, LEGS] = legs.float()[:, None, None, None]
    turn = roma.quat_xyzw_to_wxyz(roma.rotvec_to_unitquat(noise * strength * allowed * 0.7))
    rotations = keep_within(quat_product(motion.rotations, turn), motion.rotations)
    kept = ~legs[:, None]
    return replace(
        motion,
        rotations=rotations,
        still_labelled=motion.still_labelled & kept[..., None],
        velocity_labelled=motion.velocity_labelled & kept,
        ground_known=motion.ground_known & ~legs,
    )


def keep_within(turned: Tensor, before: Tensor) -> Tensor:
    """Turns joints back that turned further than people's go, and than they did before; (..., 22, 4)."""
    furthest = turned.new_tensor(FURTHEST)
    angle = _angle(turned)
    share = (torch.maximum(furthest, _angle(before)) / angle.clamp(min=1e-6)).clamp(max=1.0)
    back = roma.rotvec_to_unitquat(share[..., None] * roma.unitquat_to_rotvec(roma.quat_wxyz_to_xyzw(turned)))
    return torch.where((share < 1)[..., None], roma.quat_xyzw_to_wxyz(back), turned)


def _angle(rotations: Tensor) -> Tensor:
    """Radians (...) from 0 to half a turn, of unit quaternions (..., 4)."""
    return 2 * torch.atan2(rotations[..., 1:].norm(dim=-1), rotations[..., 0].abs())


def keep_hinges(rotations: Tensor) -> Tensor:
    """Puts elbows and knees back on their axes and within their limits; (..., 22, 4)."""
    rotations = rotations.clone()
    for joint, (axis, sign) in zip(HINGE_JOINTS, HINGES.values(), strict=True):
        q = rotations[..., joint, :]
        angle = 2 * torch.atan2(sign * q[..., 1 + axis], q[..., 0])
        angle = torch.remainder(angle + math.pi, 2 * math.pi) - math.pi
        half = sign * angle.clamp(*_FLEXION) / 2
        turned = torch.zeros_like(q)
        turned[..., 0] = half.cos()
        turned[..., 1 + axis] = half.sin()
        rotations[..., joint, :] = turned
    return rotations


def mirror(motion: MotionBatch, settings: AugmentSettings, random: torch.Generator) -> MotionBatch:
    """Swaps left and right of some windows, by reflection in the plane x = 0."""
    chosen = _chance(settings.mirror, len(motion.root), random)
    joints, feet = list(JOINT_MIRROR), [2, 3, 0, 1]
    flip = motion.root.new_tensor([1.0, 1.0, -1.0, -1.0])

    def either(mirrored: Tensor, kept: Tensor) -> Tensor:
        return torch.where(chosen.reshape(-1, *[1] * (kept.dim() - 1)), mirrored, kept)

    return replace(
        motion,
        rotations=either(motion.rotations[:, :, joints] * flip, motion.rotations),
        root=either(motion.root * motion.root.new_tensor([-1.0, 1.0, 1.0]), motion.root),
        rotation_labelled=either(motion.rotation_labelled[:, :, joints], motion.rotation_labelled),
        position_labelled=either(motion.position_labelled[:, :, joints], motion.position_labelled),
        still=either(motion.still[:, :, feet], motion.still),
        still_labelled=either(motion.still_labelled[:, :, feet], motion.still_labelled),
    )


def vary_proportions(motion: MotionBatch, settings: AugmentSettings, random: torch.Generator) -> MotionBatch:
    """Other statures and proportions; the path is scaled with the legs, so that feet don't slide."""
    batch = len(motion.root)
    stature = torch.exp(settings.stature_spread * torch.randn(batch, 1, generator=random)).clamp(0.8, 1.25)
    ratio = torch.exp(settings.length_spread * torch.randn(batch, motion.lengths.shape[1], generator=random))
    # Thighs and shins change together, else feet would slide and sink.
    ratio[:, _LEG_LENGTHS] = ratio[:, _LEG_LENGTHS[:1]]
    lengths = motion.lengths * ratio * stature
    legs = (lengths[:, 1:3].sum(1) / motion.lengths[:, 1:3].sum(1))[:, None, None]
    return replace(motion, lengths=lengths, root=motion.root * legs)


def augment(motion: MotionBatch, settings: AugmentSettings, random: torch.Generator) -> MotionBatch:
    """All of the above, in an order in which none undoes another."""
    motion = swap_parts(motion, settings, random)
    motion = perturb_joints(motion, settings, random)
    motion = replace(motion, rotations=keep_hinges(motion.rotations))
    motion = move_limbs(motion, settings.arms, settings.legs, settings.trunk, random)
    motion = crouch(motion, settings.crouch, random)
    motion = mirror(motion, settings, random)
    return vary_proportions(motion, settings, random)
