"""Random cameras that watch a person: still ones, panning ones, hand-held ones. World Z up, metres."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .smooth_noise import smooth_noise

_UP = (0.0, 0.0, 1.0)


@dataclass(frozen=True)
class CameraSettings:
    """Distributions after WHAM (Shin et al. 2024); angles in degrees, distances in metres."""

    distance: tuple[float, float] = (2.0, 12.0)
    nearest: float = 0.8
    pitch: tuple[float, float] = (5.0, 22.5)
    """Mean and spread of looking down."""
    roll_spread: float = 7.5
    focal_mm: tuple[float, float] = (24.0, 70.0)
    """On a sensor 36 mm wide."""
    aim_spread: float = 0.25
    """Of the person off the middle of the picture, in half widths."""
    moving: float = 0.25
    """Chance that the camera moves."""
    lowest: float = -math.inf
    """Metres over z = 0 under which none is placed."""


@dataclass(frozen=True)
class CameraPath:
    """B cameras over T frames.

    Attributes:
        from_world: (B, T, 3, 3) rotation from world to camera axes (x right, y down, z forward).
        centre: (B, T, 3) position.
        half_width: (B,) of the picture, as x/z.
        half_height: (B,) of the picture, as y/z.
    """

    from_world: Tensor
    centre: Tensor
    half_width: Tensor
    half_height: Tensor


def _uniform(low: float, high: float, count: int, random: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=random)


def axes_looking_along(direction: Tensor) -> Tensor:
    """(..., 3, 3) rotations from world axes to a level camera that looks along ``direction`` (..., 3)."""
    z = torch.nn.functional.normalize(direction, dim=-1)
    up = direction.new_tensor(_UP) + 1e-4 * direction.new_tensor([0.0, 1.0, 0.0])
    x = torch.nn.functional.normalize(torch.linalg.cross(z, up.expand_as(z)), dim=-1)
    return torch.stack([x, torch.linalg.cross(z, x), z], dim=-2)


def _small_turn(angles: Tensor) -> Tensor:
    """(..., 3, 3) from rotations about camera x, y, z in radians (..., 3), in that order."""
    (cx, cy, cz), (sx, sy, sz) = angles.cos().unbind(-1), angles.sin().unbind(-1)
    one, zero = torch.ones_like(cx), torch.zeros_like(cx)
    about_x = torch.stack([one, zero, zero, zero, cx, -sx, zero, sx, cx], -1).unflatten(-1, (3, 3))
    about_y = torch.stack([cy, zero, sy, zero, one, zero, -sy, zero, cy], -1).unflatten(-1, (3, 3))
    about_z = torch.stack([cz, -sz, zero, sz, cz, zero, zero, zero, one], -1).unflatten(-1, (3, 3))
    turn: Tensor = about_z @ about_y @ about_x
    return turn


def random_cameras(
    root: Tensor, in_clip: Tensor, settings: CameraSettings, random: torch.Generator
) -> CameraPath:
    """One camera per window, placed so that the person is in view and never too near.

    Args:
        root: (B, T, 3) of Hips in the world.
        in_clip: (B, T).
    """
    batch, frames, _ = root.shape
    weight = in_clip[..., None].to(root.dtype)
    middle = (root * weight).sum(1) / weight.sum(1).clamp(min=1)
    reach = ((root - middle[:, None]).norm(dim=-1) * in_clip).amax(dim=1)

    focal = _uniform(*settings.focal_mm, batch, random)
    half_width = 18.0 / focal
    half_height = (
        half_width * torch.tensor([9 / 16, 3 / 4, 16 / 9])[torch.randint(3, (batch,), generator=random)]
    )

    yaw = _uniform(0.0, 2 * math.pi, batch, random)
    pitch = torch.deg2rad(settings.pitch[0] + settings.pitch[1] * torch.randn(batch, generator=random)).clamp(
        -1.2, 1.3
    )
    distance = _uniform(*settings.distance, batch, random)

    moving = torch.rand(batch, generator=random) < settings.moving
    following = torch.where(moving, torch.rand(batch, generator=random), 0.0)[:, None, None]
    # Whether it turns after the person or not: it stands outside of the walk.
    room = settings.nearest + 0.6 + reach
    distance = torch.maximum(distance, room)
    # What would be too low looks down more steeply instead.
    level = ((settings.lowest - middle[:, 2]) / distance).clamp(-1.0, 1.0).asin()
    pitch = torch.maximum(pitch, level)
    ahead = torch.stack([yaw.cos() * pitch.cos(), yaw.sin() * pitch.cos(), -pitch.sin()], dim=-1)
    drift = smooth_noise((batch, frames, 3), 40.0, random) * 0.25 * moving[:, None, None]
    centre = (middle - ahead * distance[:, None])[:, None] + drift
    aim = middle[:, None] * (1 - following) + root * following

    off_centre = settings.aim_spread * torch.randn(batch, 2, generator=random).clamp(-2, 2)
    shake = torch.deg2rad(smooth_noise((batch, frames, 3), 12.0, random)) * moving[:, None, None]
    turn = torch.cat(
        [
            (off_centre[:, 1] * half_height)[:, None],
            (off_centre[:, 0] * half_width)[:, None],
            torch.deg2rad(settings.roll_spread * torch.randn(batch, 1, generator=random)),
        ],
        dim=-1,
    )
    from_world = _small_turn(turn[:, None] + shake) @ axes_looking_along(aim - centre)
    return CameraPath(from_world, centre, half_width, half_height)
