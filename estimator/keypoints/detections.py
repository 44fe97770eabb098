"""What a reader hands on: the people of a clip, frame by frame, not yet linked into tracks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .layouts import KeypointLayout

_LARGEST_RATE = 1e300
"""Whole numbers further up would be too large for a float."""


class Detection(NamedTuple):
    """One person in one frame.

    Attributes:
        frame: number in the file.
        points: (26, 3) x, y, confidence in canonical order as the file has them; NaN, NaN, 0 where the
            layout lacks the point.
        identity: what the file calls the person over all frames; None where it doesn't say.
    """

    frame: int
    points: NDArray[np.float64]
    identity: int | str | None = None


@dataclass(frozen=True)
class DetectedClip:
    """All people in all frames of one clip.

    Attributes:
        detections: in any order.
        width, height, fps: of the picture, where the file says so.
        normalised: coordinates are fractions of the picture's size; None where the values must tell.
        first_picture: number that the clip's first picture has in the file; None where ``first_picture()``
            of the detections is the best guess, because frames without anybody are not in the file.
    """

    detections: list[Detection]
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    normalised: bool | None = None
    first_picture: int | None = None


def first_picture(numbers: Iterable[int]) -> int:
    """The number that the clip's first picture has in a file, 1 or 0.

    Pictures are numbered from 1 if 1 is the smallest number in the whole file, whoever is on it, and from 0
    otherwise: a file whose numbers begin further up is part of a longer clip.

    Args:
        numbers: all frame numbers in the file, also those of frames without anybody.
    """
    return 1 if min(numbers, default=0) == 1 else 0


def stated_rate(value: Any) -> float | None:
    """Frames per second as a file states them; None for what is no positive number, which says nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < _LARGEST_RATE else None


def number_array(values: Any, where: str) -> NDArray[np.float64]:
    """Lists of numbers as an array.

    Raises:
        InputError: something in it is no number, or the lists have unequal lengths.
    """
    try:
        array = np.array(values)
    except (ValueError, OverflowError):
        array = np.array(None)
    if array.size == 0:
        return np.empty(array.shape)
    if array.dtype.kind not in "iuf":
        raise InputError(
            f"{where}: the keypoints must be numbers in lists of equal length; export the file again"
        )
    return array.astype(np.float64)


def points_from_flat(values: Any, layout: KeypointLayout, where: str) -> NDArray[np.float64]:
    """A list x, y, confidence, x, y, confidence, … of ``layout`` as (26, 3) in canonical order.

    Raises:
        InputError: naming ``where``, for a wrong number of values or something that is no number.
    """
    array = number_array(values, where)
    if array.shape != (3 * layout.count,):
        raise InputError(
            f"{where}: {point_count_text(array)} where {layout.name} has {layout.count}; "
            "check the file, or choose its keypoint format by hand"
        )
    return layout.to_canonical(array.reshape(layout.count, 3))


def point_count_text(array: NDArray[np.float64]) -> str:
    """Says how many keypoints a flat list of x, y, confidence holds."""
    if array.ndim != 1:
        return f"an array of shape {array.shape}"
    count, rest = divmod(len(array), 3)
    return f"{len(array)} values, not a multiple of 3," if rest else f"{count} keypoints"


def layout_of_count(count: int, layouts: Sequence[KeypointLayout], where: str) -> KeypointLayout:
    """The layout with that many points.

    Raises:
        InputError: there is none.
    """
    for layout in layouts:
        if layout.count == count:
            return layout
    known = ", ".join(f"{layout.count} ({layout.name})" for layout in layouts)
    raise InputError(f"{where}: {count} keypoints; this format is read with {known}")


def person_sizes(points: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N,) longer side of each person's bounding box in pixels, 0 without keypoints.

    Args:
        points: (N, 26, 2), anything where missing.
        present: (N, 26).
    """
    low = np.where(present[..., None], points, np.inf).min(axis=1)
    high = np.where(present[..., None], points, -np.inf).max(axis=1)
    return np.where(
        present.any(axis=1), np.subtract(high, low, where=high >= low, out=np.zeros_like(high)).max(axis=1), 0
    )
