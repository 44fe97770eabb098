"""Sources for retargeting: the example's walk as a take, with feet that truly stand."""

from __future__ import annotations

from dataclasses import replace

import bpy
import torch
from kinelift_checkout.addon.action import ActionSettings
from kinelift_checkout.addon.take import TakeSettings, write_take
from kinelift_checkout.estimator import kinematics, skeleton
from kinelift_checkout.estimator.camera import pinhole
from kinelift_checkout.estimator.example.walk import FPS, LENGTHS, plan_walk
from kinelift_checkout.estimator.motion import Motion
from scipy.spatial.transform import Rotation

from tests.addon.motions import random_motion


def walking_motion(first: int = 0, frames: int | None = None) -> Motion:
    """The example's person, as they truly walk; frames from ``first`` on."""
    walk = plan_walk(0)
    part = slice(first, None if frames is None else first + frames)
    local, root = walk.rotations[part], walk.root[part]
    offsets = skeleton.rest_offsets(LENGTHS)
    pose = kinematics.forward_kinematics(*(torch.from_numpy(a) for a in (local, offsets, root)))
    xyzw = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_quat().reshape(*local.shape[:2], 4)
    joints = pose.joints.numpy()
    like = random_motion(frames=len(root))
    return replace(
        like,
        fps=FPS,
        rest_offsets=offsets,
        root_translation=root,
        rotations=xyzw[..., [3, 0, 1, 2]],
        joints_world=joints,
        joints_camera=joints,
        end_points=kinematics.end_points(pose, torch.from_numpy(LENGTHS)).numpy(),
        contacts=walk.contacts[part].astype(float),
    )


def take_of(motion: Motion, root_mode: str = "HIPS") -> bpy.types.Object:
    """The armature of a new take, its first key on frame 1."""
    settings = TakeSettings(ActionSettings(root_mode=root_mode, clip_start=1), name="Walk", make_camera=False)
    return write_take(bpy.context, [motion], pinhole(1280, 720, 900.0), settings).armatures[0]
