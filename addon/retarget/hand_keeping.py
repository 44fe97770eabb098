"""Keeps hands where they are near: the other hand, hips, thighs, knees, head, the other shoulder, the chest.

Limbs that point the same way end elsewhere on a body of other proportions: hands that clap pass each other,
hands on the hips hang in the air or stick in the belly. So where a hand of the source comes near something,
the target's hand is brought to the same place relative to it, in the size of the target's arms, by analytic
two-bone IK on its own arm. Far from everything nothing is changed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..quaternions import multiply, rotate
from .anatomy import Body
from .control_rig import ControlRig
from .forward_kinematics import Posed
from .human_bones import SIDES, SPINE
from .rotations import about_axis, eased, swing
from .source_motion import SourceMotion

Array = NDArray[np.float64]

_NEAR, _FAR = 0.15, 0.55
"""Of the arm: nearer than the first a hand is kept wholly, beyond the second not at all."""
_MOST_REACH = 0.998
_STRAIGHT = 1e-3


def kept_hands(
    motion: SourceMotion, source: Body, target: Body, rig: ControlRig, posed: Posed
) -> dict[str, Array]:
    """(N, 4) new rotations of upper arms and forearms by human bone, in the world.

    Args:
        rig, posed: the target's controls, posed without regard to its hands.
    """
    sides = [side for side in SIDES if all(f"{side}_hand" in body.bone_map for body in (source, target))]
    theirs, ours = _arm_length(source), _arm_length(target)
    size = ours / theirs

    def at(human: str) -> Array:
        return np.asarray(posed.heads[rig.index(target.bone_map.bones[human])])

    wanted = {}
    for side in sides:
        hand = f"{side}_hand"
        own = at(hand)
        moves, ways = [], []
        for anchor in _anchors(side, source, target):
            away = motion.heads[hand] - motion.heads[anchor]
            moves.append(at(anchor) + size * away - own)
            ways.append(away)
        if len(sides) == 2:
            other = f"{_opposite(side)}_hand"
            away = motion.heads[hand] - motion.heads[other]
            moves.append((own + at(other)) / 2 + size * away / 2 - own)
            ways.append(away)
        shares = _shares(np.linalg.norm(ways, axis=-1) / theirs)
        wanted[side] = own + (np.array(moves) * shares[..., None]).sum(axis=0)

    found: dict[str, Array] = {}
    for side, hand_place in wanted.items():
        upper, lower, hand = (f"{side}_{part}" for part in ("upper_arm", "forearm", "hand"))
        turns = _reach(at(upper), at(lower), at(hand), hand_place)
        for human, turn in zip((upper, lower), turns, strict=True):
            found[human] = multiply(turn, posed.rotations[rig.index(target.bone_map.bones[human])])
    return found


def _anchors(side: str, source: Body, target: Body) -> list[str]:
    other = _opposite(side)
    names = [f"{one}_{part}" for one in SIDES for part in ("thigh", "shin")]
    names += [f"{other}_upper_arm", "head"]
    present = [name for name in names if name in source.bone_map and name in target.bone_map]
    chests = [body.bone_map.chain(SPINE)[-1] for body in (source, target)]
    return [*present, *(chests[:1] if chests[0] == chests[1] else [])]


def _shares(distances: Array) -> Array:
    """(A, N) of each anchor in where a hand goes; the nearest decides, and far from all there is none.

    Args:
        distances: (A, N) in arms.
    """
    near = eased((_FAR - distances) / (_FAR - _NEAR))
    shares = near / np.maximum(distances, 1e-3) ** 3
    return np.asarray(near.max(axis=0) * shares / np.maximum(shares.sum(axis=0), 1e-9))


def _reach(start: Array, joint: Array, stop: Array, wanted: Array) -> tuple[Array, Array]:
    """(N, 4) turns of upper and lower limb that bring its end to a place, the joint in its own plane."""
    upper, lower = (np.linalg.norm(part, axis=1, keepdims=True) for part in (joint - start, stop - joint))
    old, new = stop - start, wanted - start
    distance = np.clip(
        np.linalg.norm(new, axis=1, keepdims=True),
        np.abs(upper - lower) + 1e-6,
        _MOST_REACH * (upper + lower),
    )
    # An arm that is straighter than that anyway stays as it is.
    distance = np.where(
        np.linalg.norm(wanted - stop, axis=1, keepdims=True) < 1e-9,
        np.linalg.norm(old, axis=1, keepdims=True),
        distance,
    )
    first = swing(old, new)
    hinge = np.cross(joint - start, stop - joint)
    length = np.linalg.norm(hinge, axis=1, keepdims=True)
    least = np.eye(3)[np.abs(old).argmin(axis=1)]
    hinge = np.where(length < _STRAIGHT * upper * lower, np.cross(old, least), hinge)
    hinge = rotate(first, hinge / np.linalg.norm(hinge, axis=1, keepdims=True))

    def at_start(reach: Array) -> Array:
        cosine = (upper**2 + reach**2 - lower**2) / (2 * upper * reach)
        return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)))

    def at_joint(reach: Array) -> Array:
        cosine = (upper**2 + lower**2 - reach**2) / (2 * upper * lower)
        return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)))

    before = np.linalg.norm(old, axis=1, keepdims=True)
    # About the hinge the joint opens by the difference of its angles.
    lift = (at_start(before) - at_start(distance))[:, 0]
    open_by = (at_joint(before) - at_joint(distance))[:, 0]
    turn = multiply(about_axis(hinge, lift), first)
    return turn, multiply(about_axis(hinge, open_by), turn)


def _arm_length(body: Body) -> float:
    lengths = [
        float(np.linalg.norm(body.heads[f"{side}_{b}"] - body.heads[f"{side}_{a}"]))
        for side in SIDES
        for a, b in (("upper_arm", "forearm"), ("forearm", "hand"))
        if f"{side}_{b}" in body.heads
    ]
    return sum(lengths) / 2 or 1.0


def _opposite(side: str) -> str:
    return SIDES[1 - SIDES.index(side)]
