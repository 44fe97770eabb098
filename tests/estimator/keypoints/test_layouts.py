"""The detectors' orders against numbers from their documentation, and against people in real files."""

import numpy as np
import pytest

from estimator.keypoint_set import KEYPOINT_INDEX, KEYPOINT_MIRROR, KEYPOINT_NAMES, K
from estimator.keypoints.layouts import (
    BODY25,
    BODY25B,
    COCO17,
    COCO18,
    HALPE26,
    HALPE136,
    MEDIAPIPE33,
    WHOLEBODY133,
    KeypointLayout,
)

ALL = (BODY25, BODY25B, COCO17, COCO18, HALPE26, HALPE136, MEDIAPIPE33, WHOLEBODY133)

# Indices of points as the detectors' documentation lists them: those in which the orders differ.
DOCUMENTED = [
    (BODY25, 25, {"neck": 1, "left_wrist": 7, "pelvis": 8, "right_hip": 9, "left_eye": 16, "right_heel": 24}),
    (BODY25B, 25, {"left_eye": 1, "left_wrist": 9, "right_hip": 12, "head_top": 18, "left_heel": 21}),
    (COCO17, 17, {"nose": 0, "left_ear": 3, "left_shoulder": 5, "right_wrist": 10, "right_ankle": 16}),
    (
        COCO18,
        18,
        {"neck": 1, "right_wrist": 4, "left_wrist": 7, "right_hip": 8, "left_hip": 11, "right_eye": 14},
    ),
    (HALPE26, 26, {"head_top": 17, "neck": 18, "pelvis": 19, "right_big_toe": 21, "left_heel": 24}),
    (HALPE136, 136, {"head_top": 17, "left_small_toe": 22, "right_small_toe": 23, "right_heel": 25}),
    (
        MEDIAPIPE33,
        33,
        {"left_eye": 2, "right_ear": 8, "left_shoulder": 11, "right_hip": 24, "left_big_toe": 31},
    ),
    (WHOLEBODY133, 133, {"left_big_toe": 17, "left_small_toe": 18, "left_heel": 19, "right_heel": 22}),
]


@pytest.mark.parametrize(
    ("layout", "count", "indices"), DOCUMENTED, ids=lambda value: getattr(value, "name", "")
)
def test_points_stand_where_the_documentation_says(
    layout: KeypointLayout, count: int, indices: dict[str, int]
) -> None:
    points = np.zeros((count, 3))
    points[:, 0] = np.arange(count)
    points[:, 2] = 1.0
    canonical = layout.to_canonical(points)
    assert {name: canonical[KEYPOINT_INDEX[name], 0] for name in indices} == indices


@pytest.mark.parametrize("layout", ALL, ids=lambda layout: layout.name)
def test_every_point_is_used_once_and_the_rest_is_missing(layout: KeypointLayout) -> None:
    used = [name for name in layout.names if name is not None]
    assert len(used) == len(set(used)) >= 17
    canonical = layout.to_canonical(np.ones((5, layout.count, 3)))
    assert canonical.shape == (5, K, 3)
    missing = [name for name in KEYPOINT_NAMES if name not in used]
    for name in missing:
        assert np.isnan(canonical[:, KEYPOINT_INDEX[name], :2]).all()
        assert (canonical[:, KEYPOINT_INDEX[name], 2] == 0).all()


@pytest.mark.parametrize("layout", ALL, ids=lambda layout: layout.name)
def test_a_layout_has_both_sides_of_everything(layout: KeypointLayout) -> None:
    used = {name for name in layout.names if name is not None}
    assert {KEYPOINT_NAMES[KEYPOINT_MIRROR[KEYPOINT_INDEX[name]]] for name in used} == used


def test_the_upper_neck_of_body_25b_is_not_the_neck() -> None:
    assert BODY25B.names[17] is None
    assert "neck" not in BODY25B.names
