"""Re-fit of captured motion to the canonical skeleton, so that all sets share one meaning of every rotation.

Top down: pelvis and thorax from the source's orientations, trunk, neck and clavicles swung to the source's
joints, limbs as exact hinges in the plane that shoulder, elbow and wrist (hip, knee and ankle) span. What a
straight limb doesn't show, its twist, follows the source's frame and the bent frames nearby. The bend
between pelvis and thorax is shared evenly by the three spine joints in every set: sources that have such
joints disagree on how they share it, and no keypoint shows it.

Whoever changes what comes out here raises ``capture_cache.REFIT_VERSION``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from ..kinematics import forward_kinematics
from ..skeleton import JOINT_INDEX, LENGTH_NAMES, MEAN_LENGTHS, PARENTS, REST_BASIS, J, rest_offsets, stature
from .calibration import BONE_AXES, HINGE_AXES, LIMBS, Calibration
from .capture_bvh import SourceClip
from .labels import labelled_joints
from .rotation_geometry import Array, rotation_about, swing, unit

FITTED_JOINTS: tuple[str, ...] = (
    *(
        f"{side}{joint}"
        for joint in ("Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot")
        for side in ("Left", "Right")
    ),
    "Neck",
    "Head",
)
"""The joints whose positions the fit is judged by."""

_TRUNK = ("Hips", "Spine", "Spine1", "Spine2")
_TWIST_SMOOTHING_SECONDS = 0.3
_PLANE_SMOOTHING_SECONDS = 0.05
_SOURCE_TWIST_WEIGHT = 0.02
"""Of the source's own twist against the bent frames around."""
_CERTAIN_BEND = np.radians([8.0, 30.0])
"""From here to there the measured plane takes over from the smoothed twist."""
_CERTAIN_BEND_STRANGE = np.radians([25.0, 50.0])
"""The same where the limb bends sideways or backwards: a little is noise, much is a flipped source frame."""
_PLAUSIBLE_OFFSET = np.radians([40.0, 75.0])
"""Of the measured plane from the source's: from here to there a bend turns strange."""
_LEAST_FLEXION = np.radians(-5.0)
"""Knees and elbows that bend further backwards are a source's noise."""
_RELAXED_HAND = {"Left": np.radians([30.0, -17.0, 0.0]), "Right": np.radians([30.0, 17.0, 0.0])}
"""Rotation vectors: mean over the sets that have hands."""


@dataclass(frozen=True)
class RefitClip:
    """One take on the canonical skeleton, in the world of its source."""

    lengths: Array
    """(10,) metres"""
    root_translation: Array
    """(T, 3)"""
    rotations: Array
    """(T, 22, 3, 3) local"""
    targets: Array
    """(T, 14, 3) where the source has ``FITTED_JOINTS``"""
    rotation_labelled: NDArray[np.bool_]
    """(22,)"""
    position_labelled: NDArray[np.bool_]
    """(22,)"""


def _targets(clip: SourceClip, calibration: Calibration) -> dict[str, Array]:
    """(T, 3) of each fitted joint and of Hips; neck and head where our skeleton has them."""
    thorax = clip.thorax()
    points = {name: clip.at(name) for name in FITTED_JOINTS[:-2]}
    points["Hips"] = (clip.at("LeftUpLeg") + clip.at("RightUpLeg")) / 2
    points["Neck"] = clip.at(thorax) + clip.turn(thorax) @ calibration.neck_from_thorax
    points["Head"] = clip.at("Head") + clip.turn("Head") @ calibration.head_offset
    return points


def _lengths(points: dict[str, Array], clip: SourceClip, thorax: Array) -> Array:
    """(10,) symmetric, from medians over the clip."""

    def both(start: str, end: str) -> float:
        sides = [
            np.median(np.linalg.norm(points[s + end] - points[s + start], axis=-1)) for s in ("Left", "Right")
        ]
        return float(np.mean(sides))

    line = points["Neck"] - points["Hips"]
    distance = np.linalg.norm(line, axis=-1)
    trunk = float(np.percentile(distance, 75))
    arms = (points["LeftArm"] + points["RightArm"]) / 2
    across = np.linalg.norm(points["LeftArm"] - points["RightArm"], axis=-1)
    rise = np.einsum("ti,ti->t", arms - points["Neck"], thorax[:, :, 2])
    lengths = dict(zip(LENGTH_NAMES, MEAN_LENGTHS, strict=True))
    lengths |= {
        "hip": float(np.median(np.linalg.norm(points["LeftUpLeg"] - points["RightUpLeg"], axis=-1))) / 2,
        "thigh": both("UpLeg", "Leg"),
        "shin": both("Leg", "Foot"),
        "trunk": trunk,
        "neck": float(np.median(np.linalg.norm(points["Head"] - points["Neck"], axis=-1))),
        "shoulder": float(np.median(across)) / 2,
        "shoulder_rise": 0.26 * trunk + float(np.median(rise)),
        "upper_arm": both("Arm", "ForeArm"),
        "forearm": both("ForeArm", "Hand"),
    }
    if "LeftToeBase" in clip:
        bones = [clip.rest(f"{side}ToeBase") - clip.rest(f"{side}Foot") for side in ("Left", "Right")]
        # Sources differ in how high the ankle is over the ball, so the foot is measured along the floor.
        along = -REST_BASIS[LENGTH_NAMES.index("foot"), JOINT_INDEX["LeftToeBase"], 1]
        lengths["foot"] = float(np.mean([np.linalg.norm(bone[:2]) for bone in bones])) / along
    else:
        # No toe joint: in proportion to the person.
        others = np.array([0.0 if name == "foot" else lengths[name] for name in LENGTH_NAMES])
        mean = np.where(np.array(LENGTH_NAMES) == "foot", 0.0, MEAN_LENGTHS)
        lengths["foot"] *= float(stature(others) / stature(mean))
    return np.array([lengths[name] for name in LENGTH_NAMES])


def _blend(start: Array, end: Array, share: float) -> Array:
    """(T, 3, 3) part of the way from one orientation to another, the short way round."""
    turn = Rotation.from_matrix(start.transpose(0, 2, 1) @ end).as_rotvec()
    return np.asarray(start @ Rotation.from_rotvec(share * turn).as_matrix())


def _smooth(values: NDArray[np.complex128], sigma: float) -> NDArray[np.complex128]:
    """Complex numbers (T,), smoothed in time by a Gaussian of so many frames."""
    real, imaginary = (gaussian_filter1d(part, sigma, mode="nearest") for part in (values.real, values.imag))
    return np.asarray(real + 1j * imaginary)


def _limb(
    clip: SourceClip,
    limb: str,
    root: Array,
    points: dict[str, Array],
    bones: tuple[float, float],
    twist: float,
) -> tuple[Array, Array]:
    """Orientations (T, 3, 3) of a limb's two bones, the lower one an exact hinge, aimed at wrist or ankle.

    The hinge's plane holds the line from ``root`` (where our own skeleton has shoulder or hip) to the
    source's wrist or ankle, and as far as the limb is bent the source's elbow or knee. A slight bend to the
    side or backwards is noise of the source: there the plane follows the source's frame, and the limb is
    straightened.

    Args:
        root: (T, 3) world.
        points: of the source, (T, 3) world.
        bones: lengths of upper and lower bone, metres.
        twist: of the source's hinge axis about its bone, radians.
    """
    middle_name, end_name = LIMBS[limb]
    upper = unit(points[middle_name] - root)
    lower = unit(points[end_name] - points[middle_name])
    line = unit(points[end_name] - root)
    hinge, bone = HINGE_AXES[limb], BONE_AXES[limb]
    source_axis = clip.turn(limb) @ (rotation_about(bone, twist) @ hinge)
    source_axis = unit(source_axis - line * np.sum(source_axis * line, axis=-1, keepdims=True))
    normal = np.cross(upper, lower)
    sine = np.linalg.norm(normal, axis=-1)
    bend = np.arctan2(sine, np.sum(upper * lower, axis=-1))
    offset = np.arctan2(
        np.sum(np.cross(source_axis, normal) * line, axis=-1), np.sum(source_axis * normal, axis=-1)
    )
    strange = np.clip((np.abs(offset) - _PLAUSIBLE_OFFSET[0]) / np.ptp(_PLAUSIBLE_OFFSET), 0.0, 1.0)[:, None]
    start, certain = ((1.0 - strange) * _CERTAIN_BEND + strange * _CERTAIN_BEND_STRANGE).T
    ramp = np.clip((bend - start) / (certain - start), 0.0, 1.0)
    weight = ramp * ramp * (3.0 - 2.0 * ramp)

    measured = weight * np.exp(1j * offset)
    around = _smooth(sine**2 * measured, _TWIST_SMOOTHING_SECONDS * clip.fps) + _SOURCE_TWIST_WEIGHT
    mixed = measured + (1.0 - weight) * around / np.abs(around)
    adopted = np.angle(_smooth(mixed, _PLANE_SMOOTHING_SECONDS * clip.fps))
    axis = np.einsum("tij,tj->ti", rotation_about(line, adopted), source_axis)

    flexion = np.maximum(bend * np.cos(offset - adopted), _LEAST_FLEXION)
    lead = np.arctan2(bones[1] * np.sin(flexion), bones[0] + bones[1] * np.cos(flexion))
    upper = np.einsum("tij,tj->ti", rotation_about(axis, -lead), line)
    canonical = np.stack([bone, hinge, np.cross(bone, hinge)], axis=-1)
    world = np.stack([upper, axis, np.cross(upper, axis)], axis=-1)
    upper_turn = world @ canonical.T
    return upper_turn, upper_turn @ rotation_about(hinge, flexion)


def fitted_joints(clip: RefitClip) -> Array:
    """(T, 14, 3) where the canonical skeleton has ``FITTED_JOINTS``."""
    pose = forward_kinematics(
        torch.from_numpy(clip.rotations),
        torch.from_numpy(rest_offsets(clip.lengths)),
        torch.from_numpy(clip.root_translation),
    )
    return pose.joints[:, [JOINT_INDEX[name] for name in FITTED_JOINTS]].numpy()


def refit(clip: SourceClip, calibration: Calibration) -> RefitClip:
    """One captured clip on the canonical skeleton.

    Args:
        clip: world positions and orientations of the source's joints.
        calibration: constant corrections of its frames.
    """
    points = _targets(clip, calibration)
    pelvis = clip.turn("Hips") @ calibration.hips
    thorax = clip.turn(clip.thorax()) @ calibration.thorax
    lengths = _lengths(points, clip, thorax)
    offsets = rest_offsets(lengths)
    turns = np.empty((len(clip), J, 3, 3))
    joints = np.empty((len(clip), J, 3))
    index = JOINT_INDEX

    def place(name: str) -> Array:
        parent = PARENTS[index[name]]
        joints[:, index[name]] = joints[:, parent] + turns[:, parent] @ offsets[index[name]]
        return joints[:, index[name]]

    joints[:, index["Hips"]] = points["Hips"]
    turns[:, index["Hips"]] = pelvis
    spine = place("Spine")
    trunk = [_blend(pelvis, thorax, share) for share in (1 / 3, 2 / 3, 1.0)]
    rest_of_trunk = sum(
        turn @ offsets[index[name]] for turn, name in zip(trunk, ("Spine1", "Spine2", "Neck"), strict=True)
    )
    aim = swing(unit(rest_of_trunk), unit(points["Neck"] - spine))
    for name, turn in zip(_TRUNK[1:], trunk, strict=True):
        turns[:, index[name]] = aim @ turn
    for name in ("Spine1", "Spine2", "Neck"):
        place(name)

    head = clip.turn("Head") @ calibration.head
    between = _blend(turns[:, index["Spine2"]], head, 0.5)
    neck = joints[:, index["Neck"]]
    turns[:, index["Neck"]] = swing(between[:, :, 2], unit(points["Head"] - neck)) @ between
    turns[:, index["Head"]] = head
    place("Head")

    for side in ("Left", "Right"):
        chest = turns[:, index["Spine2"]]
        shoulder = place(f"{side}Shoulder")
        outward = chest @ BONE_AXES[f"{side}Arm"]
        turns[:, index[f"{side}Shoulder"]] = swing(outward, unit(points[f"{side}Arm"] - shoulder)) @ chest
        for limb, bone_names in (
            (f"{side}Arm", ("upper_arm", "forearm")),
            (f"{side}UpLeg", ("thigh", "shin")),
        ):
            root = place(limb)
            middle_name, end_name = LIMBS[limb]
            upper, lower = (float(lengths[LENGTH_NAMES.index(name)]) for name in bone_names)
            turns[:, index[limb]], turns[:, index[middle_name]] = _limb(
                clip, limb, root, points, (upper, lower), calibration.hinge_twist[limb]
            )
            place(middle_name)
            place(end_name)
        turns[:, index[f"{side}Hand"]] = clip.turn(f"{side}Hand")
        turns[:, index[f"{side}Foot"]] = clip.turn(f"{side}Foot") @ calibration.feet[f"{side}Foot"]
        toe = f"{side}ToeBase"
        turns[:, index[toe]] = (
            clip.turn(toe) @ calibration.feet[toe] if toe in clip else turns[:, index[f"{side}Foot"]]
        )
        place(toe)

    rotations = turns.copy()
    rotations[:, 1:] = turns[:, list(PARENTS[1:])].swapaxes(-1, -2) @ turns[:, 1:]
    rotation_labelled, position_labelled = labelled_joints(clip)
    for side in ("Left", "Right"):
        if not rotation_labelled[index[f"{side}Hand"]]:
            rotations[:, index[f"{side}Hand"]] = Rotation.from_rotvec(_RELAXED_HAND[side]).as_matrix()
    return RefitClip(
        lengths,
        points["Hips"],
        rotations,
        np.stack([points[name] for name in FITTED_JOINTS], axis=1),
        rotation_labelled,
        position_labelled,
    )
