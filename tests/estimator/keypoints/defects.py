"""The ways in which a clip of any format can be unusable: by its values, or by its bytes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.estimator.keypoints.detector_files import WRITERS

Array = NDArray[np.float64]
Clip = list[list[Array]]
Person = Callable[[float], Array]
"""Draws a person, (26, 3), at an x."""
Make = Callable[[Path, Person], Path]

FRAMES = 8


def walk(person: Person) -> Clip:
    """Somebody who walks to the right."""
    return [[person(400.0 + 5 * frame)] for frame in range(FRAMES)]


def _with_value(clip: Clip, column: int, value: float) -> Clip:
    """The right knee, which every format has, gets a value on frame 3."""
    clip[3][0][14, column] = value
    return clip


VALUES: dict[str, tuple[Callable[[Clip], Clip], tuple[str, ...]]] = {
    "infinite": (lambda clip: _with_value(clip, 0, np.inf), ("frame", "inf", "no pixel")),
    "minus infinite": (lambda clip: _with_value(clip, 1, -np.inf), ("frame", "-inf", "no pixel")),
    "far out": (lambda clip: _with_value(clip, 0, 1e9), ("frame", "100000", "no pixel")),
    "negative confidence": (lambda clip: _with_value(clip, 2, -0.5), ("frame", "-0.5 is negative")),
    "nobody": (lambda clip: [[] for _ in clip], ()),
    "nothing but NaN": (lambda clip: [[one * np.nan for one in people] for people in clip], ("no person",)),
    "nothing seen": (lambda clip: [[one * 0.0 for one in people] for people in clip], ("no person",)),
    "one frame": (lambda clip: clip[:1], ("person 1 is on frame 0 only",)),
}
"""Changes of a clip, and what the line about it must say."""


def files_of(path: Path) -> list[Path]:
    """A file, or those in a folder."""
    return sorted(path.iterdir()) if path.is_dir() else [path]


def _cut_off(path: Path) -> Path:
    file = files_of(path)[len(files_of(path)) // 2]
    content = file.read_bytes().rstrip()
    # Half the last number is a number too: it is cut where something is missing.
    file.write_bytes(content[: len(content) * 2 // 3].rstrip(b"0123456789.-e") + b"-")
    return path


def _empty(path: Path) -> Path:
    """Without its content: an empty file, or a folder without files."""
    for file in files_of(path):
        if path.is_dir():
            file.unlink()
        else:
            file.write_bytes(b"")
    return path


def _not_text(path: Path) -> Path:
    file = files_of(path)[len(files_of(path)) // 2]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] = 0xFF
    file.write_bytes(bytes(content))
    return path


def _unprintable_name(path: Path) -> Path:
    """Cut off, and with a name that is no UTF-8 and has a line break in it."""
    _cut_off(path)
    renamed = Path(os.fsdecode(os.fsencode(path.parent) + b"/clip \xfc\n" + path.suffix.encode()))
    path.rename(renamed)
    return renamed


def _one_point_less(path: Path) -> Path:
    """Of the person on the middle frame; in an array, which has one shape, on all frames."""
    file = files_of(path)[len(files_of(path)) // 2]
    match file.suffix:
        case ".npz":
            points = np.ones((FRAMES, 16, 3))
            np.savez(file, positions_2d=np.array({"clip": {"custom": [points]}}, dtype=object))
        case ".csv":
            file.write_text(file.read_text().replace("\n3,26,", "\n3,33,"))
        case ".txt":
            file.write_text(" ".join(file.read_text().split()[:-3]) + "\n")
        case _:
            document = json.loads(file.read_text())
            found = _keypoint_lists(document)
            values = found[len(found) // 2]
            del values[-1 if isinstance(values[0], list) else -3 :]
            file.write_text(json.dumps(document))
    return path


def _keypoint_lists(document: Any) -> list[list[Any]]:
    """All lists of keypoints in a document."""
    found = []
    for key, value in document.items() if isinstance(document, dict) else enumerate(document):
        if key in ("keypoints", "pose_keypoints_2d", "joints"):
            found.append(value)
        elif isinstance(value, dict | list):
            found += _keypoint_lists(value)
    return found


BYTES: dict[str, Callable[[Path], Path]] = {
    "cut off": _cut_off,
    "empty": _empty,
    "not text": _not_text,
    "unprintable name": _unprintable_name,
    "one point less": _one_point_less,
}
"""Damage to what was written."""

FOLDERS = (
    "openpose-body25",
    "openpose-body25b",
    "openpose-coco18",
    "sports2d",
    "mmpose folder",
    "ultralytics",
)


def _value_case(name: str, change: Callable[[Clip], Clip]) -> Make:
    return lambda path, person: WRITERS[name](path, change(walk(person)))


def _byte_case(name: str, damage: Callable[[Path], Path]) -> Make:
    return lambda path, person: damage(WRITERS[name](path, walk(person)))


def _mixed_case(name: str) -> Make:
    """The middle frame's file holds what another format writes."""

    def make(path: Path, person: Person) -> Path:
        other = "openpose-coco18" if name != "openpose-coco18" else "sports2d"
        written = WRITERS[name](path, walk(person))
        elsewhere = WRITERS[other](path.with_name("other"), walk(person))
        file = files_of(written)[FRAMES // 2]
        file.write_bytes(files_of(elsewhere)[FRAMES // 2].read_bytes())
        shutil.rmtree(elsewhere)
        return written

    return make


BAD: dict[str, tuple[Make, tuple[str, ...]]] = {
    **{
        f"{name}: {defect}": (_value_case(name, change), says)
        for name in WRITERS
        for defect, (change, says) in VALUES.items()
    },
    **{
        f"{name}: {defect}": (_byte_case(name, damage), ())
        for name in WRITERS
        for defect, damage in BYTES.items()
    },
    **{f"{name}: mixed formats": (_mixed_case(name), ()) for name in FOLDERS},
}
"""Every defect in every format: a function that writes it to a path without ending, and what must be said."""
