"""Supervision by synthetic data: what the generator should have answered (Tung et al.'s first stage).

All lengths are compared in statures of 1.7 m, because one camera doesn't tell a near small person from a far
large one; the person's own stature is learned by itself.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..generator import Prediction
from ..kinematics import (
    Pose,
    end_points,
    forward_kinematics,
    keypoints,
    rest_offsets_from_lengths,
    stature_from_lengths,
)
from ..observation import NETWORK_FPS
from ..skeleton import PARENTS, REFERENCE_STATURE
from .synthetic import Sample, Truth

WEIGHTS = {
    "joints": 4.0,
    "ends": 1.0,
    "bones": 0.5,
    "rotations": 0.4,
    "joint_velocity": 0.5,
    "rotation_change": 0.1,
    "velocity": 0.4,
    "distance": 0.5,
    "down": 4.0,
    "still": 0.1,
    "proportions": 1.0,
    "stature": 0.3,
    "reprojection": 0.5,
    "uncertainty": 0.02,
}


def pooled_log_lengths(log_lengths: Tensor, in_clip: Tensor) -> Tensor:
    """(B, 10) mean over the frames of the clip of (B, T, 10)."""
    weight = in_clip[..., None].to(log_lengths.dtype)
    return (log_lengths * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


def predicted_pose(prediction: Prediction, log_lengths: Tensor) -> Pose:
    """Pose relative to Hips in the virtual camera's axes, for a person of 1.7 m; log_lengths (B, 10)."""
    lengths = log_lengths.exp()
    lengths = lengths * (REFERENCE_STATURE / stature_from_lengths(lengths))[:, None]
    root = torch.zeros_like(prediction.velocity)
    return forward_kinematics(prediction.rotations, rest_offsets_from_lengths(lengths)[:, None], root)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``values`` where ``mask``; 0 where there is none."""
    weight = mask.to(values.dtype)
    return (values * weight).sum() / weight.sum().clamp(min=1)


def paced(truth: Truth) -> Tensor:
    """(B, T - 1, 1) True where from one frame to the next joints turn and move as people's."""
    return (truth.rates_labelled[:, 1:] & truth.rates_labelled[:, :-1])[..., None]


def geodesic(a: Tensor, b: Tensor) -> Tensor:
    """2 sin(angle / 2) (...) of the angle between rotation matrices (..., 3, 3): nearly it, in radians.

    Unlike the angle's, its gradient stays finite at 0 and at half a turn.
    """
    # |a - b|_F = 2 sqrt(2) sin(angle / 2)
    chord = (a - b).flatten(-2).norm(dim=-1) / (2 * math.sqrt(2))
    angle: Tensor = 2 * chord.clamp(max=1.0)
    return angle


def supervised_losses(prediction: Prediction, sample: Sample) -> dict[str, Tensor]:
    """One scalar per term, unweighted; see ``WEIGHTS``."""
    truth, in_clip = sample.truth, sample.evidence.in_clip
    scale = (REFERENCE_STATURE / truth.stature)[:, None, None, None]
    log_lengths = pooled_log_lengths(prediction.log_lengths, in_clip)
    pose = predicted_pose(prediction, log_lengths)
    lengths = log_lengths.exp()
    lengths = lengths * (REFERENCE_STATURE / stature_from_lengths(lengths))[:, None]

    true_root = truth.joints[:, :, :1]
    true_joints = (truth.joints - true_root) * scale
    labelled = truth.position_labelled
    error = (pose.joints - true_joints).norm(dim=-1)
    steady = paced(truth)
    both = labelled[:, 1:] & labelled[:, :-1] & steady
    moved = (pose.joints[:, 1:] - pose.joints[:, :-1]) - (true_joints[:, 1:] - true_joints[:, :-1])

    turned = prediction.rotations[:, 1:] - prediction.rotations[:, :-1]
    turned = turned - (truth.rotations[:, 1:] - truth.rotations[:, :-1])
    both_turned = truth.rotation_labelled[:, 1:] & truth.rotation_labelled[:, :-1] & steady

    parents = list(PARENTS[1:])
    bone = torch.nn.functional.normalize(pose.joints[:, :, 1:] - pose.joints[:, :, parents], dim=-1)
    true_bone = torch.nn.functional.normalize(true_joints[:, :, 1:] - true_joints[:, :, parents], dim=-1)

    frame_error = masked_mean_per_frame(error.detach(), labelled)
    log_lengths_true = truth.lengths.log()
    # Shape without size: the logs less their mean.
    shape = log_lengths - log_lengths.mean(1, keepdim=True)
    shape_true = log_lengths_true - log_lengths_true.mean(1, keepdim=True)
    velocity = (prediction.velocity - truth.velocity).norm(dim=-1)
    log_distance = (truth.joints[:, :, 0, 2].clamp(min=0.2) * sample.view.size / truth.stature[:, None]).log()
    return {
        "joints": masked_mean(error, labelled),
        "ends": masked_mean(
            (end_points(pose, lengths[:, None]) - (truth.ends - true_root) * scale).norm(dim=-1),
            truth.rotation_labelled[:, :, [5, 9, 13, 17, 21, 16, 20]],
        ),
        "bones": masked_mean((bone - true_bone).norm(dim=-1), labelled[:, :, 1:] & labelled[:, :, parents]),
        "rotations": masked_mean(geodesic(prediction.rotations, truth.rotations), truth.rotation_labelled),
        "joint_velocity": masked_mean(moved.norm(dim=-1) * NETWORK_FPS, both),
        # |a - b|_F of small turns is sqrt(2) times their angle.
        "rotation_change": masked_mean(turned.flatten(-2).norm(dim=-1) * NETWORK_FPS / 2**0.5, both_turned),
        "velocity": masked_mean(velocity, truth.velocity_labelled),
        "distance": masked_mean((prediction.log_distance - log_distance).abs(), in_clip),
        "down": masked_mean((prediction.down - truth.down).square().sum(dim=-1), in_clip),
        "still": masked_mean(
            torch.nn.functional.binary_cross_entropy_with_logits(
                prediction.still_logits, truth.still, reduction="none"
            ),
            truth.still_labelled,
        ),
        "proportions": (shape - shape_true).abs().mean(),
        "stature": (stature_from_lengths(log_lengths.exp()) / truth.stature).log().abs().mean(),
        "reprojection": _reprojection(prediction, keypoints(pose, lengths[:, None]), sample),
        "uncertainty": masked_mean(
            prediction.log_uncertainty + frame_error / prediction.log_uncertainty.clamp(-5, 2).exp(), in_clip
        ),
    }


def masked_mean_per_frame(error: Tensor, labelled: Tensor) -> Tensor:
    """(B, T) mean over the labelled joints of (B, T, 22)."""
    weight = labelled.to(error.dtype)
    return (error * weight).sum(dim=-1) / weight.sum(dim=-1).clamp(min=1)


def _reprojection(prediction: Prediction, offsets: Tensor, sample: Sample) -> Tensor:
    """Distance in the virtual image, in spreads of the person, to where an average detector marks the points.

    Where across the picture the root must lie follows from the points themselves, as in the clip-wide solve.

    Args:
        offsets: (B, T, 26, 3) predicted keypoints relative to Hips, for a person of 1.7 m.
    """
    truth, view = sample.truth, sample.view
    goal = truth.keypoints[..., :2] / truth.keypoints[..., 2:].clamp(min=0.1)
    root_depth = REFERENCE_STATURE * prediction.log_distance.clamp(-4, 4).exp() / view.size
    depth = (root_depth[..., None] + offsets[..., 2]).clamp(min=0.2)
    across = (goal * depth[..., None] - offsets[..., :2]).mean(dim=-2, keepdim=True)
    error = (across + offsets[..., :2]) / depth[..., None] - goal
    seen = sample.evidence.in_clip & (truth.keypoints[..., 2] > 0.3).all(dim=-1)
    return masked_mean((error.norm(dim=-1) / view.size[..., None]).mean(dim=-1).clamp(max=2.0), seen)
