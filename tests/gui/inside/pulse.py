"""How long Blender's main thread leaves its user waiting."""

from __future__ import annotations

import time

import bpy

_INTERVAL = 0.005


class Pulse:
    """Notes every gap between two turns of the main loop, with what was going on at its end."""

    def __init__(self) -> None:
        self.doing = ""
        self.gaps: list[tuple[float, str]] = []
        self._last = time.perf_counter()
        self._running = True
        bpy.app.timers.register(self._beat, first_interval=_INTERVAL)

    def _beat(self) -> float | None:
        now = time.perf_counter()
        self.gaps.append((now - self._last, self.doing))
        self._last = now
        return _INTERVAL if self._running else None

    def stop(self) -> None:
        self._running = False

    def longest(self, *, without: str = "") -> float:
        """Seconds; gaps at whose end ``without`` was going on don't count."""
        return max((gap for gap, doing in self.gaps if not without or doing != without), default=0.0)
