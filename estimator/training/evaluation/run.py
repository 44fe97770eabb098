"""Runs models over cases and keeps what was measured."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
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

Array = NDArray[np.float64]

_HIPS = JOINT_INDEX["Hips"]
_ANCHOR = 30
"""Frames at the start on which ways are laid onto the true one."""


class Evaluation:
    """Collects figures, speeds and, of long walks, ways.

    Args:
        entrants: what to measure, by the name in the report.
        tell: told what was measured.
    """

    def __init__(
        self,
        entrants: Mapping[str, Entrant],
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.entrants, self.tell = entrants, tell
        self.rows: list[Row] = []
        self.speed: dict[str, dict[str, float]] = {}
        self.paths: dict[str, dict[str, Array]] = {}

    def add(self, condition: str, cases: Iterable[Case]) -> None:
        """Measures all models that say something about such cases."""
        frames = 0
        seconds = dict.fromkeys(self.entrants, 0.0)
        for case in cases:
            frames += len(case.track)
            for name, entrant in self.entrants.items():
                if case.truth is None and not entrant.whole:
                    continue
                started = time.process_time()
                answer = entrant.model(case)
                seconds[name] += time.process_time() - started
                figures = measure(case, answer)
                self.rows.append(Row(condition, name, case.name, case.action_class, case.seconds, figures))
                self._keep_way(case, name, answer)
            self.tell(f"{condition} {case.name}")
        self.speed[condition] = {
            name: frames / spent for name, spent in seconds.items() if spent and self.entrants[name].timed
        }

    def _keep_way(self, case: Case, model: str, answer: Answer) -> None:
        truth = case.truth
        if truth is None or len(truth.joints) < LONG or not answer.placed:
            return
        start = metrics.similarity(
            answer.joints[:_ANCHOR].reshape(-1, 3), truth.joints[:_ANCHOR].reshape(-1, 3), scaled=False
        )
        way = metrics.aligned(answer.joints[:, _HIPS], start)
        self.paths.setdefault(case.name, {})[model] = way[:, :2]

    def report(self) -> Report:
        """What has been measured so far."""
        return Report(self.rows, {name: one.about for name, one in self.entrants.items()}, self.speed)


def digest(path: Path) -> str:
    """First digits of the SHA-256 of a file, to tell weights apart."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
