"""What the source does: turns from rest and places of its human bones, in the world, over time.

An armature that is moved by keys alone is computed from its curves at once; one with constraints, drivers or
NLA strips is evaluated frame by frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ...estimator.errors import InputError
from ..animation import fcurves_of
from ..quaternions import conjugate, multiply, one_hemisphere, rotate
from .anatomy import Body
from .evaluation import Stage
from .human_bones import SIDES
from .rest_rig import RestRig
from .rotations import IDENTITY, about_axis, from_euler, from_matrices

Array = NDArray[np.float64]
Channels = dict[tuple[str, str], dict[int, bpy.types.FCurve]]

_BONE_PATH = re.compile(
    r'^pose\.bones\["(?P<bone>.*)"\]\.'
    r"(?P<channel>location|scale|rotation_quaternion|rotation_euler|rotation_axis_angle)$"
)
_REPORT_EVERY = 8
_RESTS = 1e-7


@dataclass(frozen=True)
class SourceMotion:
    """The source's human bones over N frames, in the world.

    Attributes:
        frames: (N,) of the scene.
        turns: by human bone, (N, 4) rotation from its rest rotation, neighbours in one hemisphere.
        hip_centre: (N, 3) midpoint of the hip joints.
        heads: by human bone, (N, 3) where it begins.
        heels, balls: by side, (N, 3) the points that feet stand on.
    """

    frames: Array
    turns: dict[str, Array]
    hip_centre: Array
    heads: dict[str, Array]
    heels: dict[str, Array]
    balls: dict[str, Array]

    def rests(self) -> bool:
        """Whether all frames are the same."""
        return all(
            np.ptp(values, axis=0).max() < _RESTS for values in (*self.turns.values(), self.hip_centre)
        )


def frame_range(source: bpy.types.Object) -> tuple[float, float]:
    """First and last frame of the source's action.

    Raises:
        InputError: there is no action that moves its bones.
    """
    curves = [curve for curve in fcurves_of(source) if _BONE_PATH.match(curve.data_path)]
    ranges = [curve.range() for curve in curves if len(curve.keyframe_points)]
    data = source.animation_data
    if not ranges and data is not None and data.use_nla:
        strips = [strip for track in data.nla_tracks if not track.mute for strip in track.strips]
        ranges = [(strip.frame_start, strip.frame_end) for strip in strips if not strip.mute]
    if not ranges:
        raise InputError(
            f"{source.name}: has no action that moves its bones; give the source an action, set Frame Range "
            "if something else moves it, or choose another"
        )
    return min(first for first, _ in ranges), max(last for _, last in ranges)


def read_source(
    source: bpy.types.Object, body: Body, frames: Array, stage: Stage
) -> Iterator[float | SourceMotion]:
    """Yields how far it is, 0..1, and at last the motion.

    Args:
        body: of the source.
        frames: (N,) of the scene, at least one.
        stage: of the source.
    """
    human = body.bone_map.bones
    names = list(dict.fromkeys(human.values()))
    if moved_by_keys_alone(source, body.rig, names):
        rotations, heads = _from_curves(source, body.rig, names, frames)
    else:
        rotations = np.empty((len(frames), len(names), 4))
        heads = np.empty((len(frames), len(names), 3))
        for row, frame in enumerate(frames):
            rotations[row], heads[row] = _evaluated(stage.go_to(float(frame)), names)
            if row % _REPORT_EVERY == 0:
                yield row / len(frames)
    yield _motion(body, names, frames, rotations, heads)


def moved_by_keys_alone(source: bpy.types.Object, rig: RestRig, names: Sequence[str]) -> bool:
    """Whether curves and hierarchy are all there is to where these bones are."""
    return (
        source.data.pose_position == "POSE"
        and _one_action_alone(source)
        and _stands_still(source)
        and all(_plain_curve(curve) for curve in fcurves_of(source))
        and all(_plain_bone(source.pose.bones[rig.bones[row]]) for row in _with_ancestors(rig, names))
    )


def _one_action_alone(source: bpy.types.Object) -> bool:
    data = source.animation_data
    return (
        data is not None
        and data.action is not None
        and not len(data.drivers)
        and not (data.use_nla and any(not track.mute and len(track.strips) for track in data.nla_tracks))
        and data.action_influence >= 1.0
        and data.action_extrapolation != "NOTHING"
    )


def _stands_still(source: bpy.types.Object) -> bool:
    """Whether the object and what it hangs on are where they are on every frame; its own curves aside."""
    above: bpy.types.Object | None = source
    while above is not None:
        data = above.animation_data
        animated = data is not None and (data.action or len(data.drivers) or len(data.nla_tracks))
        if (above is not source and animated) or any(not constraint.mute for constraint in above.constraints):
            return False
        if above.parent is not None and above.parent_type != "OBJECT":
            return False
        above = above.parent
    return True


def _plain_curve(curve: bpy.types.FCurve) -> bool:
    if curve.mute:
        return False
    match = _BONE_PATH.match(curve.data_path)
    if match is None:  # custom properties move nothing without drivers, and there are none
        return curve.data_path.startswith(("pose.bones[", "[")) or is_constant(curve)
    return match["channel"] != "scale" or is_constant(curve, 1.0)


def _plain_bone(bone: bpy.types.PoseBone) -> bool:
    return (
        all(constraint.mute for constraint in bone.constraints)
        and bone.bone.use_inherit_rotation
        and bone.bone.use_local_location
        and max(abs(value - 1.0) for value in bone.scale) < 1e-6
    )


def bone_channels(animated: bpy.types.Object) -> Channels:
    """Blender's F-curves of bones, by bone and channel, then by index."""
    found: Channels = {}
    for curve in fcurves_of(animated):
        match = _BONE_PATH.match(curve.data_path)
        if match is not None:
            name = bpy.utils.unescape_identifier(match["bone"])
            found.setdefault((name, match["channel"]), {})[curve.array_index] = curve
    return found


def _from_curves(
    source: bpy.types.Object, rig: RestRig, names: Sequence[str], frames: Array
) -> tuple[Array, Array]:
    """World rotations (N, M, 4) and heads (N, M, 3), by forward kinematics along the hierarchy."""
    channels = bone_channels(source)
    rotations: dict[int, Array] = {-1: np.broadcast_to(rig.world_rotation, (len(frames), 4))}
    heads: dict[int, Array] = {-1: np.broadcast_to(rig.world[:3, 3], (len(frames), 3))}
    for row in _with_ancestors(rig, names):
        parent = int(rig.parents[row])
        local = rig.matrices[row]
        if parent >= 0:
            local = np.linalg.inv(rig.matrices[parent]) @ local
        rest_turn = from_matrices(local[:3, :3])
        bone = source.pose.bones[rig.bones[row]]
        offset: Array = local[:3, 3]
        if not bone.bone.use_connect:  # Blender ignores the location of connected bones
            offset = offset + rotate(rest_turn, _sampled(channels, bone, "location", frames))
        heads[row] = heads[parent] + rig.scale * rotate(rotations[parent], offset)
        turn = multiply(rest_turn, _basis_rotations(channels, bone, frames))
        rotations[row] = multiply(rotations[parent], turn)
    rows = [rig.index[name] for name in names]
    return np.stack([rotations[row] for row in rows], axis=1), np.stack([heads[row] for row in rows], axis=1)


def _basis_rotations(channels: Channels, bone: bpy.types.PoseBone, frames: Array) -> Array:
    mode = bone.rotation_mode
    if mode == "QUATERNION":
        q = _sampled(channels, bone, "rotation_quaternion", frames)
        length = np.linalg.norm(q, axis=1, keepdims=True)
        return np.where(length <= 1e-9, IDENTITY, q / np.where(length <= 1e-9, 1.0, length))
    if mode == "AXIS_ANGLE":
        values = _sampled(channels, bone, "rotation_axis_angle", frames)
        axis, length = values[:, 1:], np.linalg.norm(values[:, 1:], axis=1, keepdims=True)
        axis = np.where(length <= 1e-9, [0.0, 1.0, 0.0], axis / np.where(length <= 1e-9, 1.0, length))
        return about_axis(axis, values[:, 0])
    return from_euler(_sampled(channels, bone, "rotation_euler", frames), mode)


def _sampled(channels: Channels, bone: bpy.types.PoseBone, channel: str, frames: Array) -> Array:
    """(N, C) of a property, animated or not."""
    present = np.array(getattr(bone, channel), dtype=np.float64)
    values = np.tile(present, (len(frames), 1))
    for index, curve in channels.get((bone.name, channel), {}).items():
        values[:, index] = _values(curve, frames)
    return values


def _values(curve: bpy.types.FCurve, frames: Array) -> Array:
    keys = curve.keyframe_points
    if len(keys) and not len(curve.modifiers):
        flat = np.empty(2 * len(keys), dtype=np.float32)
        keys.foreach_get("co", flat)
        at, values = flat[::2].astype(np.float64), flat[1::2].astype(np.float64)
        found = np.clip(np.searchsorted(at, frames), 0, len(at) - 1)
        if (at[found] == frames).all():  # on keys the interpolation between them doesn't matter
            return values[found]
    return np.array([curve.evaluate(float(frame)) for frame in frames])


def _evaluated(evaluated: bpy.types.Object, names: Sequence[str]) -> tuple[Array, Array]:
    world = np.array(evaluated.matrix_world)
    bones = evaluated.pose.bones
    matrices = world @ np.array([bones[name].matrix for name in names])
    return from_matrices(matrices[:, :3, :3]), matrices[:, :3, 3]


def _motion(body: Body, names: list[str], frames: Array, rotations: Array, heads: Array) -> SourceMotion:
    at = {name: row for row, name in enumerate(names)}
    human = body.bone_map.bones

    def rotation(human_bone: str) -> Array:
        return rotations[:, at[human[human_bone]]]

    def head(human_bone: str) -> Array:
        return heads[:, at[human[human_bone]]]

    turns = {
        bone: one_hemisphere(multiply(rotation(bone), conjugate(body.rotations[bone])))
        for bone in body.rotations
    }
    heels: dict[str, Array] = {}
    balls: dict[str, Array] = {}
    for side in SIDES:
        foot = f"{side}_foot"
        for points, rest in ((heels, body.heels), (balls, body.balls)):
            points[side] = head(foot) + rotate(turns[foot], rest[side] - body.heads[foot])
    places = {bone: head(bone) for bone in body.heads}
    hip_centre = (places["left_thigh"] + places["right_thigh"]) / 2
    return SourceMotion(frames, turns, hip_centre, places, heels, balls)


def _with_ancestors(rig: RestRig, names: Sequence[str]) -> list[int]:
    """Rows of these bones and of all that they hang on, parents first."""
    rows: set[int] = set()
    for name in names:
        row = rig.index[name]
        while row >= 0 and row not in rows:
            rows.add(row)
            row = int(rig.parents[row])
    return sorted(rows)


def is_constant(curve: bpy.types.FCurve, value: float | None = None) -> bool:
    """Whether a curve never changes, at ``value`` if one is given."""
    keys = curve.keyframe_points
    if len(curve.modifiers) or not len(keys):
        return not len(curve.modifiers)
    flat = np.empty(2 * len(keys), dtype=np.float32)
    keys.foreach_get("co", flat)
    values = flat[1::2]
    return bool(np.ptp(values) < 1e-5 and (value is None or abs(float(values[0]) - value) < 1e-5))
