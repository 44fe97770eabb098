"""The example as files: an OpenPose folder of keypoints, and the truth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..keypoint_set import KEYPOINT_INDEX
from ..keypoints.layouts import BODY25
from ..motion import Motion
from ..motion_npz import save_motion
from .detector import example_motion


@dataclass(frozen=True)
class ExampleFiles:
    """Where ``write_example`` put what."""

    keypoints: Path
    """folder of OpenPose's files, BODY_25, one per frame"""
    truth: Path
    """``.npz`` of the true motion"""


def write_example(folder: Path, seed: int = 0) -> ExampleFiles:
    """Writes the example's keypoints and its true motion into ``folder``, which is made if need be."""
    motion = example_motion(seed)
    keypoints, truth = folder / "example", folder / "truth.npz"
    keypoints.mkdir(parents=True, exist_ok=True)
    for frame in range(len(motion)):
        path = keypoints / f"example_{frame:012d}_keypoints.json"
        path.write_text(json.dumps(_openpose_document(motion, frame)), encoding="utf-8")
    save_motion(truth, motion)
    return ExampleFiles(keypoints, truth)


def _openpose_document(motion: Motion, frame: int) -> dict[str, object]:
    """What OpenPose's ``--write_json`` writes for one frame; a missing point is 0, 0, 0."""
    order = [KEYPOINT_INDEX[name] for name in BODY25.names if name is not None]
    points = np.concatenate([motion.keypoints[frame], motion.confidence[frame, :, None]], axis=-1)[order]
    if not points[:, 2].any():
        return {"version": 1.3, "people": []}
    person = {"person_id": [-1], "pose_keypoints_2d": np.nan_to_num(points).round(4).reshape(-1).tolist()}
    return {"version": 1.3, "people": [person]}
