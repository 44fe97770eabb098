"""Keeps planted feet still and on the target's ground, by analytic two-bone IK on its own legs.

While heel or ball stands, that point is pinned; in between its correction fades from one step to the next.
Feet that stand flat are levelled, toes as long as the ball stands. Where a leg is too short the hips sink,
and where it is straight they take up what trembles.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..quaternions import conjugate, multiply, one_hemisphere, rotate, slerp
from .anatomy import Body
from .foot_contacts import Flags, runs
from .human_bones import SIDES
from .rotations import eased, frame, scaled, smooth, swing
from .transfer import Transferred

Array = NDArray[np.float64]

_FADE_SECONDS = 0.3
_SMOOTH_SECONDS = 0.05
_SET_DOWN_SECONDS = 0.15
_LEVEL_BEFORE_SECONDS = 0.04
"""And after: a foot that stands flat is level already, or it would turn about its ball while it stands."""
_NEAR_GROUND = 0.15
"""Of the leg: steps that are higher or lower are stairs, and stay so."""
_MOST_LEVELLING = np.radians(25.0)
_MOST_REACH = 0.998
"""Of the straight leg: beyond, knees would snap."""
_BELOW_GROUND = 0.02
"""Of the leg: from here on a foot of the source that is under its ground is taken to be meant so."""
_NEARLY_STRAIGHT = 0.06
"""Of the straight leg, how much shorter it may be: in a straighter one a knee turns fast for a small step."""
_CLEARLY_BENT = 0.06
"""Sine of the knee's angle from which on its own hinge counts."""
_UP = np.array([0.0, 0.0, 1.0])
_HEEL, _BALL = 0, 1


@dataclass(frozen=True)
class Planted:
    """What planting changes.

    Attributes:
        rotations: by human bone of the legs, (N, 4) in the world.
        hip_centre: (N, 3).
    """

    rotations: dict[str, Array]
    hip_centre: Array


def plant_feet(
    moved: Transferred, target: Body, contact: dict[str, Flags], frames_per_second: float
) -> Planted:
    """Corrects legs, feet, toes and the hips' height.

    Args:
        contact: (N, 2) by side, heel and ball.
    """
    rotations: dict[str, Array] = {}
    legs = {}
    for side in SIDES:
        rotations |= _levelled(moved, target, side, contact[side], frames_per_second)
        leg = _leg(moved, target, side, rotations[f"{side}_foot"])
        corrections = _corrections(leg, moved, side, target, contact[side], frames_per_second)
        legs[side] = (leg, leg.ankle + corrections)
    raised = _steadying(legs, contact, frames_per_second)[:, None] * _UP
    reaches = [(leg.hip + raised, leg.upper + leg.lower, ankle) for leg, ankle in legs.values()]
    raised = raised - _sinking(reaches, frames_per_second)[:, None] * _UP
    for side, (leg, ankle) in legs.items():
        rotations |= _bent(moved, target, side, leg, leg.hip + raised, ankle)
    return Planted(rotations, moved.hip_centre + raised)


@dataclass(frozen=True)
class _Leg:
    """Joints of a leg after the transfer, (N, 3) each, lengths, and the points that its foot stands on."""

    hip: Array
    knee: Array
    ankle: Array
    upper: float
    lower: float
    points: tuple[Array, Array]


def _turned(target: Body, human: str, rotation: Array, offset: Array) -> Array:
    """(N, 3): a vector of the world at rest, fixed to a bone that is now in ``rotation``."""
    return rotate(multiply(rotation, conjugate(target.rotations[human])), offset)


def _leg(moved: Transferred, target: Body, side: str, foot_rotation: Array) -> _Leg:
    heads = target.heads
    thigh, shin, foot = (f"{side}_{part}" for part in ("thigh", "shin", "foot"))
    carrier = "pelvis" if "pelvis" in heads else "hips"
    hip = moved.hip_centre + _turned(
        target, carrier, moved.rotations[carrier], heads[thigh] - target.hip_centre
    )
    knee = hip + _turned(target, thigh, moved.rotations[thigh], heads[shin] - heads[thigh])
    ankle = knee + _turned(target, shin, moved.rotations[shin], heads[foot] - heads[shin])
    points = tuple(
        ankle + _turned(target, foot, foot_rotation, point - heads[foot])
        for point in (target.heels[side], target.balls[side])
    )
    return _Leg(
        hip,
        knee,
        ankle,
        float(np.linalg.norm(heads[shin] - heads[thigh])),
        float(np.linalg.norm(heads[foot] - heads[shin])),
        (points[_HEEL], points[_BALL]),
    )


def _levelled(
    moved: Transferred, target: Body, side: str, contact: Flags, frames_per_second: float
) -> dict[str, Array]:
    """Foot and toes: level where they stand flat, and without the noise that a standing foot can't have."""
    found = {}
    sigma = _SMOOTH_SECONDS * frames_per_second
    more = round(_LEVEL_BEFORE_SECONDS * frames_per_second)
    stands = smooth(_widened(contact[:, _BALL].astype(np.float64), more), sigma)
    flat = {"foot": contact.all(axis=1), "toes": contact[:, _BALL]}
    for part, flags in flat.items():
        human = f"{side}_{part}"
        if human not in target.heads:
            continue
        rotation = moved.rotations[human]
        steady = smooth(one_hemisphere(rotation), sigma)
        steady /= np.linalg.norm(steady, axis=1, keepdims=True)
        rotation = slerp(rotation, steady, stands)
        up = _turned(target, human, rotation, target.up)
        levelling = swing(up, np.broadcast_to(_UP, up.shape))
        angle = 2.0 * np.arccos(np.clip(np.abs(levelling[:, 0]), 0.0, 1.0))
        most = np.minimum(1.0, _MOST_LEVELLING / np.maximum(angle, 1e-9))
        weight = smooth(_widened(flags.astype(np.float64), more), sigma) * most
        found[human] = multiply(scaled(levelling, weight), rotation)
    return found


def _corrections(
    leg: _Leg, moved: Transferred, side: str, target: Body, contact: Flags, frames_per_second: float
) -> Array:
    """(N, 3) to add to the ankle."""
    frames = len(leg.ankle)
    standing = contact.any(axis=1)
    correction = np.zeros((frames, 3))
    over_ball = float(target.balls[side] @ target.up) - target.sole
    resting = (moved.ground, moved.ground + over_ball)
    heights = moved.heights[side] - [0.0, over_ball]
    for start, end in runs(standing):
        pivots = np.where(contact[start:end, _BALL], _BALL, _HEEL)
        points = np.where(
            pivots[:, None] == _BALL, leg.points[_BALL][start:end], leg.points[_HEEL][start:end]
        )
        for first, last in _stretches(pivots):
            pivot = int(pivots[first])
            level = heights[start + first : start + last, pivot]
            low = abs(float(np.median(level))) < _NEAR_GROUND * (leg.upper + leg.lower)
            pin = np.tile(points[first:last].mean(axis=0), (last - first, 1))
            pin[:, 2] = resting[pivot] if low else resting[pivot] + float(np.median(level))
            if first:  # the new point is pinned where the old one still brings it, and set down from there
                before = int(pivots[first - 1])
                old = leg.points[before]
                held = old[start + first - 1] + correction[start + first - 1]
                begin = points[first] + held - old[start + first]
                pin[:, :2] = begin[:2]
                set_down = eased(np.arange(last - first) / (_SET_DOWN_SECONDS * frames_per_second))
                pin[:, 2] += (1.0 - set_down) * (begin[2] - pin[:, 2])
            correction[start + first : start + last] = pin - points[first:last]
    correction = _faded(correction, standing, max(int(_FADE_SECONDS * frames_per_second), 1))
    floor = moved.ground + np.where(heights < -_BELOW_GROUND * (leg.upper + leg.lower), heights, 0.0)
    floor[:, _BALL] += over_ball
    under = np.column_stack([floor[:, i] - leg.points[i][:, 2] - correction[:, 2] for i in (_HEEL, _BALL)])
    lift = np.maximum(under.max(axis=1), 0.0)
    # In the air there is time to make way for the floor; while it stands, a foot doesn't move for what comes.
    free = np.clip(_frames_from(standing) / (2 * _SMOOTH_SECONDS * frames_per_second), 0.0, 1.0)
    correction[:, 2] += np.maximum(lift, free * _foreseen(lift, frames_per_second))
    return correction


def _frames_from(flags: Flags) -> Array:
    """(N,) how many frames away the nearest True is; infinite where there is none."""
    rows = np.flatnonzero(flags)
    if not len(rows):
        return np.full(len(flags), np.inf)
    at = np.arange(len(flags))
    after = np.clip(np.searchsorted(rows, at), 0, len(rows) - 1)
    before = np.clip(after - 1, 0, None)
    return np.minimum(np.abs(rows[after] - at), np.abs(rows[before] - at)).astype(np.float64)


def _stretches(values: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Start and end of each stretch of equal values."""
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return list(pairwise(edges))


def _faded(correction: Array, standing: Flags, fade: int) -> Array:
    """Corrections between steps: from the last one to the next, or to none and back where there is time."""
    found = correction.copy()
    for start, end in runs(~standing):
        before = correction[start - 1] if start else None
        after = correction[end] if end < len(standing) else None
        gap = end - start
        at = np.arange(1, gap + 1)[:, None]
        if before is not None and after is not None and gap < 2 * fade:
            share = eased(at / (gap + 1))
            found[start:end] = (1 - share) * before + share * after
            continue
        found[start:end] = 0.0
        if before is not None:
            found[start:end] += (1 - eased(at / fade)) * before
        if after is not None:
            found[start:end] += (1 - eased((gap + 1 - at) / fade)) * after
    return found


def _steadying(
    legs: dict[str, tuple[_Leg, Array]], contact: dict[str, Flags], frames_per_second: float
) -> Array:
    """(N,) how far the hips go up and down where the source trembles over straight legs that stand.

    Their knees would snap to and fro between hips and feet; bent ones take a tremble up themselves.
    """
    sigma = _SMOOTH_SECONDS * frames_per_second
    weights, trembles = [], []
    for side, (leg, ankle) in legs.items():
        lifted = (ankle - leg.ankle)[:, 2]
        reach = np.linalg.norm(leg.ankle - leg.hip, axis=1) / (leg.upper + leg.lower)
        straight = 1.0 - eased((1.0 - reach) / _NEARLY_STRAIGHT)
        weights.append(smooth(straight * contact[side].any(axis=1), sigma))
        trembles.append(lifted - smooth(lifted, sigma))
    weight = np.array(weights)
    shared: Array = (weight * trembles).sum(axis=0) / np.maximum(weight.sum(axis=0), 1.0)
    return shared


def _sinking(legs: list[tuple[Array, float, Array]], frames_per_second: float) -> Array:
    """(N,) how far the hips must go down for the ankles to be in reach, smooth in time."""
    needed = np.zeros(len(legs[0][0]))
    for hip, length, ankle in legs:
        away = hip - ankle
        level = np.linalg.norm(away[:, :2], axis=1)
        reach = _MOST_REACH * length
        allowed = np.sqrt(np.maximum(reach**2 - level**2, 0.0))
        needed = np.maximum(needed, away[:, 2] - allowed)
    return _foreseen(needed, frames_per_second)


def _foreseen(needed: Array, frames_per_second: float) -> Array:
    """(N,) at least what is needed on every frame, where that is positive, and smooth in time."""
    width = max(round(2 * _SMOOTH_SECONDS * frames_per_second), 1)
    return np.maximum(smooth(_widened(np.maximum(needed, 0.0), width), width / 2), 0.0)


def _widened(values: Array, frames: int) -> Array:
    """(N,) the highest value of as many frames before and after."""
    padded = np.pad(values, frames, mode="edge")
    widest: Array = np.max([padded[i : i + len(values)] for i in range(2 * frames + 1)], axis=0)
    return widest


def _bent(
    moved: Transferred, target: Body, side: str, leg: _Leg, hip: Array, ankle: Array
) -> dict[str, Array]:
    """Thigh and shin that reach from the hip to the ankle, bent in the plane that they were bent in."""
    thigh, shin = f"{side}_thigh", f"{side}_shin"
    old = leg.ankle - leg.hip
    new = ankle - hip
    distance = np.clip(
        np.linalg.norm(new, axis=1), abs(leg.upper - leg.lower) + 1e-6, _MOST_REACH * (leg.upper + leg.lower)
    )
    direction = new / np.maximum(np.linalg.norm(new, axis=1, keepdims=True), 1e-9)

    # The knee's hinge: across the leg; a straight leg has none of its own, then it is the body's left.
    left = _turned(target, thigh, moved.rotations[thigh], rotate(target.axes, np.array([1.0, 0.0, 0.0])))
    own = np.cross(leg.knee - leg.hip, leg.ankle - leg.knee) / (leg.upper * leg.lower)
    own = np.where((own * left).sum(axis=1, keepdims=True) < 0, 0.0, own)
    bend = np.linalg.norm(own, axis=1, keepdims=True)
    share = eased(bend / _CLEARLY_BENT)
    hinge = share * own / np.maximum(bend, 1e-9) + (1 - share) * left
    hinge = rotate(swing(old, new), hinge)
    hinge = hinge - (hinge * direction).sum(axis=1, keepdims=True) * direction
    hinge /= np.linalg.norm(hinge, axis=1, keepdims=True)

    along = (distance**2 + leg.upper**2 - leg.lower**2) / (2 * distance)
    off = np.sqrt(np.maximum(leg.upper**2 - along**2, 0.0))
    # With the hinge to the left and the leg pointing down, this is forward: where knees go.
    knee = hip + along[:, None] * direction + off[:, None] * np.cross(direction, hinge)
    end = hip + distance[:, None] * direction
    old_hinge = rotate(conjugate(swing(old, new)), hinge)
    found = {}
    for human, before, after in (
        (thigh, leg.knee - leg.hip, knee - hip),
        (shin, leg.ankle - leg.knee, end - knee),
    ):
        turn = multiply(frame(after, hinge), conjugate(frame(before, old_hinge)))
        found[human] = multiply(turn, moved.rotations[human])
    return found
