"""The page of results as Markdown, from the ``evaluation.json`` that ``benchmarks.results`` has made.

What stands in the page from "## Notes" on is written by hand and stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.results_goals import goals_table, refinement_table
from benchmarks.results_table import (
    ADDED,
    LEGEND,
    ROWS,
    SUPERVISED,
    TRUTH,
    YARDSTICK,
    Evaluated,
    condition_tables,
    gains_table,
    read_evaluation,
)
from estimator.atomic_write import written_whole

NOTES = "## Notes"


def results_page(evaluated: Evaluated, trainings: str, sections: Sequence[str], notes: str) -> str:
    """The whole page, of parts in Markdown.

    Args:
        evaluated: the figures.
        trainings: how the rows were trained.
        sections: on what was measured by itself; any may be empty.
        notes: by hand, to the end of the page.
    """
    parts = [
        "# Results",
        "Made by `python -m benchmarks.results --mocap MOCAP --tracks TRACKS --out OUT --page "
        f"docs/results.md`; protocol {evaluated.protocol}. Test people are in no training.",
        trainings,
        "## Goals",
        goals_table(evaluated),
        "## Better than the yardstick",
        "By how many per cent the error is smaller, condition *noisy*; in brackets the 95 % interval over "
        "takes (bootstrap). Takes of a class are of one person or two, and every row was trained once: it "
        "says nothing of other people or other seeds.",
        gains_table(evaluated, "noisy", YARDSTICK, [name for name in ROWS if name not in (YARDSTICK, TRUTH)]),
        "## What refinement brings",
        "Condition *noisy*, means over clips; nothing is known of the camera but its lens.",
        refinement_table(evaluated),
        "## What real tracks bring",
        "The same of supervision with one more objective, on real tracks without 3D, against supervision "
        "alone, all trained equally long.",
        gains_table(evaluated, "noisy", SUPERVISED, ADDED),
        *sections,
        "## Tables",
        LEGEND,
    ]
    for condition in evaluated.results:
        parts += [f"### {TITLES.get(condition, condition)}", condition_tables(evaluated, condition)]
    return "\n\n".join(part for part in [*parts, notes] if part).rstrip() + "\n"


TITLES = {
    "noisy": "mocap-test, noisy: two cameras per clip, the usual noisy detector",
    "clean": "mocap-test, clean: exact keypoints",
    "other-noise": "mocap-test, other noise: a detector of other errors, with other marks on the body",
    "coco17-sparse": "mocap-test, COCO-17: its 17 points only, 20 % of them missing",
    "noisy-known": "mocap-test, noisy, with the camera's pose and the person's height known",
    "long-walk": "walks of 60 s round a circle, seen by one camera",
    "real": "real-eval: two cameras of one clip; the lens is known, the camera's place is not",
    "real-known": "real-eval, with the camera's place known",
}


def notes_of(page: Path) -> str:
    """What was written by hand at the end of an earlier page."""
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    start = text.find(f"\n{NOTES}\n")
    return "" if start < 0 else text[start:].strip()


def write_page(folder: Path, page: Path, trainings: str, sections: Sequence[str]) -> None:
    """Makes the page from the evaluation in a folder; notes at its end stay.

    Raises:
        InputError: there is no evaluation, or the page can't be written.
    """
    text = results_page(read_evaluation(folder), trainings, sections, notes_of(page))
    page.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(page) as beside:
        beside.write_text(text, encoding="utf-8")
