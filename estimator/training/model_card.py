"""The model card beside trained weights: data and their licences, objectives, settings, figures."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .capture_clip import CaptureClip
from .lineage import DataRow, Stage, all_data
from .tracks import TrackClip, minutes

GENERATOR = (
    "A temporal generator of Kinelift: keypoint rays in; rotations, distance, velocity, gravity, contacts "
    "and lengths out, at 30 frames per second."
)
POSITIONS = (
    "A network to compare with: keypoint rays in, joint positions relative to the hips out, at 30 frames per "
    "second."
)
YARDSTICK = (
    "Pavllo et al.'s pose and trajectory networks, to compare with: 2D keypoints in, joint positions and the "
    "hips' place out, at 30 frames per second."
)
_LICENCE_FILE = re.compile(r"licen[cs]e|copying", re.IGNORECASE)


def capture_rows(clips: Sequence[CaptureClip]) -> list[DataRow]:
    """Per set of capture: clips and minutes of each split, and the licences of its index."""
    by_set: dict[str, list[CaptureClip]] = defaultdict(list)
    for clip in clips:
        by_set[clip.set].append(clip)
    rows = []
    for name, members in sorted(by_set.items()):
        parts = []
        for split in ("train", "validation", "test"):
            of_split = [clip for clip in members if clip.split == split]
            if of_split:
                duration = sum(len(clip) / clip.fps for clip in of_split) / 60
                parts.append(f"{split} {len(of_split)} clips, {duration:.1f} min")
        licences = sorted({clip.licence for clip in members if clip.licence})
        rows.append(DataRow(name, "; ".join(parts), ", ".join(licences) or "not stated in its index"))
    return rows


def track_rows(folders: Sequence[Path], clips: Sequence[TrackClip]) -> list[DataRow]:
    """Per folder of tracks: people and minutes, and the licence files that lie in it."""
    rows = []
    for folder in folders:
        own = [clip for clip in clips if clip.name.startswith(f"{folder.name}/")]
        what = f"keypoints only: {len(own)} people, {minutes(own):.1f} min"
        rows.append(DataRow(folder.name, what, licence_files(folder)))
    return rows


def licence_files(folder: Path) -> str:
    """Every licence file in a folder of data, with its first line."""
    if not folder.is_dir():
        folder = folder.parent
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and _LICENCE_FILE.search(path.name):
            text = path.read_text(encoding="utf-8", errors="replace")
            title = next((line.strip() for line in text.splitlines() if line.strip()), "empty")
            found.append(f"{path.relative_to(folder).as_posix()}: {title[:80]}")
    return "; ".join(found) or "no licence file in the folder"


def model_card(
    title: str,
    data: Sequence[DataRow],
    objectives: Sequence[str],
    settings: Mapping[str, Any],
    progress: str,
    validation: Mapping[str, Any] | None,
    *,
    about: str = GENERATOR,
    earlier: Sequence[Stage] = (),
) -> str:
    """The card as Markdown.

    Args:
        title: file name of the weights.
        data: of this training.
        objectives: a line each.
        settings: what the run was started with.
        progress: steps and time in words.
        validation: metric to values by class; None before the first.
        about: what the network is.
        earlier: trainings that the weights it began with went through.
    """
    own = {row.key for row in data}
    learned = [row for row in all_data(earlier) if row.key not in own]
    unknown = any(stage.data is None for stage in earlier)
    lines = [
        f"# Model card: `{title}`",
        "",
        about,
        "",
        progress,
        "",
        "## Data",
        "",
        "In this training no person of the capture is in two of the splits. Weights carry the terms of what "
        "they learned from.",
        "",
        "| set | used | licence |",
        "|---|---|---|",
        *(f"| {_cell(row.name)} | {_cell(row.what)} | {_cell(row.licence)} |" for row in data),
        *(f"| {_cell(row.name)} | earlier: {_cell(row.what)} | {_cell(row.licence)} |" for row in learned),
        "",
        *(["What the weights that it began with had learned from is not recorded in them.", ""] * unknown),
        *(["## Earlier trainings", "", *(f"- {stage}" for stage in earlier), ""] if earlier else []),
        "## Objectives",
        "",
        *(f"- {line}" for line in objectives),
        "",
        "## Settings",
        "",
        "| setting | value |",
        "|---|---|",
        *(f"| {name} | {_cell(str(value)) or '-'} |" for name, value in settings.items()),
        "",
        "## Last validation",
        "",
    ]
    if validation is None:
        return "\n".join([*lines, "None yet.", ""])
    names = sorted({name for values in validation.values() for name in values})
    lines += ["Joint errors in millimetres for a person of 1.7 m.", ""]
    lines += [f"| | {' | '.join(names)} |", f"|---{'|---' * len(names)}|"]
    for metric, values in validation.items():
        cells = [f"{values[name]:.3g}" if name in values else "" for name in names]
        lines.append(f"| {metric} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")
