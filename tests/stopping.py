"""Waits for real processes, and tells whether they are gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 120.0
"""Seconds; on a busy machine processes start slowly."""


def wait_until(holds: Callable[[], object]) -> None:
    """Fails if it never does."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def whole_session_ended(session: int) -> bool:
    """Whether no process is left of those that a process started with ``start_new_session`` and its children.

    Needs Linux's /proc.
    """
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, own, *_ = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(own) == session and state not in {"Z", "X"}:
            return False
    return True
