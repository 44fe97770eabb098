"""Figures of a motion that are known beforehand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from estimator import __version__
from estimator.distortion import Distortion
from estimator.motion_summary import reprojection_errors, save_summary, summarise
from tests.estimator.motions import LENGTHS, camera_at, waving

pytest.importorskip("roma")


def test_known_figures(tmp_path: Path) -> None:
    motion = waving(50, fps=25.0)
    save_summary(tmp_path / "a.json", motion, camera_at())
    summary = json.loads((tmp_path / "a.json").read_text())
    assert summary["kinelift"] == __version__
    assert (summary["source"], summary["person"], summary["frame_start"]) == ("clip.json", 2, 5)
    assert (summary["frames"], summary["fps"], summary["duration_s"]) == (50, 25.0, 2.0)
    assert summary["path_length_m"] == pytest.approx(0.5 * 49 / 25)
    foot, shin, thigh, trunk, neck = LENGTHS[[3, 2, 1, 4, 5]]
    assert summary["person_height_m"] == pytest.approx(
        foot * 0.522 + shin + thigh + trunk + 1.7 * neck, abs=1e-3
    )
    assert summary["camera"] == {
        "width": 1280,
        "height": 720,
        "focal_px": 900.0,
        "focal_source": "given",
        "pose_source": "given",
        "distortion": "none",
    }
    assert summary["contacts"] == {"left_heel": 1.0, "left_toe": 1.0, "right_heel": 0.0, "right_toe": 0.0}
    assert summary["mean_keypoint_confidence"] == pytest.approx(0.8)
    assert summary["mean_frame_confidence"] == pytest.approx(0.7)
    assert summary["frames_without_keypoints"] == 0


@pytest.mark.parametrize("lens", [Distortion(), Distortion("polynomial", (-0.2, 0.05, 0.0))], ids=str)
def test_a_motion_that_made_the_keypoints_reprojects_onto_them(lens: Distortion) -> None:
    camera = replace(camera_at(), distortion=lens)
    assert reprojection_errors(waving(camera=camera), camera).max() < 1e-3


def test_an_error_in_pixels_is_told_in_per_cent_of_the_height() -> None:
    camera = camera_at(distance=6.0)
    motion = waving(camera=camera)
    shifted = replace(motion, keypoints=motion.keypoints + np.array([3.0, 4.0]))
    height_px = 900 * summarise(motion, camera)["person_height_m"] / motion.joints_camera[:, 0, 2]
    np.testing.assert_allclose(
        reprojection_errors(shifted, camera).reshape(-1, 26), np.tile(500 / height_px[:, None], 26), rtol=1e-6
    )


def test_only_confident_keypoints_count_and_none_gives_none() -> None:
    motion = waving()
    motion.confidence[:, 1:] = 0.4
    assert len(reprojection_errors(motion, camera_at())) == len(motion)
    motion.confidence[:] = 0
    summary = summarise(replace(motion, keypoints=motion.keypoints * np.nan), camera_at())
    assert summary["reprojection_error"] is None
    assert summary["frames_without_keypoints"] == len(motion)
    json.dumps(summary, allow_nan=False)
