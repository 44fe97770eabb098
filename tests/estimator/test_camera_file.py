"""``camera.json``: what is written is read back, what is left out gets its default, defects get one line."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from estimator.camera import Camera, default_focal_px
from estimator.camera_file import load_camera
from estimator.distortion import Distortion
from estimator.errors import InputError


def poses(count: int) -> np.ndarray:
    matrices = np.tile(np.eye(4), (count, 1, 1))
    matrices[:, :3, :3] = Rotation.random(count, random_state=1).as_matrix()
    matrices[:, :3, 3] = np.random.default_rng(1).normal(size=(count, 3))
    return matrices


LENS = {"width": 1920, "height": 1080, "fx": 1500.25, "fy": 1499.75, "cx": 950.5, "cy": 545.5}
CAMERA = Camera(1920, 1080, 1500.25, 1499.75, 950.5, 545.5)
OPENCV = (-0.2, 0.05, 0.001, 0.002)
FILES: dict[str, tuple[dict[str, Any], Camera]] = {
    "static": (
        LENS | {"world_from_camera": poses(1)[0].tolist()},
        replace(CAMERA, world_from_camera=poses(1)[0]),
    ),
    "moving": (
        LENS | {"world_from_camera": poses(3).tolist(), "frame_start": 12},
        replace(CAMERA, world_from_camera=poses(3), frame_start=12),
    ),
    "lens": (
        LENS | {"distortion": {"model": "opencv", "coefficients": list(OPENCV)}},
        replace(CAMERA, distortion=Distortion("opencv", OPENCV)),
    ),
    "nuke": (
        LENS | {"distortion": {"model": "nuke", "coefficients": [-0.05, 0.01]}},
        replace(CAMERA, distortion=Distortion.from_nuke(-0.05, 0.01, 1500.25, 1920, 1080)),
    ),
}


@pytest.mark.parametrize(("document", "camera"), FILES.values(), ids=FILES)
def test_what_the_file_says_is_the_camera(document: dict[str, Any], camera: Camera, tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_text(json.dumps(document))
    loaded = load_camera(path)
    assert replace(loaded, world_from_camera=None) == replace(camera, world_from_camera=None)
    assert (loaded.world_from_camera is None) == (camera.world_from_camera is None)
    if camera.world_from_camera is not None:
        np.testing.assert_allclose(loaded.world_from_camera, camera.world_from_camera, atol=1e-12)


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_text('{"width": 720, "height": 1280}')
    camera = load_camera(path)
    assert (camera.fx, camera.fy) == (default_focal_px(720, 1280),) * 2
    assert not camera.focal_known
    assert (camera.cx, camera.cy) == (360, 640)
    assert camera.distortion == Distortion()
    assert camera.world_from_camera is None
    path.write_text('{"width": 720, "height": 1280, "fy": 900}')
    camera = load_camera(path)
    assert (camera.fx, camera.fy, camera.focal_known) == (900, 900, True)


def test_rounded_rotations_become_exact_ones(tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_text(
        json.dumps({"width": 10, "height": 10, "world_from_camera": poses(1)[0].round(4).tolist()})
    )
    rotation = load_camera(path).world_from_camera[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(rotation, poses(1)[0, :3, :3], atol=2e-4)


def _matrix(
    scale: tuple[float, float, float] = (1, 1, 1), last: tuple[float, ...] = (0, 0, 0, 1)
) -> list[Any]:
    return [*np.hstack([np.diag(scale), np.zeros((3, 1))]).tolist(), list(last)]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"width": None}, "width must be a whole number of pixels from 1, not None"),
        ({"width": 0}, "width must be a whole number of pixels from 1, not 0"),
        ({"height": 10.5}, "height must be a whole number"),
        ({"fx": -1500}, "fx must be a positive number of pixels, not -1500"),
        ({"fy": "1500"}, "fy must be a positive number of pixels, not '1500'"),
        ({"cx": True}, "cx must be a number of pixels, not True"),
        ({"focal": 1500}, "unknown field 'focal'; known are width"),
        ({"frame_start": 0.5}, "frame_start must be a whole number"),
        ({"frame_start": 10**30}, "frame_start must be a whole number of nine digits at most"),
        ({"fx": 1e-200}, "camera.json: a focal length of 1e-200 pixels can't be right"),
        ({"cx": 1e299}, r"camera.json: a principal point at 1e\+299, 360 can't be right"),
        (
            {"world_from_camera": [[1, 0, 0, 1e200], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]},
            "over 1e.08 m from",
        ),
        ({"fx": 10**400}, "fx must be a positive number of pixels, not 1000"),
        ({"world_from_camera": [[10**400] * 4] * 4}, "world_from_camera must be one 4 × 4 matrix of numbers"),
        ({"distortion": [0.1]}, "distortion must be"),
        ({"distortion": {"model": "opencv", "coefficients": [0.1]}}, "takes 4 or 5 or 8 coefficients"),
        ({"distortion": {"model": "bent", "coefficients": []}}, "'bent' is not known"),
        (
            {"fx": 400, "distortion": {"model": "polynomial", "coefficients": [-1, 0, 0]}},
            "can't be inverted at pixel 0, 0",
        ),
        ({"world_from_camera": [[1, 2], [3]]}, "must be one 4 × 4 matrix"),
        ({"world_from_camera": []}, "must be one 4 × 4 matrix"),
        ({"world_from_camera": _matrix()[:3]}, "must be one 4 × 4 matrix"),
        ({"world_from_camera": _matrix((2, 2, 2))}, "is not rigid"),
        ({"world_from_camera": [_matrix(), _matrix((1, 1, -1))]}, r"world_from_camera\[1\]: mirrors"),
        ({"world_from_camera": _matrix(last=(0, 0, 1, 1))}, "0 0 0 1 as its last row"),
    ],
)
def test_defects_get_one_line(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_text(json.dumps({"width": 1280, "height": 720} | fields))
    with pytest.raises(InputError, match=message) as caught:
        load_camera(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"width": 12', "no valid JSON at line 1, column 13"),
        (b'{"width": NaN}', "width must be a whole number of pixels from 1, not nan"),
        (b"[1920, 1080]", "holds no camera"),
        (b'{"width": "\xff"}', "byte 11 is not UTF-8"),
        (b'{"width": 9, "height": 9, "fx": Infinity}', "fx must be a positive number of pixels, not inf"),
        (b'{"height": 10}', "width must be a whole number of pixels from 1, and is missing"),
    ],
)
def test_files_that_are_no_camera(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_camera(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be read"):
        load_camera(tmp_path / "camera.json")
