"""What most tests of the readers use: stick figures, an OpenPose folder, the message of an error."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from estimator.errors import KineliftError
from estimator.keypoints.layouts import KeypointLayout
from tests.estimator.keypoints.detector_files import flat, in_layout, stick_figure

Array = NDArray[np.float64]


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
