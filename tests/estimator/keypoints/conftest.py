"""People drawn as stick figures, and writers of detectors' files, for the tests of the readers."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from estimator.errors import KineliftError
from estimator.keypoint_set import KEYPOINT_INDEX, KEYPOINT_NAMES, K
from estimator.keypoints.layouts import KeypointLayout

Array = NDArray[np.float64]

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


def write_openpose(
    folder: Path, frames: Mapping[int, Sequence[Array]], layout: KeypointLayout, stem: str = "clip"
) -> Path:
    """Writes (26, 3) people per frame as OpenPose does."""
    folder.mkdir(exist_ok=True)
    for frame, people in frames.items():
        content = {
            "version": 1.3,
            "people": [{"person_id": [-1], "pose_keypoints_2d": flat(person, layout)} for person in people],
        }
        (folder / f"{stem}_{frame:012d}_keypoints.json").write_text(json.dumps(content))
    return folder


def write_json(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def message_of(call: Callable[[], object], kind: type[KineliftError]) -> str:
    """The message of the error that ``call`` must raise, which must be one printable line."""
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    message = str(caught.value)
    assert message.isprintable(), "a line break or an unprintable character"
    message.encode("utf-8")
    return message


@pytest.fixture(scope="session")
def people() -> SimpleNamespace:
    """The functions above (test modules can't import from here)."""
    return SimpleNamespace(
        stick_figure=stick_figure,
        in_layout=in_layout,
        flat=flat,
        write_openpose=write_openpose,
        write_json=write_json,
        message_of=message_of,
    )
