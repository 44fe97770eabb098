"""What the network sees: keypoint rays through a virtual camera turned to the person.

Turning the camera makes the lifting independent of where in the picture the person is; where the virtual
camera looks is told to the network, because perspective and gravity depend on it. All functions are
batched torch, shared by training and inference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .estimate import MIN_KEYPOINTS
from .keypoint_set import KEYPOINT_MIRROR, K
from .mirror import NOT_MIRRORED, VECTOR, Mirror
from .skeleton import REFERENCE_STATURE

NETWORK_FPS = 30.0
OBSERVATION_SIZE = 4 * K + 17
_CENTRE_RADIUS = 15
"""Frames on each side over which the virtual camera's direction and zoom are smoothed."""
OBSERVATION_MIRROR = Mirror(
    (KEYPOINT_MIRROR, VECTOR[:2]),  # points
    (KEYPOINT_MIRROR, NOT_MIRRORED),  # their confidence
    (KEYPOINT_MIRROR, NOT_MIRRORED),  # and whether they are there
    ((0,), NOT_MIRRORED + VECTOR + VECTOR + NOT_MIRRORED),  # size, direction, motion, size
    ((0,), VECTOR + 6 * NOT_MIRRORED),  # down, and what is known
)
"""Features of the mirrored picture: the virtual camera that is turned to it is mirrored too."""


@dataclass(frozen=True)
class Evidence:
    """What is known of one person on T frames at the network's rate.

    Axes are the camera's; where its tilt is known, those of a camera turned so that gravity is +y. In a clip
    they stand still in the scene, see ``evidence.SolvingAxes``.

    Attributes:
        rays: (B, T, 26, 3) unit vectors to the keypoints; anything finite where missing.
        confidence: (B, T, 26) in 0..1, 0 where missing.
        in_clip: (B, T) True on the frames of the clip, False on padding.
        down: (B, T, 3) unit vector of gravity in camera axes where known, else zero.
        camera_height: (B,) metres over the ground, NaN where unknown.
        person_height: (B,) metres, NaN where unknown.
    """

    rays: Tensor
    confidence: Tensor
    in_clip: Tensor
    down: Tensor
    camera_height: Tensor
    person_height: Tensor


def mirrored_evidence(evidence: Evidence) -> Evidence:
    """The same of the mirrored picture: left is right."""
    sides = list(KEYPOINT_MIRROR)
    sign = evidence.rays.new_tensor(VECTOR)
    return replace(
        evidence,
        rays=evidence.rays[:, :, sides] * sign,
        confidence=evidence.confidence[:, :, sides],
        down=evidence.down * sign,
    )


@dataclass(frozen=True)
class VirtualCamera:
    """Where the virtual camera looks, per frame.

    Attributes:
        from_camera: (B, T, 3, 3) rotation from camera axes to the virtual camera's.
        size: (B, T) spread of the keypoints in the virtual camera's image, x/z.
    """

    from_camera: Tensor
    size: Tensor


def fill_gaps(values: Tensor, valid: Tensor) -> Tensor:
    """Linear interpolation over frames where ``valid`` is False, nearest value at the ends.

    Args:
        values: (B, T, C).
        valid: (B, T); where a row has none, its values come back as they are.
    """
    frames = torch.arange(valid.shape[1], device=valid.device).expand_as(valid)
    last = torch.where(valid, frames, -1).cummax(dim=1).values
    following = torch.where(valid, frames, valid.shape[1]).flip(1).cummin(dim=1).values.flip(1)
    before = torch.where(last >= 0, last, following.clamp(max=valid.shape[1] - 1))
    after = torch.where(following < valid.shape[1], following, before)
    share = ((frames - before) / (after - before).clamp(min=1)).to(values.dtype)[..., None]

    def pick(index: Tensor) -> Tensor:
        return values.gather(1, index[..., None].expand_as(values))

    return pick(before) * (1 - share) + pick(after) * share


def _smooth(values: Tensor, weight: Tensor) -> Tensor:
    """Gaussian mean over time, counting each frame by its weight; (B, T, C) and (B, T)."""
    window = torch.exp(
        -0.5
        * (torch.arange(-_CENTRE_RADIUS, _CENTRE_RADIUS + 1, device=values.device) / (_CENTRE_RADIUS / 3))
        ** 2
    ).to(values.dtype)

    def convolve(signal: Tensor) -> Tensor:
        batch, frames, channels = signal.shape
        flat = signal.transpose(1, 2).reshape(batch * channels, 1, frames)
        out = torch.nn.functional.conv1d(flat, window[None, None], padding=_CENTRE_RADIUS)
        return out.reshape(batch, channels, frames).transpose(1, 2)

    total = convolve(weight[..., None])
    return convolve(values * weight[..., None]) / total.clamp(min=1e-6)


def look_at(direction: Tensor) -> Tensor:
    """Rotations (..., 3, 3) from camera axes to axes with z along ``direction`` (..., 3) and a level x."""
    z = torch.nn.functional.normalize(direction, dim=-1)
    down = torch.zeros_like(z)
    down[..., 1] = 1.0
    # Straight up or down has no level x; a hint of the camera's own z picks one without a jump.
    down[..., 2] = 1e-5
    x = torch.nn.functional.normalize(torch.linalg.cross(down, z), dim=-1)
    return torch.stack([x, torch.linalg.cross(z, x), z], dim=-2)


def sightings(rays: Tensor, confidence: Tensor) -> Tensor:
    """Where the person is and how large, frame by frame; see ``Evidence`` for the arguments.

    Returns:
        (B, T, 5): mean ray, log of the spread of the rays about it, and the number of keypoints.
    """
    directions = torch.where((confidence > 0)[..., None], rays, 0.0)
    total = confidence.sum(dim=-1)[..., None].clamp(min=1e-6)
    centre = (directions * confidence[..., None]).sum(dim=-2) / total
    spread = ((directions - centre[..., None, :]).square().sum(dim=-1) * confidence).sum(dim=-1, keepdim=True)
    log_size = 0.5 * (spread / total).clamp(min=1e-8).log()
    return torch.cat([centre, log_size, (confidence > 0).sum(dim=-1, keepdim=True).to(rays.dtype)], dim=-1)


def virtual_camera(sighted: Tensor, in_clip: Tensor) -> VirtualCamera:
    """Turns a camera to the person: smooth over time, bridging frames without keypoints.

    Args:
        sighted: (B, T, 5) from ``sightings``.
        in_clip: (B, T).
    """
    ahead = sighted.new_tensor([0.0, 0.0, 1.0, 0.0])
    valid = (sighted[..., 4] >= MIN_KEYPOINTS) & in_clip
    nobody = ~valid.any(dim=1)[:, None, None]
    view = fill_gaps(torch.where(nobody, ahead, sighted[..., :4]), valid)
    view = torch.where(in_clip[..., None], _smooth(view, in_clip.to(view.dtype)), ahead)
    return VirtualCamera(look_at(view[..., :3]), view[..., 3].exp())


def observe(evidence: Evidence, view: VirtualCamera) -> Tensor:
    """The network's input features.

    Returns:
        (B, T, OBSERVATION_SIZE); zero on padding.
    """
    # Under autocast, products would be rounded to bfloat16: keypoints carry more than its three digits.
    with torch.autocast(evidence.rays.device.type, enabled=False):
        return _features(evidence, view)


def _features(evidence: Evidence, view: VirtualCamera) -> Tensor:
    present = (evidence.confidence > 0) & evidence.in_clip[..., None]
    turned = torch.einsum("btij,btkj->btki", view.from_camera, evidence.rays)
    points = turned[..., :2] / turned[..., 2:].clamp(min=0.1) / view.size[..., None, None]
    points = torch.where(present[..., None], points.clamp(-8, 8), 0.0)

    log_size = view.size.log()[..., None]
    direction = view.from_camera[..., 2, :]
    # Motion across the picture and towards the camera, as rates, because their differences from frame to
    # frame are too small to read off the absolute values.
    turn = torch.zeros_like(direction)
    turn[:, :-1] = (view.from_camera[:, :-1] @ direction[:, 1:, :, None]).squeeze(-1) * NETWORK_FPS
    zoom = torch.zeros_like(log_size)
    zoom[:, :-1] = (log_size[:, 1:] - log_size[:, :-1]) * NETWORK_FPS
    within = (evidence.in_clip & evidence.in_clip.roll(-1, 1))[..., None]
    motion = torch.cat([turn[..., :2] / view.size[..., None], zoom], dim=-1) * within

    down = torch.einsum("btij,btj->bti", view.from_camera, evidence.down)
    down_known = evidence.down.abs().sum(dim=-1, keepdim=True) > 0

    def per_clip(value: Tensor, typical: float) -> list[Tensor]:
        known = ~value.isnan()
        scaled = torch.where(known, value / typical - 1.0, 0.0)
        return [v[:, None, None].expand_as(log_size) for v in (scaled, known.to(value.dtype))]

    in_clip = evidence.in_clip[..., None]
    features = torch.cat(
        [
            points.flatten(2),
            torch.where(present, evidence.confidence, 0.0),
            present.to(points.dtype),
            log_size + 2.0,
            direction,
            motion.clamp(-10, 10),
            view.size[..., None] * 4.0,
            down,
            down_known.to(points.dtype),
            *per_clip(evidence.camera_height, 1.0),
            *per_clip(evidence.person_height, REFERENCE_STATURE),
            in_clip.to(points.dtype),
        ],
        dim=-1,
    )
    return torch.where(in_clip, features, 0.0)
