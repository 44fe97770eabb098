"""The page of results as Markdown, from the ``evaluation.json`` that ``benchmarks.results`` has made.

What stands in the page from "## Notes" on is written by hand and stays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

from estimator.atomic_write import written_whole
from estimator.errors import InputError

Array = NDArray[np.float64]

NOTES = "## Notes"
ROWS = {
    "mean pose": "mean pose",
    "yardstick": "yardstick (Pavllo et al.)",
    "unpaired": "unpaired only",
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


POSE = (
    *(Column(f"P-MPJPE {label}", "p_mpjpe_mm", name) for name, label in CLASSES.items()),
    Column("mean of the three", "p_mpjpe_mm", "balanced"),
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
    Column("jitter ratio", "jitter_ratio", "balanced", 2),
    Column("speed ratio", "peak_speed_ratio", "balanced", 2),
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
frame of feet that rest in truth. Jitter and speed (the peak of wrists and ankles) over the truth's,
mean of walk/run, other and dance. Reprojection in % of the person's height in the picture. Gravity:
angle to the true vertical, median over clips and 90th percentile. Frames/s: of one processor's time,
with all that is around the network. Means over clips; empty where a row says nothing of the kind: the
mean pose has no place, the yardstick no rotations."""


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


def _cell(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def condition_tables(evaluated: Evaluated, condition: str) -> str:
    """Both tables of a condition."""
    models = evaluated.models(condition)
    parts = []
    for columns, speed in ((POSE, False), (MOTION, True)):
        used = [c for c in columns if any(evaluated.value(condition, m, c) is not None for m in models)]
        rows = []
        for model in models:
            cells = [_cell(evaluated.value(condition, model, column), column.digits) for column in used]
            cells += [_cell(evaluated.speed.get(condition, {}).get(model), 0)] if speed else []
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


@dataclass(frozen=True)
class Goal:
    """Something that is to be reached, in words; what was reached, in numbers; and whether that is enough."""

    what: str
    reached: Callable[[Evaluated, str], list[float]]
    """of a model of ``SHIPPED``; more than one number where all of them count"""
    met: Callable[[float], bool]
    digits: int = 1


def _noisy(metric: str, group: str) -> Callable[[Evaluated, str], list[float]]:
    def reached(evaluated: Evaluated, model: str) -> list[float]:
        value = evaluated.value("noisy", model, Column("", metric, group))
        return [] if value is None else [value]

    return reached


def _gain(metric: str, groups: Sequence[str]) -> Callable[[Evaluated, str], list[float]]:
    """Per cent better than the yardstick, of the means that the table shows."""

    def reached(evaluated: Evaluated, model: str) -> list[float]:
        gains = []
        for group in groups if YARDSTICK in evaluated.models("noisy") else []:
            column = Column("", metric, group)
            mine, other = (evaluated.value("noisy", name, column) for name in (model, YARDSTICK))
            gains += [100 * (1 - mine / other)] if mine is not None and other is not None else []
        return gains

    return reached


def _cameras(evaluated: Evaluated, model: str) -> list[float]:
    return list(evaluated.per_clip(REAL, model, "p_mpjpe_mm", "other").values())


def _below(limit: float) -> Callable[[float], bool]:
    return lambda value: value < limit


GOALS = (
    Goal("P-MPJPE walk/run under 38 mm", _noisy("p_mpjpe_mm", "walk_run"), _below(38)),
    Goal("P-MPJPE other under 55 mm", _noisy("p_mpjpe_mm", "other"), _below(55)),
    Goal("P-MPJPE dance under 72 mm", _noisy("p_mpjpe_mm", "dance"), _below(72)),
    Goal(
        "P-MPJPE better than the yardstick's by 10 % in walk/run, other, dance",
        _gain("p_mpjpe_mm", list(CLASSES)),
        lambda value: value >= 10,
        0,
    ),
    Goal(
        "rigid W-MPJPE better than the yardstick's by 25 %",
        _gain("w_mpjpe_rigid_mm", ["clips"]),
        lambda value: value >= 25,
        0,
    ),
    Goal("real-eval, P-MPJPE of each camera under 70 mm", _cameras, _below(70)),
    Goal("the same, stretch: under 55 mm", _cameras, _below(55)),
    Goal("gravity, median under 4°", _noisy("gravity_degrees", "median"), _below(4)),
    Goal("gravity, 90 % under 9°", _noisy("gravity_degrees", "90 %"), _below(9)),
    Goal("jitter ratio 0.7 to 1.3", _noisy("jitter_ratio", "balanced"), lambda value: 0.7 <= value <= 1.3, 2),
)
"""Of the weights that ship; on *noisy* where nothing else is said."""


def goals_table(evaluated: Evaluated) -> str:
    """What was to be reached, and what was."""
    rows = []
    for goal in GOALS:
        cells = []
        for model in SHIPPED:
            reached = goal.reached(evaluated, model)
            shown = ", ".join(f"{value:.{goal.digits}f}" for value in reached)
            verdict = "met" if all(goal.met(value) for value in reached) else "missed"
            cells.append(f"{shown}: {verdict}" if reached else "not measured")
        rows.append([goal.what, *cells])
    return table(["goal", *(ROWS[model] for model in SHIPPED)], rows)


@dataclass(frozen=True)
class Asked:
    """What is asked of refinement.

    Attributes:
        column: the figure.
        what: in words; empty where the figure is only shown.
        met: whether the network's, the refined and the truth's own figure are enough.
    """

    column: Column
    what: str = ""
    met: Callable[[float, float, float], bool] = lambda alone, refined, truth: True


_NOT_WORSE = ("not worse", lambda alone, refined, truth: refined <= alone)
ASKED = (
    Asked(Column("P-MPJPE, mm", "p_mpjpe_mm"), *_NOT_WORSE),
    Asked(Column("rigid W-MPJPE, mm", "w_mpjpe_rigid_mm"), *_NOT_WORSE),
    Asked(Column("depth along the ray, cm", "depth_cm"), *_NOT_WORSE),
    Asked(Column("reprojection, %", "reprojection_percent", digits=2), *_NOT_WORSE),
    Asked(Column("largest rotation in a frame, °", "largest_step_degrees"), *_NOT_WORSE),
    Asked(
        Column("resting feet slide, mm a frame", "sliding_mm"),
        "2 mm over the truth's",
        lambda alone, refined, truth: refined <= truth + 2,
    ),
    Asked(
        Column("height error of feet on the ground, mm", "standing_height_mm"),
        "at most 15",
        lambda alone, refined, truth: refined <= 15,
    ),
    Asked(Column("lowest point under the ground, mm", "penetration_mm")),
    Asked(
        Column("jitter over the truth's", "jitter_ratio", "balanced", 2),
        "0.7 to 1.2",
        lambda alone, refined, truth: 0.7 <= refined <= 1.2,
    ),
    Asked(
        Column("peak speed of wrists and ankles over the truth's", "peak_speed_ratio", "balanced", 2),
        "at least 0.9",
        lambda alone, refined, truth: refined >= 0.9,
    ),
    Asked(Column("acceleration error, mm/frame²", "acceleration_mm")),
)


def refinement_table(evaluated: Evaluated) -> str:
    """The weights that ship by themselves and refined, on *noisy*, and what was asked."""
    models, rows = (*SHIPPED, TRUTH), []
    for asked in ASKED:
        # As they are shown: what differs behind the last digit is no difference.
        alone, refined, truth = (
            None if value is None else round(value, asked.column.digits)
            for value in (evaluated.value("noisy", model, asked.column) for model in models)
        )
        verdict = ""
        if asked.what and alone is not None and refined is not None:
            met = asked.met(alone, refined, 0.0 if truth is None else truth)
            verdict = f"{asked.what}: {'met' if met else 'missed'}"
        cells = [_cell(value, asked.column.digits) for value in (alone, refined, truth)]
        rows.append([asked.column.label, *cells, verdict])
    return table(["", *(ROWS[model] for model in models), "asked"], rows)


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
        "Made by `python -m benchmarks.results --mocap DIR --tracks DIR --out DIR --page docs/results.md`; "
        f"protocol {evaluated.protocol}. Test people are in no training.",
        trainings,
        "## Goals",
        goals_table(evaluated),
        "## Better than the yardstick",
        "By how many per cent the error is smaller, condition *noisy*; in brackets the 95 % interval over "
        "takes (bootstrap). Takes of a class are of one person or two, so it says nothing of other people.",
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
