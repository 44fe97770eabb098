"""How a person is built, and where on this person the detector marks its keypoints.

A detector that marks somebody's knee 2 cm too high does so on every frame. Noise averages out over time, this
doesn't: without a place of their own such errors would bend the pose.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..keypoint_set import K
from ..kinematics import stature_from_lengths
from ..progress import Progress
from ..skeleton import KEYPOINT_BASIS, KEYPOINT_JOINTS, PARENTS, REST_BASIS, STATURE_BASIS, J, L
from .body import Body, offsets_of
from .terms import NetworkAnswer, Sightings

ROUNDS = 6
LENGTH = 0.04
"""Spread of the network's error of each log length."""
MARK = 0.015
"""Metres, spread of where a detector marks a person, about where detectors mark people on average."""
INDEPENDENT = 20
"""The most frames that count: those of a clip err alike."""

_REST, _KEYPOINTS = torch.from_numpy(REST_BASIS), torch.from_numpy(KEYPOINT_BASIS)
_STATURE = torch.from_numpy(STATURE_BASIS)
_PARTS = L + 3 * K


@dataclass(frozen=True)
class Physique:
    """What is the same on every frame.

    Attributes:
        lengths: (10,) metres.
        marks: (26, 3) metres, from joints in their frames to where this detector marks this person.
    """

    lengths: Tensor
    marks: Tensor


def find_physique(
    seen: Sightings, network: NetworkAnswer, progress: Progress = lambda fraction: None
) -> tuple[Physique, Body]:
    """The lengths and marks that suit frames from all over the clip, and the poses on these.

    The stature stays: a camera can't tell a taller person from a nearer one.

    Gauss and Newton's method for both, and the pose on each frame by itself; poses are eliminated frame by
    frame (Schur's complement).

    Args:
        seen: on some frames, which needn't follow each other.
        network: its answer on the same frames.
        progress: told the fraction done; may raise to end the work.
    """
    guess = network.body.lengths
    body, change = network.body, torch.zeros(_PARTS, dtype=torch.float64)
    physique = _changed(guess, change)
    frames = len(body)
    count_for = frames / min(frames, INDEPENDENT)
    for count in range(ROUNDS):
        places, moves = body.points(KEYPOINT_JOINTS, physique.marks)
        beside = seen.beside(places)
        weight = seen.weight(beside, count / (ROUNDS - 1))[..., None].expand_as(beside).flatten(1)
        by_pose = (seen.across @ moves).flatten(1, 2)
        by_part = (seen.across @ _moved(body)).flatten(1, 2)
        by_network = network.rows * network.weight[..., None]
        away = body.away_from(network.body)[..., None]

        weighted = by_pose * weight[..., None]
        pose = weighted.mT @ by_pose + network.rows.mT @ by_network
        pose_right = weighted.mT @ beside.flatten(1)[..., None] + by_network.mT @ (network.rows @ away)
        mixed = weighted.mT @ by_part
        parts = torch.einsum("tmi,tm,tmj->ij", by_part, weight, by_part)
        parts_right = torch.einsum("tmi,tm,tm->i", by_part, weight, beside.flatten(1))

        factor = torch.linalg.cholesky(pose)
        solved = torch.cholesky_solve(torch.cat([mixed, pose_right], dim=-1), factor)
        by_mixed, by_right = solved[..., :-1], solved[..., -1]
        left = parts - (mixed.mT @ by_mixed).sum(dim=0) + count_for * torch.eye(_PARTS, dtype=torch.float64)
        right = parts_right - (mixed.mT @ by_right[..., None]).sum(dim=0)[:, 0] + count_for * change
        step = -torch.linalg.solve(left, right)
        change = change + step
        physique = _changed(guess, change)
        body = body.changed(-by_right - by_mixed @ step, physique.lengths)
        progress((count + 1) / ROUNDS)
    return physique, body


def _changed(guess: Tensor, change: Tensor) -> Physique:
    """A physique from a guess (10,) of lengths and a change (10 + 78,) in spreads, of the same stature."""
    changed = guess * (LENGTH * change[:L]).exp()
    lengths = changed * (stature_from_lengths(guess) / stature_from_lengths(changed))
    return Physique(lengths, offsets_of(lengths, _KEYPOINTS) + MARK * change[L:].view(K, 3))


def _moved(body: Body) -> Tensor:
    """(T, 26, 3, 10 + 78) metres that keypoints move per spread of each length, the stature kept, and of each
    mark along its bone's axes."""
    turned = body.pose.rotations
    joints = turned.new_zeros(len(body), J, 3, L)
    for joint in range(1, J):
        above = PARENTS[joint]
        joints[:, joint] = joints[:, above] + turned[:, above] @ _REST[:, joint].T
    fixed_to = list(KEYPOINT_JOINTS)
    points = joints[:, fixed_to] + turned[:, fixed_to] @ _KEYPOINTS.permute(1, 2, 0)
    grown = points * body.lengths
    share = _STATURE * body.lengths / (_STATURE @ body.lengths)
    by_length = LENGTH * (grown - grown.sum(dim=-1, keepdim=True) * share)
    by_mark = turned.new_zeros(len(body), K, 3, K, 3)
    each = torch.arange(K)
    by_mark[:, each, :, each] = MARK * turned[:, fixed_to].movedim(1, 0)
    return torch.cat([by_length, by_mark.flatten(3)], dim=-1)
