"""A person's motion in the world: what the estimator makes and everything else takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .skeleton import J

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """Global motion of one person over T consecutive frames of a clip, at the clip's rate.

    World: metres, Z up, ground at z = 0. Camera: OpenCV axes. Rotations are unit quaternions w, x, y, z about
    world-aligned axes at rest (identity = T-pose facing -Y); ``joints_world = world_from_camera ·
    joints_camera`` holds to 1e-5. The names are those of the ``.npz`` that ``motion_npz`` writes, which also
    has the skeleton's ``joint_names`` (22,) and ``parents`` (22,), indices of joints, -1 for Hips.
    """

    person_id: int
    """from 1, the largest person of the clip first"""
    source: str
    """file of the keypoints"""
    fps: float
    """frames per second of the clip"""
    frame_start: int
    """number of the first row's frame; 0 is the clip's first picture"""
    rest_offsets: Array
    """(22, 3) metres at rest from each joint's parent to it, of this person, in the order of
    ``skeleton.JOINT_NAMES``, as all joints here"""
    root_translation: Array
    """(T, 3) of Hips, world"""
    rotations: Array
    """(T, 22, 4) local; joint 0 is the root's global one; consecutive frames in one hemisphere"""
    joints_world: Array
    """(T, 22, 3)"""
    joints_camera: Array
    """(T, 22, 3) in the camera of each frame"""
    intrinsics: Array
    """(3, 3) pixels"""
    world_from_camera: Array
    """(4, 4) static or (T, 4, 4)"""
    end_points: Array
    """(T, 7, 3) world; order of ``skeleton.END_POINT_NAMES``"""
    contacts: Array
    """(T, 4) probability of standing still; order of ``skeleton.CONTACT_NAMES``"""
    keypoints: Array
    """(T, 26, 2) pixels as used for input: swapped sides put right, false detections left out; NaN where
    missing; order of ``keypoint_set.KEYPOINT_NAMES``"""
    confidence: Array
    """(T, 26) of the keypoints, 0..1; 0 where missing"""
    frame_confidence: Array
    """(T,) how far to trust each frame, 0..1"""

    def __post_init__(self) -> None:
        frames = len(self.root_translation)
        if self.rotations.shape != (frames, J, 4) or self.joints_world.shape != (frames, J, 3):
            raise ValueError(
                f"rotations {self.rotations.shape} and joints {self.joints_world.shape} of {frames} frames"
            )

    def __len__(self) -> int:
        return len(self.root_translation)
