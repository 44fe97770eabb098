"""A person's motion as an action of their armature: local rotations and root motion as keys.

A bone's keys are in the bone's own basis. With B the rotation of ``bone.matrix_local``, a rotation q about
world-aligned axes at rest is ``rotation_quaternion = B⁻¹ q B``, and a position t of the root is
``location = B⁻¹ (t - head_local)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..estimator.errors import InputError
from ..estimator.motion import Motion
from ..estimator.skeleton import JOINT_INDEX, JOINT_NAMES
from . import quaternions
from .animation import Curve, array_curves, fcurves_of, write_curves
from .armature import ROOT_BONE
from .take_properties import add_properties, property_curves
from .timing import KeyTimes, Timing, key_times, points_at, rotations_at

Array = NDArray[np.float64]
RootMode = Literal["HIPS", "ROOT_BONE", "IN_PLACE"]

_SMOOTHING_SECONDS = 0.25
"""Of the root bone's heading: takes the pelvis' swing at each step out of the path, keeps the turns."""
_LEVEL = 0.3
"""Share of the body's sideways axis that must be horizontal for the heading to count."""


@dataclass(frozen=True)
class ActionSettings:
    """How a motion becomes keys.

    Attributes:
        root_mode: "HIPS": the Hips bone carries the root motion; "ROOT_BONE": a ``Root`` bone on the ground
            carries path and heading and Hips the rest, the person moving as before; "IN_PLACE": Hips, without
            horizontal translation, over the armature's origin.
        timing: "FRAME_FOR_FRAME": a key per clip frame on whole frames; "REAL_TIME": the clip's seconds,
            sampled on whole scene frames.
        clip_start: scene frame of the clip's frame 0; a motion begins at ``clip_start + motion.frame_start``.
            ``timing.clip_start(clip)`` keeps the overlay.
        scene_fps: rate of the scene, used by "REAL_TIME" only.
    """

    root_mode: RootMode = "HIPS"
    timing: Timing = "FRAME_FOR_FRAME"
    clip_start: int = 1
    scene_fps: float = 30.0

    def key_times(self, fps: float, frame_start: int, frames: int) -> KeyTimes:
        """Keys for ``frames`` frames of a clip at ``fps`` from ``frame_start`` on."""
        return key_times(
            self.timing,
            start=self.clip_start,
            scene_fps=self.scene_fps,
            fps=fps,
            frame_start=frame_start,
            frames=frames,
        )


def write_action(
    armature_object: bpy.types.Object, motion: Motion, settings: ActionSettings, name: str
) -> bpy.types.Action:
    """Makes a new action from a motion and assigns it; an action assigned before is kept.

    Evaluated, the armature shows the motion's joints at every key. Between keys it shows the normalised
    linear interpolation of the neighbours: within 0.1° of slerp for turns under 30° from key to key. With a
    root bone the turn of the heading and the rest are interpolated apart, which is within 0.1° and 1 mm while
    both stay under 7° from key to key.

    Args:
        armature_object: from ``create_armature`` or with its bones: quaternion mode, names of the joints.

    Raises:
        InputError: a bone is missing or in another rotation mode, or the motion is empty or not finite.
    """
    _check(armature_object, motion, settings)
    times = settings.key_times(motion.fps, motion.frame_start, len(motion))
    rotations = rotations_at(motion.rotations, times.rows)
    translation = points_at(motion.root_translation, times.rows)
    curves: list[Curve] = []

    def add(bone_name: str, channel: str, values: Array) -> None:
        path = f'pose.bones["{bone_name}"].{channel}'
        curves.extend(array_curves(path, times.scene_frames, values, group=bone_name))

    if settings.root_mode == "ROOT_BONE":
        heading = _heading(motion, times.rows, times_per_second=_keys_per_second(motion, settings))
        ground = translation * [1.0, 1.0, 0.0]
        turn = quaternions.about_z(heading)
        add(ROOT_BONE, "location", ground)
        add(ROOT_BONE, "rotation_quaternion", quaternions.one_hemisphere(turn))
        translation = translation - ground
        rotations = rotations.copy()
        rotations[:, 0] = quaternions.multiply(quaternions.conjugate(turn), rotations[:, 0])
    elif settings.root_mode == "IN_PLACE":
        translation = translation * [0.0, 0.0, 1.0]

    bones = [armature_object.data.bones[joint] for joint in JOINT_NAMES]
    basis = np.array([bone.matrix_local.to_quaternion() for bone in bones])
    local = quaternions.multiply(quaternions.multiply(quaternions.conjugate(basis), rotations), basis)
    local = quaternions.one_hemisphere(local)
    head = np.array(bones[0].head_local)
    add(JOINT_NAMES[0], "location", quaternions.rotate(quaternions.conjugate(basis[0]), translation - head))
    for joint, joint_name in enumerate(JOINT_NAMES):
        add(joint_name, "rotation_quaternion", local[:, joint])
    curves += property_curves(motion, times.rows, times.scene_frames)
    add_properties(armature_object)
    return write_curves(armature_object, name, curves)


def _check(armature_object: bpy.types.Object, motion: Motion, settings: ActionSettings) -> None:
    where = armature_object.name
    needed = [*JOINT_NAMES, ROOT_BONE] if settings.root_mode == "ROOT_BONE" else list(JOINT_NAMES)
    bones = armature_object.pose.bones if armature_object.pose is not None else {}
    missing = [bone for bone in needed if bone not in bones]
    if missing:
        raise InputError(f"{where}: has no bone {', '.join(missing[:3])}; make a new take for this motion")
    for bone in needed:
        if bones[bone].rotation_mode != "QUATERNION":
            raise InputError(
                f"{where}: bone {bone} is in rotation mode {bones[bone].rotation_mode}; "
                "set it to Quaternion (WXYZ)"
            )
    finite = np.isfinite(motion.root_translation).all(axis=1) & np.isfinite(motion.rotations).all(axis=(1, 2))
    if not len(motion) or not finite.all():
        row = int(np.argmin(finite)) if len(motion) else 0
        raise InputError(
            f"{motion.source}: person {motion.person_id} has no usable pose on frame "
            f"{motion.frame_start + row}; estimate it again"
        )


def _keys_per_second(motion: Motion, settings: ActionSettings) -> float:
    return settings.scene_fps if settings.timing == "REAL_TIME" else motion.fps


def _heading(motion: Motion, rows: Array, times_per_second: float) -> Array:
    """(N,) smooth angle about the vertical from rest, radians, continuous over full turns.

    Hips and shoulders together give the body's sideways axis; while that stands nearly upright (lying on a
    side, a cartwheel) the angle is interpolated between the frames around.
    """
    joints = motion.joints_world
    left, right = (
        [JOINT_INDEX[f"{side}{joint}"] for joint in ("UpLeg", "Arm")] for side in ("Left", "Right")
    )
    sideways = (joints[:, left] - joints[:, right]).sum(axis=1)
    level = np.linalg.norm(sideways[:, :2], axis=1)
    known = level > _LEVEL * np.linalg.norm(sideways, axis=1)
    if not known.any():
        return np.zeros(len(rows))
    angle = np.unwrap(np.arctan2(sideways[known, 1], sideways[known, 0]))
    return _smooth(np.interp(rows, np.flatnonzero(known), angle), _SMOOTHING_SECONDS * times_per_second)


def _smooth(values: Array, sigma: float) -> Array:
    """Gaussian filter along the first axis, ends held; sigma in samples."""
    reach = int(np.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    return np.convolve(np.pad(values, reach, mode="edge"), kernel / kernel.sum(), mode="valid")


def hips_at_start(armature_object: bpy.types.Object) -> Matrix:
    """Pose of the Hips bone in the armature's space on the first key of the armature's action.

    Read from the keys, so that neither the scene's frame nor the user's unkeyed pose is touched. Without an
    action it is the present pose.
    """
    curves = fcurves_of(armature_object)
    values: dict[tuple[str, int], float] = {}
    if curves:
        start = min(curve.range()[0] for curve in curves)
        values = {(curve.data_path, curve.array_index): curve.evaluate(start) for curve in curves}

    def basis(bone_name: str) -> Matrix:
        bone = armature_object.pose.bones.get(bone_name)
        if bone is None:
            return Matrix()
        place, turned = bone.location.copy(), bone.rotation_quaternion.copy()
        for channel, present in (("location", place), ("rotation_quaternion", turned)):
            for index in range(len(present)):
                key = (f'pose.bones["{bone_name}"].{channel}', index)
                present[index] = values.get(key, present[index])
        return Matrix.LocRotScale(place, turned.normalized(), None)

    # The root bone's rest pose is the armature's own frame.
    return basis(ROOT_BONE) @ armature_object.data.bones[JOINT_NAMES[0]].matrix_local @ basis(JOINT_NAMES[0])
