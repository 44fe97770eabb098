"""A Blender that converts clips for another one, which writes to its standard input and reads the output."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import sys
import threading
from typing import IO, Any, NoReturn

import bpy

from ...estimator.command_line.pool import set_threads
from .conversion import convert
from .messages import READY, Fraction, receive, send

_STEP = 0.05
"""Of a clip, between signs of life."""


def work() -> int:
    """Converts what it is given until there is no more; returns the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever gave the work gets it too, and ends this
    signal.signal(signal.SIGTERM, lambda number, frame: _end(128 + number))
    answers = os.fdopen(os.dup(1), "wb")
    # From here on standard output is for nobody: what Blender prints must not get among the answers.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    answers.write(READY)
    answers.flush()
    orders: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, orders), daemon=True).start()
    settings, threads = orders.get()
    set_threads(threads)
    while (clip := orders.get()) is not None:
        shown = 0.0

        def progress(fraction: float) -> None:
            nonlocal shown
            if fraction > shown + _STEP:
                shown = fraction
                send(answers, Fraction(fraction))

        send(answers, convert(clip, settings, progress))
    return 0


def _listen(pipe: IO[bytes], orders: queue.Queue[Any]) -> None:
    try:
        while True:
            orders.put(message := receive(pipe))
            if message is None:
                return
    except (EOFError, OSError):
        # Whoever gave the work is gone. The clip at hand is not finished: somebody may have started anew.
        _end(1)


def _end(status: int) -> NoReturn:
    """At once, whatever is going on; the files that were being made are taken away by whoever goes on."""
    shutil.rmtree(bpy.app.tempdir, ignore_errors=True)
    os._exit(status)
