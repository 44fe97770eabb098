"""A camera has numbers that a camera can have."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimator.camera import Camera, pinhole
from estimator.errors import InputError

CAMERA = pinhole(1920, 1080, 1500.0)


def at(metres: float) -> np.ndarray:
    pose = np.eye(4)
    pose[0, 3] = metres
    return pose


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"fx": 0.0},
            "a focal length of 0 pixels can't be right for a picture of 1920 × 1080; give 22 to 2.2e",
        ),
        ({"fy": 1e-300}, "a focal length of 1e-300 pixels"),
        ({"fy": 1e300}, r"a focal length of 1e\+300 pixels"),
        ({"fx": float("nan")}, "a focal length of nan pixels"),
        ({"cx": 1e299}, r"a principal point at 1e\+299, 540"),
        ({"cy": float("inf")}, "a principal point at 960, inf"),
        ({"world_from_camera": np.eye(4)[:3]}, r"has the shape \(3, 4\); give \(4, 4\) or \(frames, 4, 4\)"),
        ({"world_from_camera": np.empty((0, 4, 4))}, r"has the shape \(0, 4, 4\)"),
        ({"world_from_camera": at(1e200)}, r"over 1e\+08 m from the world's origin; move the origin"),
        ({"world_from_camera": at(float("nan"))}, "the camera's place is not finite"),
    ],
)
def test_what_no_camera_has_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        replace(CAMERA, **changes)


def test_odd_cameras_are_cameras() -> None:
    fisheye = Camera(1000, 1000, 250.0, 250.0, 500.0, 500.0)
    telescope = pinhole(1920, 1080, 200_000.0)
    crop = replace(CAMERA, cx=-5000.0)
    geographic = replace(CAMERA, world_from_camera=np.stack([at(4e6), at(4e6 + 1)]))
    for camera in (fisheye, telescope, crop, geographic):
        points = np.array([[0.1, 0.2, 3.0], [-0.3, 0.1, 8.0]])
        np.testing.assert_allclose(camera.rays(camera.project(points)), points[:, :2] / points[:, 2:])
