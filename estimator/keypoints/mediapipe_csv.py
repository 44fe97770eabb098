"""MediaPipe Pose's landmarks as the CSV tables that people write; separated by comma, semicolon or tab.

Wide, a row per frame, with columns for each landmark's x, y and (optionally) visibility, named
``x0``/``x_0``, ``0_x``, ``landmark_0_x``/``lm_0_x``/``pose_0_x`` (numbers from 0, or from 1 up to 33) or
``left_hip_x``/``x_left_hip`` (MediaPipe's names in any case and separation).

Long, a row per landmark, with the columns ``frame``, ``landmark`` (number or name; also ``landmark_id``,
``landmark_index``, ``landmark_name``, ``keypoint``, ``keypoint_id``, ``joint``, ``id``, ``index``, ``name``),
``x``, ``y`` and (optionally) ``visibility``.

The visibility may be called ``visibility``, ``vis``, ``v``, ``confidence``, ``conf``, ``score`` or
``likelihood``; without it a point that is there counts as 1. The frame's column is ``frame``, ``frame_id``,
``frame_number``, ``frame_index``, ``frame_idx`` or ``frame_no``; a wide table without one counts rows from 0.
Empty cells are missing points. Other columns (z, time, class, world coordinates) are left aside.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .detections import Detection
from .layouts import MEDIAPIPE33, MEDIAPIPE_NAMES

_COORDINATES = {"x": 0, "y": 1} | dict.fromkeys(
    ("visibility", "vis", "v", "confidence", "conf", "score", "likelihood"), 2
)
_FRAME = {"frame", "frameid", "framenumber", "frameindex", "frameidx", "frameno"}
_LANDMARK = {
    "landmark", "landmarkid", "landmarkindex", "landmarkname", "keypoint", "keypointid", "joint", "id",
    "index", "name",
}  # fmt: skip
_LANDMARK_PREFIX = {"landmark", "lm", "pose", "keypoint", "kp", "point", "joint"}
_NAMES = {name.replace("_", ""): index for index, name in enumerate(MEDIAPIPE_NAMES)}

_COUNT = MEDIAPIPE33.count


@dataclass(frozen=True)
class _Columns:
    """Where things stand in a row. ``points``: landmark and coordinate (0 x, 1 y, 2 visibility) → column."""

    frame: int | None
    points: dict[tuple[int, int], int]
    landmark: int | None = None  # of a long table, whose ``points`` all belong to landmark 0


def _landmark_index(tokens: Sequence[str]) -> int | None:
    """A landmark's number or name, in pieces, as an index as written; None for anything else."""
    if len(tokens) > 1 and tokens[0] in _LANDMARK_PREFIX:
        tokens = tokens[1:]
    text = "".join(tokens)
    return int(text) if re.fullmatch(r"[0-9]{1,3}", text) else _NAMES.get(text)


def _point_column(name: str) -> tuple[int, int] | None:
    """Landmark and coordinate of a wide table's column; None for a column of something else."""
    tokens = re.findall(r"[a-z]+|[0-9]+", name.lower())
    for coordinate, rest in ((tokens[-1:], tokens[:-1]), (tokens[:1], tokens[1:])):
        if coordinate and coordinate[0] in _COORDINATES and rest:
            index = _landmark_index(rest)
            if index is not None:
                return index, _COORDINATES[coordinate[0]]
    return None


def _header_columns(header: Sequence[str]) -> _Columns | None:
    """What a header's columns are; None if they are not MediaPipe's landmarks."""
    plain = ["".join(re.findall(r"[a-z0-9]+", name.lower())) for name in header]
    frame = next((column for column, name in enumerate(plain) if name in _FRAME), None)
    wide = {point: column for column, name in enumerate(header) if (point := _point_column(name)) is not None}
    numbers = {landmark for landmark, coordinate in wide if coordinate < 2}
    first = 1 if 0 not in numbers and _COUNT in numbers else 0
    if all((landmark + first, axis) in wide for landmark in range(_COUNT) for axis in (0, 1)):
        points = {
            (landmark - first, axis): column
            for (landmark, axis), column in wide.items()
            if 0 <= landmark - first < _COUNT
        }
        return _Columns(frame, points)
    landmark = next((column for column, name in enumerate(plain) if name in _LANDMARK), None)
    long = {(0, _COORDINATES[name]): column for column, name in enumerate(plain) if name in _COORDINATES}
    if frame is not None and landmark is not None and {(0, 0), (0, 1)} <= set(long):
        return _Columns(frame, long, landmark)
    return None


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _columns_of(text: str) -> _Columns | None:
    header = text.split("\n", 1)[0].strip("\r")
    try:
        names = next(csv.reader([header], delimiter=_delimiter(header)), [])
    except csv.Error:
        return None
    return _header_columns([name.strip() for name in names])


def is_landmark_table(text: str) -> bool:
    """Whether the first line is a header of either form."""
    return bool(text) and _columns_of(text) is not None


def read_landmark_table(text: str, label: str) -> list[Detection]:
    """Reads a table of either form.

    Raises:
        InputError: naming the line and what is wrong in it.
    """
    columns = _columns_of(text)
    if columns is None:
        raise InputError(
            f"{label}: the first line is no header with MediaPipe's 33 landmarks (such as frame, x0, y0, v0, "
            "… or frame, landmark, x, y, visibility); add one, or choose another format"
        )
    try:
        return _read_rows(text, columns, label)
    except csv.Error as error:
        raise InputError(f"{label}: no readable table ({error}); save it as CSV again") from None


def _read_rows(text: str, columns: _Columns, label: str) -> list[Detection]:
    lines = text.splitlines()
    rows = csv.reader(lines, delimiter=_delimiter(lines[0]))
    next(rows)
    by_frame: dict[int, np.ndarray[tuple[int, int], np.dtype[np.float64]]] = {}
    for index, row in enumerate(rows):
        if not any(cell.strip() for cell in row):
            continue
        where = f"{label}, line {rows.line_num}"
        frame = index if columns.frame is None else _whole_number(row, columns.frame, "frame", where)
        if columns.landmark is not None:
            points = by_frame.setdefault(frame, np.full((_COUNT, 3), np.nan))
            points[_landmark_of(row, columns.landmark, where)] = _point(row, columns, 0, where)
        elif frame in by_frame:
            raise InputError(
                f"{where}: frame {frame} stands there twice; keep one person and one row per frame"
            )
        else:
            by_frame[frame] = np.array([_point(row, columns, landmark, where) for landmark in range(_COUNT)])
    return [Detection(frame, MEDIAPIPE33.to_canonical(points), 0) for frame, points in by_frame.items()]


def _number(row: Sequence[str], column: int, what: str, where: str) -> float:
    """A cell as a number; NaN if it is empty."""
    cell = row[column].strip() if column < len(row) else ""
    try:
        return float(cell) if cell else float("nan")
    except ValueError:
        raise InputError(f"{where}: {what} {cell[:40]!r} is no number") from None


def _whole_number(row: Sequence[str], column: int, what: str, where: str) -> int:
    value = _number(row, column, what, where)
    if not value.is_integer():
        raise InputError(f"{where}: {what} {value:g} is no whole number")
    return int(value)


def _landmark_of(row: Sequence[str], column: int, where: str) -> int:
    cell = row[column].strip().lower() if column < len(row) else ""
    index = _landmark_index(re.findall(r"[a-z]+|[0-9]+", cell.removesuffix(".0")))
    if index is None or index >= _COUNT:
        raise InputError(
            f"{where}: landmark {cell[:40]!r} is none of MediaPipe's 33 (0 to 32, or their names)"
        )
    return index


def _point(row: Sequence[str], columns: _Columns, landmark: int, where: str) -> tuple[float, float, float]:
    visibility = columns.points.get((landmark, 2))
    return (
        _number(row, columns.points[landmark, 0], "x", where),
        _number(row, columns.points[landmark, 1], "y", where),
        1.0 if visibility is None else _number(row, visibility, "visibility", where),
    )
