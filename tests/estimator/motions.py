"""A person who moves every joint, made by the estimator's own forward kinematics and seen by a camera."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from estimator import kinematics, skeleton
from estimator.camera import Camera, pinhole
from estimator.motion import Motion

LENGTHS = skeleton.MEAN_LENGTHS * np.linspace(0.93, 1.08, skeleton.L)


def camera_at(distance: float = 6.0) -> Camera:
    """1280 × 720, at 1.4 m height, looking along +Y."""
    pose = np.eye(4)
    pose[:3, :3] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    pose[:3, 3] = [0, -distance, 1.4]
    return replace(pinhole(1280, 720, 900.0), world_from_camera=pose)


def waving(
    frames: int = 40, *, fps: float = 25.0, swing: float = 0.5, camera: Camera | None = None
) -> Motion:
    """Turns, drifts along x at 0.5 m/s and swings all joints by ``swing`` radians (standard deviation)."""
    camera = camera or camera_at()
    noise = np.random.default_rng(3).normal(size=(frames + 40, skeleton.J, 3))
    noise = gaussian_filter1d(noise, 4, axis=0)[20:-20]
    local = Rotation.from_rotvec((swing * noise / noise.std()).reshape(-1, 3))
    quaternions = local.as_quat().reshape(frames, skeleton.J, 4)[..., [3, 0, 1, 2]]
    flips = np.sign(np.einsum("tjc,tjc->tj", quaternions[1:], quaternions[:-1])).cumprod(axis=0)
    quaternions[1:] *= flips[..., None]
    offsets = skeleton.rest_offsets(LENGTHS)
    root = np.zeros((frames, 3))
    root[:, 0] = 0.5 * np.arange(frames) / fps
    root[:, 2] = skeleton.hips_height(LENGTHS)
    pose = kinematics.forward_kinematics(
        torch.from_numpy(local.as_matrix().reshape(frames, skeleton.J, 3, 3)),
        torch.from_numpy(offsets),
        torch.from_numpy(root),
    )
    lengths = torch.from_numpy(LENGTHS)
    pose_of_camera = camera.world_from_camera
    assert pose_of_camera is not None

    def seen(points: np.ndarray) -> np.ndarray:
        return (points - pose_of_camera[:3, 3]) @ pose_of_camera[:3, :3]

    return Motion(
        person_id=2,
        source="clip.json",
        fps=fps,
        frame_start=5,
        rest_offsets=offsets,
        root_translation=root,
        rotations=quaternions,
        joints_world=pose.joints.numpy(),
        joints_camera=seen(pose.joints.numpy()),
        intrinsics=camera.intrinsics,
        world_from_camera=pose_of_camera,
        end_points=kinematics.end_points(pose, lengths).numpy(),
        contacts=np.tile([0.9, 0.8, 0.1, 0.2], (frames, 1)),
        keypoints=camera.project(seen(kinematics.keypoints(pose, lengths).numpy())),
        confidence=np.full((frames, 26), 0.8),
        frame_confidence=np.full(frames, 0.7),
    )
