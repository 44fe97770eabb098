"""What the user is told of each clip."""

from __future__ import annotations

from pathlib import Path

from ..display import Display
from .result import ClipResult


def tell(display: Display, result: ClipResult, count: str, *, debug: bool) -> None:
    """What became of a clip: a line for each note and failure, and one on what was written.

    Args:
        count: how many clips of how many.
        debug: whether to show where a fault of ours is.
    """
    for note in result.notes:
        display.say(f"note: {note}")
    for error in result.errors:
        display.say(f"error: {error}")
    if result.fault is not None:
        hint = "; --debug shows where" if result.fault_traceback and not debug else ""
        display.say(f"fault: {result.fault}{hint}")
    if debug and result.fault_traceback is not None:
        for line in result.fault_traceback.splitlines():
            display.say(line)
    written = [person for person in result.people if person.status != "failed"]
    if written:
        frames = sum(person.frames for person in written)
        what = "there already" if result.status == "skipped" else f"{result.seconds:.1f} s"
        paths = [*(path for person in written for path in person.outputs), *result.outputs]
        outputs = ", ".join(Path(path).name for path in paths)
        display.say(f"{count} {result.name}: {frames} frames, {what}: {outputs}")
