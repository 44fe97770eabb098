"""Which point of a detector's output is which point of the canonical set, as plain data.

Points that the canonical set has no use for (mouth, hands, face) are None. Sources of the orders: the
documentation of OpenPose (BODY_25, COCO, and the experimental BODY_25B), of the COCO, COCO-WholeBody and
Halpe Full-Body data sets, and of MediaPipe Pose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..keypoint_set import KEYPOINT_INDEX, KEYPOINT_NAMES, K


@dataclass(frozen=True)
class KeypointLayout:
    """The order of the points in one detector's output.

    Attributes:
        name: as users know it.
        count: number of points per person in the file.
        names: canonical name of the first points, None where there is none; points beyond are unused.
    """

    name: str
    count: int
    names: tuple[str | None, ...]

    @cached_property
    def _indices(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        used = [(index, KEYPOINT_INDEX[name]) for index, name in enumerate(self.names) if name is not None]
        detector, canonical = np.array(used, dtype=np.intp).T
        return detector, canonical

    def to_canonical(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Brings (..., count, 3) x, y, confidence to (..., 26, 3); points it lacks are NaN, NaN, 0."""
        detector, canonical = self._indices
        result = np.empty((*points.shape[:-2], K, 3))
        result[...] = (np.nan, np.nan, 0.0)
        result[..., canonical, :] = points[..., detector, :]
        return result


CANONICAL = KeypointLayout("Kinelift's own", K, KEYPOINT_NAMES)

_COCO = KEYPOINT_NAMES[:17]

COCO17 = KeypointLayout("COCO-17", 17, _COCO)

COCO18 = KeypointLayout(
    "OpenPose COCO-18",
    18,
    (
        "nose",
        "neck",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "right_hip",
        "right_knee",
        "right_ankle",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_eye",
        "left_eye",
        "right_ear",
        "left_ear",
    ),
)

BODY25 = KeypointLayout(
    "OpenPose BODY_25",
    25,
    (
        "nose",
        "neck",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "pelvis",
        "right_hip",
        "right_knee",
        "right_ankle",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_eye",
        "left_eye",
        "right_ear",
        "left_ear",
        "left_big_toe",
        "left_small_toe",
        "left_heel",
        "right_big_toe",
        "right_small_toe",
        "right_heel",
    ),
)

_LEFT_RIGHT_FEET = (
    "left_big_toe",
    "left_small_toe",
    "left_heel",
    "right_big_toe",
    "right_small_toe",
    "right_heel",
)

# Point 17 is MPII's upper neck, a hand's breadth above the midpoint of the shoulders: not the canonical neck.
BODY25B = KeypointLayout("OpenPose BODY_25B", 25, (*_COCO, None, "head_top", *_LEFT_RIGHT_FEET))

_HALPE_BODY = (
    *_COCO,
    "head_top",
    "neck",
    "pelvis",
    "left_big_toe",
    "right_big_toe",
    "left_small_toe",
    "right_small_toe",
    "left_heel",
    "right_heel",
)
HALPE26 = KeypointLayout("Halpe-26", 26, _HALPE_BODY)
HALPE136 = KeypointLayout("Halpe-136", 136, _HALPE_BODY)

WHOLEBODY133 = KeypointLayout("COCO-WholeBody-133", 133, (*_COCO, *_LEFT_RIGHT_FEET))

MEDIAPIPE_NAMES: tuple[str, ...] = (
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
)
"""MediaPipe's own names of its 33 landmarks, as they stand in the headers of CSV files."""

_MEDIAPIPE_TOES = {"left_foot_index": "left_big_toe", "right_foot_index": "right_big_toe"}

MEDIAPIPE33 = KeypointLayout(
    "MediaPipe-33",
    33,
    tuple(name if name in KEYPOINT_INDEX else _MEDIAPIPE_TOES.get(name) for name in MEDIAPIPE_NAMES),
)
