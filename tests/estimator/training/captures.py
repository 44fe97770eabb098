"""Short made-up captures, for tests that need no data set."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from estimator import skeleton
from estimator.generator import HINGE_JOINTS
from estimator.skeleton import HINGES
from estimator.training.capture_clip import CaptureClip

SPEED = 0.8
"""Metres per second of ``made_up_clip``."""


def made_up_clip(
    name: str = "walk", frames: int = 200, seed: int = 0, fps: float = 60.0, split: str = "train"
) -> CaptureClip:
    """A person who wanders about, bending every joint; elbows and knees about their hinges only."""
    random = np.random.default_rng(seed)
    noise = gaussian_filter1d(random.normal(size=(frames + 80, skeleton.J, 3)), 12, axis=0)[40:-40]
    vectors = 0.25 * noise / noise.std()
    for joint, (axis, sign) in zip(HINGE_JOINTS, HINGES.values(), strict=True):
        bend = np.abs(vectors[:, joint, axis]) + 0.2
        vectors[:, joint] = 0.0
        vectors[:, joint, axis] = sign * bend
    quaternions = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_quat(scalar_first=True)
    root = np.zeros((frames, 3))
    root[:, 1] = -SPEED * np.arange(frames) / fps
    root[:, 2] = skeleton.hips_height(skeleton.MEAN_LENGTHS)
    everything = np.ones(skeleton.J, dtype=bool)
    return CaptureClip(
        name=name,
        set="made up",
        subject=str(seed),
        action="walking",
        action_class="walk_run",
        split=split,
        fps=fps,
        lengths=skeleton.MEAN_LENGTHS,
        root_translation=root.astype(np.float32),
        rotations=quaternions.reshape(frames, skeleton.J, 4).astype(np.float32),
        rotation_labelled=everything,
        position_labelled=everything,
        still=random.random((frames, 4)) < 0.5,
        ground_known=True,
        velocity_labelled=True,
    )
