"""Truth in motion and the cameras that look at it; world z up, metres, 30 frames a second."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import roma
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ...camera import Camera
from ...kinematics import Pose, end_points, forward_kinematics
from ...resample import resample_curve, resample_line, resample_rotations, resampled_length
from ...skeleton import rest_offsets
from ..capture_clip import CaptureClip
from .protocol import FPS, MAX_FRAMES, CameraDraw

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

SENSOR_MM = 36.0


@dataclass(frozen=True)
class TrueMotion:
    """What a person did, on T frames.

    Attributes:
        rotations: (T, 22, 4) local quaternions w, x, y, z.
        root: (T, 3) of Hips.
        lengths: (10,) metres.
        still: (T, 4) heels and toes that stand still, at any height.
        position_labelled, rotation_labelled: (22,) which joints the source knows.
        contacts_labelled: whether ``still`` is known.
        ground_known: whether z = 0 is the floor the person stands on.
    """

    rotations: Array
    root: Array
    lengths: Array
    still: Flags
    position_labelled: Flags
    rotation_labelled: Flags
    contacts_labelled: bool
    ground_known: bool

    @cached_property
    def pose(self) -> Pose:
        """Joints and their rotations in the world, float64."""
        quaternions = roma.quat_wxyz_to_xyzw(torch.from_numpy(self.rotations))
        return forward_kinematics(
            roma.unitquat_to_rotmat(quaternions),
            torch.from_numpy(rest_offsets(self.lengths)),
            torch.from_numpy(self.root),
        )

    @cached_property
    def ends(self) -> Array:
        """(T, 7, 3) end points in the world."""
        return np.asarray(end_points(self.pose, torch.from_numpy(self.lengths)).numpy())


def true_motion(clip: CaptureClip) -> TrueMotion:
    """The first half minute of a capture, 30 times a second."""
    # Files that count frame times in rounded decimals mean the whole rate.
    fps = round(clip.fps, 2)
    frames = min(resampled_length(len(clip), fps, FPS), MAX_FRAMES)
    quaternions = resample_rotations(clip.rotations.astype(np.float64), fps, FPS, frames)
    quaternions /= np.linalg.norm(quaternions, axis=-1, keepdims=True)
    return TrueMotion(
        rotations=quaternions,
        root=resample_curve(clip.root_translation.astype(np.float64), fps, FPS, frames),
        lengths=clip.lengths.astype(np.float64),
        # Between two frames a point stands still only if it does on both.
        still=resample_line(clip.still.astype(np.float64), fps, FPS, frames) > 0.999,
        position_labelled=clip.position_labelled,
        rotation_labelled=clip.rotation_labelled,
        contacts_labelled=clip.velocity_labelled,
        ground_known=clip.ground_known,
    )


def draw_camera(root: Array, draw: CameraDraw, random: np.random.Generator) -> Camera:
    """A camera that stands still and has all of a path (T, 3) before it; its pose is in the camera."""
    middle = root.mean(axis=0)
    reach = float(np.linalg.norm(root - middle, axis=-1).max())
    width, height = draw.pictures[random.integers(len(draw.pictures))]
    focal = random.uniform(*draw.focal_mm) / SENSOR_MM * width
    yaw = random.uniform(0.0, 2 * np.pi)
    pitch = np.radians(np.clip(random.normal(*draw.pitch), *draw.steepest))
    ahead = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), -np.sin(pitch)])
    distance = max(random.uniform(*draw.distance), draw.nearest + reach)

    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    level = np.stack([right, np.cross(ahead, right), ahead], axis=1)
    aside, above = np.clip(random.standard_normal(2), -2.0, 2.0) * draw.aim * [width, height] / (2 * focal)
    roll = np.radians(draw.roll * random.standard_normal())
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3] = level @ Rotation.from_euler("yxz", [aside, above, roll]).as_matrix()
    world_from_camera[:3, 3] = middle - ahead * distance
    return Camera(width, height, focal, focal, width / 2, height / 2, world_from_camera=world_from_camera)
