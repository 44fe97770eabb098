"""Unpaired training after Habekost et al. (BMVC 2020): keypoints of some people, motion capture of others.

On tracks without 3D, the generator's answer must project onto the keypoints, and its motion, seen from the
body itself, must not be told from capture by a discriminator. What neither sees is held near its usual value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...generator import BALL_JOINTS, HINGE_JOINTS, Generator, Prediction
from ...kinematics import end_points, forward_kinematics, rest_offsets_from_lengths
from ...observation import NETWORK_FPS
from ...skeleton import CONTACT_END_POINTS, HINGES, JOINT_NAMES, MEAN_LENGTHS
from ..library import MotionBatch, rotation_matrices
from ..processes import Processes
from ..supervision import masked_mean
from .adversary import WINDOW, Adversary, Gan
from .egocentric import egocentric
from .global_answer import (
    GlobalAnswer,
    global_answer,
    known_gravity_error,
    reprojection,
    root_disagreement,
)
from .objective import Batch, Need, Objective

_NEAR_REST = [joint for joint in BALL_JOINTS if JOINT_NAMES[joint] not in ("LeftArm", "RightArm")]
WARM_UP = 600
"""Steps of its own over which the adversary's say grows: judging the untrained network's T-pose, it would
lead astray before the keypoints have given the limbs their places."""
_TREMOR = (0.002, 0.005)
"""Metres of noise on capture's joints, or the discriminator would know it by being exact."""


class Habekost(Objective):
    """Reprojection and an egocentric adversary, on tracks and unpaired capture."""

    name = "habekost"
    term_weights: ClassVar[Mapping[str, float]] = {
        "reprojection": 1.0,
        "adversary": 0.2,
        "discriminator": 0.0,
        "velocity": 0.1,
        "down": 0.5,
        "lengths": 1.0,
        "rest": 0.03,
        "limits": 0.3,
    }
    needs = frozenset({Need.TRACKS, Need.MOTION})
    shortest_window = WINDOW

    gan: ClassVar[Gan] = "least squares"

    def __init__(self) -> None:
        self.adversary = Adversary(self.gan)

    def join(self, processes: Processes) -> None:
        """See ``Objective``."""
        self.adversary.join(processes)

    def losses(self, network: Generator, batch: Batch) -> dict[str, Tensor]:
        """The discriminator takes its step, then judges; ``discriminator`` is its own loss, for the log."""
        tracks = batch.unlabelled
        prediction = batch.answer(network, Need.TRACKS)
        answer = global_answer(prediction, tracks, NETWORK_FPS)
        in_clip = tracks.evidence.in_clip
        made = answered_motion(answer)
        real = captured_motion(batch.captured)
        # Where clips cross-fade nobody moved like that.
        discriminator = self.adversary.learn(real, batch.captured.rates_labelled, made, in_clip)
        return {
            "reprojection": reprojection(answer, tracks),
            "adversary": min(self.adversary.steps / WARM_UP, 1.0) * self.adversary.verdict(made, in_clip),
            "discriminator": discriminator,
            "velocity": root_disagreement(prediction, answer, in_clip),
            "down": known_gravity_error(prediction, tracks),
            "lengths": unusual_lengths(answer.lengths),
            "rest": off_rest(prediction, in_clip),
            "limits": past_limits(prediction, in_clip),
        }

    def state_dict(self) -> dict[str, Any]:
        """Of the adversary."""
        return self.adversary.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over what ``state_dict`` gave."""
        self.adversary.load_state_dict(state)


class HabekostHinge(Habekost):
    """The same with a hinge loss, to compare with."""

    name = "habekost-hinge"
    gan = "hinge"


def answered_motion(answer: GlobalAnswer) -> Tensor:
    """(B, T, EGOCENTRIC_SIZE) of the generator."""
    leg = answer.lengths[:, 1:3].sum(dim=-1)
    return egocentric(answer.joints, answer.ground, leg, NETWORK_FPS)


def captured_motion(motion: MotionBatch) -> Tensor:
    """(B, T, EGOCENTRIC_SIZE) of capture, a little noisy; an unknown floor as ``global_answer`` finds it."""
    rotations = rotation_matrices(motion.rotations)
    pose = forward_kinematics(rotations, rest_offsets_from_lengths(motion.lengths)[:, None], motion.root)
    low, high = _TREMOR
    tremor = low + (high - low) * torch.rand(len(motion.root), 1, 1, 1, device=motion.root.device)
    joints = pose.joints + tremor * torch.randn_like(pose.joints)
    ends = end_points(pose, motion.lengths[:, None])
    lowest = ends[:, :, list(CONTACT_END_POINTS), 2].flatten(1).amin(dim=1)
    ground = torch.where(motion.ground_known, 0.0, lowest)
    return egocentric(joints, ground, motion.lengths[:, 1:3].sum(dim=-1), NETWORK_FPS)


def unusual_lengths(lengths: Tensor) -> Tensor:
    """Mean squared log ratio of lengths (B, 10) to the average person's, in units of 10 %, squared."""
    usual = torch.as_tensor(MEAN_LENGTHS, dtype=lengths.dtype, device=lengths.device)
    return (lengths / usual).log().square().mean() / 0.01


def off_rest(prediction: Prediction, in_clip: Tensor) -> Tensor:
    """Mean squared deviation from rest of the ball joints but the arms, which hang far from their T-pose.

    Settles twists that no keypoint shows, and which way the trunk is turned: that which the head looks.
    """
    local = prediction.rotations[:, :, _NEAR_REST]
    deviation = (local - torch.eye(3, device=local.device)).square().sum(dim=(-1, -2)).mean(dim=-1)
    return masked_mean(deviation, in_clip)


def past_limits(prediction: Prediction, in_clip: Tensor) -> Tensor:
    """Mean squared sine by which elbows and knees bend the wrong way."""
    wrong = []
    for joint, (axis, sign) in zip(HINGE_JOINTS, HINGES.values(), strict=True):
        # The sine stands below the diagonal for a turn about x, and so it does for one about z.
        row, column = (2, 1) if axis == 0 else (1, 0)
        wrong.append((-sign * prediction.rotations[:, :, joint, row, column]).relu().square())
    return masked_mean(torch.stack(wrong).sum(dim=0), in_clip)
