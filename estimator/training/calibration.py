"""What is constant between a source's bone frames and the canonical ones, measured on the capture itself.

Sets disagree on where a limb frame's hinge axis points, how trunk, head and feet are turned in the T-pose and
where neck and head joints lie. A ``Calibration`` holds the constant turns that take each source frame to the
canonical one: ``canonical = source @ turn``.

Whoever changes what comes out here raises ``capture_cache.REFIT_VERSION``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..skeleton import HINGES
from .capture_bvh import SourceClip
from .labels import standing_frames
from .rotation_geometry import Array, rotation_about, swing, unit

LIMBS = {
    "LeftArm": ("LeftForeArm", "LeftHand"),
    "RightArm": ("RightForeArm", "RightHand"),
    "LeftUpLeg": ("LeftLeg", "LeftFoot"),
    "RightUpLeg": ("RightLeg", "RightFoot"),
}
"""The joints after each limb's first."""

HINGE_AXES = {
    upper: sign * np.eye(3)[axis] for upper, (lower, _) in LIMBS.items() for axis, sign in [HINGES[lower]]
}
"""Elbow and knee flex about these axes of the canonical upper bone."""

BONE_AXES = {
    "LeftArm": np.array([1.0, 0.0, 0.0]),
    "RightArm": np.array([-1.0, 0.0, 0.0]),
    "LeftUpLeg": np.array([0.0, 0.0, -1.0]),
    "RightUpLeg": np.array([0.0, 0.0, -1.0]),
}
_ACROSS = np.array([1.0, 0.0, 0.0])
_FORWARD = np.array([0.0, -1.0, 0.0])
UP = np.array([0.0, 0.0, 1.0])

_BENT = np.radians([30.0, 130.0])
_ENOUGH_SECONDS = 1.0
_ENOUGH_FRAMES = 30
_HEAD_OVER_ARMS = 0.35
"""Height of the canonical Head joint (level of the nose) over the line of the arms, in heights of that line
over mid-hip: 0.175 m of an adult of 1.68 m."""
_NECK_UNDER_ARMS = 0.045
"""Depth of the canonical Neck joint (base of the neck) under that line, in the same unit; sources have theirs
from 7 cm below it to 6 cm above."""
_HEAD_PITCH = np.radians([0.0, 8.0])
"""Where people look who stand or walk, on average over a take, downwards; more is the source's head frame,
whose bone leans ahead though the head is level. In 80 films of people who exercise, seen from the side,
detected noses lie 7 degrees under the ears (most -3 to 17), in a level canonical head 5.5."""
_FEET = ("LeftFoot", "RightFoot", "LeftToeBase", "RightToeBase")
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


def _hinge_planes(clip: SourceClip, limb: str) -> tuple[Array, Array, Array]:
    """Of a limb of a source: unit bone directions (T, 3) twice, and the bend in radians (T,)."""
    middle, end = LIMBS[limb]
    upper = unit(clip.at(middle) - clip.at(limb))
    lower = unit(clip.at(end) - clip.at(middle))
    normal = np.cross(upper, lower)
    bend = np.arctan2(np.linalg.norm(normal, axis=-1), np.sum(upper * lower, axis=-1))
    return upper, lower, bend


def _hinge_angles(clip: SourceClip, limb: str) -> Array:
    """Twist (radians) of the measured hinge axis about the bone in the source's frame, bent frames only."""
    upper, lower, bend = _hinge_planes(clip, limb)
    bent = (bend > _BENT[0]) & (bend < _BENT[1])
    axis = unit(np.cross(upper[bent], lower[bent]))
    local = np.einsum("tji,tj->ti", clip.turn(limb)[bent], axis)
    hinge, bone = HINGE_AXES[limb], BONE_AXES[limb]
    return np.asarray(np.arctan2(local @ np.cross(bone, hinge), local @ hinge))


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
    return np.asarray(np.arctan2(np.sum(directions * heading, axis=-1), directions[..., 2]))


def _upright(clip: SourceClip) -> tuple[Array, Array]:
    """Frames (T,) in which the trunk is upright, and the heading (T, 3)."""
    middle = (clip.at("LeftUpLeg") + clip.at("RightUpLeg")) / 2
    trunk = unit(clip.at("Neck") - middle)
    across = clip.at("LeftUpLeg") - clip.at("RightUpLeg")
    heading = unit(np.cross(across, UP))
    return trunk[:, 2] > np.cos(np.radians(25.0)), heading


def neck_point(clip: SourceClip) -> Array:
    """(3,) base of the neck in the T-pose: on the source's cervical line, a little under the arms' line."""
    arms, torso = _arm_line(clip)
    column = np.stack([clip.rest(name) for name in (clip.thorax(), "Neck", "Head")])
    height = float(arms[2]) - _NECK_UNDER_ARMS * torso
    return np.array([*(np.interp(height, column[:, 2], column[:, axis]) for axis in (0, 1)), height])


def _arm_line(clip: SourceClip) -> tuple[Array, float]:
    """Midpoint (3,) between the shoulders in the T-pose, and its height over mid-hip in metres."""
    arms = (clip.rest("LeftArm") + clip.rest("RightArm")) / 2
    hips = (clip.rest("LeftUpLeg") + clip.rest("RightUpLeg")) / 2
    return arms, float(arms[2] - hips[2])


def _trunk_lean(clips: Sequence[SourceClip], joint: str) -> float:
    """Radians by which the line of the trunk leans forward in the frame of a trunk joint.

    Where a pelvis or thorax "points" is the source's choice of markers; no keypoint shows it. So people who
    stand upright have a straight trunk on average here, whatever their source's rest shape.
    """
    leans = []
    for clip in clips:
        upright, heading = _upright(clip)
        middle = (clip.at("LeftUpLeg") + clip.at("RightUpLeg")) / 2
        thorax = clip.thorax()
        base = clip.at(thorax) + clip.turn(thorax) @ (neck_point(clip) - clip.rest(thorax))
        line = unit(base - middle)[upright]
        leans.append(
            _pitch(line, heading[upright]) - _pitch(clip.turn(joint)[upright] @ UP, heading[upright])
        )
    angles = np.concatenate(leans)
    if len(angles) > _ENOUGH_FRAMES:
        return float(np.median(angles))
    line = neck_point(clips[0]) - (clips[0].rest("LeftUpLeg") + clips[0].rest("RightUpLeg")) / 2
    return float(np.arctan2(-line[1], line[2]))


def _trunk_turn(clip: SourceClip, joint: str, lean: float) -> Array:
    """Turn of a trunk joint's frame whose X lies along the hips or shoulders and whose Z along the trunk."""
    pair = "UpLeg" if joint == "Hips" else "Arm"
    across = unit(clip.rest(f"Left{pair}") - clip.rest(f"Right{pair}"))
    return np.asarray(swing(_ACROSS, across) @ rotation_about(_ACROSS, lean))


def _head_turn(clips: Sequence[SourceClip]) -> Array:
    pitches = []
    for clip in clips:
        upright, heading = _upright(clip)
        pitches.append(_pitch(clip.turn("Head")[upright] @ UP, heading[upright]))
    angles = np.concatenate(pitches)
    if len(angles) <= _ENOUGH_FRAMES:
        return np.eye(3)
    pitch = float(np.median(angles))
    return rotation_about(_ACROSS, float(np.clip(pitch, *_HEAD_PITCH)) - pitch)


def _rest_forward(clip: SourceClip, joint: str) -> Array:
    """(3,) horizontal direction of a foot or toe bone in the T-pose."""
    side = "Left" if joint.startswith("Left") else "Right"
    if joint.endswith("Foot") and f"{side}ToeBase" in clip:
        bone = clip.rest(f"{side}ToeBase") - clip.rest(joint)
    else:
        bone = clip.toe_ends.get(joint, _FORWARD)
    return unit(bone * np.array([1.0, 1.0, 0.0])) if np.linalg.norm(bone[:2]) > 0.01 else _FORWARD


def _sole_normals(clip: SourceClip, joint: str) -> Array:
    """(F, 3) world up in the source's frame of a foot or toe joint, in the frames in which it stands flat."""
    flat = standing_frames(clip, joint)
    ups = np.asarray(clip.turn(joint)[flat][:, 2])
    return np.asarray(ups[ups[:, 2] > _LARGEST_FOOT_TILT])


def _flat_turn(clip: SourceClip, joint: str, own: Array, person: Sequence[Array]) -> Array:
    """Turn that levels the sole of a foot that stands flat: by its own clip, else by the person's."""
    forward = _rest_forward(clip, joint)
    normal = UP
    for ups in (own, np.concatenate(person)):
        if len(ups) > 0.5 * clip.fps:
            normal = unit(np.median(ups, axis=0))
            break
    back = -unit(forward - normal * (forward @ normal))
    return np.stack([np.cross(back, normal), back, normal], axis=-1)


def calibrate(person: Sequence[SourceClip], everyone: Sequence[SourceClip]) -> list[Calibration]:
    """Corrections of each clip of one person in one set.

    Args:
        person: all clips of that person in that set.
        everyone: all clips of the set, for what the person's own don't show.
    """
    first = person[0]
    thorax = first.thorax()
    hinge_twist = {limb: _hinge_twist(limb, person, everyone) for limb in LIMBS}
    leans = {joint: _trunk_lean(person, joint) for joint in ("Hips", thorax)}
    head = _head_turn(person)
    soles = {joint: [_sole_normals(clip, joint) for clip in person] for joint in _FEET if joint in first}
    calibrations = []
    for number, clip in enumerate(person):
        arms, torso = _arm_line(clip)
        rise = _HEAD_OVER_ARMS * torso - (clip.rest("Head")[2] - arms[2])
        calibrations.append(
            Calibration(
                hinge_twist=hinge_twist,
                hips=_trunk_turn(clip, "Hips", leans["Hips"]),
                thorax=_trunk_turn(clip, thorax, leans[thorax]),
                head=head,
                feet={joint: _flat_turn(clip, joint, ups[number], ups) for joint, ups in soles.items()},
                neck_from_thorax=neck_point(clip) - clip.rest(thorax),
                head_offset=head @ (UP * rise),
            )
        )
    return calibrations
