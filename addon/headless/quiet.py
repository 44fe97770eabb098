"""Keeps what Blender and its exporters print away from the user."""

from __future__ import annotations

import ctypes
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path


@contextmanager
def without_output(quiet: bool = True) -> Iterator[None]:
    """Nothing of the block gets to standard output: not from Python, not from Blender itself."""
    if not quiet:
        yield
        return
    _flush()
    kept = os.dup(1)
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            _flush()
            os.dup2(kept, 1)
            os.close(kept)


@contextmanager
def without_errors(quiet: bool = True) -> Iterator[None]:
    """Nothing of the block gets to Python's standard error.

    Blender prints there where an operator written in Python fails; whoever called it gets the reason too.
    """
    with redirect_stderr(io.StringIO()) if quiet else nullcontext():
        yield


def _flush() -> None:
    """Python's buffer, and the C library's, where what Blender printed may still wait."""
    sys.stdout.flush()
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)
