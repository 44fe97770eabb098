"""Ctrl-C and requests to end: raised in the middle of the work, told in one line."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Stopped(KeyboardInterrupt):
    """Somebody asked the program to end.

    Attributes:
        status: the exit status that shells expect then.
        where: how far the work was, for the user.
    """

    def __init__(self, number: int) -> None:
        """Args:
        number: of the signal.
        """
        super().__init__(number)
        self.status = 128 + number
        self.where = ""

    def __str__(self) -> str:
        word = _WORDS[signal.Signals(self.status - 128)]
        return f"{word} {self.where}".strip()


_asked: int | None = None


@contextmanager
def stoppable() -> Iterator[None]:
    """In the block, Ctrl-C and SIGTERM raise ``Stopped``, once: what ends the work isn't disturbed again.

    After that they are ignored, in the block and behind it: the process is about to end. For the main thread
    only.
    """
    global _asked  # noqa: PLW0603  (signals are the process')
    _asked = None
    before = {number: signal.signal(number, _stop) for number in _WORDS}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, signal.SIG_IGN if _asked is not None else earlier or signal.SIG_DFL)
        _asked = None


def check_stopped() -> None:
    """Raises ``Stopped`` anew where it may have been swallowed, as Blender's operators do with exceptions."""
    if _asked is not None:
        raise Stopped(_asked)


def _stop(number: int, frame: FrameType | None) -> None:
    global _asked  # noqa: PLW0603
    if _asked is None:
        _asked = number
        raise Stopped(number)
