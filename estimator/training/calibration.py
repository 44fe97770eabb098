"""What is constant between a source's bone frames and the canonical ones, measured on the capture itself.

Sets disagree on where a limb frame's hinge axis points, how trunk, head and feet are turned in the T-pose and
where neck and head joints lie. A ``Calibration`` holds the constant turns that take each source frame to the
canonical one: ``canonical = source @ turn``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .capture_bvh import Array, SourceClip
from .labels import standing_frames

LIMBS = {
    "LeftArm": ("LeftForeArm", "LeftHand"),
    "RightArm": ("RightForeArm", "RightHand"),
    "LeftUpLeg": ("LeftLeg", "LeftFoot"),
    "RightUpLeg": ("RightLeg", "RightFoot"),
}
"""The joints after each limb's first."""

HINGE_AXES = {
    "LeftArm": np.array([0.0, 0.0, -1.0]),
    "RightArm": np.array([0.0, 0.0, 1.0]),
    "LeftUpLeg": np.array([1.0, 0.0, 0.0]),
    "RightUpLeg": np.array([1.0, 0.0, 0.0]),
}
"""Elbow and knee flex about these axes of the canonical upper bone."""

BONE_AXES = {
    "LeftArm": np.array([1.0, 0.0, 0.0]),
    "RightArm": np.array([-1.0, 0.0, 0.0]),
    "LeftUpLeg": np.array([0.0, 0.0, -1.0]),
    "RightUpLeg": np.array([0.0, 0.0, -1.0]),
}
FORWARD = np.array([0.0, -1.0, 0.0])
UP = np.array([0.0, 0.0, 1.0])

_BENT = np.radians([30.0, 130.0])
_ENOUGH_SECONDS = 1.0
_HEAD_OVER_ARMS = 0.35
"""Height of the canonical Head joint (level of the nose) over the line of the arms, in heights of that line over
mid-hip: 0.175 m of an adult of 1.68 m."""
_NECK_UNDER_ARMS = 0.045
"""Depth of the canonical Neck joint (base of the neck) under that line, in the same unit; sources have theirs from
7 cm below it to 6 cm above."""
_HEAD_PITCH = np.radians([0.0, 20.0])
"""Where people look who stand or walk, on average over a take, downwards; more is the source's head frame."""
_LARGEST_FOOT_TILT = np.cos(np.radians(30.0))


@dataclass(frozen=True)
class Calibration:
    """Constant corrections of the clips of one person in one set."""

    hinge_twist: dict[str, float]
    """Radians, per limb: angle about the source's bone from the canonical hinge axis to the measured one"""
    hips: Array
    thorax: Array
    head: Array
    feet: dict[str, Array]
    """(3, 3) turns of LeftFoot, RightFoot, LeftToeBase, RightToeBase"""
    neck_from_thorax: Array
    """(3,) base of the neck in the frame of the source's thorax joint"""
    head_offset: Array
    """(3,) level of the nose in the frame of the source's Head joint"""


def unit(vectors: Array) -> Array:
    """Vectors (..., 3) at length one; zero stays zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def rotation_about(axis: Array, angle: Array | float) -> Array:
    """(..., 3, 3) about unit axes (..., 3) by radians (...): Rodrigues."""
    axis, angle = np.broadcast_arrays(axis, np.asarray(angle)[..., None])
    x, y, z = np.moveaxis(axis, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    sine, cosine = np.sin(angle[..., :1, None]), np.cos(angle[..., :1, None])
    return np.asarray(np.eye(3) + sine * cross + (1.0 - cosine) * (cross @ cross))


def swing(start: Array, end: Array) -> Array:
    """(..., 3, 3): the smallest rotation that takes unit vectors ``start`` to ``end``; they aren't opposite."""
    axis = np.cross(start, end)
    cosine = np.sum(start * end, axis=-1)
    x, y, z = np.moveaxis(axis, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    return np.asarray(np.eye(3) + cross + cross @ cross / np.maximum(1.0 + cosine, 1e-6)[..., None, None])


def hinge_planes(clip: SourceClip, limb: str) -> tuple[Array, Array, Array]:
    """Of a limb of a source: unit bone directions (T, 3) twice, and the bend in radians (T,)."""
    middle, end = LIMBS[limb]
    upper = unit(clip.at(middle) - clip.at(limb))
    lower = unit(clip.at(end) - clip.at(middle))
    normal = np.cross(upper, lower)
    bend = np.arctan2(np.linalg.norm(normal, axis=-1), np.sum(upper * lower, axis=-1))
    return upper, lower, bend


def _hinge_angles(clip: SourceClip, limb: str) -> Array:
    """Twist (radians) of the measured hinge axis about the bone in the source's frame, bent frames only."""
    upper, lower, bend = hinge_planes(clip, limb)
    bent = (bend > _BENT[0]) & (bend < _BENT[1])
    axis = unit(np.cross(upper[bent], lower[bent]))
    local = np.einsum("tji,tj->ti", clip.turn(limb)[bent], axis)
    hinge, bone = HINGE_AXES[limb], BONE_AXES[limb]
    return np.arctan2(local @ np.cross(bone, hinge), local @ hinge)


def _circular_mean(angles: Array) -> float:
    return float(np.angle(np.mean(np.exp(1j * angles))))


def _hinge_twist(limb: str, person: Sequence[SourceClip], everyone: Sequence[SourceClip]) -> float:
    """From the person's own bent frames, else from those of the set, else none."""
    for clips in (person, everyone):
        angles = [_hinge_angles(clip, limb) for clip in clips]
        if sum(len(a) / clip.fps for a, clip in zip(angles, clips, strict=True)) > _ENOUGH_SECONDS:
            return _circular_mean(np.concatenate(angles))
    return 0.0


def _pitch(directions: Array, heading: Array) -> Array:
    """Forward lean (radians) of directions (T, 3) in the vertical plane of unit headings (T, 3)."""
    return np.arctan2(np.sum(directions * heading, axis=-1), directions[..., 2])


def _upright(clip: SourceClip) -> tuple[Array, Array]:
    """Frames (T,) in which the trunk is upright, and the heading (T, 3)."""
    middle = (clip.at("LeftUpLeg") + clip.at("RightUpLeg")) / 2
    trunk = unit(clip.at("Neck") - middle)
    across = clip.at("LeftUpLeg") - clip.at("RightUpLeg")
    heading = unit(np.cross(across, UP))
    return trunk[:, 2] > np.cos(np.radians(25.0)), heading


def _median_pitch(clips: Sequence[SourceClip], joint: str, axis: Array) -> float | None:
    """Median forward lean over upright frames of a source joint's axis relative to that of the trunk's line."""
    values = []
    for clip in clips:
        upright, heading = _upright(clip)
        values.append(_pitch(clip.turn(joint)[upright] @ axis, heading[upright]))
    angles = np.concatenate(values)
    return float(np.median(angles)) if len(angles) > 30 else None


def _trunk_turn(clips: Sequence[SourceClip], joint: str, across: Array, neck: Array) -> Array:
    """Turn of a trunk joint's frame about the line of the hips, so that trunks of upright people are straight.

    Where a pelvis or thorax "points" is the source's choice of markers; no keypoint shows it. So people who
    stand upright have a straight trunk on average here, whatever their source's rest shape.
    """
    leans = []
    for clip in clips:
        upright, heading = _upright(clip)
        middle = (clip.at("LeftUpLeg") + clip.at("RightUpLeg")) / 2
        thorax = clip.thorax()
        base = clip.at(thorax) + clip.turn(thorax) @ neck
        line = unit(base - middle)[upright]
        leans.append(_pitch(line, heading[upright]) - _pitch(clip.turn(joint)[upright] @ UP, heading[upright]))
    angles = np.concatenate(leans)
    if len(angles) > 30:
        lean = float(np.median(angles))
    else:
        clip = clips[0]
        line = clip.rest(clip.thorax()) + neck - (clip.rest("LeftUpLeg") + clip.rest("RightUpLeg")) / 2
        lean = float(np.arctan2(-line[1], line[2]))
    level = swing(np.array([1.0, 0.0, 0.0]), across)
    return np.asarray(level @ rotation_about(np.array([1.0, 0.0, 0.0]), lean))


def _head_turn(clips: Sequence[SourceClip]) -> Array:
    pitch = _median_pitch(clips, "Head", UP)
    if pitch is None:
        return np.eye(3)
    excess = pitch - float(np.clip(pitch, *_HEAD_PITCH))
    return rotation_about(np.array([1.0, 0.0, 0.0]), -excess)


def _rest_forward(clip: SourceClip, joint: str) -> Array:
    """(3,) horizontal direction of a foot or toe bone in the T-pose."""
    side = "Left" if joint.startswith("Left") else "Right"
    if joint.endswith("Foot") and f"{side}ToeBase" in clip:
        bone = clip.rest(f"{side}ToeBase") - clip.rest(joint)
    else:
        bone = clip.toe_ends.get(joint, FORWARD)
    return unit(bone * np.array([1.0, 1.0, 0.0])) if np.linalg.norm(bone[:2]) > 0.01 else FORWARD


def _flat_turn(person: Sequence[SourceClip], clip: SourceClip, joint: str) -> Array:
    """Turn that makes the sole of a foot that stands flat horizontal: its own clip's, else the person's."""
    forward = _rest_forward(clip, joint)
    normal = UP
    for clips in ([clip], person):
        ups = []
        for one in clips:
            flat = standing_frames(one, joint)
            ups.append(np.einsum("tji,j->ti", one.turn(joint)[flat], UP))
        local = np.concatenate(ups)
        local = local[local[:, 2] > _LARGEST_FOOT_TILT]
        if len(local) > 0.5 * clip.fps:
            normal = unit(np.median(local, axis=0))
            break
    back = -unit(forward - normal * (forward @ normal))
    return np.stack([np.cross(back, normal), back, normal], axis=-1)


def calibrate(clip: SourceClip, person: Sequence[SourceClip], everyone: Sequence[SourceClip]) -> Calibration:
    """Corrections of one clip.

    Args:
        clip: the take; feet are levelled on it alone where it stands long enough.
        person: all clips of that person in that set.
        everyone: all clips of the set.
    """
    thorax = clip.thorax()
    hips = (clip.rest("LeftUpLeg") + clip.rest("RightUpLeg")) / 2
    arms = (clip.rest("LeftArm") + clip.rest("RightArm")) / 2
    torso = float(arms[2] - hips[2])
    column = np.stack([clip.rest(name) for name in (thorax, "Neck", "Head")])
    height = float(arms[2]) - _NECK_UNDER_ARMS * torso
    neck = np.array([*(np.interp(height, column[:, 2], column[:, axis]) for axis in (0, 1)), height])
    neck_from_thorax = neck - clip.rest(thorax)
    across = unit(clip.rest("LeftUpLeg") - clip.rest("RightUpLeg"))
    shoulders = unit(clip.rest("LeftArm") - clip.rest("RightArm"))
    head = _head_turn(person)
    rise = _HEAD_OVER_ARMS * torso - (clip.rest("Head")[2] - arms[2])
    return Calibration(
        hinge_twist={limb: _hinge_twist(limb, person, everyone) for limb in LIMBS},
        hips=_trunk_turn(person, "Hips", across, neck_from_thorax),
        thorax=_trunk_turn(person, thorax, shoulders, neck_from_thorax),
        head=head,
        feet={
            joint: _flat_turn(person, clip, joint)
            for joint in ("LeftFoot", "RightFoot", "LeftToeBase", "RightToeBase")
            if joint in clip
        },
        neck_from_thorax=neck_from_thorax,
        head_offset=head @ (UP * rise),
    )
