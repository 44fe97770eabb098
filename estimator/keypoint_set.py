"""The canonical keypoint set: 26 points that every detector's format is mapped to.

COCO-17 in its own order, then head top, neck (midpoint of the shoulders), pelvis (midpoint of the
hips), and three points on each foot. Formats that lack a point leave it missing.
"""

from types import MappingProxyType

KEYPOINT_NAMES: tuple[str, ...] = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "head_top",
    "neck",
    "pelvis",
    "left_big_toe",
    "left_small_toe",
    "left_heel",
    "right_big_toe",
    "right_small_toe",
    "right_heel",
)
K = len(KEYPOINT_NAMES)

KEYPOINT_INDEX = MappingProxyType({name: index for index, name in enumerate(KEYPOINT_NAMES)})


def _other_side(name: str) -> str:
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    if name.startswith("right_"):
        return "left_" + name.removeprefix("right_")
    return name


KEYPOINT_MIRROR: tuple[int, ...] = tuple(KEYPOINT_INDEX[_other_side(name)] for name in KEYPOINT_NAMES)
"""``keypoints[..., KEYPOINT_MIRROR, :]`` swaps left and right."""

KEYPOINT_LIMBS: tuple[tuple[int, int], ...] = tuple(
    (KEYPOINT_INDEX[a], KEYPOINT_INDEX[b])
    for a, b in (
        ("nose", "left_eye"),
        ("nose", "right_eye"),
        ("left_eye", "left_ear"),
        ("right_eye", "right_ear"),
        ("left_shoulder", "right_shoulder"),
        ("left_shoulder", "left_elbow"),
        ("left_elbow", "left_wrist"),
        ("right_shoulder", "right_elbow"),
        ("right_elbow", "right_wrist"),
        ("left_shoulder", "left_hip"),
        ("right_shoulder", "right_hip"),
        ("left_hip", "right_hip"),
        ("left_hip", "left_knee"),
        ("left_knee", "left_ankle"),
        ("right_hip", "right_knee"),
        ("right_knee", "right_ankle"),
        ("left_ankle", "left_heel"),
        ("left_heel", "left_big_toe"),
        ("left_big_toe", "left_small_toe"),
        ("right_ankle", "right_heel"),
        ("right_heel", "right_big_toe"),
        ("right_big_toe", "right_small_toe"),
    )
)
"""Pairs of keypoints to draw a line between."""
