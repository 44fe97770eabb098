"""Runs models over cases and brings together what was measured."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ... import metrics
from ...skeleton import JOINT_INDEX
from .cases import Case
from .measures import LONG, measure
from .models import Answer, Entrant
from .report import Report
from .results import Row
from .stored import Measured, Store, measured_key

Array = NDArray[np.float64]

_HIPS = JOINT_INDEX["Hips"]
_ANCHOR = 30
"""Frames at the start on which ways are laid onto the true one."""


class Evaluation:
    """Collects figures, speeds and, of long walks, ways.

    Args:
        entrants: what to measure, by the name in the report.
        store: keeps what was measured, model by model.
        tell: told what was measured.
    """

    def __init__(
        self,
        entrants: Mapping[str, Entrant],
        store: Store,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.entrants, self.store, self.tell = entrants, store, tell
        self.rows: list[Row] = []
        self.speed: dict[str, dict[str, float]] = {}
        self.paths: dict[str, dict[str, Array]] = {}

    def add(self, condition: str, cases: Sequence[Case]) -> None:
        """Measures all models that say something about such cases and aren't measured yet."""
        speeds = self.speed.setdefault(condition, {})
        for name, entrant in self.entrants.items():
            told = [case for case in cases if case.truth is not None or entrant.whole]
            if not told:
                continue
            key = measured_key(entrant.about, told)
            measured = self.store.read(condition, name, key)
            if measured is None:
                measured = self._measured(condition, name, told)
                self.store.write(condition, name, key, measured)
            self.rows += measured.rows
            if measured.speed is not None:
                speeds[name] = measured.speed
            for case, way in measured.ways.items():
                self.paths.setdefault(case, {})[name] = way

    def _measured(self, condition: str, name: str, cases: Sequence[Case]) -> Measured:
        entrant = self.entrants[name]
        rows, ways = [], {}
        seconds = 0.0
        for case in cases:
            started = time.process_time()
            answer = entrant.model(case)
            seconds += time.process_time() - started
            figures = measure(case, answer)
            rows.append(Row(condition, name, case.name, case.action_class, case.seconds, figures))
            way = _way(case, answer)
            if way is not None:
                ways[case.name] = way
            self.tell(f"{condition} {name} {case.name}")
        frames = sum(len(case.track) for case in cases)
        return Measured(rows, frames / seconds if entrant.timed and seconds else None, ways)

    def report(self) -> Report:
        """What has been measured so far."""
        return Report(self.rows, {name: one.about for name, one in self.entrants.items()}, self.speed)


def _way(case: Case, answer: Answer) -> Array | None:
    """(T, 2) of Hips on a long walk, seen from above and laid onto the true way's start."""
    truth = case.truth
    if truth is None or len(truth.joints) < LONG or not answer.placed:
        return None
    start = metrics.similarity(
        answer.joints[:_ANCHOR].reshape(-1, 3), truth.joints[:_ANCHOR].reshape(-1, 3), scaled=False
    )
    return metrics.aligned(answer.joints[:, _HIPS], start)[:, :2]


def digest(path: Path) -> str:
    """First digits of the SHA-256 of a file, to tell weights apart."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
