"""What unpaired training is judged by: joint errors beside the mean pose's, and depth flips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..metrics import EVALUATED_JOINTS, p_mpjpe
from ..skeleton import JOINT_INDEX, REFERENCE_STATURE
from . import measure
from .capture_clip import CaptureClip
from .measure import JointPredictor, TestClip, evaluation_clips, mean_by_class
from .unpaired import known_cameras

Array = NDArray[np.float64]

EVALUATION = known_cameras(measure.EVALUATION)
PAIRS = tuple(
    (JOINT_INDEX[f"Left{joint}"], JOINT_INDEX[f"Right{joint}"])
    for joint in ("Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot")
)
"""Joints of which one is nearer to the camera than the other."""
CLEARLY_NEARER = 0.1
"""Metres by which it must be, to count."""


def known_camera_clips(clips: list[CaptureClip], views: int = 2) -> list[TestClip]:
    """Every clip through ``views`` known cameras and the noisy detector; the same every time."""
    return evaluation_clips(clips, views, EVALUATION)


def mean_pose(clips: list[TestClip]) -> Array:
    """(14, 3) mean of the evaluated joints in the axes of Hips, for a person of 1.7 m."""
    total, frames = np.zeros((len(EVALUATED_JOINTS), 3)), 0
    for clip in clips:
        truth = clip.sample.truth
        hips = truth.rotations[0, :, 0]
        pose = torch.einsum("tji,tnj->tni", hips, _scaled_joints(clip)[:, list(EVALUATED_JOINTS)])
        total += pose.double().numpy().sum(axis=0)
        frames += len(pose)
    return total / max(frames, 1)


def _joints(clip: TestClip) -> Tensor:
    """(T, 22, 3) true joints relative to Hips, metres."""
    return clip.sample.truth.joints[0] - clip.sample.truth.joints[0, :, :1]


def _scaled_joints(clip: TestClip) -> Tensor:
    """The same for a person of 1.7 m."""
    return _joints(clip) * (REFERENCE_STATURE / float(clip.sample.truth.stature[0]))


@dataclass(frozen=True)
class UnpairedFigures:
    """What unpaired training is judged by, by class of action.

    Attributes:
        p_mpjpe, mean_pose: millimetres on people as tall as they are, of the network and of one pose for all.
        flips: share of pairs of left and right joints, one clearly nearer, that are the wrong way round.
    """

    p_mpjpe: dict[str, float]
    mean_pose: dict[str, float]
    flips: dict[str, float]


def unpaired_figures(predict: JointPredictor, clips: list[TestClip], pose: Array) -> UnpairedFigures:
    """Measures a network; ``pose`` (14, 3) is what it is compared with, see ``mean_pose``."""
    joints = list(EVALUATED_JOINTS)
    rows: dict[str, list[tuple[str, float]]] = {"p_mpjpe": [], "mean_pose": [], "flips": []}
    for clip in clips:
        true, predicted = _joints(clip), predict(clip.sample)[0]
        target = true[:, joints].double().numpy()
        errors = p_mpjpe(predicted[:, joints].double().numpy(), target)
        rows["p_mpjpe"].append((clip.action_class, 1000 * float(errors.mean())))
        still = p_mpjpe(np.broadcast_to(pose, target.shape), target)
        rows["mean_pose"].append((clip.action_class, 1000 * float(still.mean())))
        rows["flips"].append((clip.action_class, depth_flips(predicted, _scaled_joints(clip))))
    return UnpairedFigures(**{name: mean_by_class(values) for name, values in rows.items()})


def depth_flips(predicted: Tensor, true: Tensor) -> float:
    """Share of pairs of ``PAIRS`` whose order in depth is reversed; 0 if none differs clearly.

    Args:
        predicted, true: (T, 22, 3) in the virtual camera, z forward, metres.
    """
    left, right = (list(side) for side in zip(*PAIRS, strict=True))
    order = true[:, left, 2] - true[:, right, 2]
    answered = predicted[:, left, 2] - predicted[:, right, 2]
    clear = order.abs() > CLEARLY_NEARER
    if not bool(clear.any()):
        return 0.0
    return float((order * answered < 0)[clear].float().mean())
