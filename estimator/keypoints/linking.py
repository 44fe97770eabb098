"""Links the people of single frames into tracks where the file has no identities.

Frame by frame, the people are assigned to the tracks of the last second so that the sum of distances is
smallest (Hungarian method, ``scipy.optimize.linear_sum_assignment``). A distance is the mean over common
keypoints between where a person is and where the track would be had it kept its velocity (limbs theirs, for
a moment), relative to the person's size. So people who cross keep their tracks, and a gap of up to a second
is bridged; a longer gap starts a new track. What frames alone can't tell is put right by ``crossing``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingDependencyError
from ..keypoint_set import K
from ..progress import Progress
from ..track import DEFAULT_FPS
from .crossing import uncross
from .detections import person_sizes

MAX_GAP_SECONDS = 1.0
"""Someone unseen for longer starts a new track."""

GATE = 0.4
"""Largest distance, in the person's sizes, from one frame to the next."""

GATE_GROWTH = 0.8
"""What each second of gap adds to ``GATE``: people turn and stop while unseen."""

VELOCITY_SECONDS = 0.3
"""Time constant over which a track's velocity is averaged; single differences are detector noise."""

SWING_WEIGHT = 0.4
"""Of the newest difference in the average of a limb's own velocity, which changes within a few frames."""


@dataclass(frozen=True)
class People:
    """All people of a clip, one per row.

    Attributes:
        frame: (N,) in ascending order.
        points: (N, 26, 2) pixels, 0 where missing.
        present: (N, 26).
    """

    frame: NDArray[np.int64]
    points: NDArray[np.float64]
    present: NDArray[np.bool_]


@dataclass
class _Track:
    number: int
    row: int  # of its last person
    frame: int
    size: float
    velocity: NDArray[np.float64]  # (2,) pixels per frame, of the whole person
    swing: NDArray[np.float64]  # (26, 2) pixels per frame, of each keypoint beyond that
    steps: int = 0


def link_people(
    frame: NDArray[np.int64],
    points: NDArray[np.float64],
    confidence: NDArray[np.float64],
    fps: float | None,
    progress: Progress | None = None,
) -> NDArray[np.int64]:
    """Says for each person of each frame which track it belongs to.

    The result doesn't depend on the order of the rows, but for the numbers themselves.

    Args:
        frame: (N,) frame numbers.
        points: (N, 26, 2) pixels, NaN where missing; everyone has at least one keypoint.
        confidence: (N, 26), 0 where missing.
        fps: frames per second, ``DEFAULT_FPS`` if None.
        progress: called with the fraction done.

    Returns:
        (N,) numbers of tracks from 0, in the order of their first frames.

    Raises:
        MissingDependencyError: scipy is needed, for frames with several people, and not there.
    """
    if not len(frame):
        return np.zeros(0, dtype=np.int64)
    present = confidence > 0
    filled = np.where(present[..., None], points, 0.0)
    centre = filled.sum(axis=1) / present.sum(axis=1)[:, None]
    # Ties are broken by position, so that the order of people in the file changes nothing.
    order = np.lexsort((confidence.sum(axis=1), centre[:, 1], centre[:, 0], frame))
    people = People(frame[order], filled[order], present[order])
    numbers = np.empty(len(frame), dtype=np.int64)
    linker = _Linker(people, centre[order], fps or DEFAULT_FPS)
    linked = linker.run(progress)
    numbers[order] = uncross(people.frame, linker.centre, linker.size, linked, linker.fps)
    return numbers


class _Linker:
    def __init__(self, people: People, centre: NDArray[np.float64], fps: float) -> None:
        self.people = people
        self.centre = centre
        self.fps = fps
        size = person_sizes(people.points, people.present)
        # Two or three stray points have hardly a size of their own; a tenth of the usual one stands in.
        self.size = np.maximum(size, max(0.1 * float(np.median(size)), 1.0))
        self.numbers = np.empty(len(centre), dtype=np.int64)
        self.active: list[_Track] = []
        self.count = 0

    def run(self, progress: Progress | None) -> NDArray[np.int64]:
        frame = self.people.frame
        starts = np.flatnonzero(np.diff(frame, prepend=frame[0] - 1))
        stops = np.append(starts[1:], len(frame))
        max_gap = MAX_GAP_SECONDS * self.fps + 1e-6
        for index, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
            if progress is not None and index % 500 == 0:
                progress(index / len(starts))
            now = int(frame[start])
            self.active = [track for track in self.active if now - track.frame <= max_gap]
            self._link_frame(np.arange(start, stop), now)
        return self.numbers

    def _link_frame(self, rows: NDArray[np.intp], now: int) -> None:
        matched: set[int] = set()
        if self.active:
            cost, gate = self._costs(rows, now)
            for track_index, column in _assign(cost, gate):
                row = int(rows[column])
                self._extend(self.active[track_index], row, now)
                matched.add(row)
        for row in rows.tolist():
            if row not in matched:
                self.active.append(
                    _Track(self.count, row, now, float(self.size[row]), np.zeros(2), np.zeros((K, 2)))
                )
                self.numbers[row] = self.count
                self.count += 1

    def _costs(self, rows: NDArray[np.intp], now: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(tracks, people) relative distance, and (tracks, 1) what is too far."""
        last = np.array([track.row for track in self.active])
        gap = np.array([[now - track.frame] for track in self.active], dtype=np.float64)
        moved = np.stack([track.velocity for track in self.active]) * gap
        # A limb swings on for a moment only: past that, the person's velocity alone is worth anything.
        swung = np.stack([track.swing for track in self.active]) * np.minimum(gap, 2.0)[..., None]
        predicted = self.people.points[last] + moved[:, None] + swung
        common = self.people.present[last][:, None] & self.people.present[rows][None]
        distance = np.linalg.norm(predicted[:, None] - self.people.points[rows][None], axis=-1)
        count = common.sum(axis=-1)
        mean = (distance * common).sum(axis=-1) / np.maximum(count, 1)
        if not count.all():  # no common keypoint: a person's upper half after the lower one
            centres = np.linalg.norm((self.centre[last] + moved)[:, None] - self.centre[rows][None], axis=-1)
            mean = np.where(count > 0, mean, centres)
        size = np.maximum(np.array([[track.size] for track in self.active]), self.size[rows][None])
        return mean / size, GATE + GATE_GROWTH * (gap - 1) / self.fps

    def _extend(self, track: _Track, row: int, now: int) -> None:
        self.numbers[row] = track.number
        gap = now - track.frame
        common = self.people.present[track.row] & self.people.present[row]
        if common.any():
            moved = (self.people.points[row] - self.people.points[track.row]) / gap
            whole = moved[common].mean(axis=0)
            track.steps += 1
            weight = max(1 / track.steps, 1 - math.exp(-gap / (VELOCITY_SECONDS * self.fps)))
            track.velocity = track.velocity + weight * (whole - track.velocity)
            swing = np.where(common[:, None], moved - whole, 0.0)
            track.swing = track.swing + SWING_WEIGHT * (swing - track.swing)
        # The size shrinks slowly: someone half hidden is not a smaller person.
        track.size = max(float(self.size[row]), track.size * 0.98)
        track.row, track.frame = row, now


def _assign(cost: NDArray[np.float64], gate: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs (row, column) with the smallest sum of ``cost``, none above the ``gate`` of its row."""
    allowed = cost <= gate
    if min(cost.shape) == 1:  # the assignment is the smallest entry: no need of scipy
        best = int(np.argmin(np.where(allowed, cost, np.inf)))
        row, column = divmod(best, cost.shape[1])
        return [(row, column)] if allowed[row, column] else []
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError:
        raise MissingDependencyError(
            "Several people are in the picture and linking them over frames needs the package scipy, which "
            "is not installed; install scipy, or use a file in which the people are tracked"
        ) from None
    # A forbidden pair costs more than all allowed ones together: it is taken only where nothing else is left.
    pairs = zip(
        *linear_sum_assignment(np.where(allowed, cost, cost.shape[0] * (gate.max() + 1.0))), strict=True
    )
    return [(int(row), int(column)) for row, column in pairs if allowed[row, column]]
