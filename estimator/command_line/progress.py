"""How far a run over many clips is, how fast it goes, and how long it still takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from .result import ClipResult

_ENOUGH = 0.5
"""Clips; before, starting up would count for too much in the time left."""


class BatchProgress:
    """Counts clips and frames."""

    def __init__(self, clips: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Starts now.

        Args:
            clips: how many there are.
            clock: seconds that go on.
        """
        self._clips = clips
        self._clock = clock
        self._started = clock()
        self._parts: dict[str, float] = {}
        self._finished = self._worked = self._failed = self._skipped = 0
        self._frames = 0

    def part_done(self, clip: str, fraction: float) -> None:
        """A clip is under way."""
        self._parts[clip] = fraction

    def done(self, result: ClipResult) -> None:
        """A clip is through."""
        self._parts.pop(result.name, None)
        self._finished += 1
        self._failed += result.status == "failed"
        self._skipped += result.status == "skipped"
        self._worked += result.status == "converted"
        self._frames += sum(person.frames for person in result.people if person.status == "converted")

    def count(self) -> str:
        """``[n/N]``."""
        return f"[{self._finished}/{self._clips}]"

    def line(self) -> str:
        """Clips, frames per second, time left, and what is under way."""
        parts = [self.count()]
        seconds = self._clock() - self._started
        if self._frames and seconds > 0:
            parts.append(_speed(self._frames / seconds))
        # Skipped and failed clips take no time to speak of: they say nothing about those to come.
        worked = self._worked + sum(self._parts.values())
        if worked >= _ENOUGH:
            left = self._clips - self._finished - sum(self._parts.values())
            parts.append(f"{_duration(seconds * left / worked)} left")
        parts.extend(f"{clip} {fraction:.0%}" for clip, fraction in self._parts.items())
        if len(parts) == 1:
            parts.append("time left not known yet")
        return ", ".join(parts)

    def summary(self) -> str:
        """One line when all is over."""
        seconds = self._clock() - self._started
        counts = [(self._worked, "converted"), (self._skipped, "there already"), (self._failed, "failed")]
        told = ", ".join(f"{number} {what}" for number, what in counts if number) or "nothing done"
        speed = f", {_speed(self._frames / seconds)}" if self._frames and seconds > 0 else ""
        clips = f"{self._clips} {'clip' if self._clips == 1 else 'clips'}"
        return f"{clips}: {told}; {_duration(seconds)}{speed}"


def _speed(frames: float) -> str:
    """Frames per second."""
    return f"{frames:,.{0 if frames >= 10 else 1}f} frames/s"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
