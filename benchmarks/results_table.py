"""The tables of the page of results, from the ``evaluation.json`` that ``benchmarks.results`` has made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

from estimator.errors import InputError

Array = NDArray[np.float64]

ROWS = {
    "mean pose": "mean pose",
    "yardstick": "yardstick (Pavllo et al.)",
    "unpaired": "unpaired only",
    "unpaired-no-adversary": "unpaired, no adversary",
    "unpaired-hinge": "unpaired, hinge loss",
    "unpaired-real": "unpaired only, real tracks",
    "supervised": "supervised only",
    "back-projection": "+ back-projection",
    "adversary": "+ adversary",
    "shipped": "shipped, network alone",
    "shipped refined": "shipped, refined",
    "truth": "the truth itself",
}
"""Models of the evaluation in the order of the table, and what they are called there."""
YARDSTICK, SHIPPED, TRUTH = "yardstick", ("shipped", "shipped refined"), "truth"
SUPERVISED, ADDED = "supervised", ("back-projection", "adversary")
"""The training that an objective was added to, and those with one more."""
CLASSES = {"walk_run": "walk/run", "other": "other", "dance": "dance"}
REAL = "real"


@dataclass(frozen=True)
class Column:
    """What is above it, the metric, the group of clips it is the mean of, and digits behind the point."""

    label: str
    metric: str
    group: str = "clips"
    digits: int = 1


MEAN_OF_CLASSES = "mean of the three"
POSE = (
    *(Column(f"P-MPJPE {label}", "p_mpjpe_mm", name) for name, label in CLASSES.items()),
    Column(MEAN_OF_CLASSES, "p_mpjpe_mm", "balanced"),
    Column("MPJPE", "mpjpe_mm"),
    Column("N-MPJPE", "n_mpjpe_mm"),
    Column("W", "w_mpjpe_mm"),
    Column("WA", "wa_mpjpe_mm"),
    Column("W rigid", "w_mpjpe_rigid_mm"),
    Column("WA rigid", "wa_mpjpe_rigid_mm"),
    Column("RTE %", "rte_percent"),
    Column("drift cm", "drift_cm"),
    Column("lengths change %", "bone_spread_percent"),
)
MOTION = (
    Column("rotation °", "rotation_degrees"),
    Column("swing °", "swing_degrees"),
    Column("twist °", "twist_degrees"),
    Column("largest step °", "largest_step_degrees", digits=0),
    Column("sliding mm", "sliding_mm"),
    Column("jitter ratio", "jitter_ratio", digits=2),
    Column("jitter idle", "jitter_ratio", "idle"),
    Column("speed ratio", "peak_speed_ratio", digits=2),
    Column("reprojection %", "reprojection_percent", digits=2),
    Column("gravity °", "gravity_degrees", "median"),
    Column("gravity 90 % °", "gravity_degrees", "90 %"),
)
LEGEND = """\
P-MPJPE: joints after the best turn, scale and shift of each frame, no mirror images; MPJPE without any,
relative to the hips; N-MPJPE with scale. W and WA: joints in the world over 100 frames, laid onto the
truth by a similarity fitted to the first two frames, or to all; *rigid* without scale. All in mm, on
twelve limb joints, neck and head. RTE: error of the root's way in % of its length, where that is over 1
m. Drift: how far off a walk's last second is when its first lies on the truth. Lengths change: a bone's
spread over a clip. Rotation: of the joints without the hips, in all and apart as swing and twist;
largest step: the greatest turn of a joint from one frame to the next, mean over clips. Sliding: mm a
frame of feet that rest in truth. Jitter and speed (the peak of wrists and ankles): their sums over the
truth's; *jitter idle* is that of people who stand idle. Reprojection in % of the person's height in the
picture. Gravity: angle to the true vertical, median over clips and 90th percentile. Frames/s: of one
processor's time, with all that is around the network. Means over clips; empty where a row says nothing of
the kind: the mean pose has no place, the yardstick no rotations. All rows get the same tracks, put right
(swapped sides, points that jump) as the product does it; rotations are steadied, which the yardstick has
none of."""


class Evaluated:
    """What ``evaluation.json`` says."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.protocol: str = document["protocol"]
        self.results: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]] = document["results"]
        self.speed: Mapping[str, Mapping[str, float]] = document["frames_per_second"]
        self._clips: Sequence[Mapping[str, Any]] = document["clips"]

    def models(self, condition: str) -> list[str]:
        """Those of the table, in its order."""
        return [name for name in ROWS if name in self.results.get(condition, {})]

    def value(self, condition: str, model: str, column: Column) -> float | None:
        """A figure; None if there is none."""
        of_model = self.results.get(condition, {}).get(model, {})
        return of_model.get(column.metric, {}).get(column.group)

    def per_clip(self, condition: str, model: str, metric: str, action_class: str) -> dict[str, float]:
        """Mean over the cameras that see it, of every clip of a class."""
        values: dict[str, list[float]] = {}
        for row in self._clips:
            of = (row["condition"], row["model"], row["class"])
            if of == (condition, model, action_class) and metric in row:
                clip, _, view = row["clip"].rpartition("/")
                values.setdefault(clip or view, []).append(row[metric])
        return {clip: float(np.mean(errors)) for clip, errors in values.items()}


def read_evaluation(folder: Path) -> Evaluated:
    """The figures in a folder.

    Raises:
        InputError: there are none.
    """
    path = folder / "evaluation.json"
    try:
        return Evaluated(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: no evaluation ({error}); make it with python -m benchmarks.results"
        ) from error


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: float | None, digits: int) -> str:
    """A figure of a table; empty if there is none."""
    return "" if value is None else f"{value:.{digits}f}"


def condition_tables(evaluated: Evaluated, condition: str) -> str:
    """Both tables of a condition."""
    models = evaluated.models(condition)
    parts = []
    for columns, speed in ((POSE, False), (MOTION, True)):
        used = [c for c in columns if any(evaluated.value(condition, m, c) is not None for m in models)]
        if sum(column.metric == "p_mpjpe_mm" for column in used) < len(CLASSES) + 1:
            used = [column for column in used if column.label != MEAN_OF_CLASSES]
        rows = []
        for model in models:
            cells = [cell(evaluated.value(condition, model, column), column.digits) for column in used]
            cells += [cell(evaluated.speed.get(condition, {}).get(model), 0)] if speed else []
            if any(cells):
                rows.append([ROWS[model], *cells])
        parts.append(table(["", *(c.label for c in used), *(["frames/s"] if speed else [])], rows))
    return "\n\n".join(parts)


def gain(mine: Mapping[str, float], other: Mapping[str, float]) -> tuple[float, float, float] | None:
    """By how many per cent one error is smaller than another, and the 95 % interval.

    Takes are drawn with replacement, each with both its errors: pieces of one take (``name#1``, ``name#2``)
    are no independent observations. None if fewer than two are common.
    """
    takes: dict[str, list[str]] = {}
    for clip in sorted(mine.keys() & other.keys()):
        takes.setdefault(clip.partition("#")[0], []).append(clip)
    if len(takes) < 2:
        return None

    def per_cent(own: Array, others: Array, axis: int = -1) -> Array:
        return np.asarray(100 * (1 - own.mean(axis=axis) / others.mean(axis=axis)))

    # Sums, so that the share of both is that of the means over clips.
    own, others = (
        np.array([sum(errors[clip] for clip in clips) for clips in takes.values()])
        for errors in (mine, other)
    )
    random = np.random.default_rng(0)
    drawn = bootstrap((own, others), per_cent, paired=True, method="percentile", rng=random)
    low, high = drawn.confidence_interval
    return float(per_cent(own, others)), float(low), float(high)


def gains_table(evaluated: Evaluated, condition: str, than: str, models: Sequence[str]) -> str:
    """By how much some rows are better than another, ``than``."""
    there = evaluated.models(condition)
    if than not in there:
        return f"Not trained yet: {ROWS[than]}."
    metrics = {"p_mpjpe_mm": "P-MPJPE", "w_mpjpe_rigid_mm": "W rigid"}
    rows = []
    for model in (name for name in there if name in models):
        cells = []
        for metric in metrics:
            for action_class in CLASSES:
                mine, other = (
                    evaluated.per_clip(condition, name, metric, action_class) for name in (model, than)
                )
                found = gain(mine, other)
                cells.append("" if found is None else "{:+.0f} ({:+.0f} … {:+.0f})".format(*found))
        if any(cells):
            rows.append([ROWS[model], *cells])
    head = [f"{label} {name}, %" for label in metrics.values() for name in CLASSES.values()]
    return table(["", *head], rows)
