"""What the user sees while the work goes on: lines and, on a terminal, one line that is kept up to date."""

from __future__ import annotations

import shutil
import time
from typing import TextIO

from .printable import printable

_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 10.0
"""Between lines about a clip that takes long, where they can't be overwritten."""


class Display:
    """Writes to a stream, which may be a terminal or a file."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._last = time.monotonic()

    def say(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        print(printable(text), file=self._stream, flush=True)

    def update(self, text: str) -> None:
        """How far the work is; called as often as there is news."""
        now = time.monotonic()
        if now - self._last < (_REDRAW_SECONDS if self._live else _LINE_SECONDS):
            return
        self._last = now
        if self._live:
            width = shutil.get_terminal_size().columns
            self._stream.write(f"\r\x1b[K{printable(text)[: width - 1]}")
            self._stream.flush()
        else:
            print(printable(text), file=self._stream, flush=True)

    def clear(self) -> None:
        """Takes the line of ``update`` away."""
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
