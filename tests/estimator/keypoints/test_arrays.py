"""Keypoints in memory become the track that a file with them would."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from estimator.errors import InputError
from estimator.keypoints import read_keypoints, track_from_array
from estimator.keypoints.layouts import BODY25, CANONICAL, COCO17, KeypointLayout
from tests.estimator.keypoints.defects import walk
from tests.estimator.keypoints.detector_files import SIZE, WRITERS, in_layout


@pytest.mark.parametrize(("name", "layout"), [("coco", COCO17), ("openpose-body25", BODY25)])
def test_an_array_is_read_as_its_file_is(
    tmp_path: Path, people: SimpleNamespace, name: str, layout: KeypointLayout
) -> None:
    clip = walk(people.stick_figure)
    (from_file,) = read_keypoints(WRITERS[name](tmp_path / "clip", clip), fps=25.0)
    points = np.stack([in_layout(person, layout) for (person,) in clip])
    track = track_from_array(points, layout, fps=25.0, width=SIZE[0], height=SIZE[1])
    np.testing.assert_allclose(track.keypoints, from_file.keypoints, atol=1e-3)
    np.testing.assert_allclose(track.confidence, from_file.confidence, atol=1e-6)
    assert (track.fps, track.frame_start, track.person_id) == (25.0, 0, 1)
    assert (track.width, track.height) == SIZE


def test_what_is_no_finite_number_is_missing() -> None:
    points = np.full((6, 26, 3), 0.5)
    points[0, 0, 0], points[1, 0, 2], points[2, 0, 2], points[3, 0, :2], points[4, 0, 2] = (
        np.nan,
        np.nan,
        np.inf,
        0,
        0,
    )
    track = track_from_array(points, CANONICAL, fps=30.0)
    assert track.present[:, 0].tolist() == [False] * 5 + [True]
    assert track.present[:, 1:].all()
    assert np.isnan(track.keypoints[:5, 0]).all()
    assert points[0, 1, 0] == 0.5, "the caller's array stays as it is"


@pytest.mark.parametrize(
    ("points", "fps", "says"),
    [
        (
            np.ones((5, 25, 3)),
            30.0,
            r"^me: an array of float64 and shape \(5, 25, 3\); .* \(frames, 17, 3\) for COCO-17",
        ),
        (np.ones((17, 3)), 30.0, r"shape \(17, 3\)"),
        (np.ones((5, 17, 2)), 30.0, r"shape \(5, 17, 2\)"),
        (np.full((5, 17, 3), "1"), 30.0, "an array of <U1"),
        (np.full((5, 17, 3), -1.0), 30.0, "^me: keypoint nose: its confidence of -1 is negative"),
        (np.full((5, 17, 3), np.inf), 30.0, r"^me: keypoint nose lies at \[inf, inf\], which is no pixel"),
        (np.ones((5, 17, 3)), 0.0, "^me has a frame rate of 0"),
    ],
)
def test_what_are_no_keypoints_is_told(points: np.ndarray, fps: float, says: str) -> None:
    with pytest.raises(InputError, match=says):
        track_from_array(points, COCO17, fps=fps, source="me")
