"""Puts a lifted person into the world and back onto the clip's frames."""

from __future__ import annotations

import numpy as np
import roma
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .camera import Camera
from .chunks import chunks
from .kinematics import end_points, forward_kinematics, rest_offsets_from_lengths
from .lifting import Lifted
from .motion import Motion
from .observation import NETWORK_FPS
from .resample import hemisphere_continuous, resample_curve, resample_line, resample_rotations
from .skeleton import END_POINT_NAMES, J
from .track import KeypointTrack

Array = NDArray[np.float64]


def place(
    track: KeypointTrack, fps: float, camera: Camera, world_from_axes: Array, lifted: Lifted, root: Array
) -> Motion:
    """The motion in the world, frame by frame of the clip.

    Args:
        fps: of the track.
        world_from_axes: (4, 4) from the solving axes, which are the camera's own where it isn't known.
        root: (T, 3) of Hips in the solving axes, at the network's rate.
    """
    frames = len(track)
    world_from_camera = camera.extrinsics(track.frame_start, frames)
    if world_from_camera is None:
        world_from_camera = world_from_axes
    turn, shift = world_from_axes[:3, :3], world_from_axes[:3, 3]

    rotations = resample_rotations(lifted.rotations, NETWORK_FPS, fps, frames)
    for chunk in chunks(frames):
        # Single precision left them a unit long to seven digits.
        rotations[chunk] /= np.linalg.norm(rotations[chunk], axis=-1, keepdims=True)
        upright = Rotation.from_matrix(turn) * Rotation.from_quat(rotations[chunk, 0], scalar_first=True)
        rotations[chunk, 0] = upright.as_quat(scalar_first=True)
    rotations = hemisphere_continuous(rotations)
    translation = resample_curve(root, NETWORK_FPS, fps, frames) @ turn.T + shift

    size = torch.from_numpy(lifted.lengths)
    rest_offsets = rest_offsets_from_lengths(size)
    per_frame = np.broadcast_to(world_from_camera, (frames, 4, 4))
    joints, joints_camera = np.empty((frames, J, 3)), np.empty((frames, J, 3))
    ends = np.empty((frames, len(END_POINT_NAMES), 3))
    for chunk in chunks(frames):
        local = roma.unitquat_to_rotmat(roma.quat_wxyz_to_xyzw(torch.from_numpy(rotations[chunk])))
        pose = forward_kinematics(local, rest_offsets, torch.from_numpy(translation[chunk]))
        joints[chunk], ends[chunk] = pose.joints, end_points(pose, size)
        centre, axes_of_camera = per_frame[chunk, None, :3, 3], per_frame[chunk, :3, :3]
        joints_camera[chunk] = (joints[chunk] - centre) @ axes_of_camera

    return Motion(
        person_id=track.person_id,
        source=track.source,
        fps=fps,
        frame_start=track.frame_start,
        rest_offsets=rest_offsets.numpy(),
        root_translation=translation,
        rotations=rotations,
        joints_world=joints,
        joints_camera=joints_camera,
        intrinsics=camera.intrinsics,
        world_from_camera=world_from_camera,
        end_points=ends,
        contacts=resample_line(lifted.still, NETWORK_FPS, fps, frames),
        keypoints=track.keypoints,
        confidence=track.confidence,
        frame_confidence=resample_line(lifted.trust, NETWORK_FPS, fps, frames) * track.present.any(axis=1),
    )
