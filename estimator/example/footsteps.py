"""Where the person walks, and where and when the feet stand: the plan that the poses follow.

World: metres, Z up, ground at z = 0. Headings are radians about Z; at 0 the person faces -Y.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]

STEP_TIME = 0.52
"""Seconds from one foot's landing to the other's: 115 steps a minute."""
STANCE_TIME = 1.24 * STEP_TIME
"""Each foot stands for 62 % of its cycle, so both stand together for 12 % twice."""
MID_STANCE = 0.48
"""Fraction of the stance at which the body passes over the foot."""
FULL_STRIDE = 1.25
"""Metres between two prints of one foot at which it rolls over fully; a shorter stride rolls less."""
STRIKE_PITCH = np.radians(-18.0)
TOE_OFF_PITCH = np.radians(48.0)
"""Pitch of the foot is positive with the heel up."""
FLAT_FROM, FLAT_TO = 0.14, 0.50
"""Fractions of the stance between which the whole sole stands."""


@dataclass(frozen=True)
class Path:
    """Where the body is on the ground at any time."""

    times: Array
    """(N,) seconds, evenly spaced"""
    points: Array
    """(N, 2) metres"""
    headings: Array
    """(N,) radians"""

    def at(self, times: Array | float) -> tuple[Array, Array]:
        """Points (..., 2) and headings (...) at ``times``."""
        x, y = (np.interp(times, self.times, self.points[:, axis]) for axis in (0, 1))
        return np.stack([x, y], axis=-1), np.asarray(np.interp(times, self.times, self.headings))


def plan_path(speed_keys: Array, heading_keys: Array, last: float) -> Path:
    """Integrates speed along the heading from the origin at t = 0.

    Args:
        speed_keys: (N, 2) seconds and metres per second, eased between.
        heading_keys: (N, 2) seconds and radians, eased between.
        last: seconds at which the path ends; it begins two seconds before 0, for the steps under way then.
    """
    step = 1 / 240
    times = np.arange(-2.0, last + step, step)
    speed = PchipInterpolator(*speed_keys.T)(np.clip(times, speed_keys[0, 0], speed_keys[-1, 0]))
    headings = PchipInterpolator(*heading_keys.T)(np.clip(times, heading_keys[0, 0], heading_keys[-1, 0]))
    points = np.cumsum(forward(headings) * (speed * step)[:, None], axis=0)
    return Path(times, points - points[np.searchsorted(times, 0.0)], headings)


def forward(headings: Array) -> Array:
    """Unit vectors (..., 2) on the ground that a person with these headings faces."""
    return np.stack([np.sin(headings), -np.cos(headings)], axis=-1)


@dataclass(frozen=True)
class Footprint:
    """One stance of one foot."""

    landing: float
    """seconds"""
    lifting: float
    """seconds; infinite for the last"""
    ankle: Array
    """(2,) metres, below the ankle while the sole is flat"""
    heading: float
    roll_in: float = 1.0
    """0..1, how far the foot rolls at landing"""
    roll_out: float = 1.0

    def pitch(self, times: Array) -> Array:
        """Pitch of the foot during the stance, radians (N,)."""
        phase = (times - self.landing) / STANCE_TIME
        landing = STRIKE_PITCH * self.roll_in * (1 - np.clip(phase / FLAT_FROM, 0, 1)) ** 2
        if np.isinf(self.lifting):
            return np.asarray(landing)
        return np.asarray(
            landing + TOE_OFF_PITCH * self.roll_out * np.clip((phase - FLAT_TO) / (1 - FLAT_TO), 0, 1) ** 1.8
        )


def plan_footprints(path: Path, side: float, half_width: float, first: float, stop: float) -> list[Footprint]:
    """The stances of one foot.

    Args:
        path: of the body.
        side: +1 for the left foot, -1 for the right.
        half_width: metres from the path to the foot.
        first: seconds of its first landing.
        stop: seconds from which the body stands still; the foot that lands after that stays.
    """
    prints: list[Footprint] = []
    landing = first
    while not prints or np.isfinite(prints[-1].lifting):
        middle = landing + MID_STANCE * STANCE_TIME
        point, heading = path.at(middle)
        left = np.array([np.cos(heading), np.sin(heading)])
        lifting = np.inf if middle >= stop else landing + STANCE_TIME
        prints.append(Footprint(landing, lifting, point + side * half_width * left, float(heading)))
        landing += 2 * STEP_TIME
    strides = [float(np.linalg.norm(b.ankle - a.ankle)) for a, b in itertools.pairwise(prints)]
    rolls = [min(1.0, max(0.12, stride / FULL_STRIDE)) for stride in strides]
    return [
        replace(footprint, roll_in=roll_in, roll_out=roll_out)
        for footprint, roll_in, roll_out in zip(prints, [rolls[0], *rolls], [*rolls, rolls[-1]], strict=True)
    ]


@dataclass(frozen=True)
class FootMotion:
    """One foot over N points in time."""

    ankle: Array
    """(N, 3) metres"""
    rotation: Rotation
    """(N,) of the foot in the world"""
    toe_bend: Array
    """(N,) radians that the toes are bent up against the foot"""
    heel_stands: NDArray[np.bool_]
    """(N,)"""
    toe_stands: NDArray[np.bool_]
    """(N,)"""


@dataclass(frozen=True)
class FootShape:
    """Points of the foot relative to the ankle while the sole is flat, metres (3,)."""

    toe_base: Array
    heel: Array

    def ankle(self, footprint: Footprint, pitch: Array) -> Array:
        """Where a standing foot's ankle (N, 3) is: it rolls over the heel first, then over the toe base."""
        flat = np.array([*footprint.ankle, -self.heel[2]])
        turn = Rotation.from_euler("z", footprint.heading)
        turned = _foot_rotation(np.full(len(pitch), footprint.heading), pitch)
        over_heel = flat + turn.apply(self.heel) - turned.apply(self.heel)
        over_toes = flat + turn.apply(self.toe_base) - turned.apply(self.toe_base)
        return np.where(pitch[:, None] < 0, over_heel, over_toes)


def _foot_rotation(heading: Array, pitch: Array) -> Rotation:
    return Rotation.from_euler("ZX", np.stack([heading, pitch], axis=-1))


def foot_motion(times: Array, prints: list[Footprint], shape: FootShape) -> FootMotion:
    """A foot that stands on its prints, exactly, and swings from one to the next."""
    count = len(times)
    ankle, pitch, heading, toe_bend = np.zeros((count, 3)), np.zeros(count), np.zeros(count), np.zeros(count)
    heel_stands, toe_stands = np.zeros(count, bool), np.zeros(count, bool)
    for footprint in prints:
        rows = (times >= footprint.landing) & (times <= footprint.lifting)
        pitch[rows] = footprint.pitch(times[rows])
        heading[rows] = footprint.heading
        ankle[rows] = shape.ankle(footprint, pitch[rows])
        toe_bend[rows] = np.maximum(pitch[rows], 0)
        heel_stands[rows] = pitch[rows] <= 0
        toe_stands[rows] = pitch[rows] >= 0
    for before, after in itertools.pairwise(prints):
        rows = (times > before.lifting) & (times < after.landing)
        duration = after.landing - before.lifting
        u = (times[rows] - before.lifting) / duration
        start, end = float(before.pitch(np.array([before.lifting]))[0]), after.roll_in * STRIKE_PITCH
        pitch[rows] = PchipInterpolator([0, 0.2, 0.6, 1], [start, 0.97 * start, 0.1 * end, end])(u)
        heading[rows] = before.heading + (after.heading - before.heading) * u * u * (3 - 2 * u)
        ankle[rows] = _swing(before, after, shape, times[rows])
        ankle[rows, 2] += (0.03 + 0.025 * after.roll_in) * np.sin(np.pi * u) ** 2
        toe_bend[rows] = start * np.clip(1 - u / 0.7, 0, 1)
    return FootMotion(ankle, _foot_rotation(heading, pitch), toe_bend, heel_stands, toe_stands)


def _swing(before: Footprint, after: Footprint, shape: FootShape, times: Array) -> Array:
    """The ankle's way through the air (N, 3), which leaves and lands as fast as the rolling foot."""
    instant = 1e-4
    a = shape.ankle(before, before.pitch(np.array([before.lifting - instant, before.lifting])))
    b = shape.ankle(after, after.pitch(np.array([after.landing, after.landing + instant])))
    speeds = [(a[1] - a[0]) / instant, (b[1] - b[0]) / instant]
    curve = CubicHermiteSpline([before.lifting, after.landing], [a[1], b[0]], speeds)
    return np.asarray(curve(times))
