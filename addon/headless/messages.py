"""What the processes of a batch tell each other: pickled, over pipes."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import IO, Any

from ...estimator.command_line.result import ClipResult

READY = b"\n--- Kinelift is ready ---\n"
"""What a worker writes first: whatever came before it was Blender's."""


@dataclass(frozen=True)
class Fraction:
    """How far a worker is with its clip."""

    done: float


Answer = Fraction | ClipResult


def send(pipe: IO[bytes], message: Any) -> None:
    """Raises OSError where nobody is there any more."""
    pickle.dump(message, pipe)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """The next message; raises EOFError or OSError where nobody is there any more."""
    try:
        return pickle.load(pipe)
    except (pickle.UnpicklingError, ValueError) as error:  # it ended in the middle of one
        raise EOFError from error


def wait_until_ready(pipe: IO[bytes]) -> None:
    """Passes over what Blender prints when it starts.

    Raises:
        EOFError: the process ended.
    """
    seen = b""
    while not seen.endswith(READY):
        byte = pipe.read(1)
        if not byte:
            raise EOFError
        seen = (seen + byte)[-len(READY) :]
