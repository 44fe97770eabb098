"""A static camera films the walk, and a detector marks it with the faults that real detectors have."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from .. import kinematics
from ..camera import Camera
from ..keypoint_set import KEYPOINT_INDEX, KEYPOINT_NAMES, K
from ..motion import Motion
from ..resample import hemisphere_continuous
from ..skeleton import JOINT_INDEX, rest_offsets, stature
from .walk import FPS, LENGTHS, plan_walk

Array = NDArray[np.float64]

WIDTH, HEIGHT = 640, 360
FOCAL_PX = 575.0

DIFFICULTY = {
    **dict.fromkeys(("nose", "left_eye", "right_eye", "left_ear", "right_ear"), 0.004),
    **dict.fromkeys(("left_shoulder", "right_shoulder", "neck"), 0.006),
    **dict.fromkeys(("left_elbow", "right_elbow", "left_knee", "right_knee"), 0.008),
    **dict.fromkeys(("left_hip", "right_hip", "pelvis", "left_ankle", "right_ankle"), 0.009),
}
"""Standard deviation of a well visible keypoint, as a fraction of the person's height in the picture."""
OTHER_DIFFICULTY = 0.011
NOBODY_FOUND = range(112, 115)
"""Frames on which the detector misses the person."""
MISSING_BELOW = 0.25
"""A detector leaves out what it would give less confidence than this."""


def _look_at(position: Array, target: Array) -> Array:
    """(4, 4) ``world_from_camera`` of an upright camera."""
    ahead = (target - position) / np.linalg.norm(target - position)
    right = np.cross(ahead, [0.0, 0.0, 1.0]) / np.linalg.norm(np.cross(ahead, [0.0, 0.0, 1.0]))
    world_from_camera = np.eye(4)
    world_from_camera[:3] = np.stack([right, np.cross(ahead, right), ahead, position], axis=-1)
    return world_from_camera


WORLD_FROM_CAMERA: Array = _look_at(np.array([0.5, -7.4, 1.5]), np.array([0.15, -1.8, 0.95]))


def example_camera() -> Camera:
    """The camera that films the example, with its place in the world."""
    middle = (WIDTH / 2, HEIGHT / 2)
    return Camera(WIDTH, HEIGHT, FOCAL_PX, FOCAL_PX, *middle, world_from_camera=WORLD_FROM_CAMERA)


def example_motion(seed: int = 0) -> Motion:
    """The true motion of the example with the keypoints that the detector marked.

    Args:
        seed: of the detector's faults and the person's sway; the same seed gives the same example.

    Returns:
        252 frames at 30 per second in the world where the origin is on the ground below the first Hips.
        ``keypoints`` and ``confidence`` are as detected, everything else is exact.
    """
    walk = plan_walk(seed)
    lengths = torch.from_numpy(LENGTHS)
    pose = kinematics.forward_kinematics(
        torch.from_numpy(walk.rotations),
        kinematics.rest_offsets_from_lengths(lengths),
        torch.from_numpy(walk.root),
    )
    joints = pose.joints.numpy()
    points = kinematics.keypoints(pose, lengths).numpy()
    keypoints, confidence = _detect(points, joints, np.random.default_rng(seed))
    quaternions = Rotation.from_matrix(walk.rotations.reshape(-1, 3, 3)).as_quat()[:, [3, 0, 1, 2]]
    return Motion(
        person_id=1,
        source="example",
        fps=FPS,
        frame_start=0,
        rest_offsets=rest_offsets(LENGTHS),
        root_translation=walk.root,
        rotations=hemisphere_continuous(quaternions.reshape(*joints.shape[:2], 4)),
        joints_world=joints,
        joints_camera=_in_camera(joints),
        intrinsics=example_camera().intrinsics,
        world_from_camera=WORLD_FROM_CAMERA,
        end_points=kinematics.end_points(pose, lengths).numpy(),
        contacts=walk.contacts.astype(np.float64),
        keypoints=keypoints,
        confidence=confidence,
        frame_confidence=confidence.mean(axis=-1),
    )


def _in_camera(points: Array) -> Array:
    """World to camera, (..., 3) metres."""
    return np.asarray((points - WORLD_FROM_CAMERA[:3, 3]) @ WORLD_FROM_CAMERA[:3, :3])


def _detect(points: Array, joints: Array, random: np.random.Generator) -> tuple[Array, Array]:
    """What the detector marks.

    Errors hang together over some frames, as a detector's do, and confidence follows their expected size.

    Args:
        points: (T, 26, 3) true keypoints and
        joints: (T, 22, 3) true joints in the world, metres.

    Returns:
        Pixels (T, 26, 2), NaN where missing, and confidence (T, 26), 0 there.
    """
    frames = len(points)
    in_camera = _in_camera(points)
    pixels = example_camera().project(in_camera)
    size = FOCAL_PX * float(stature(LENGTHS)) / in_camera[:, :, 2].mean(axis=1)
    moods = gaussian_filter1d(random.normal(size=(frames, K)), 4.0, axis=0) * np.sqrt(2 * np.sqrt(np.pi) * 4)
    error = _difficulty() * np.exp(0.35 * moods) * _hidden(in_camera, joints)
    steady = gaussian_filter1d(random.normal(size=(frames, K, 2)), 3.0, axis=0)
    steady *= np.sqrt(2 * np.sqrt(np.pi) * 3)  # back to standard deviation 1
    jitter = 0.75 * steady + 0.45 * random.normal(size=(frames, K, 2))
    pixels = pixels + error[..., None] * size[:, None, None] * jitter
    confidence = 0.95 / (1 + (error / 0.028) ** 2) + 0.03 * random.normal(size=(frames, K))
    inside = ((pixels > 0) & (pixels < [WIDTH, HEIGHT])).all(axis=-1)
    seen = inside & (confidence > MISSING_BELOW)
    seen[list(NOBODY_FOUND)] = False
    return np.where(seen[..., None], pixels, np.nan), np.where(seen, np.clip(confidence, 0, 1), 0.0)


def _difficulty() -> Array:
    """(26,) error of each keypoint in fractions of the person's height."""
    return np.array([DIFFICULTY.get(name, OTHER_DIFFICULTY) for name in KEYPOINT_NAMES])


def _hidden(in_camera: Array, joints: Array) -> Array:
    """(T, 26) factor on the error of keypoints that the head or the body hides: smooth from 1 up."""
    ears = (in_camera[:, KEYPOINT_INDEX["left_ear"]] + in_camera[:, KEYPOINT_INDEX["right_ear"]]) / 2
    factor = np.ones(in_camera.shape[:2])
    for name in ("nose", "left_eye", "right_eye", "left_ear", "right_ear"):
        point = KEYPOINT_INDEX[name]
        factor[:, point] = 1 + 14 * _step((in_camera[:, point, 2] - ears[:, 2]) / 0.05 - 0.6)
    trunk = _in_camera(joints[:, [JOINT_INDEX["Hips"], JOINT_INDEX["Neck"]]])
    for point, name in enumerate(KEYPOINT_NAMES):
        if not name.endswith(("shoulder", "elbow", "wrist", "hip")):
            continue
        nearest = trunk[
            np.arange(len(trunk)), np.argmin(np.abs(trunk[..., 1] - in_camera[:, point, None, 1]), 1)
        ]
        behind = _step((in_camera[:, point, 2] - nearest[:, 2]) / 0.08 - 1.0)
        beside = _step(2.0 - np.abs(in_camera[:, point, 0] - nearest[:, 0]) / 0.08)
        factor[:, point] += 2 * behind * beside
    return factor


def _step(x: Array) -> Array:
    """From 0 to 1 as x goes from below 0 to above 1."""
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))
