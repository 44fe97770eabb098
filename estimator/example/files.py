"""The example as files: an OpenPose folder of keypoints, and the truth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..keypoint_set import KEYPOINT_INDEX
from ..keypoints.layouts import BODY25
from ..motion_npz import save_motion
from .detector import example_motion

Array = NDArray[np.float64]


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
    write_openpose(keypoints, motion.keypoints, motion.confidence)
    save_motion(truth, motion)
    return ExampleFiles(keypoints, truth)


def write_openpose(folder: Path, keypoints: Array, confidence: Array) -> None:
    """Writes keypoints as OpenPose's ``--write_json`` does, BODY_25, one file per frame, one person.

    Args:
        folder: made if need be; the files are named after it.
        keypoints: (T, 26, 2) pixels, canonical order.
        confidence: (T, 26), 0 where missing; a frame without any keypoint holds no person.
    """
    folder.mkdir(parents=True, exist_ok=True)
    order = [KEYPOINT_INDEX[name] for name in BODY25.names if name is not None]
    points = np.concatenate([np.nan_to_num(keypoints), confidence[..., None]], axis=-1)[:, order].round(4)
    for frame, person in enumerate(points):
        flat = person.reshape(-1).tolist()
        people = [{"person_id": [-1], "pose_keypoints_2d": flat}] if person[:, 2].any() else []
        path = folder / f"{folder.name}_{frame:012d}_keypoints.json"
        path.write_text(json.dumps({"version": 1.3, "people": people}), encoding="utf-8")
