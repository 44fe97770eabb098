"""People drawn as stick figures, and small files of them in every format that can be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimator.keypoint_set import KEYPOINT_INDEX, KEYPOINT_NAMES, K
from estimator.keypoints.layouts import (
    BODY25,
    BODY25B,
    COCO17,
    COCO18,
    HALPE26,
    MEDIAPIPE33,
    KeypointLayout,
)

Array = NDArray[np.float64]
Frames = Sequence[Sequence[Array]]
"""The people of each frame, each (26, 3) x, y, confidence in canonical order."""

SIZE = (1280, 960)


# x and y (down) as fractions of the height, from the point between the feet; the person faces the camera.
_FIGURE = {
    "nose": (0, -0.93),
    "left_eye": (0.02, -0.95),
    "right_eye": (-0.02, -0.95),
    "left_ear": (0.04, -0.94),
    "right_ear": (-0.04, -0.94),
    "left_shoulder": (0.11, -0.82),
    "right_shoulder": (-0.11, -0.82),
    "left_elbow": (0.15, -0.64),
    "right_elbow": (-0.15, -0.64),
    "left_wrist": (0.17, -0.48),
    "right_wrist": (-0.17, -0.48),
    "left_hip": (0.06, -0.52),
    "right_hip": (-0.06, -0.52),
    "left_knee": (0.06, -0.28),
    "right_knee": (-0.06, -0.28),
    "left_ankle": (0.06, -0.04),
    "right_ankle": (-0.06, -0.04),
    "head_top": (0, -1.0),
    "neck": (0, -0.82),
    "pelvis": (0, -0.52),
    "left_big_toe": (0.07, 0.01),
    "left_small_toe": (0.10, 0.0),
    "left_heel": (0.06, -0.01),
    "right_big_toe": (-0.07, 0.01),
    "right_small_toe": (-0.10, 0.0),
    "right_heel": (-0.06, -0.01),
}


def stick_figure(x: float, y: float = 900.0, height: float = 400.0, confidence: float = 0.9) -> Array:
    """(26, 3) x, y, confidence of a person who stands at (x, y)."""
    points = np.array([_FIGURE[name] for name in KEYPOINT_NAMES]) * height + (x, y)
    return np.column_stack((points, np.full(K, confidence)))


def in_layout(person: Array, layout: KeypointLayout) -> Array:
    """(count, 3) of a (26, 3) person as a detector writes it; its further points are missing."""
    rows = np.zeros((layout.count, 3))
    for index, name in enumerate(layout.names):
        if name is not None:
            rows[index] = person[KEYPOINT_INDEX[name]]
    return rows


def flat(person: Array, layout: KeypointLayout) -> list[float]:
    return [float(value) for value in in_layout(person, layout).ravel()]


def _json(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document))
    return path


def _openpose(layout: KeypointLayout) -> Callable[[Path, Frames], Path]:
    def write(path: Path, frames: Frames) -> Path:
        path.mkdir()
        for frame, people in enumerate(frames):
            document = {"people": [{"pose_keypoints_2d": flat(person, layout)} for person in people]}
            _json(path / f"clip_{frame:012d}_keypoints.json", document)
        return path

    return write


def _entries(frames: Frames, picture: Callable[[int], Any]) -> list[dict[str, Any]]:
    return [
        {"image_id": picture(frame), "category_id": 1, "keypoints": flat(person, COCO17), "score": 0.9}
        for frame, people in enumerate(frames)
        for person in people
    ]


def _coco(path: Path, frames: Frames) -> Path:
    return _json(path.with_suffix(".json"), _entries(frames, lambda frame: frame))


def _coco_annotations(path: Path, frames: Frames) -> Path:
    images = [{"id": frame, "width": SIZE[0], "height": SIZE[1]} for frame in range(len(frames))]
    document = {"images": images, "annotations": _entries(frames, lambda frame: frame)}
    return _json(path.with_suffix(".json"), document)


def _alphapose(path: Path, frames: Frames) -> Path:
    return _json(path.with_suffix(".json"), _entries(frames, lambda frame: f"{frame}.jpg"))


def _alphapose_cmu(path: Path, frames: Frames) -> Path:
    document = {
        f"{frame}.jpg": {"bodies": [{"joints": flat(person, COCO18)} for person in people]}
        for frame, people in enumerate(frames)
    }
    return _json(path.with_suffix(".json"), document)


def _instances(people: Sequence[Array]) -> list[dict[str, Any]]:
    found = [in_layout(person, HALPE26) for person in people]
    return [{"keypoints": one[:, :2].tolist(), "keypoint_scores": one[:, 2].tolist()} for one in found]


def _mmpose(path: Path, frames: Frames) -> Path:
    document = [{"frame_id": index, "instances": _instances(people)} for index, people in enumerate(frames)]
    return _json(path.with_suffix(".json"), {"meta_info": {}, "instance_info": document})


def _mmpose_folder(path: Path, frames: Frames) -> Path:
    path.mkdir()
    for frame, people in enumerate(frames):
        _json(path / f"{frame:06d}.json", _instances(people))
    return path


def _mediapipe(path: Path, frames: Frames) -> Path:
    listed = [
        {"frame": index, "keypoints": in_layout(people[0], MEDIAPIPE33).tolist() if people else None}
        for index, people in enumerate(frames)
    ]
    document = {"format": "mediapipe33", "width": SIZE[0], "height": SIZE[1], "fps": 30.0, "frames": listed}
    return _json(path.with_suffix(".json"), document)


def _mediapipe_csv(path: Path, frames: Frames) -> Path:
    lines = ["frame,landmark,x,y,visibility"]
    for frame, people in enumerate(frames):
        for person in people[:1]:
            rows = in_layout(person, MEDIAPIPE33)
            lines += [f"{frame},{index},{x!r},{y!r},{v!r}" for index, (x, y, v) in enumerate(rows.tolist())]
    path.with_suffix(".csv").write_text("\n".join(lines) + "\n")
    return path.with_suffix(".csv")


def _videopose3d(path: Path, frames: Frames) -> Path:
    """With a third column, the confidence; a frame without anybody is NaN, as the tool has no gaps."""
    nobody = np.full((COCO17.count, 3), np.nan)
    points = np.array([in_layout(people[0], COCO17) if people else nobody for people in frames])
    people = np.array({"clip": {"custom": [points]}}, dtype=object)
    np.savez(path.with_suffix(".npz"), positions_2d=people)
    return path.with_suffix(".npz")


def _ultralytics(path: Path, frames: Frames) -> Path:
    path.mkdir()
    for frame, people in enumerate(frames, start=1):
        lines = []
        for person in people:
            points = in_layout(person, COCO17) / (*SIZE, 1.0)
            lines.append(" ".join(f"{value:.9g}" for value in (0, 0.5, 0.5, 0.2, 0.4, *points.ravel())))
        (path / f"clip_{frame}.txt").write_text("".join(f"{line}\n" for line in lines))
    return path


WRITERS: dict[str, Callable[[Path, Frames], Path]] = {
    "openpose-body25": _openpose(BODY25),
    "openpose-body25b": _openpose(BODY25B),
    "openpose-coco18": _openpose(COCO18),
    "sports2d": _openpose(HALPE26),
    "coco": _coco,
    "coco annotations": _coco_annotations,
    "alphapose": _alphapose,
    "alphapose cmu": _alphapose_cmu,
    "mmpose": _mmpose,
    "mmpose folder": _mmpose_folder,
    "mediapipe": _mediapipe,
    "mediapipe csv": _mediapipe_csv,
    "videopose3d": _videopose3d,
    "ultralytics": _ultralytics,
}
"""By the format's name, with what follows a space for its further forms. They take a path without ending."""
