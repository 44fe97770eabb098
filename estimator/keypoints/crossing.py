"""Puts right who is who after two people were at one place, where frame-by-frame linking can only guess.

While two people of one size stand in each other's place, nothing in single frames tells them apart. What they
did in the second before and in the second after does: each goes on as before. So the two ways of continuing
are compared as a whole, and the tracks are exchanged if the other way is far smoother.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

TOUCH = 0.12
"""Centres nearer than this, in the people's sizes, can't be told apart."""

APART = 0.3
"""From this distance on, linking is sure of who is who."""

WINDOW_SECONDS = 1.0
"""What is looked at before and after; at least a third of it must be there."""

SMOOTHER = 0.5
"""The tracks are exchanged if that makes this share of the break, or less."""

SMOOTH = 0.4
"""What the break may be then, in sizes, added up over both tracks and both ends: else nobody walked on."""


def uncross(frame: Whole, centre: Array, size: Array, numbers: Whole, fps: float) -> Whole:
    """Exchanges tracks where people who had met go on as each other.

    People are taken to walk on rather than to turn back when they were wholly at one place.

    Args:
        frame: (N,) frame numbers in ascending order.
        centre: (N, 2) of each person's keypoints, pixels.
        size: (N,) of the people, pixels.
        numbers: (N,) of their tracks.
        fps: frames per second.

    Returns:
        (N,) numbers of tracks.
    """
    numbers = numbers.copy()
    done: dict[tuple[int, int], int] = {}
    for row, other in list(_touching(frame, centre, size)):
        first, second = sorted((int(numbers[row]), int(numbers[other])))
        if done.get((first, second), -1) >= frame[row]:
            continue
        rows = [np.flatnonzero(numbers == number) for number in (first, second)]
        start, closest, end = _meeting(int(frame[row]), frame, centre, size, rows)
        done[first, second] = end
        lines = [_before_and_after(one, frame, centre, start, end, WINDOW_SECONDS * fps) for one in rows]
        if any(line is None for pair in lines for line in pair):
            continue
        (before, after), (before_other, after_other) = lines
        kept = _break(before, after, start, end) + _break(before_other, after_other, start, end)
        exchanged = _break(before, after_other, start, end) + _break(before_other, after, start, end)
        if exchanged <= min(SMOOTHER * kept, SMOOTH * float(np.mean(size[[row, other]]))):
            for one, number in zip(rows, (second, first), strict=True):
                numbers[one[frame[one] >= closest]] = number
    return numbers


def _touching(frame: Whole, centre: Array, size: Array) -> Iterator[tuple[int, int]]:
    """Pairs of rows of one frame whose centres lie together."""
    starts = np.flatnonzero(np.diff(frame, prepend=frame[0] - 1))
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(frame)], strict=True):
        if stop - start < 2:
            continue
        here = centre[start:stop]
        distance = np.linalg.norm(here[:, None] - here[None], axis=-1)
        near = distance < TOUCH * np.minimum(size[start:stop, None], size[None, start:stop])
        for a, b in np.argwhere(np.triu(near, 1)).tolist():
            yield start + a, start + b


def _meeting(
    touch: int, frame: Whole, centre: Array, size: Array, rows: list[NDArray[np.intp]]
) -> tuple[int, int, int]:
    """First frame, frame of the smallest distance and last frame on which two tracks are not apart."""
    common, a, b = np.intersect1d(frame[rows[0]], frame[rows[1]], return_indices=True)
    first, second = rows[0][a], rows[1][b]
    distance = np.linalg.norm(centre[first] - centre[second], axis=-1) / np.minimum(size[first], size[second])
    at = int(np.searchsorted(common, touch))
    apart = np.flatnonzero(distance >= APART)
    low = int(apart[apart < at].max(initial=-1)) + 1
    high = int(apart[apart > at].min(initial=len(common))) - 1
    closest = low + int(np.argmin(distance[low : high + 1]))
    return int(common[low]), int(common[closest]), int(common[high])


def _before_and_after(
    rows: NDArray[np.intp], frame: Whole, centre: Array, start: int, end: int, window: float
) -> list[Array | None]:
    """(2, 2) straight lines through a track's centres before and after a meeting; None where too short."""
    lines: list[Array | None] = []
    for low, high in ((start - window, start - 1), (end + 1, end + window)):
        chosen = rows[(frame[rows] >= low) & (frame[rows] <= high)]
        enough = len(chosen) >= max(window / 3, 2)
        lines.append(np.polyfit(frame[chosen], centre[chosen], 1) if enough else None)
    return lines


def _break(before: Array | None, after: Array | None, start: int, end: int) -> float:
    """How far two lines lie apart, each prolonged through the meeting to where the other begins."""
    assert before is not None
    assert after is not None
    times = np.array([[start, 1.0], [end, 1.0]])
    return float(np.linalg.norm(times @ (before - after), axis=-1).sum())
