"""How far long work has come; all of the estimator tells it in the same way."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float], None]
"""Told the fraction done, 0..1, as long work goes on; an exception raised in it ends the work."""


def part_of(progress: Progress, start: float, stop: float) -> Progress:
    """Progress of a part of the work that goes from ``start`` to ``stop``, fractions of the whole."""
    return lambda done: progress((1 - done) * start + done * stop)
