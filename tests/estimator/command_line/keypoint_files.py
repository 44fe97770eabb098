"""Small keypoint files of a person who waves, as detectors write them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from estimator.keypoint_set import KEYPOINT_INDEX
from tests.estimator.motions import waving

BODY_25 = (
    *("nose", "neck"),
    *("right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
    *("pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
    *("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel"),
)


@cache
def _people(frames: int, people: int) -> np.ndarray:
    """(people, frames, 26, 3) x, y, confidence; the first person is the largest."""
    points = waving(frames, swing=0.3).keypoints
    shifted = [points * (1 - 0.2 * index) + [150.0 * index, 0.0] for index in range(people)]
    return np.concatenate([np.stack(shifted), np.full((people, frames, 26, 1), 0.9)], axis=-1)


def write_coco(path: Path, frames: int = 12, people: int = 1) -> Path:
    """A COCO result list; says neither the picture's size nor its rate."""
    detections = [
        {"image_id": frame, "category_id": 1, "keypoints": points[:17].ravel().tolist(), "score": 0.9}
        for person in _people(frames, people)
        for frame, points in enumerate(person)
    ]
    path.write_text(json.dumps(detections))
    return path


def write_openpose(folder: Path, frames: int = 12) -> Path:
    """A folder of BODY_25 frames."""
    folder.mkdir()
    order = [KEYPOINT_INDEX[name] for name in BODY_25]
    for frame, points in enumerate(_people(frames, 1)[0]):
        people = [{"pose_keypoints_2d": points[order].ravel().tolist()}]
        (folder / f"{folder.name}_{frame:012d}_keypoints.json").write_text(json.dumps({"people": people}))
    return folder
