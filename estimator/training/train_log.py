"""The log of a training run: a row of means every few steps, and a picture of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..atomic_write import told_of, written_whole

_FIRST = ("step", "minutes", "frames_per_s", "total")


class TrainLog:
    """``log.csv`` and ``validation.jsonl`` in a folder.

    Every run has the same columns from start to end; a term that hasn't begun yet leaves its cell empty.
    """

    def __init__(self, folder: Path, terms: Sequence[str]) -> None:
        self.rows = folder / "log.csv"
        self.validations = folder / "validation.jsonl"
        self._columns = [*_FIRST, *terms]
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: dict[str, float]) -> None:
        """Values of one step, to go into the next row's means."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def write_row(self, step: int, minutes: float, frames_per_s: float) -> None:
        """Appends the means since the last row."""
        row = {name: total / self._counts[name] for name, total in self._sums.items()}
        row |= {"step": step, "minutes": minutes, "frames_per_s": frames_per_s}
        self._sums, self._counts = {}, {}
        new = not self.rows.exists()
        with told_of(self.rows), self.rows.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=self._columns)
            if new:
                writer.writeheader()
            writer.writerow({name: f"{value:.5g}" for name, value in row.items()} | {"step": str(step)})

    def write_validation(self, line: dict[str, Any]) -> None:
        """Appends one line; has at least ``step`` and ``minutes``."""
        with told_of(self.validations), self.validations.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def read_validations(self) -> list[dict[str, Any]]:
        """All lines so far, but for one that was cut off by a process that was killed."""
        if not self.validations.exists():
            return []
        lines = []
        for text in self.validations.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and isinstance(line.get("step"), int):
                lines.append(line)
        return lines

    def forget_after(self, step: int) -> None:
        """Takes away what was logged after the checkpoint from which the run goes on."""
        if self.rows.exists():
            with self.rows.open(newline="", encoding="utf-8", errors="replace") as file:
                rows = [
                    row for row in csv.DictReader(file) if self._is_whole(row) and float(row["step"]) <= step
                ]
            with written_whole(self.rows) as path, path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, fieldnames=self._columns)
                writer.writeheader()
                writer.writerows(rows)
        kept = [line for line in self.read_validations() if line["step"] <= step]
        with written_whole(self.validations) as path:
            path.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")

    def _is_whole(self, row: dict[str, str]) -> bool:
        """Whether it is a row of this log that was not cut off."""
        return list(row) == self._columns and None not in row.values() and row["step"].isdecimal()


def can_plot() -> bool:
    """Whether matplotlib is there."""
    return find_spec("matplotlib") is not None


def plot_log(log: TrainLog, path: Path) -> None:
    """Draws every term over the minutes, and the validation's errors, to a PNG; needs matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    with log.rows.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    terms = [name for name in rows[0] if name not in ("step", "minutes", "frames_per_s")]
    validations = log.read_validations()
    across = 4
    down = -(-(len(terms) + 1) // across)
    figure, axes = pyplot.subplots(down, across, figsize=(3.2 * across, 2.2 * down), squeeze=False)
    plots = iter(axes.flat)
    axis = next(plots)
    for metric in ("p_mpjpe", "mpjpe"):
        values = [line[metric]["balanced"] for line in validations if metric in line]
        axis.plot([line["minutes"] for line in validations][: len(values)], values, "o-", label=metric)
    axis.set_title("validation, mm", fontsize=8)
    axis.legend(fontsize=7)
    for name, axis in zip(terms, plots, strict=False):
        known = [(float(row["minutes"]), float(row[name])) for row in rows if row[name]]
        axis.plot([x for x, _ in known], [y for _, y in known], linewidth=0.8)
        axis.set_title(name, fontsize=8)
        if known and min(y for _, y in known) > 0:
            axis.set_yscale("log")
    for axis in plots:
        axis.axis("off")
    for axis in axes.flat:
        axis.tick_params(which="both", labelsize=6)
    figure.supxlabel("minutes", fontsize=8)
    figure.tight_layout()
    with written_whole(path) as beside:
        figure.savefig(beside, dpi=110, format="png")
    pyplot.close(figure)
