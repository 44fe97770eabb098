"""The report: JSON for programs, Markdown for people."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import __version__
from ...atomic_write import written_whole
from .measures import METRICS
from .protocol import CONDITIONS, PROTOCOL
from .results import CLASSES, Row, summary

REAL_SUMMARIES = {
    "real": "real clips with a reference from several cameras; the lens is known, the camera's place is not",
    "real-known": "the same, with the camera's place known",
    "tracks": "keypoint tracks of real videos without 3D: what the answer says of itself",
}
CLASS_LABELS = {
    "walk_run": "walk/run",
    "other": "other",
    "dance": "dance",
    "idle": "idle",
    "real": "real",
}
_MAIN: tuple[tuple[str, str, str], ...] = (
    ("P-MPJPE walk/run", "p_mpjpe_mm", "walk_run"),
    ("other", "p_mpjpe_mm", "other"),
    ("dance", "p_mpjpe_mm", "dance"),
    ("MPJPE", "mpjpe_mm", "clips"),
    ("N-MPJPE", "n_mpjpe_mm", "clips"),
    ("W", "w_mpjpe_mm", "clips"),
    ("WA", "wa_mpjpe_mm", "clips"),
    ("W rigid", "w_mpjpe_rigid_mm", "clips"),
    ("WA rigid", "wa_mpjpe_rigid_mm", "clips"),
    ("RTE %", "rte_percent", "clips"),
    ("swing °", "swing_degrees", "clips"),
    ("twist °", "twist_degrees", "clips"),
    ("step °", "largest_step_degrees", "clips"),
    ("sliding", "sliding_mm", "clips"),
    ("jitter", "jitter_ratio", "balanced"),
    ("speed", "peak_speed_ratio", "balanced"),
    ("repr. %", "reprojection_percent", "clips"),
    ("gravity °", "gravity_degrees", "median"),
    ("90 %", "gravity_degrees", "90 %"),
)
"""Columns of the table of everything: what is above each, the metric, and the group it is the mean of."""
_BY_CLASS = ("p_mpjpe_mm", "w_mpjpe_rigid_mm", "jitter_ratio")
"""Metrics that the report shows by class."""


@dataclass(frozen=True)
class Report:
    """Everything that was measured.

    Attributes:
        rows: in the order measured.
        models: what each is.
        speed: per condition and model, frames per second of processor time.
    """

    rows: Sequence[Row]
    models: Mapping[str, str]
    speed: Mapping[str, Mapping[str, float]]

    def conditions(self) -> list[str]:
        """In the order measured."""
        return list(dict.fromkeys(row.condition for row in self.rows))

    def tables(self, condition: str) -> dict[str, dict[str, dict[str, float]]]:
        """``results.summary`` by model."""
        rows = [row for row in self.rows if row.condition == condition]
        return {
            model: summary([row for row in rows if row.model == model])
            for model in dict.fromkeys(row.model for row in rows)
        }


def document(report: Report) -> dict[str, Any]:
    """Plain values for JSON; all but ``frames_per_second`` are the same on every run."""
    return {
        "protocol": PROTOCOL,
        "kinelift": __version__,
        "models": dict(report.models),
        "results": {name: report.tables(name) for name in report.conditions()},
        "clips": [
            {
                "condition": row.condition,
                "model": row.model,
                "clip": row.case,
                "class": row.action_class,
                "seconds": row.seconds,
            }
            | {metric: value for metric in METRICS if not math.isnan(value := row.figures.value(metric))}
            for row in report.rows
        ],
        "frames_per_second": {name: dict(speeds) for name, speeds in report.speed.items()},
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, aligned for reading as text; the first column is left-aligned."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = [cells[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(head), line(rule), *map(line, rows)])


def _shown(metric: str, value: float | None) -> str:
    return "" if value is None else f"{value:.{METRICS[metric].digits}f}"


def condition_section(report: Report, condition: str) -> str:
    """Markdown of one condition: every metric as the mean over clips, and the main ones by class."""
    tables = report.tables(condition)
    rows = [row for row in report.rows if row.condition == condition]
    clips = {row.case: row.seconds for row in rows}
    about = CONDITIONS[condition].summary if condition in CONDITIONS else REAL_SUMMARIES[condition]
    text = [f"## {condition}", f"{about}; {len(clips)} clips, {sum(clips.values()):.0f} s", ""]

    classes = [name for name in CLASSES if any(row.action_class == name for row in rows)]
    if len(classes) > 1:
        for metric in _BY_CLASS:
            columns = [*classes, "balanced", "clips", "seconds"]
            head = [METRICS[metric].label, *(CLASS_LABELS.get(name, name) for name in columns)]
            lines = [
                [model, *(_shown(metric, table[metric].get(name)) for name in columns)]
                for model, table in tables.items()
                if metric in table
            ]
            text += [_table(head, lines), ""] if lines else []

    lines = []
    for metric, facts in METRICS.items():
        if not any(metric in table for table in tables.values()):
            continue
        groups = ("median", "90 %") if metric == "gravity_degrees" else ("clips",)
        for group in groups:
            label = facts.label if group == "clips" else f"{facts.label}, {group}"
            values = [table.get(metric, {}).get(group) for table in tables.values()]
            lines.append([label, *(_shown(metric, value) for value in values)])
    speeds = report.speed.get(condition, {})
    lines.append(["frames a second", *(f"{speeds[m]:.0f}" if m in speeds else "" for m in tables)])
    text.append(_table([f"{condition}, mean over clips", *tables], lines))
    return "\n".join(text) + "\n"


def main_table(report: Report) -> str:
    """Markdown with one row per condition and model."""
    lines = []
    for condition in report.conditions():
        speeds = report.speed.get(condition, {})
        for model, table in report.tables(condition).items():
            cells = [_shown(metric, table.get(metric, {}).get(group)) for _, metric, group in _MAIN]
            speed = f"{speeds[model]:.0f}" if model in speeds else ""
            lines.append([f"{condition}: {model}", *cells, speed])
    return _table(["", *(label for label, _, _ in _MAIN), "frames/s"], lines)


def markdown(report: Report, pictures: Sequence[str]) -> str:
    """The whole report."""
    models = [f"- {name}: {about}" for name, about in report.models.items()]
    head = ["# Evaluation", "", f"Protocol {PROTOCOL}, Kinelift {__version__}.", "", *models, ""]
    head += [
        "Errors of joints in mm; RTE on paths over 1 m; sliding in mm a frame; jitter and peak speed over "
        "the truth's, mean of walk/run, other and dance; the rest per clip.",
        "",
        main_table(report),
        "",
    ]
    sections = [condition_section(report, condition) for condition in report.conditions()]
    shown = [f"![{Path(picture).stem}]({picture})" for picture in pictures]
    return "\n".join([*head, *sections, *shown]) + "\n"


def save(report: Report, out: Path, pictures: Sequence[str]) -> None:
    """Writes ``evaluation.json`` and ``evaluation.md`` into a folder.

    Raises:
        InputError: they can't be written.
    """
    text = json.dumps(_rounded(document(report)), indent=1, ensure_ascii=False) + "\n"
    for name, content in (("evaluation.json", text), ("evaluation.md", markdown(report, pictures))):
        with written_whole(out / name) as path:
            path.write_text(content, encoding="utf-8")
