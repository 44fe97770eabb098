"""Motions with known measures (a squat, a jump of 40 cm, …), by leg IK, before cameras and detectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from scipy.spatial.transform import Rotation

from estimator import kinematics, skeleton
from estimator.camera import Camera, pinhole
from estimator.keypoint_set import K
from estimator.track import KeypointTrack

Array = NDArray[np.float64]
FPS = 30.0
LENGTHS = skeleton.MEAN_LENGTHS
STATURE = float(skeleton.stature(LENGTHS))
STANDING = float(skeleton.hips_height(LENGTHS)) - 0.008
_ANKLE = float(skeleton.hips_height(LENGTHS) - LENGTHS[1] - LENGTHS[2])
_HIP_WIDTH = float(LENGTHS[0])
_AHEAD = 0.045
"""Metres that Hips are ahead of the ankles, so that the mass is over the middle of the feet: whoever stands
would else fall over backwards. Captured people's is 6 cm ahead of their ankles; here it is 5."""
_SIDES = ("Left", "Right")
_REST = skeleton.rest_offsets(LENGTHS)


@dataclass(frozen=True)
class Script:
    """What somebody does on T frames, in a world with Z up and the ground at z = 0; metres, radians.

    Attributes:
        heading: (T,) of the body about the vertical; 0 faces -Y.
        hips: (T, 3), but for ``_AHEAD``.
        lean: (T,) of the trunk, forwards.
        soles: (T, 2, 3) below each ankle, left first.
        foot_heading: (T, 2).
        arms: (T,) how far the arms are raised to the front, from hanging down.
    """

    heading: Array
    hips: Array
    lean: Array
    soles: Array
    foot_heading: Array
    arms: Array


def _about(axis: str, angle: Array) -> Array:
    return np.asarray(Rotation.from_euler(axis, angle).as_matrix())


def pose(script: Script) -> kinematics.Pose:
    """The skeleton (T, 22, …) that does it."""
    ahead = np.stack([np.sin(script.heading), -np.cos(script.heading), np.zeros(len(script.heading))], axis=1)
    script = _within_reach(replace(script, hips=script.hips + _AHEAD * ahead))
    frames = len(script.heading)
    turned = _about("z", script.heading)
    pelvis, trunk = turned @ _about("x", 0.4 * script.lean), turned @ _about("x", script.lean)
    rotations = np.broadcast_to(trunk[:, None], (frames, skeleton.J, 3, 3)).copy()
    rotations[:, 0] = pelvis
    index = skeleton.JOINT_INDEX
    for side, name in enumerate(_SIDES):
        down = _about("y", np.full(frames, (1 - 2 * side) * math.radians(82)))
        raised = _about("x", -script.arms)
        for part in ("Arm", "ForeArm", "Hand"):
            rotations[:, index[name + part]] = turned @ raised @ down
        hip = script.hips + np.einsum("tij,j->ti", pelvis, _REST[index[name + "UpLeg"]])
        ankle = script.soles[:, side] + [0.0, 0.0, _ANKLE]
        middle = (script.heading + script.foot_heading[:, side]) / 2
        ahead = np.stack([np.sin(middle), -np.cos(middle), np.zeros(frames)], axis=1)
        thigh, shin = _leg(hip, ankle, ahead)
        rotations[:, index[name + "UpLeg"]], rotations[:, index[name + "Leg"]] = thigh, shin
        foot = _about("z", script.foot_heading[:, side])
        rotations[:, index[name + "Foot"]] = rotations[:, index[name + "ToeBase"]] = foot
    local = rotations.copy()
    for joint in range(1, skeleton.J):
        parent = rotations[:, skeleton.PARENTS[joint]]
        local[:, joint] = parent.transpose(0, 2, 1) @ rotations[:, joint]
    return kinematics.forward_kinematics(
        torch.from_numpy(local), torch.from_numpy(_REST), torch.from_numpy(script.hips)
    )


def _within_reach(script: Script) -> Script:
    """Hips lowered where a foot would be further away than the leg is long."""
    index, reach = skeleton.JOINT_INDEX, LENGTHS[1] + LENGTHS[2] - 0.003
    pelvis = _about("z", script.heading) @ _about("x", 0.4 * script.lean)
    too_high = np.zeros(len(script.heading))
    for side, name in enumerate(_SIDES):
        hip = script.hips + np.einsum("tij,j->ti", pelvis, _REST[index[name + "UpLeg"]])
        way = script.soles[:, side] + [0.0, 0.0, _ANKLE] - hip
        too_high = np.maximum(too_high, -way[:, 2] - np.sqrt(reach**2 - np.square(way[:, :2]).sum(axis=1)))
    lowered = gaussian_filter1d(maximum_filter1d(too_high, 7), 1.5, truncate=2.0)
    return replace(script, hips=script.hips - lowered[:, None] * [0.0, 0.0, 1.0])


def _leg(hip: Array, ankle: Array, ahead: Array) -> tuple[Array, Array]:
    """Rotations (T, 3, 3) of thigh and shin so that the ankle is reached and the knee points ahead."""
    thigh, shin = LENGTHS[1], LENGTHS[2]
    way = ankle - hip
    far = np.linalg.norm(way, axis=1, keepdims=True)
    assert (far < thigh + shin).all(), f"the leg is too short by {far.max() - thigh - shin:.3f} m"
    way = way / far
    forward = ahead - (ahead * way).sum(axis=1, keepdims=True) * way
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    bend = np.arccos((thigh**2 + far**2 - shin**2) / (2 * thigh * far))
    upper = np.cos(bend) * way + np.sin(bend) * forward
    lower = ankle - hip - thigh * upper
    lower /= np.linalg.norm(lower, axis=1, keepdims=True)
    left = np.cross(forward, way)

    def frame(down: Array) -> Array:
        return np.stack([left, np.cross(-down, left), -down], axis=2)

    return frame(upper), frame(lower)


def eased(time: Array, start: float, end: float) -> Array:
    """0 before ``start``, 1 after ``end``, smooth in between."""
    share = np.clip((time - start) / (end - start), 0.0, 1.0)
    return np.asarray(share**3 * (10 - 15 * share + 6 * share**2))


def _standing(seconds: float) -> tuple[Array, Script]:
    time = np.arange(round(seconds * FPS)) / FPS
    frames = len(time)
    soles = np.zeros((frames, 2, 3))
    soles[:, 0, 0], soles[:, 1, 0] = _HIP_WIDTH, -_HIP_WIDTH
    hips = np.zeros((frames, 3))
    # Nobody stands like a statue.
    hips[:, 0] = 0.012 * np.sin(2.1 * time)
    hips[:, 2] = STANDING
    zeros = np.zeros(frames)
    arms = 0.1 + 0.06 * np.sin(1.7 * time)
    return time, Script(zeros, hips, zeros, soles, np.zeros((frames, 2)), arms)


def squat() -> Script:
    """Twice 40 cm down and up."""
    time, script = _standing(6.0)
    down = eased(time, 0.8, 1.8) - eased(time, 2.1, 3.0) + eased(time, 3.4, 4.3) - eased(time, 4.5, 5.3)
    hips = script.hips + down[:, None] * [0.0, 0.18, -0.4]
    return replace(script, hips=hips, lean=0.7 * down, arms=script.arms + 1.3 * down)


def sit_down() -> Script:
    """Onto a seat, hips from standing to 50 cm over the ground, and stays there."""
    time, script = _standing(5.0)
    down = eased(time, 1.0, 2.4)
    leant = 0.75 * np.sin(np.pi * eased(time, 0.9, 2.6))
    hips = script.hips + down[:, None] * [0.0, 0.38, 0.5 - STANDING]
    return replace(script, hips=hips, lean=leant, arms=script.arms + 0.6 * down)


def _stepped(
    time: Array, steps: list[tuple[float, float, Array, float]], first: Array
) -> tuple[Array, Array]:
    """A sole (T, 3) that is lifted and put down: from when to when, where to, how high; and how far (T,) it
    is with all steps, counted in steps."""
    place, count = np.broadcast_to(first, (len(time), 3)).copy(), np.zeros(len(time))
    at = first
    for start, end, to, lift in steps:
        share = eased(time, start, end)
        place += share[:, None] * (to - at)
        place[:, 2] += lift * np.sin(np.pi * share)
        count += share
        at = to
    return place, count


def turn() -> Script:
    """Once around on the spot, to the left, in steps."""
    time, script = _standing(6.0)
    heading = 2 * np.pi * eased(time, 0.7, 5.3)
    soles, foot_heading = script.soles.copy(), np.zeros((len(time), 2))
    angles = [0.0, *np.linspace(0, 2 * np.pi, 8)[1:]]
    for side, sign in ((0, 1.0), (1, -1.0)):
        steps = []
        for number, angle in enumerate(angles[1:]):
            start = 0.95 + 0.58 * number + 0.27 * side
            to = sign * _HIP_WIDTH * np.array([math.cos(angle), math.sin(angle), 0.0])
            steps.append((start, start + 0.28, to, 0.06))
        soles[:, side], done = _stepped(time, steps, script.soles[0, side])
        foot_heading[:, side] = np.interp(done, np.arange(8), angles)
    return replace(script, heading=heading, soles=soles, foot_heading=foot_heading)


def jump() -> Script:
    """On the spot: hips and feet fly 40 cm high."""
    time, script = _standing(4.0)
    speed = math.sqrt(2 * 9.81 * 0.4)
    air = 2 * speed / 9.81
    crouch, extend = 0.22, 0.2
    off = 1.9
    height = np.zeros(len(time))
    height -= crouch * (eased(time, 1.0, off - extend) * (time < off - extend))
    push = (time >= off - extend) & (time < off)
    # From the crouch to the speed of flight, by the cubic that joins them.
    share = (time[push] - off + extend) / extend
    height[push] = -crouch + crouch * (3 * share**2 - 2 * share**3) + speed * extend * (share**3 - share**2)
    flight = (time >= off) & (time < off + air)
    since = time - off
    height[flight] = speed * since[flight] - 9.81 / 2 * since[flight] ** 2
    landed = time >= off + air
    after = time[landed] - off - air
    height[landed] = -speed * after * np.exp(-after / 0.11)
    feet = np.where(flight, height, 0.0)
    hips = script.hips.copy()
    hips[:, 2] += height
    bent = np.clip(-height / crouch, 0.0, 1.0)
    hips[:, 1] += 0.12 * bent
    soles = script.soles.copy()
    soles[..., 2] += feet[:, None]
    return replace(
        script, hips=hips, soles=soles, lean=0.6 * bent, arms=script.arms + 1.2 * eased(time, 1.7, 1.95)
    )


def step_onto_box() -> Script:
    """45 cm up and 50 cm ahead, one foot after the other, and stays there."""
    time, script = _standing(6.5)
    up = np.array([0.0, -0.5, 0.45])
    soles = script.soles.copy()
    soles[:, 0], _ = _stepped(time, [(1.2, 2.0, script.soles[0, 0] + up, 0.14)], script.soles[0, 0])
    soles[:, 1], _ = _stepped(time, [(2.1, 2.95, script.soles[0, 1] + up, 0.14)], script.soles[0, 1])
    ahead, rise = eased(time, 1.2, 2.8), eased(time, 2.05, 3.0)
    hips = script.hips + ahead[:, None] * [0.0, -0.5, 0.0] + rise[:, None] * [0.0, 0.0, 0.45]
    hips[:, 2] -= 0.09 * np.sin(np.pi * eased(time, 1.1, 3.1))
    lean = 0.45 * np.sin(np.pi * eased(time, 1.3, 3.2))
    return replace(script, hips=hips, soles=soles, lean=lean)


def walk(metres: float = 6.0) -> Script:
    """Straight on along -Y."""
    stride, step_time, start = 0.6, 0.52, 0.8
    count = round(metres / stride)
    time, script = _standing(start + count * step_time + 1.2)
    soles = script.soles.copy()
    for side in (0, 1):
        steps = []
        for number in range(side, count + 1, 2):
            to = script.soles[0, side] + [0.0, -min((number + 0.5) * stride + 0.3, metres), 0.0]
            begin = start + number * step_time - 0.05
            steps.append((begin, begin + step_time - 0.06, to, 0.07))
        soles[:, side], _ = _stepped(time, steps, script.soles[0, side])
    hips = script.hips.copy()
    hips[:, 1] = gaussian_filter1d(soles[:, :, 1].mean(axis=1), 6.0, mode="nearest")
    return replace(script, hips=hips, soles=soles)


def stand_on_beam(height: float = 0.2) -> Script:
    """One foot before the other on a beam along Y, swaying."""
    time, script = _standing(4.0)
    soles = script.soles.copy()
    soles[:, 0], soles[:, 1] = [0.0, -0.14, height], [0.0, 0.14, height]
    hips = script.hips.copy()
    hips[:, 0] = 0.03 * np.sin(3.0 * time) + 0.02 * np.sin(5.1 * time)
    hips[:, 2] = STANDING + height - 0.03
    return replace(script, hips=hips, soles=soles, arms=0.3 + 0.2 * np.sin(2.3 * time))


def looking(position: tuple[float, float, float], at: tuple[float, float, float]) -> Array:
    """(4, 4) ``world_from_camera`` of a level camera that looks at a point."""
    forward = np.array(at) - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    matrix[:3, 3] = position
    return matrix


def camera_before(script: Script, *, moving: bool = False, around: float = 0.0) -> Camera:
    """Full HD, 40° wide, obliquely in front of all that happens; if ``moving``, on a slow curve around it.

    Somebody who walks comes almost straight towards it.

    Args:
        around: degrees further to the person's left; 180 is behind them.
    """
    low, high = script.hips.min(axis=0), script.hips.max(axis=0)
    middle = (low + high) / 2
    at = (float(middle[0]), float(middle[1]), float(0.5 * (low[2] + high[2])))
    frames = len(script.heading)
    walks = high[1] - low[1] > 2.0
    angles = math.radians((8 if walks else 25) + around) + (
        np.linspace(-0.25, 0.25, frames) if moving else np.zeros(1)
    )
    distance = 6.0 + max(high[1] - low[1], 0.0) / 2
    poses = np.stack(
        [looking((at[0] + distance * math.sin(a), at[1] - distance * math.cos(a), 1.5), at) for a in angles]
    )
    return replace(
        pinhole(1920, 1080, 1920 / 2 / math.tan(math.radians(20))),
        world_from_camera=poses if moving else poses[0],
    )


def seen(
    script: Script,
    camera: Camera,
    *,
    noisy: bool,
    person_id: int = 1,
    size: float = 1.0,
    place: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> KeypointTrack:
    """What a detector makes of it; without noise only as a detector that marks average places.

    Args:
        size: how many times as tall the person is, with steps and all.
        place: metres that all of it is moved.
    """
    world = camera.extrinsics(0, len(script.heading))
    assert world is not None
    world = np.broadcast_to(world, (len(script.heading), 4, 4))
    points = kinematics.keypoints(pose(script), torch.from_numpy(LENGTHS)).numpy()
    points = size * points + place
    confidence = np.full(points.shape[:2], 0.9)
    if noisy:
        random = np.random.default_rng(10 + person_id)
        points = points + 0.012 * random.standard_normal((1, K, 3))
        slow = gaussian_filter1d(random.standard_normal(points.shape), 4.0, axis=0) * 3.8
        points = points + 0.007 * (0.6 * random.standard_normal(points.shape) + 0.8 * slow)
        missing = random.random(confidence.shape) < 0.02
        confidence = np.where(missing, 0.0, random.uniform(0.6, 0.95, confidence.shape))
    seen_points = np.einsum("tji,tkj->tki", world[:, :3, :3], points - world[:, None, :3, 3])
    pixels = camera.project(seen_points)
    pixels[confidence == 0] = np.nan
    return KeypointTrack(person_id, pixels, confidence, 0, camera.width, camera.height, FPS, "scripted")


SCRIPTS: dict[str, Callable[[], Script]] = {
    "squat": squat,
    "sit_down": sit_down,
    "turn": turn,
    "jump": jump,
    "step_onto_box": step_onto_box,
    "walk": walk,
    "stand_on_beam": stand_on_beam,
}

MEASURES: dict[str, tuple[float, str]] = {
    "squat": (0.4, "m"),
    "sit_down": (STANDING - 0.5, "m"),
    "turn": (2 * math.pi, "rad"),
    "jump": (0.4, "m"),
    "step_onto_box": (0.45, "m"),
    "walk": (6.0, "m"),
    "stand_on_beam": (0.2, "m"),
}
"""What each script is about, and its unit."""


def measured(name: str, joints: Array, ends: Array) -> float:
    """What a script is about, as a share of what it ought to be.

    Args:
        name: of the script.
        joints: (T, 22, 3) and ends: (T, 7, 3), in a world with Z up; of somebody as tall as in the script.
    """
    hips = joints[:, 0]
    soles = ends[:, 3:, 2].min(axis=1)
    before, after = slice(0, 20), slice(-20, None)
    across = joints[:, skeleton.JOINT_INDEX["LeftUpLeg"]] - joints[:, skeleton.JOINT_INDEX["RightUpLeg"]]
    heading = np.unwrap(np.arctan2(across[:, 1], across[:, 0]))

    def gone(values: Array) -> Array:
        return np.asarray(np.median(values[after], axis=0) - np.median(values[before], axis=0))

    found = {
        "squat": np.median(hips[before, 2]) - hips[:, 2].min(),
        "sit_down": -gone(hips[:, 2]),
        "turn": gone(heading),
        "jump": hips[:, 2].max() - np.median(hips[before, 2]),
        "step_onto_box": gone(soles),
        "walk": np.linalg.norm(gone(hips)),
        "stand_on_beam": np.median(soles),
    }
    return float(found[name]) / MEASURES[name][0]
