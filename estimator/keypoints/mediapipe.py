"""MediaPipe Pose's 33 landmarks as JSON; the CSV forms are in ``mediapipe_csv``.

``{"width", "height", "fps", "frames": [{"frame": 0, "keypoints": [[x, y, visibility] × 33] or null}, …]}``;
``landmarks`` instead of ``keypoints`` and ``{"x", "y", "visibility"}`` instead of the lists are read too.
Coordinates are pixels or, as MediaPipe itself gives them, fractions of the picture's size: the values tell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..progress import Progress
from .detections import DetectedClip, Detection, first_picture, number_array, stated_rate
from .layouts import MEDIAPIPE33
from .mediapipe_csv import is_landmark_table, read_landmark_table
from .source import Source


def _landmarks(frame: Any) -> Any:
    return frame.get("keypoints", frame.get("landmarks")) if isinstance(frame, dict) else None


def _is_landmark_document(document: Any) -> bool:
    frames = document.get("frames") if isinstance(document, dict) else None
    if not isinstance(frames, list) or not frames or not all(isinstance(frame, dict) for frame in frames):
        return False
    if document.get("format") == "mediapipe33":
        return True
    first = next((found for found in map(_landmarks, frames) if found), None)
    return isinstance(first, list) and len(first) == MEDIAPIPE33.count


def matches_mediapipe(source: Source) -> bool:
    """A JSON document with frames of 33 landmarks, or a CSV table whose header names them."""
    return _is_landmark_document(source.document) or is_landmark_table(source.text)


def read_mediapipe(source: Source, progress: Progress | None = None) -> tuple[DetectedClip]:
    """Reads either form. There is one person, so all frames are one track.

    Raises:
        InputError: naming the frame, or the line of the table.
    """
    if source.kind == "text":
        return (DetectedClip(read_landmark_table(source.text, source.label)),)
    document = source.document
    if not _is_landmark_document(document):
        raise InputError(f"{source.label}: no frames with 33 MediaPipe landmarks; choose another format")
    frames = document["frames"]
    detections, numbers = [], []
    for index, frame in enumerate(frames):
        if progress is not None and index % 1000 == 0:
            progress(index / len(frames))
        number = frame.get("frame", index)
        if not isinstance(number, int):
            raise InputError(f"{source.label}, entry {index}: frame {str(number)[:40]!r} is no whole number")
        numbers.append(number)
        landmarks = _landmarks(frame)
        if landmarks:
            points = _points(landmarks, f"{source.label} (frame {number})")
            detections.append(Detection(number, MEDIAPIPE33.to_canonical(points), 0))
    return (
        DetectedClip(
            detections,
            _size(document.get("width")),
            _size(document.get("height")),
            stated_rate(document.get("fps")),
            first_picture=first_picture(numbers),
        ),
    )


def _points(landmarks: Any, where: str) -> NDArray[np.float64]:
    """(33, 3) x, y, visibility of a frame."""
    if isinstance(landmarks, list) and landmarks and isinstance(landmarks[0], dict):
        landmarks = [
            [one.get("x"), one.get("y"), one.get("visibility", 1.0)]
            for one in landmarks
            if isinstance(one, dict)
        ]
    points = number_array(landmarks, where)
    if points.ndim != 2 or points.shape[0] != MEDIAPIPE33.count or points.shape[1] not in (3, 4):
        count = len(points) if points.ndim else 0
        raise InputError(
            f"{where}: {count} landmarks instead of 33 with x, y, visibility; export the file again"
        )
    return points[:, [0, 1, -1]]  # with four columns the third is z


def _size(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
