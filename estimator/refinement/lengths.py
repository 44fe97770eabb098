"""The ten lengths that suit frames from all over the clip."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..kinematics import stature_from_lengths
from ..skeleton import KEYPOINT_BASIS, KEYPOINT_JOINTS, PARENTS, REST_BASIS, STATURE_BASIS, J, L
from .body import Body
from .terms import NetworkAnswer, Sightings

FRAMES = 384
"""The most that are looked at."""
ROUNDS = 6
LENGTH = 0.06
"""Spread of the network's error of each log length."""
INDEPENDENT = 20
"""The most frames that count: those of a clip err alike."""

_REST, _KEYPOINTS = torch.from_numpy(REST_BASIS), torch.from_numpy(KEYPOINT_BASIS)
_STATURE = torch.from_numpy(STATURE_BASIS)


def find_lengths(
    seen: Sightings, network: NetworkAnswer, progress: Callable[[float], None] = lambda fraction: None
) -> Tensor:
    """(10,) metres. The stature stays: a camera can't tell a taller person from a nearer one.

    Gauss and Newton's method for the lengths, and the pose on each frame by itself; poses are eliminated
    frame by frame (Schur's complement).

    Args:
        seen: on some frames, which needn't follow each other.
        network: its answer on the same frames.
        progress: told the fraction done; may raise to end the work.
    """
    guess = network.body.lengths
    body, change = network.body, torch.zeros(L, dtype=torch.float64)
    frames = len(body)
    for count in range(ROUNDS):
        places, moves = body.points(KEYPOINT_JOINTS, _KEYPOINTS)
        beside = seen.beside(places)
        weight = seen.weight(beside, count / (ROUNDS - 1))[..., None].expand_as(beside).flatten(1)
        by_pose = (seen.across @ moves).flatten(1, 2)
        by_length = (seen.across @ _grown(body)).flatten(1, 2)
        away = body.away_from(network.body)

        weighted = by_pose * weight[..., None]
        pose = weighted.mT @ by_pose + torch.diag_embed(network.weight)
        pose_right = (weighted.mT @ beside.flatten(1)[..., None])[..., 0] + network.weight * away
        mixed = weighted.mT @ by_length
        lengths = torch.einsum("tmi,tm,tmj->ij", by_length, weight, by_length)
        lengths_right = torch.einsum("tmi,tm,tm->i", by_length, weight, beside.flatten(1))

        factor = torch.linalg.cholesky(pose)
        solved = torch.cholesky_solve(torch.cat([mixed, pose_right[..., None]], dim=-1), factor)
        by_mixed, by_right = solved[..., :L], solved[..., L]
        count_for = frames / min(frames, INDEPENDENT)
        left = lengths - (mixed.mT @ by_mixed).sum(dim=0) + count_for * torch.eye(L, dtype=torch.float64)
        right = lengths_right - (mixed.mT @ by_right[..., None]).sum(dim=0)[:, 0] + count_for * change
        step = -torch.linalg.solve(left, right)
        change = change + step
        body = body.changed(-by_right - by_mixed @ step, _lengths(guess, change))
        progress((count + 1) / ROUNDS)
    return body.lengths


def _lengths(guess: Tensor, change: Tensor) -> Tensor:
    """(10,) metres from a change (10,) in spreads, of the same stature."""
    changed = guess * (LENGTH * change).exp()
    return changed * (stature_from_lengths(guess) / stature_from_lengths(changed))


def _grown(body: Body) -> Tensor:
    """(T, 26, 3, 10) metres that keypoints move per spread of each length, the stature kept."""
    turned = body.pose.rotations
    joints = turned.new_zeros(len(body), J, 3, L)
    for joint in range(1, J):
        above = PARENTS[joint]
        joints[:, joint] = joints[:, above] + turned[:, above] @ _REST[:, joint].T
    fixed_to = list(KEYPOINT_JOINTS)
    points = joints[:, fixed_to] + turned[:, fixed_to] @ _KEYPOINTS.permute(1, 2, 0)
    grown = points * body.lengths
    share = _STATURE * body.lengths / (_STATURE @ body.lengths)
    return LENGTH * (grown - grown.sum(dim=-1, keepdim=True) * share)
