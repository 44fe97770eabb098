"""Test motions: random but smooth, made by the estimator's own forward kinematics."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from kinelift_checkout.estimator import kinematics, skeleton
from kinelift_checkout.estimator.motion import Motion
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]
LENGTHS = skeleton.MEAN_LENGTHS * np.linspace(0.93, 1.08, skeleton.L)

FROM_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])
"""Blender's camera axes (y up, looking along -z) to OpenCV's and back."""


def smooth_noise(generator: np.random.Generator, shape: tuple[int, ...], sigma: float, size: float) -> Array:
    """Noise of standard deviation ``size``, smoothed over ``sigma`` frames along the first axis."""
    noise = gaussian_filter1d(generator.normal(size=(shape[0] + 8 * int(sigma), *shape[1:])), sigma, axis=0)
    noise = noise[4 * int(sigma) :][: shape[0]]
    return size * noise / noise.std()


def look_at(position: Array, target: Array, roll: float = 0.0) -> Array:
    """(4, 4) world_from_camera, OpenCV axes, of a camera at ``position`` that looks at ``target``."""
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = (
        np.column_stack([right, np.cross(forward, right), forward])
        @ Rotation.from_euler("z", roll).as_matrix()
    )
    pose[:3, 3] = position
    return pose


def random_motion(
    *,
    seed: int = 0,
    frames: int = 60,
    fps: float = 30.0,
    frame_start: int = 0,
    person_id: int = 1,
    swing: float = 0.3,
    tilt: float = 0.15,
    turn: float = 1.5,
    world_from_camera: Array | None = None,
) -> Motion:
    """A person who wanders, turns and waves every joint.

    Args:
        swing, tilt: radians, standard deviation of the joints' rotations and of the root's lean.
        turn: radians per second, the drift of the heading.
        world_from_camera: (4, 4) or (T, 4, 4); by default a static camera 6 m off.
    """
    generator = np.random.default_rng(seed)
    sigma = max(fps / 6, 1.0)
    rotvec = smooth_noise(generator, (frames, skeleton.J, 3), sigma, swing)
    local = Rotation.from_rotvec(rotvec.reshape(-1, 3)).as_matrix().reshape(frames, skeleton.J, 3, 3)
    lean = Rotation.from_rotvec(smooth_noise(generator, (frames, 3), sigma, tilt))
    local[:, 0] = (Rotation.from_euler("z", 0.7 + turn * np.arange(frames)[:, None] / fps) * lean).as_matrix()
    root = np.cumsum(smooth_noise(generator, (frames, 3), sigma, 0.8 / fps), axis=0)
    root = root * [1.0, 1.0, 0.1] + [0.6, -0.4, 0.0]
    root[:, 2] += skeleton.hips_height(LENGTHS)

    offsets = skeleton.rest_offsets(LENGTHS)
    pose = kinematics.forward_kinematics(
        torch.from_numpy(local), torch.from_numpy(offsets), torch.from_numpy(root)
    )
    ends = kinematics.end_points(pose, torch.from_numpy(LENGTHS)).numpy()
    joints = pose.joints.numpy()
    if world_from_camera is None:
        world_from_camera = look_at(np.array([0.4, -6.0, 1.7]), np.array([0.5, 0.0, 0.9]))
    to_camera = np.broadcast_to(np.linalg.inv(world_from_camera), (frames, 4, 4))
    joints_camera = np.einsum("tij,tpj->tpi", to_camera[:, :3, :3], joints) + to_camera[:, None, :3, 3]
    xyzw = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_quat().reshape(frames, skeleton.J, 4)
    return Motion(
        person_id=person_id,
        source="walk.json",
        fps=fps,
        frame_start=frame_start,
        rest_offsets=offsets,
        root_translation=root,
        rotations=xyzw[..., [3, 0, 1, 2]],
        joints_world=joints,
        joints_camera=joints_camera,
        intrinsics=np.array([[900.0, 0.0, 640.0], [0.0, 900.0, 360.0], [0.0, 0.0, 1.0]]),
        world_from_camera=world_from_camera,
        end_points=ends,
        contacts=np.zeros((frames, 4)),
        keypoints=np.full((frames, 26, 2), np.nan),
        confidence=np.zeros((frames, 26)),
        frame_confidence=np.ones(frames),
    )


def global_rotations(motion: Any) -> Array:
    """(T, 22, 3, 3) orientation of every joint, from rest axes to the world."""
    frames = len(motion)
    quaternions = motion.rotations[..., [1, 2, 3, 0]].reshape(-1, 4)
    local = Rotation.from_quat(quaternions).as_matrix().reshape(frames, skeleton.J, 3, 3)
    pose = kinematics.forward_kinematics(
        torch.from_numpy(local),
        torch.from_numpy(motion.rest_offsets),
        torch.from_numpy(motion.root_translation),
    )
    return pose.rotations.numpy()
