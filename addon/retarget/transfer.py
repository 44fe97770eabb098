"""The source's motion in the target's bones, in the world: turns along chains of any number, and the path."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..quaternions import about_z, multiply, one_hemisphere, rotate, slerp
from .anatomy import Body, matched_rests
from .human_bones import NECK, SPINE, parent_candidates
from .rotations import smooth
from .source_motion import SourceMotion

Array = NDArray[np.float64]
Start = Literal["SOURCE", "OBJECT", "CURSOR"]

_LEVEL = 0.3
"""Share of the body's sideways axis that must be horizontal for the heading to count."""
HEADING_SECONDS = 0.25
"""Smoothing of the heading: takes the pelvis' swing at each step out of the path, keeps the turns."""


@dataclass(frozen=True)
class Placing:
    """Where the target's motion begins.

    Attributes:
        start: "SOURCE": where the source is; "OBJECT": where the target's object stands, turned its way;
            "CURSOR": at ``cursor``, on its height.
        cursor: (3,).
        locked: by world axis, whether the path stays at its beginning.
    """

    start: Start = "SOURCE"
    cursor: tuple[float, float, float] = (0.0, 0.0, 0.0)
    locked: tuple[bool, bool, bool] = (False, False, False)


@dataclass(frozen=True)
class Transferred:
    """What the target is to do, in the world over N frames.

    Attributes:
        rotations: by human bone of the target, (N, 4).
        turns: by human bone, (N, 4) from the matched rest: the source's turns, as far as it has the bone.
        hip_centre: (N, 3) midpoint of the hip joints.
        ground: height that the target's feet stand on.
        scale: target's leg over source's.
        heights: by side, (N, 2) of the source's heel and ball over its ground, in the target's size.
    """

    rotations: dict[str, Array]
    turns: dict[str, Array]
    hip_centre: Array
    ground: float
    scale: float
    heights: dict[str, Array]


def transfer(
    motion: SourceMotion, source: Body, target: Body, source_ground: float, placing: Placing
) -> Transferred:
    """Limbs of the target point as the source's do; its path is the source's, scaled by the legs.

    Args:
        source_ground: height of the ground in the source's world.
    """
    place = _placing_turn(motion, source, target, placing)
    rests = matched_rests(source, target)
    turns = {human: multiply(place, turn) for human, turn in _turns(motion, source, target).items()}
    rotations = {
        human: one_hemisphere(multiply(turn, multiply(rests[human], target.rotations[human])))
        for human, turn in turns.items()
    }
    scale = target.leg_length / source.leg_length
    path, ground = _path(motion, source, target, source_ground, placing, place, scale)
    heights = {
        side: scale
        * np.column_stack([points[side][:, 2] - source_ground for points in (motion.heels, motion.balls)])
        for side in motion.heels
    }
    return Transferred(rotations, turns, path, ground, scale, heights)


def heading(turns: Array, axes: Array, frames_per_second: float) -> Array:
    """(N,) smooth angle about the vertical of a body that is turned from rest, continuous over full turns.

    While its sideways axis stands nearly upright the angle is interpolated between the frames around.

    Args:
        turns: (N, 4) of the hips.
        axes: (4,) of the body at rest.
    """
    left = rotate(multiply(turns, axes), np.array([1.0, 0.0, 0.0]))
    known = np.linalg.norm(left[:, :2], axis=1) > _LEVEL
    if not known.any():
        return np.zeros(len(turns))
    angle = np.unwrap(np.arctan2(left[known, 1], left[known, 0]))
    every = np.interp(np.arange(len(turns)), np.flatnonzero(known), angle)
    return smooth(every, HEADING_SECONDS * frames_per_second)


def _turns(motion: SourceMotion, source: Body, target: Body) -> dict[str, Array]:
    """(N, 4) per human bone of the target: the source's, chains resampled, missing ones as their parents."""
    found: dict[str, Array] = {}
    for human in target.heads:
        if human == "pelvis":
            found[human] = motion.turns.get("pelvis", motion.turns["hips"])
        elif human not in SPINE and human not in NECK and human in motion.turns and human != "root":
            found[human] = motion.turns[human]
    spine = _resampled(motion, source, target, SPINE, motion.turns["hips"], None)
    found |= spine
    chest = motion.turns[source.bone_map.chain(SPINE)[-1]]
    found |= _resampled(motion, source, target, NECK, chest, motion.turns.get("head", chest))
    for human in target.heads:  # parents come first
        missing_limb = human not in found and human != "root" and not human[-1].isdigit()
        if missing_limb:
            found[human] = next(found[above] for above in parent_candidates(human) if above in found)
    return found


def _resampled(
    motion: SourceMotion,
    source: Body,
    target: Body,
    chain: tuple[str, ...],
    below: Array,
    above: Array | None,
) -> dict[str, Array]:
    """A chain's turns where the target's bones are along it.

    Each bone counts where it ends for the spine, so that its last one always turns as the source's last, and
    in its middle for the neck, between chest and head.
    """
    theirs, ours = source.bone_map.chain(chain), target.bone_map.chain(chain)
    if len(theirs) == len(ours):
        return {human: motion.turns[human] for human in ours}
    known = _along(source, theirs, ends=above is None)
    turns = [motion.turns[human] for human in theirs]
    known, turns = [0.0, *known], [below, *turns]
    if above is not None:
        known, turns = [*known, 1.0], [*turns, above]
    found = {}
    for human, at in zip(ours, _along(target, ours, ends=above is None), strict=True):
        upper = min(max(int(np.searchsorted(known, at - 1e-9)), 1), len(known) - 1)
        span = known[upper] - known[upper - 1]
        share = np.array(1.0 if span < 1e-9 else min((at - known[upper - 1]) / span, 1.0))
        found[human] = slerp(turns[upper - 1], turns[upper], share)
    return found


def _along(body: Body, chain: tuple[str, ...], *, ends: bool) -> list[float]:
    """Where bones of a chain lie on it, 0..1."""
    rows = [body.rig.index[body.bone_map.bones[human]] for human in chain]
    joints = [body.rig.heads[row] for row in rows]
    if not rows:
        return []
    lengths = [float(np.linalg.norm(b - a)) for a, b in pairwise(joints)]
    lengths.append(float(np.mean(lengths)) if lengths else 1.0)  # tails point anywhere in imported rigs
    total = sum(lengths) or 1.0
    reached = np.cumsum(lengths) / total
    return [float(value) for value in (reached if ends else reached - np.array(lengths) / total / 2)]


def _placing_turn(motion: SourceMotion, source: Body, target: Body, placing: Placing) -> Array:
    """(4,) about the vertical."""
    if placing.start != "OBJECT":
        return np.array([1.0, 0.0, 0.0, 0.0])
    begins = heading(motion.turns["hips"][:1], source.axes, 1.0)
    stands = heading(np.array([[1.0, 0.0, 0.0, 0.0]]), target.axes, 1.0)
    return np.asarray(about_z(stands - begins)[0])


def _path(
    motion: SourceMotion,
    source: Body,
    target: Body,
    source_ground: float,
    placing: Placing,
    turn: Array,
    scale: float,
) -> tuple[Array, float]:
    """(N, 3) of the hip centre, and the ground's height."""
    begin = motion.hip_centre[0]
    moved = rotate(turn, motion.hip_centre - begin) * scale
    start, ground = begin, source_ground
    if placing.start == "OBJECT":
        start, ground = target.hip_centre, target.sole if target.up[2] > 0.5 else source_ground
    elif placing.start == "CURSOR":
        start, ground = np.array(placing.cursor), placing.cursor[2]
    path = start + moved
    path[:, 2] = (
        ground + target.ankle_height + scale * (motion.hip_centre[:, 2] - source_ground - source.ankle_height)
    )
    for axis, locked in enumerate(placing.locked):
        if locked:
            path[:, axis] = path[0, axis]
    return path, float(ground)
