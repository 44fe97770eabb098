"""Motion as seen from the moving body: what the adversary compares with capture (Habekost et al. 2020).

Differentiable. Where on the floor a person is and which way they face says nothing about how people move;
heights, speeds, turns and the pose in the heading's own axes do.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...skeleton import JOINT_INDEX

SHARED_JOINTS: tuple[int, ...] = tuple(
    JOINT_INDEX[name]
    for name in (
        "Neck",
        *(
            f"{side}{joint}"
            for side in ("Left", "Right")
            for joint in ("Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot")
        ),
    )
)
"""Joints that every set of captures has."""
POSE_SIZE = 3 * len(SHARED_JOINTS)
EGOCENTRIC_SIZE = POSE_SIZE + 5

_LEFT = [JOINT_INDEX["LeftUpLeg"], JOINT_INDEX["LeftArm"]]
_RIGHT = [JOINT_INDEX["RightUpLeg"], JOINT_INDEX["RightArm"]]
_LEVEL = 0.3
"""The left-right axis is taken for a heading only if this share of it is horizontal."""
_SPEED_SCALE = 0.5
_TURN_SCALE = 0.3
_SMOOTHING = (0.06, 0.24, 0.40, 0.24, 0.06)
"""Over frames, of the root's path before its velocity is taken: depth from one camera trembles."""


AHEAD = 1 + len(_SMOOTHING) // 2
"""Frames after a frame on which its rates depend; so they do on ``AHEAD - 1`` before it."""


def heading(joints: Tensor) -> Tensor:
    """(..., T, 2) horizontal unit vectors the person faces, from world joints (..., T, 22, 3), Z up.

    (Hip axis + shoulder axis) × up; held at its last value, at first at its next, while near vertical.
    """
    across = joints[..., _LEFT, :].sum(dim=-2) - joints[..., _RIGHT, :].sum(dim=-2)
    flat = torch.stack([across[..., 1], -across[..., 0]], dim=-1)
    steady = flat.norm(dim=-1) > _LEVEL * across.norm(dim=-1)
    frames = torch.arange(joints.shape[-3], device=joints.device).expand(steady.shape)
    last = torch.where(steady, frames, -1).cummax(dim=-1).values
    first = torch.where(steady, frames, joints.shape[-3] - 1).amin(dim=-1, keepdim=True)
    held = torch.where(last < 0, first, last)
    chosen = flat.gather(-2, held[..., None].expand_as(flat))
    # Nobody upright at all: any direction does, but its gradient must be finite.
    none = chosen.norm(dim=-1, keepdim=True) < 1e-6
    chosen = torch.where(none, chosen.new_tensor([0.0, -1.0]), chosen)
    return torch.nn.functional.normalize(chosen, dim=-1)


def egocentric(joints: Tensor, ground: Tensor, leg: Tensor, fps: float) -> Tensor:
    """The pose in heading axes, turning, travel and height, per frame, in leg lengths.

    Args:
        joints: (B, T, 22, 3) world, metres, Z up.
        ground: (B,) metres, height of the floor.
        leg: (B,) metres, thigh and shin.
        fps: frames per second.

    Returns:
        (B, T, EGOCENTRIC_SIZE): 13 joints × 3 relative to Hips (left, backward, up), then yaw rate, root
        velocity (left, backward, up) and height of Hips over the floor. Rates are those to the next frame;
        the last frame repeats the one before.
    """
    facing = heading(joints)
    backward = -facing
    left = torch.stack([backward[..., 1], -backward[..., 0]], dim=-1)
    size = leg[:, None, None]

    def turned(vectors: Tensor) -> Tensor:
        """World vectors (B, T, ..., 3) in heading axes."""
        extra = vectors.dim() - 3
        a, b = (axis.reshape(*axis.shape[:2], *[1] * extra, 2) for axis in (left, backward))
        flat = vectors[..., :2]
        return torch.stack([(flat * a).sum(-1), (flat * b).sum(-1), vectors[..., 2]], dim=-1)

    hips = joints[:, :, :1]
    pose = turned(joints[:, :, list(SHARED_JOINTS)] - hips) / size[..., None]
    sine = facing[:, :-1, 0] * facing[:, 1:, 1] - facing[:, :-1, 1] * facing[:, 1:, 0]
    cosine = (facing[:, :-1] * facing[:, 1:]).sum(dim=-1)
    yaw_rate = _repeat_last(torch.atan2(sine, cosine) * fps)[..., None] * _TURN_SCALE
    path = _smoothed(hips[:, :, 0])
    velocity = turned(_repeat_last((path[:, 1:] - path[:, :-1]) * fps)) / size * _SPEED_SCALE
    height = (hips[:, :, 0, 2:] - ground[:, None, None]) / size
    return torch.cat([pose.flatten(2), yaw_rate, velocity, height], dim=-1)


def _repeat_last(rates: Tensor) -> Tensor:
    return torch.cat([rates, rates[:, -1:]], dim=1)


def _smoothed(path: Tensor) -> Tensor:
    """(B, T, 3), its ends held."""
    reach = len(_SMOOTHING) // 2
    start, stop = path[:, :1].expand(-1, reach, -1), path[:, -1:].expand(-1, reach, -1)
    padded = torch.cat([start, path, stop], dim=1)
    frames = path.shape[1]
    pieces = [share * padded[:, n : n + frames] for n, share in enumerate(_SMOOTHING)]
    return torch.stack(pieces).sum(dim=0)
