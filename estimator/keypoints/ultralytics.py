"""Ultralytics YOLO-pose's ``save_txt`` folders: a file per frame, ``<video>_<frame>.txt``, a line per person.

``class cx cy w h`` then 17 times ``x y confidence`` (or ``x y``), all as fractions of the picture's size,
then the box's confidence where ``save_conf`` was on, then the track's id where people were tracked.
Frames without anybody have no file. The frames of a video are counted from 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..printable import printable
from ..progress import Progress
from .detections import DetectedClip, Detection
from .layouts import COCO17
from .source import FrameFile, Source

_BOX = 5
_COUNTS = {_BOX + COCO17.count * values + extra: (values, extra) for values in (3, 2) for extra in (0, 1, 2)}
"""Numbers in a line → values per keypoint and numbers after the keypoints."""


class _Line(NamedTuple):
    frame: int
    points: NDArray[np.float64]
    rest: tuple[float, ...]


def matches_ultralytics(source: Source) -> bool:
    """A folder of text files with as many numbers in a line as a YOLO-pose label of 17 keypoints has."""
    if source.kind != "text folder":
        return False
    for path in source.sample_paths:
        lines = _read(path).split("\n", 1)
        if lines[0].strip():
            return len(lines[0].split()) in _COUNTS
    return False


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            return file.read()
    except UnicodeDecodeError:
        raise InputError(f"{printable(path)}: no text; move it out of the folder") from None
    except OSError as error:
        raise InputError(f"{printable(path)}: can't be read ({error.strerror})") from None


def _parse(file: FrameFile) -> list[_Line]:
    lines = []
    for number, text in enumerate(_read(file.path).splitlines(), start=1):
        where = f"{printable(file.path)}, line {number} (frame {file.frame})"
        try:
            values = [float(value) for value in text.split()]
        except ValueError:
            raise InputError(f"{where}: there must be numbers only, as YOLO-pose writes them") from None
        if not values:
            continue
        if len(values) not in _COUNTS:
            raise InputError(
                f"{where}: {len(values)} numbers; a YOLO-pose label with 17 keypoints has 56 to 58"
            )
        each, extra = _COUNTS[len(values)]
        points = np.ones((COCO17.count, 3))
        points[:, :each] = np.reshape(values[_BOX : len(values) - extra], (COCO17.count, each))
        lines.append(_Line(file.frame, COCO17.to_canonical(points), tuple(values[len(values) - extra :])))
    return lines


def read_ultralytics(source: Source, progress: Progress | None = None) -> tuple[DetectedClip]:
    """Reads a folder of labels; the picture's size must come from the user.

    Raises:
        InputError: naming file, line and frame.
    """
    if source.kind != "text folder":
        raise InputError(f"{source.label}: no folder of .txt labels; choose the folder that YOLO-pose wrote")
    files = source.frame_files
    lines: list[_Line] = []
    for index, file in enumerate(files):
        if progress is not None and index % 200 == 0:
            progress(index / len(files))
        lines += _parse(file)
    # One number after the keypoints is the track's id or the box's confidence: confidences have fractions.
    single = [line.rest[0] for line in lines if len(line.rest) == 1]
    single_is_id = all(value.is_integer() for value in single) and not set(single) <= {0.0, 1.0}
    single_is_id |= bool(single) and set(single) == {1.0} and _one_per_frame(lines)
    # Nobody need be on the first picture of a video, so that only a file for 0 tells of another numbering.
    first = 0 if source.frame_numbers[0] == 0 else 1
    detections = [_detection(line, single_is_id) for line in lines]
    return (DetectedClip(detections, normalised=True, first_picture=first),)


def _one_per_frame(lines: list[_Line]) -> bool:
    return len({line.frame for line in lines}) == len(lines)


def _detection(line: _Line, single_is_id: bool) -> Detection:
    tracked = len(line.rest) == 2 or (len(line.rest) == 1 and single_is_id)
    return Detection(line.frame, line.points, int(line.rest[-1]) if tracked else None)
