"""Puts a lifted person into the world and back onto the clip's frames."""

from __future__ import annotations

import numpy as np
import roma
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .camera import Camera
from .evidence import SolvingAxes
from .kinematics import end_points, forward_kinematics, rest_offsets_from_lengths
from .lifting import Lifted, chunks
from .motion import Motion
from .observation import NETWORK_FPS
from .resample import hemisphere_continuous, resample_curve, resample_line, resample_rotations
from .track import KeypointTrack
from .world import average_gravity, level_gravity, world_from_gravity

Array = NDArray[np.float64]

TRUSTED_ERROR = 0.1
"""Metres: a frame whose joints the network expects to be this far off on average is trusted half."""


def place(
    track: KeypointTrack, fps: float, camera: Camera, axes: SolvingAxes, lifted: Lifted, root: Array
) -> Motion:
    """The motion in the world, frame by frame of the clip.

    Args:
        fps: of the track.
        root: (T, 3) of Hips in the solving axes, at the network's rate.
    """
    frames = len(track)
    trust = 0.5 ** (lifted.error / TRUSTED_ERROR)
    world_from_axes = axes.world_from_axes
    if world_from_axes is None:
        feet = root[:, None] + lifted.contact_offsets
        down = level_gravity(average_gravity(lifted.down), feet, lifted.still, trust)
        world_from_axes = world_from_gravity(down, root, feet, lifted.still, trust)
    turn, shift = world_from_axes[:3, :3], world_from_axes[:3, 3]

    rotations = resample_rotations(hemisphere_continuous(lifted.rotations), NETWORK_FPS, fps, frames)
    upright = Rotation.from_matrix(turn) * Rotation.from_quat(rotations[:, 0], scalar_first=True)
    rotations[:, 0] = upright.as_quat(scalar_first=True)
    rotations = hemisphere_continuous(rotations)
    translation = resample_curve(root, NETWORK_FPS, fps, frames) @ turn.T + shift
    joints, ends, rest_offsets = _joints(rotations, translation, lifted.lengths)

    world_from_camera = camera.extrinsics(track.frame_start, frames)
    if world_from_camera is None:
        world_from_camera = world_from_axes
    centre = np.broadcast_to(world_from_camera[..., :3, 3], (frames, 3))
    return Motion(
        person_id=track.person_id,
        source=track.source,
        fps=fps,
        frame_start=track.frame_start,
        rest_offsets=rest_offsets,
        root_translation=translation,
        rotations=rotations,
        joints_world=joints,
        joints_camera=(joints - centre[:, None]) @ world_from_camera[..., :3, :3],
        intrinsics=camera.intrinsics,
        world_from_camera=world_from_camera,
        end_points=ends,
        contacts=resample_line(lifted.still, NETWORK_FPS, fps, frames),
        keypoints=track.keypoints,
        confidence=track.confidence,
        frame_confidence=resample_line(trust, NETWORK_FPS, fps, frames) * track.present.any(axis=1),
    )


def _joints(rotations: Array, translation: Array, lengths: Array) -> tuple[Array, Array, Array]:
    """Joints (T, 22, 3) and end points (T, 7, 3) in the world, and the rest offsets (22, 3)."""
    size = torch.from_numpy(lengths)
    offsets = rest_offsets_from_lengths(size)
    joints, ends = [], []
    for chunk in chunks(len(translation)):
        quaternions = roma.quat_wxyz_to_xyzw(torch.from_numpy(rotations[chunk]))
        pose = forward_kinematics(
            roma.unitquat_to_rotmat(quaternions), offsets, torch.from_numpy(translation[chunk])
        )
        joints.append(pose.joints.numpy())
        ends.append(end_points(pose, size).numpy())
    return np.concatenate(joints), np.concatenate(ends), offsets.numpy()
