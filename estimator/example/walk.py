"""The poses of the example's person: a body carried over planned footsteps, arms that swing and wave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, minimum_filter1d
from scipy.spatial.transform import Rotation

from ..skeleton import (
    END_POINT_BASIS,
    END_POINT_NAMES,
    JOINT_INDEX,
    LENGTH_NAMES,
    MEAN_LENGTHS,
    J,
    hips_height,
    rest_offsets,
)
from .footsteps import (
    STEP_TIME,
    FootMotion,
    FootShape,
    Path,
    foot_motion,
    forward,
    plan_footprints,
    plan_path,
)

Array = NDArray[np.float64]

FPS = 30.0
FRAMES = 252
LENGTHS: Array = MEAN_LENGTHS * 1.045
"""(10,) metres: a person of 1.76 m."""
THIGH, SHIN = (float(LENGTHS[LENGTH_NAMES.index(name)]) for name in ("thigh", "shin"))

HALF_TURN = np.pi
SPEED_KEYS: Array = np.array(
    [(0, 1.15), (2.0, 1.15), (2.6, 0.4), (3.6, 0.4), (4.2, 0.95), (4.7, 0.9), (5.4, 0.25), (6.4, 0)]
)
"""Seconds and metres per second."""
HEADING_KEYS: Array = np.array(
    [(0, 0.15), (2.0, 0.05), (3.9, HALF_TURN), (4.8, HALF_TURN), (6.4, 2 * HALF_TURN)]
)
"""Seconds and radians."""
STANDS_FROM = 6.4
WAVES_FROM, WAVES_FULLY = 6.0, 6.8
WAVE_RATE = 1.6
"""Waves per second."""

LEG_REACH = 0.992
"""Of the leg's length at most, so that a knee never locks."""


@dataclass(frozen=True)
class Walk:
    """What the person does on T frames, in the world."""

    root: Array
    """(T, 3) metres, of Hips"""
    rotations: Array
    """(T, 22, 3, 3) local"""
    contacts: NDArray[np.bool_]
    """(T, 4) which points stand; order of ``skeleton.CONTACT_NAMES``"""


def plan_walk(seed: int) -> Walk:
    """The example's motion; ``seed`` varies the small sway of trunk, head and arms only."""
    margin = 30  # frames beyond both ends, so that no filter's end lies within the clip
    times = np.arange(-margin, FRAMES + margin) / FPS
    path = plan_path(SPEED_KEYS, HEADING_KEYS, times[-1] + 1)
    left, right = _feet(times, path)
    point, heading = path.at(times)
    stride = np.sum((left.ankle - right.ankle)[:, :2] * forward(heading), axis=-1)  # left foot ahead by
    support = gaussian_filter1d(_stands(left) - _stands(right), 2.5)  # 1 on the left foot, -1 on the right
    sway = gaussian_filter1d(np.random.default_rng(seed).normal(size=(len(times), 5)), 12.0, axis=0) * 0.12

    pelvis = _about("zyx", heading - 0.2 * stride, -0.05 * support, 0.04 + 0.02 * np.abs(stride))
    root = _hips(point, heading, support, pelvis, (left, right))
    local = np.tile(np.eye(3), (len(times), J, 1, 1))
    local[:, 0] = pelvis.as_matrix()
    for side, foot in (("Left", left), ("Right", right)):
        _pose_leg(local, side, root, pelvis, foot)
    looks_ahead = np.clip(path.at(times + 0.3)[1] - heading, -0.7, 0.7)
    _pose_trunk(local, stride, support, looks_ahead, sway)
    _pose_arms(local, times, stride, sway)

    contacts = np.stack([left.heel_stands, left.toe_stands, right.heel_stands, right.toe_stands], axis=-1)
    clip = slice(margin, margin + FRAMES)
    return Walk(root[clip], local[clip], contacts[clip])


def _about(axes: str, *angles: Array | float) -> Rotation:
    """Rotation about the first axis of ``axes`` last, as in R = Rz · Ry · Rx for "zyx"; angles (T,)."""
    return Rotation.from_euler(axes.upper(), np.stack(np.broadcast_arrays(*angles), axis=-1))


def _feet(times: Array, path: Path) -> tuple[FootMotion, FootMotion]:
    heel = np.einsum("l,lc->c", LENGTHS, END_POINT_BASIS[:, END_POINT_NAMES.index("left_heel")])
    shape = FootShape(rest_offsets(LENGTHS)[JOINT_INDEX["LeftToeBase"]], heel)
    half_width = 0.85 * float(LENGTHS[LENGTH_NAMES.index("hip")])
    first = float(times[0]) - 0.9
    left = plan_footprints(path, 1.0, half_width, first, STANDS_FROM)
    right = plan_footprints(path, -1.0, half_width, first + STEP_TIME, STANDS_FROM)
    return foot_motion(times, left, shape), foot_motion(times, right, shape)


def _stands(foot: FootMotion) -> Array:
    return (foot.heel_stands | foot.toe_stands).astype(np.float64)


def _hips(
    point: Array, heading: Array, support: Array, pelvis: Rotation, feet: tuple[FootMotion, FootMotion]
) -> Array:
    """(T, 3): over the path, towards the standing foot, and as high as both legs reach."""
    sideways = np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    root: Array = np.concatenate(
        [point + 0.025 * support[:, None] * sideways, np.zeros((len(point), 1))], axis=-1
    )
    heights = [np.full(len(point), float(hips_height(LENGTHS)) - 0.01)]
    for side, foot in zip(("Left", "Right"), feet, strict=True):
        hip = root + pelvis.apply(rest_offsets(LENGTHS)[JOINT_INDEX[f"{side}UpLeg"]])
        away = np.linalg.norm((foot.ankle - hip)[:, :2], axis=-1)
        leg = LEG_REACH * (THIGH + SHIN)
        heights.append(foot.ankle[:, 2] + np.sqrt(leg**2 - away**2) - hip[:, 2])
    # The lowest of its neighbours before smoothing: so the smoothed height stays within reach.
    root[:, 2] = gaussian_filter1d(minimum_filter1d(np.min(heights, axis=0), 5), 1.5)
    return root


def _pose_leg(local: Array, side: str, root: Array, pelvis: Rotation, foot: FootMotion) -> None:
    """Two-bone inverse kinematics: the knee bends in the plane that the foot and the pelvis face."""
    hip = root + pelvis.apply(rest_offsets(LENGTHS)[JOINT_INDEX[f"{side}UpLeg"]])
    leg = foot.ankle - hip
    distance = np.minimum(np.linalg.norm(leg, axis=-1), 0.9999 * (THIGH + SHIN))
    down = leg / np.linalg.norm(leg, axis=-1, keepdims=True)
    facing = pelvis.apply([0, -1, 0]) + foot.rotation.apply([0, -0.94, -0.34])
    hinge = np.cross(-down, facing)
    hinge /= np.linalg.norm(hinge, axis=-1, keepdims=True)
    at_hip = np.arccos((THIGH**2 + distance**2 - SHIN**2) / (2 * THIGH * distance))
    bend = np.pi - np.arccos((THIGH**2 + SHIN**2 - distance**2) / (2 * THIGH * SHIN))
    straight = np.stack([hinge, np.cross(-down, hinge), -down], axis=-1)
    thigh = Rotation.from_matrix(straight) * Rotation.from_euler("x", -at_hip)
    knee = Rotation.from_euler("x", bend)
    pose = {
        "UpLeg": pelvis.inv() * thigh,
        "Leg": knee,
        "Foot": (thigh * knee).inv() * foot.rotation,
        "ToeBase": Rotation.from_euler("x", -foot.toe_bend),
    }
    for name, rotation in pose.items():
        local[:, JOINT_INDEX[f"{side}{name}"]] = rotation.as_matrix()


def _pose_trunk(local: Array, stride: Array, support: Array, looks_ahead: Array, sway: Array) -> None:
    """The chest turns against the pelvis, and the head where the person is going to walk."""
    against = 0.34 * stride
    spine = _about("zyx", (against + sway[:, 0]) / 3, (0.05 * support + 0.5 * sway[:, 1]) / 3, 0.01)
    for name in ("Spine", "Spine1", "Spine2"):
        local[:, JOINT_INDEX[name]] = spine.as_matrix()
    upright = -0.02 - 0.01 * np.abs(stride)
    head = _about("zyx", (0.2 * stride - against + looks_ahead + sway[:, 2]) / 2, 0.0, upright)
    for name in ("Neck", "Head"):
        local[:, JOINT_INDEX[name]] = head.as_matrix()


def _pose_arms(local: Array, times: Array, stride: Array, sway: Array) -> None:
    """Each arm swings with the other side's leg; from ``WAVES_FROM`` on the right one waves."""
    swing_ahead = gaussian_filter1d(stride, 1.5) * 0.62
    for side, sign, ahead, drift in (
        ("Left", 1.0, -swing_ahead, sway[:, 3]),
        ("Right", -1.0, swing_ahead, sway[:, 4]),
    ):
        hangs = _about("xyz", 0.05 - ahead + drift, sign * np.radians(80.0), sign * -0.15)
        bends = Rotation.from_euler("z", -sign * (0.3 + 0.45 * np.clip(ahead + 0.1, 0, None)))
        hand = Rotation.identity(len(times))
        shoulder = Rotation.identity(len(times))
        if side == "Right":
            raised = _ease((times - WAVES_FROM) / (WAVES_FULLY - WAVES_FROM))
            phase = 2 * np.pi * WAVE_RATE * (times - WAVES_FROM)
            wave = np.sin(phase)
            hangs = _blend(hangs, _about("yzx", -0.45 + 0.08 * wave, 0.35, -1.35), raised)
            bends = _blend(bends, Rotation.from_euler("z", 1.55 + 0.45 * wave), raised)
            hand = _blend(hand, Rotation.from_euler("z", 0.3 * np.sin(phase - 0.8)), raised)
            shoulder = Rotation.from_euler("y", 0.15 * raised)
        for name, rotation in (("Shoulder", shoulder), ("Arm", hangs), ("ForeArm", bends), ("Hand", hand)):
            local[:, JOINT_INDEX[f"{side}{name}"]] = rotation.as_matrix()


def _ease(u: Array) -> Array:
    u = np.clip(u, 0.0, 1.0)
    return np.asarray(u * u * u * (u * (6 * u - 15) + 10))


def _blend(a: Rotation, b: Rotation, amount: Array) -> Rotation:
    """From ``a`` to ``b`` along the shortest arc."""
    return a * Rotation.from_rotvec(amount[:, None] * (a.inv() * b).as_rotvec())
