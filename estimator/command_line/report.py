"""The ``--report`` file: what became of every input, for scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import __version__
from ..atomic_write import written_whole
from .clips import Clip
from .result import ClipResult

NOT_STARTED = "not started"


def save_report(path: Path, clips: Sequence[Clip], results: Mapping[Clip, ClipResult]) -> None:
    """Writes the report, whole or not at all; clips without a result were not started.

    Raises:
        InputError: the file can't be written.
    """
    inputs = [_entry(clip, results.get(clip)) for clip in clips]
    counts = {
        status.replace(" ", "_"): sum(entry["status"] == status for entry in inputs)
        for status in ("converted", "skipped", "failed", NOT_STARTED)
    }
    document = {"kinelift": __version__, **counts, "inputs": inputs}
    with written_whole(path) as beside:
        beside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _entry(clip: Clip, result: ClipResult | None) -> dict[str, Any]:
    if result is None:
        return {"input": str(clip.path), "name": clip.name, "status": NOT_STARTED}
    entry = asdict(result)
    entry.pop("fault_traceback")
    return {"input": entry.pop("input"), "name": entry.pop("name"), "status": result.status, **entry}
