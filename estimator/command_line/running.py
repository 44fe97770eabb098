"""All clips of a run, one result after the other: told, counted, reported."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..atomic_write import remove_unfinished
from ..display import Display
from .clips import Clip
from .progress import BatchProgress
from .report import save_report
from .result import ClipResult
from .stopping import Stopped
from .telling import tell

Show = Callable[[Clip, float], None]
"""Told a clip and its fraction done."""


def run_clips(
    clips: Sequence[Clip],
    start: Callable[[Show], Iterator[tuple[Clip, ClipResult]]],
    out: Path,
    report: Path | None,
    *,
    debug: bool,
) -> list[ClipResult]:
    """Converts all; what fails doesn't stop the rest. The report is written however it ends.

    Args:
        start: gives each clip's result as soon as it is there.
        out: folder of the outputs; what a run that was killed has left of these clips is removed from it.
        debug: whether to show where a fault of ours is.

    Returns:
        The results, in the order in which they came.

    Raises:
        Stopped: by the user; nothing unfinished is left.
    """
    display = Display(sys.stderr)
    done: dict[Clip, ClipResult] = {}
    progress = BatchProgress(len(clips))

    def show(clip: Clip, fraction: float) -> None:
        progress.part_done(clip.name, fraction)
        display.update(progress.line())

    _remove_unfinished(out, clips)
    try:
        for clip, result in start(show):
            done[clip] = result
            progress.done(result)
            tell(display, result, progress.count(), debug=debug)
            if len(done) < len(clips):
                display.update(progress.line())
    except Stopped as stopped:
        stopped.where = f"after {len(done)} of {len(clips)} clips; run again with --resume to go on"
        raise
    finally:
        display.clear()
        _remove_unfinished(out, clips)  # of processes that had to be ended
        if report is not None:
            save_report(report, clips, done)
    if len(clips) > 1:
        display.say(progress.summary())
    return list(done.values())


def _remove_unfinished(out: Path, clips: Sequence[Clip]) -> None:
    names = {clip.name for clip in clips}

    def ours(name: str) -> bool:
        stem = re.sub(r"(_p[0-9]+)?(\.(\w+|made_from\.json|blend\.made_from\.json))?$", "", name.lstrip("."))
        return name in names or stem in names

    remove_unfinished(out, ours)
