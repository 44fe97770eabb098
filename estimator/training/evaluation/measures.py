"""All figures of one answer to one case, by name; what can't be said of it is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ... import metrics
from ...motion import Motion
from ...motion_summary import reprojection_errors
from ...skeleton import CONTACT_END_POINTS, JOINT_INDEX, PARENTS, stature
from .cases import Case, Truth
from .models import Answer
from .protocol import FPS
from .scene import TrueMotion

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """How a figure is called, counted and read.

    Attributes:
        label: for people, with the unit.
        digits: behind the point.
        share: a ratio whose parts are summed over clips before they are divided.
    """

    label: str
    digits: int = 1
    share: bool = False


METRICS: dict[str, Metric] = {
    "p_mpjpe_mm": Metric("P-MPJPE, mm"),
    "mpjpe_mm": Metric("MPJPE, mm"),
    "n_mpjpe_mm": Metric("N-MPJPE, mm"),
    "wa_mpjpe_mm": Metric("WA-MPJPE, mm"),
    "w_mpjpe_mm": Metric("W-MPJPE, mm"),
    "wa_mpjpe_rigid_mm": Metric("WA-MPJPE rigid, mm"),
    "w_mpjpe_rigid_mm": Metric("W-MPJPE rigid, mm"),
    "rte_percent": Metric("RTE, % of paths over 1 m"),
    "rte_cm": Metric("RTE, cm"),
    "depth_cm": Metric("depth error along the ray, cm"),
    "drift_cm": Metric("drift over the long walk, cm"),
    "bone_spread_percent": Metric("change of bone lengths, %", 2),
    "rotation_degrees": Metric("rotation error, °"),
    "swing_degrees": Metric("swing error, °"),
    "twist_degrees": Metric("twist error, °"),
    "root_degrees": Metric("rotation error of Hips, °"),
    "largest_step_degrees": Metric("largest rotation in a frame, °"),
    "rotational_acceleration_ratio": Metric("rotational acceleration over the truth's", 2, share=True),
    "hyperextended_percent": Metric("hyperextended elbows and knees, %", 2),
    "sliding_mm": Metric("feet that rest slide, mm a frame"),
    "claimed_sliding_mm": Metric("contacts that are claimed slide, mm a frame"),
    "penetration_mm": Metric("lowest point under the ground, mm"),
    "standing_height_mm": Metric("height error of feet on the ground, mm"),
    "contact_f1": Metric("contact F1", 3, share=True),
    "jitter_ratio": Metric("jitter over the truth's", 2, share=True),
    "pose_jitter_ratio": Metric("jitter relative to Hips over the truth's", 2, share=True),
    "jitter_ms3": Metric("jitter, m/s³"),
    "peak_speed_ratio": Metric("peak speed of wrists and ankles over the truth's", 2, share=True),
    "acceleration_mm": Metric("acceleration error, mm/frame²"),
    "reprojection_percent": Metric("reprojection error, % of the person's height", 2),
    "reprojection_95_percent": Metric("95 % of the keypoints reproject within, % of the height", 2),
    "gravity_degrees": Metric("gravity error, °"),
}
"""In the order of the report. On Hips and mid-hip see ``measure``; all at 30 frames a second."""

LONG = 1200
"""Frames from which on drift is measured."""
_FEET = [JOINT_INDEX[f"{side}{name}"] for side in ("Left", "Right") for name in ("Foot", "ToeBase")]
_HANDS_AND_FEET = [JOINT_INDEX[f"{side}{name}"] for side in ("Left", "Right") for name in ("Hand", "Foot")]
_HIPS = JOINT_INDEX["Hips"]
_BONES = tuple(
    (joint, PARENTS[joint]) for joint in metrics.LIMB_JOINTS if PARENTS[joint] in metrics.LIMB_JOINTS
)
_CONTACTS = list(CONTACT_END_POINTS)


@dataclass(frozen=True)
class Figures:
    """Of one case: plain values by metric, and numerator and denominator of those that are shares."""

    values: Mapping[str, float]
    shares: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def value(self, metric: str) -> float:
        """The figure; nan if this case has none."""
        if metric in self.shares:
            part, whole = self.shares[metric]
            return part / whole if whole else math.nan
        return self.values.get(metric, math.nan)


def measure(case: Case, answer: Answer) -> Figures:
    """Compares an answer with the truth.

    Poses and paths are compared in the axes of the camera, which stands still, so that nothing depends on
    where an answer has its origin; feet and ground in the world. The root is Hips, the middle of the hips.
    """
    truth = case.truth
    if truth is None:
        assert answer.motion is not None
        return _without_truth(case, answer.motion)
    true = truth.in_camera()
    frames = min(len(true), len(answer.joints))
    true, joints = true[:frames], answer.joints[:frames]
    values: dict[str, float] = _pose_errors(joints, true, truth)
    shares: dict[str, tuple[float, float]] = {}
    if frames > 3:
        shares |= _liveliness(joints, true, truth, answer.placed)
    if answer.placed:
        values |= _path_errors(case, joints, true, truth)
    if answer.motion is not None:
        values |= _gravity(answer.motion, truth)
        if truth.motion is not None and truth.ends is not None:
            values |= _rotations(answer, truth.motion, truth.world_from_camera, frames)
            values |= _ground(answer.motion, truth.motion, truth.ends, frames)
            shares |= _more_shares(answer.motion, truth.motion, frames)
    return Figures({name: float(value) for name, value in values.items() if not math.isnan(value)}, shares)


def _evaluated(truth: Truth) -> list[int]:
    return [joint for joint in metrics.EVALUATED_JOINTS if truth.labelled[joint]]


def _pose_errors(joints: Array, true: Array, truth: Truth) -> dict[str, float]:
    labelled = _evaluated(truth)
    mine = joints[:, labelled] - joints[:, [_HIPS]]
    goal = true[:, labelled] - true[:, [_HIPS]]
    return {
        "p_mpjpe_mm": 1000 * metrics.p_mpjpe(mine, goal).mean(),
        "mpjpe_mm": 1000 * metrics.mpjpe(mine, goal).mean(),
        "n_mpjpe_mm": 1000 * metrics.n_mpjpe(mine, goal).mean(),
        "bone_spread_percent": 100 * metrics.bone_length_spread(joints, _BONES),
    }


def _liveliness(joints: Array, true: Array, truth: Truth, placed: bool) -> dict[str, tuple[float, float]]:
    """Jitter summed over frames, and peak speeds, of the answer and of the truth."""
    labelled = _evaluated(truth)
    ends = [joint for joint in _HANDS_AND_FEET if truth.labelled[joint]]

    def jitter(points: Array) -> float:
        return metrics.jitter(points[:, labelled], FPS) * len(points)

    pair = (joints, true)
    relative = [points - points[:, [_HIPS]] for points in pair]
    shares = {"pose_jitter_ratio": (jitter(relative[0]), jitter(relative[1]))}
    if placed:
        shares["jitter_ratio"] = (jitter(joints), jitter(true))
        speeds = [metrics.peak_speed(points[:, ends], FPS) for points in pair]
        shares["peak_speed_ratio"] = (speeds[0], speeds[1])
    return shares


def _path_errors(case: Case, joints: Array, true: Array, truth: Truth) -> dict[str, float]:
    labelled = _evaluated(truth)
    mine, goal = joints[:, labelled], true[:, labelled]
    root = metrics.root_error(joints[:, _HIPS], true[:, _HIPS])
    feet = [joint for joint in _FEET if truth.labelled[joint]]
    height = case.camera.fy * _height(truth) / np.maximum(true[:, _HIPS, 2], 0.1)
    pixels = case.camera.project(mine), case.camera.project(goal)
    values = {
        "wa_mpjpe_mm": 1000 * metrics.wa_mpjpe(mine, goal).mean(),
        "w_mpjpe_mm": 1000 * metrics.w_mpjpe(mine, goal).mean(),
        "wa_mpjpe_rigid_mm": 1000 * metrics.wa_mpjpe(mine, goal, scaled=False).mean(),
        "w_mpjpe_rigid_mm": 1000 * metrics.w_mpjpe(mine, goal, scaled=False).mean(),
        "rte_cm": 100 * root.metres,
        "rte_percent": math.nan if root.percent is None else root.percent,
        "depth_cm": 100 * np.abs(metrics.depth_error(joints[:, _HIPS], true[:, _HIPS])).mean(),
        "acceleration_mm": 1000 * metrics.acceleration_error(mine, goal),
        "sliding_mm": 1000 * metrics.foot_sliding(joints[:, feet], true[:, feet]),
        "reprojection_percent": _mean(metrics.reprojection_percent(*pixels, height)),
    }
    if len(true) >= LONG:
        values["drift_cm"] = 100 * metrics.drift(mine, goal)
    return values


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _height(truth: Truth) -> float:
    """Metres of the standing person; where only joints are known, from the length of the legs."""
    if truth.motion is not None:
        return float(stature(truth.motion.lengths))
    up, knee, ankle = (truth.joints[:, JOINT_INDEX[f"Left{name}"]] for name in ("UpLeg", "Leg", "Foot"))
    leg = np.linalg.norm(up - knee, axis=-1) + np.linalg.norm(knee - ankle, axis=-1)
    return float(leg.mean()) / _LEG_SHARE


_LEG_SHARE = 0.49
"""Of the stature, thigh and shin of an adult."""


def _gravity(motion: Motion, truth: Truth) -> dict[str, float]:
    """The vertical of the answer's world in the camera, against the true one."""
    mine = motion.world_from_camera[..., 2, :3].reshape(-1, 3)[0]
    return {"gravity_degrees": float(metrics.gravity_error(mine, truth.world_from_camera[2, :3]))}


def _rotations(answer: Answer, true: TrueMotion, world_from_camera: Array, frames: int) -> dict[str, float]:
    """Of labelled joints; Hips apart, in the camera's axes, because headings in the world are arbitrary."""
    motion = answer.motion
    assert motion is not None
    mine, goal = motion.rotations[:frames].copy(), true.rotations[:frames].copy()
    mine[:, 0] = _turned(motion.world_from_camera.reshape(-1, 4, 4)[0], mine[:, 0])
    goal[:, 0] = _turned(world_from_camera, goal[:, 0])
    errors = metrics.rotation_errors(mine, goal)
    known = true.rotation_labelled & (np.arange(len(true.rotation_labelled)) != _HIPS)
    return {
        "rotation_degrees": errors.angle[:, known].mean(),
        "swing_degrees": errors.swing[:, known].mean(),
        "twist_degrees": errors.twist[:, known].mean(),
        "root_degrees": errors.angle[:, _HIPS].mean(),
        "largest_step_degrees": metrics.rotation_steps(mine).max() if frames > 1 else math.nan,
        "hyperextended_percent": 100 * metrics.hyperextended(mine).mean(),
    }


def _turned(world_from_camera: Array, rotations: Array) -> Array:
    """Quaternions (T, 4) from world axes to the camera's."""
    camera_from_world = Rotation.from_matrix(world_from_camera[:3, :3]).inv()
    world = Rotation.from_quat(rotations, scalar_first=True)
    return np.asarray((camera_from_world * world).as_quat(scalar_first=True))


def _ground(motion: Motion, true: TrueMotion, true_ends: Array, frames: int) -> dict[str, float]:
    mine, goal = motion.end_points[:frames, _CONTACTS], true_ends[:frames, _CONTACTS]
    values = {"claimed_sliding_mm": 1000 * metrics.contact_sliding(mine, motion.contacts[:frames])}
    if true.ground_known:
        values["penetration_mm"] = 1000 * metrics.penetration(mine)
        if true.contacts_labelled:
            still = true.still[:frames]
            values["standing_height_mm"] = 1000 * metrics.standing_height_error(mine, goal, still)
    return values


def _more_shares(motion: Motion, true: TrueMotion, frames: int) -> dict[str, tuple[float, float]]:
    shares: dict[str, tuple[float, float]] = {}
    if frames > 2:
        known = true.rotation_labelled
        shares["rotational_acceleration_ratio"] = (
            metrics.rotational_acceleration(motion.rotations[:frames, known]) * frames,
            metrics.rotational_acceleration(true.rotations[:frames, known]) * frames,
        )
    if true.contacts_labelled:
        count = metrics.contact_counts(motion.contacts[:frames], true.still[:frames])
        shares["contact_f1"] = (2.0 * count.right, 2.0 * count.right + count.wrong + count.missed)
    return shares


def _without_truth(case: Case, motion: Motion) -> Figures:
    """What an answer says about itself: on its own keypoints, on its own contacts and ground."""
    errors = reprojection_errors(motion, case.camera)
    feet = motion.end_points[:, _CONTACTS]
    steps = metrics.rotation_steps(motion.rotations)
    values: dict[str, float] = {
        "reprojection_percent": float(np.median(errors)) if len(errors) else math.nan,
        "reprojection_95_percent": float(np.percentile(errors, 95)) if len(errors) else math.nan,
        "jitter_ms3": metrics.jitter(motion.joints_world[:, list(metrics.EVALUATED_JOINTS)], motion.fps),
        "claimed_sliding_mm": 1000 * metrics.contact_sliding(feet, motion.contacts),
        "penetration_mm": 1000 * metrics.penetration(feet),
        "largest_step_degrees": float(steps.max()) if len(steps) else math.nan,
        "hyperextended_percent": 100 * float(metrics.hyperextended(motion.rotations).mean()),
    }
    return Figures({name: value for name, value in values.items() if not math.isnan(value)})
