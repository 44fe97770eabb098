"""Forward kinematics of the canonical skeleton, batched and differentiable (torch)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .skeleton import (
    END_POINT_BASIS,
    END_POINT_JOINTS,
    KEYPOINT_BASIS,
    KEYPOINT_JOINTS,
    PARENTS,
    REST_BASIS,
    STATURE_BASIS,
    J,
)


def _depths() -> list[list[int]]:
    """Joints by their distance from the root, so that one batched product serves a whole level."""
    depth = [0] * J
    for joint in range(1, J):
        depth[joint] = depth[PARENTS[joint]] + 1
    return [[j for j in range(J) if depth[j] == d] for d in range(1, max(depth) + 1)]


_LEVELS = _depths()


class Pose(NamedTuple):
    """Where every joint is and how it is turned, in the frame the root was given in."""

    joints: Tensor
    """(..., 22, 3) metres"""
    rotations: Tensor
    """(..., 22, 3, 3) from rest axes to that frame"""


def forward_kinematics(local_rotations: Tensor, rest_offsets: Tensor, root_translation: Tensor) -> Pose:
    """Joint positions and orientations from local rotations.

    Args:
        local_rotations: (..., 22, 3, 3) about world-aligned axes at rest; joint 0 is the root's global one.
        rest_offsets: (..., 22, 3) metres, broadcast against the rotations.
        root_translation: (..., 3) metres, of Hips.

    Returns:
        Positions and global rotations in the frame of ``root_translation``.
    """
    rotations: list[Tensor] = [local_rotations[..., 0, :, :]] * J
    joints: list[Tensor] = [root_translation] * J
    offsets = rest_offsets.expand(*local_rotations.shape[:-2], 3)
    for level in _LEVELS:
        parents = torch.stack([rotations[PARENTS[j]] for j in level], dim=-3)
        turned = parents @ local_rotations[..., level, :, :]
        moved = (parents @ offsets[..., level, :, None]).squeeze(-1)
        for position, joint in enumerate(level):
            rotations[joint] = turned[..., position, :, :]
            joints[joint] = joints[PARENTS[joint]] + moved[..., position, :]
    return Pose(torch.stack(joints, dim=-2), torch.stack(rotations, dim=-3))


def _constant(basis: object, like: Tensor) -> Tensor:
    return torch.as_tensor(basis, dtype=like.dtype, device=like.device)


def rest_offsets_from_lengths(lengths: Tensor) -> Tensor:
    """(..., 22, 3) metres from lengths (..., 10) in metres."""
    return torch.einsum("...l,ljc->...jc", lengths, _constant(REST_BASIS, lengths))


def stature_from_lengths(lengths: Tensor) -> Tensor:
    """(...) metres, sole to crown, from lengths (..., 10) in metres."""
    return lengths @ _constant(STATURE_BASIS, lengths)


def attached_points(pose: Pose, joints: tuple[int, ...], offsets: Tensor) -> Tensor:
    """Points fixed to bones.

    Args:
        pose: of the skeleton, (..., 22, …).
        joints: (N,) the joint each point is fixed to.
        offsets: (..., N, 3) metres in that joint's frame, broadcast against the pose.

    Returns:
        (..., N, 3) metres in the pose's frame.
    """
    index = list(joints)
    turned = (pose.rotations[..., index, :, :] @ offsets[..., None]).squeeze(-1)
    return pose.joints[..., index, :] + turned


def end_points(pose: Pose, lengths: Tensor) -> Tensor:
    """(..., 7, 3): head top, fingertips, toe tips, heels, in the pose's frame; lengths (..., 10) metres."""
    offsets = torch.einsum("...l,ljc->...jc", lengths, _constant(END_POINT_BASIS, lengths))
    return attached_points(pose, END_POINT_JOINTS, offsets)


def keypoints(pose: Pose, lengths: Tensor) -> Tensor:
    """(..., 26, 3): where detectors mark the canonical keypoints on average; lengths (..., 10) metres."""
    offsets = torch.einsum("...l,ljc->...jc", lengths, _constant(KEYPOINT_BASIS, lengths))
    return attached_points(pose, KEYPOINT_JOINTS, offsets)
