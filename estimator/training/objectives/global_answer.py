"""The network's answer as a person in the world, differentiable: what reprojection and adversary look at."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ...generator import Prediction
from ...kinematics import (
    end_points,
    forward_kinematics,
    keypoints,
    rest_offsets_from_lengths,
    stature_from_lengths,
)
from ...skeleton import CONTACT_END_POINTS
from ..supervision import masked_mean, pooled_log_lengths
from ..track_source import TrackBatch

_NEAREST = 0.2
"""Metres before the camera: nothing is taken to be nearer."""


class GlobalAnswer(NamedTuple):
    """B people over T frames, metres."""

    joints: Tensor
    """(B, T, 22, 3) in a world with Z up, the camera above its origin where its height is known"""
    ground: Tensor
    """(B,) height of the floor in that world"""
    lengths: Tensor
    """(B, 10) of the person"""
    root_velocity: Tensor
    """(B, T-1, 3) statures per second, of Hips in the axes of Hips, from each frame to the next"""
    off: Tensor
    """(B, T, 26) distance in the virtual image of each keypoint from where it was seen, in spreads of the
    person"""


def global_answer(prediction: Prediction, tracks: TrackBatch, fps: float) -> GlobalAnswer:
    """Puts the answer before the camera: depth as predicted, across the view where the keypoints say.

    The virtual camera looks at the person already, so that the network answers depth only; across the view
    the keypoints, weighted by confidence, leave no choice. A known camera gives gravity and height; else both
    come from the answer itself, gravity as the mean of the network's, the floor under the lowest foot.
    """
    evidence, view = tracks.evidence, tracks.view
    in_clip = evidence.in_clip
    lengths = pooled_log_lengths(prediction.log_lengths, in_clip).exp()
    stature = stature_from_lengths(lengths)
    at_origin = torch.zeros_like(prediction.velocity)
    pose = forward_kinematics(prediction.rotations, rest_offsets_from_lengths(lengths)[:, None], at_origin)
    marks = keypoints(pose, lengths[:, None])

    seen = torch.einsum("btij,btkj->btki", view.from_camera, evidence.rays)
    seen = seen[..., :2] / seen[..., 2:].clamp(min=0.1)
    weight = (evidence.confidence * in_clip[..., None])[..., None]
    depth = stature[:, None] * prediction.log_distance.clamp(-4, 4).exp() / view.size
    marks_depth = (depth[..., None] + marks[..., 2]).clamp(min=_NEAREST)[..., None]
    across = (weight * (seen * marks_depth - marks[..., :2])).sum(dim=-2)
    across = across / weight.sum(dim=-2).clamp(min=1e-6)
    off = ((across[..., None, :] + marks[..., :2]) / marks_depth - seen).norm(dim=-1) / view.size[..., None]

    to_camera = view.from_camera.transpose(-1, -2)
    to_world = _upright(_gravity(prediction, tracks))[:, None] @ to_camera
    root = (to_world @ torch.cat([across, depth[..., None]], dim=-1)[..., None])[..., 0]
    ends = end_points(pose, lengths[:, None])
    feet = root[:, :, None, 2] + torch.einsum("btj,btnj->btn", to_world[:, :, 2], ends)
    feet = feet[:, :, list(CONTACT_END_POINTS)].amin(dim=-1)
    lowest = torch.where(in_clip, feet, torch.inf).amin(dim=1)
    moved = (root[:, 1:] - root[:, :-1]) * (fps / stature[:, None, None])
    hips = to_world[:, :-1] @ prediction.rotations[:, :-1, 0]
    return GlobalAnswer(
        joints=root[:, :, None] + torch.einsum("btij,btnj->btni", to_world, pose.joints),
        ground=torch.where(evidence.camera_height.isnan(), lowest, -evidence.camera_height),
        lengths=lengths,
        root_velocity=(hips.transpose(-1, -2) @ moved[..., None])[..., 0],
        off=off,
    )


def reprojection(answer: GlobalAnswer, tracks: TrackBatch) -> Tensor:
    """Mean distance of the answer's keypoints from those seen, weighted by confidence; spreads of the person.

    Distances and not their squares, so that false detections don't outweigh the others.
    """
    weight = tracks.evidence.confidence * tracks.evidence.in_clip[..., None]
    return (weight * answer.off).sum() / weight.sum().clamp(min=1.0)


def root_disagreement(prediction: Prediction, answer: GlobalAnswer, in_clip: Tensor) -> Tensor:
    """Distance of the predicted velocity from that of the answer's own path, statures per second."""
    both = in_clip[:, 1:] & in_clip[:, :-1]
    return masked_mean((prediction.velocity[:, :-1] - answer.root_velocity.detach()).norm(dim=-1), both)


def known_gravity_error(prediction: Prediction, tracks: TrackBatch) -> Tensor:
    """Squared distance of the predicted gravity from the camera's, where that is known."""
    evidence = tracks.evidence
    down = torch.einsum("btij,btj->bti", tracks.view.from_camera, evidence.down)
    known = (evidence.down.abs().sum(dim=-1) > 0) & evidence.in_clip
    return masked_mean((prediction.down - down).square().sum(dim=-1), known)


def _gravity(prediction: Prediction, tracks: TrackBatch) -> Tensor:
    """(B, 3) unit vector in the axes of the evidence."""
    evidence = tracks.evidence
    predicted = torch.einsum("btji,btj->bti", tracks.view.from_camera, prediction.down)
    predicted = predicted + predicted.new_tensor([0.0, 1e-4, 0.0])  # an untrained network answers none
    mean = (predicted * evidence.in_clip[..., None]).sum(dim=1)
    given = evidence.down[:, 0]
    known = (given.abs().sum(dim=-1) > 0)[:, None]
    return torch.nn.functional.normalize(torch.where(known, given, mean), dim=-1)


def _upright(down: Tensor) -> Tensor:
    """(B, 3, 3) from the evidence's axes to a world with Z up; which way its X points doesn't matter."""
    up = -down
    ahead = up.new_tensor([0.0, 0.0, 1.0]).expand_as(up)
    across = up.new_tensor([1.0, 0.0, 0.0]).expand_as(up)
    # A camera that looks straight down has no horizontal view direction.
    ahead = torch.where(up[:, 2:].abs() > 0.9, across, ahead)
    x = torch.nn.functional.normalize(torch.linalg.cross(ahead, up), dim=-1)
    return torch.stack([x, torch.linalg.cross(up, x), up], dim=-2)
