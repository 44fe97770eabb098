"""The body in a mapped rig: which way it faces at rest, its legs and feet, and how two rests compare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...estimator.errors import InputError
from ..quaternions import conjugate, multiply, rotate
from .bone_map import BoneMap
from .human_bones import HUMAN_BONES, NECK, SIDES, SPINE
from .rest_rig import RestRig
from .rotations import from_matrices, swing

Array = NDArray[np.float64]

_UPRIGHT = np.cos(np.radians(30.0))
_SOLE_REACH = 0.15
"""Of a leg's length: how far above the armature's origin feet may end and still stand on it."""
_HEEL_BACK = 0.3
"""Of the foot's length: heel behind the ankle."""
_IN_LINE = np.cos(np.radians(45.0))


@dataclass(frozen=True)
class Body:
    """A rig's body at rest, in the world.

    Attributes:
        rig, bone_map: what it is of.
        axes: (4,) rotation from a body that faces -Y with its left along +X and its head up.
        heads: by human bone, (3,) where it begins.
        rotations: by human bone, (4,).
        directions: by human bone of arms and legs, (3,) unit vectors to the next joint.
        hip_centre: (3,) midpoint of the hip joints.
        leg_length: thigh and shin, mean of both sides.
        sole: height of the ground that the feet stand on, along ``up`` from the world's origin.
        heels: by side, (3,) on the sole below and behind the ankle.
        balls: by side, (3,) the joint of the toes.
    """

    rig: RestRig
    bone_map: BoneMap
    axes: Array
    heads: dict[str, Array]
    rotations: dict[str, Array]
    directions: dict[str, Array]
    hip_centre: Array
    leg_length: float
    sole: float
    heels: dict[str, Array]
    balls: dict[str, Array]

    @property
    def up(self) -> Array:
        """(3,) towards the head."""
        return rotate(self.axes, np.array([0.0, 0.0, 1.0]))

    @property
    def ankle_height(self) -> float:
        """Of the ankles over the sole, mean of both sides."""
        heights = [float(self.heads[f"{side}_foot"] @ self.up) - self.sole for side in SIDES]
        return float(np.mean(heights))


def read_body(rig: RestRig, bone_map: BoneMap) -> Body:
    """Measures a mapped rig; the map must have passed ``check_map``.

    Raises:
        InputError: joints lie on top of each other, so that limbs have no direction.
    """
    rows = {human: rig.index[bone_map.bones[human]] for human in HUMAN_BONES if human in bone_map}
    heads = {human: rig.heads[row] for human, row in rows.items()}
    rotations = {human: rig.rotations[row] for human, row in rows.items()}
    hip_centre = (heads["left_thigh"] + heads["right_thigh"]) / 2
    axes = _axes(rig, heads, hip_centre)
    up = rotate(axes, np.array([0.0, 0.0, 1.0]))

    lengths = []
    for side in SIDES:
        for upper, lower in (("thigh", "shin"), ("shin", "foot"), ("upper_arm", "forearm")):
            length = float(np.linalg.norm(heads[f"{side}_{lower}"] - heads[f"{side}_{upper}"]))
            if length < 1e-6 * max(1.0, rig.scale):
                bones = (bone_map.bones[f"{side}_{part}"] for part in (upper, lower))
                raise InputError(
                    f"{rig.name}: bones {' and '.join(bones)} begin at one point; correct the bone map"
                )
            lengths.append(length if upper != "upper_arm" else 0.0)
    leg_length = sum(lengths) / 2

    balls = {side: _ball(rig, bone_map, side, up) for side in SIDES}
    sole = _sole(rig, heads, balls, up, leg_length)
    heels = {}
    for side in SIDES:
        ankle = heads[f"{side}_foot"]
        forward = balls[side] - ankle
        level = forward - (forward @ up) * up
        heels[side] = ankle - _HEEL_BACK * level - (ankle @ up - sole) * up
    directions = _directions(rig, bone_map, heads)
    return Body(rig, bone_map, axes, heads, rotations, directions, hip_centre, leg_length, sole, heels, balls)


def matched_rests(source: Body, target: Body) -> dict[str, Array]:
    """(4,) per human bone of the target: turns its rest so that it means what the source's rest means.

    Trunk, shoulders and feet are turned with the whole body: how they are drawn is anatomy. Arms and legs
    point in different directions because the rests are different poses, so each is swung, from its parent's
    turn by the smallest angle, onto the source's direction. Applied to the target's rest rotation it gives
    the rotation from which the source's turns from rest count.
    """
    whole = multiply(source.axes, conjugate(target.axes))
    found = dict.fromkeys(target.heads, whole)
    for side in SIDES:
        for limb in (("upper_arm", "forearm", "hand"), ("thigh", "shin")):
            turn = whole
            for part in limb:
                human = f"{side}_{part}"
                if human not in target.heads:
                    continue
                wanted, present = source.directions.get(human), target.directions.get(human)
                if wanted is not None and present is not None:
                    turn = multiply(swing(rotate(turn, present), wanted), turn)
                found[human] = turn
        for human in target.heads:
            if human.startswith(side) and human[-1].isdigit():
                found[human] = found.get(f"{side}_hand", found[f"{side}_forearm"])
    return found


def _axes(rig: RestRig, heads: dict[str, Array], hip_centre: Array) -> Array:
    top = next(heads[human] for human in ("head", *NECK, *reversed(SPINE)) if human in heads)
    if np.linalg.norm(top - hip_centre) < 1e-9:
        top = (heads["left_upper_arm"] + heads["right_upper_arm"]) / 2
    up = (top - hip_centre) / np.linalg.norm(top - hip_centre)
    # Spines are curved; the armature's own axis is what the body was drawn along.
    own = rig.world[:3, :3] / rig.scale
    cosines = own.T @ up
    nearest = int(np.abs(cosines).argmax())
    if abs(cosines[nearest]) > _UPRIGHT:
        up = own[:, nearest] * np.sign(cosines[nearest])
    left = heads["left_thigh"] - heads["right_thigh"]
    if np.linalg.norm(left) < 1e-9:
        left = heads["left_upper_arm"] - heads["right_upper_arm"]
    left = left - (left @ up) * up
    if np.linalg.norm(left) < 1e-9:
        raise InputError(f"{rig.name}: left and right of the body can't be told apart; correct the bone map")
    left = left / np.linalg.norm(left)
    return from_matrices(np.column_stack([left, np.cross(up, left), up]))


def _ball(rig: RestRig, bone_map: BoneMap, side: str, up: Array) -> Array:
    """The toes' joint; without toes the foot's end."""
    if f"{side}_toes" in bone_map:
        return np.asarray(rig.heads[rig.index[bone_map.bones[f"{side}_toes"]]])
    return np.asarray(rig.tails[rig.index[bone_map.bones[f"{side}_foot"]]])


def _sole(rig: RestRig, heads: dict[str, Array], balls: dict[str, Array], up: Array, leg: float) -> float:
    lowest = min(float(point @ up) for point in (*balls.values(), heads["left_foot"], heads["right_foot"]))
    origin = float(rig.world[:3, 3] @ up)
    return origin if 0.0 <= lowest - origin < _SOLE_REACH * leg else lowest


def _directions(rig: RestRig, bone_map: BoneMap, heads: dict[str, Array]) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for side in SIDES:
        for part, following in (
            ("upper_arm", "forearm"),
            ("forearm", "hand"),
            ("thigh", "shin"),
            ("shin", "foot"),
        ):
            human = f"{side}_{part}"
            end = heads.get(f"{side}_{following}")
            if end is None:
                end = rig.tails[rig.index[bone_map.bones[human]]]
            found[human] = _unit(end - heads[human])
        hand = f"{side}_hand"
        if hand in heads:
            knuckles = [
                heads[f"{side}_{f}_1"] for f in ("index", "middle", "ring") if f"{side}_{f}_1" in heads
            ]
            if knuckles:
                found[hand] = _unit(np.mean(knuckles, axis=0) - heads[hand])
            else:
                along = _unit(rig.tails[rig.index[bone_map.bones[hand]]] - heads[hand])
                # Importers let leaf bones point anywhere; then the hand continues the forearm.
                forearm = found[f"{side}_forearm"]
                found[hand] = along if along @ forearm > _IN_LINE else forearm
    return found


def _unit(vector: Array) -> Array:
    length = np.linalg.norm(vector)
    return vector / length if length > 1e-12 else np.array([0.0, 0.0, -1.0])
