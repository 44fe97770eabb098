"""What was to be reached by the weights that ship, and by refining their answer; and what was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.results_table import (
    CLASSES,
    REAL,
    ROWS,
    SHIPPED,
    TRUTH,
    YARDSTICK,
    Column,
    Evaluated,
    cell,
    table,
)


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
    Goal("jitter ratio 0.7 to 1.3", _noisy("jitter_ratio", "clips"), lambda value: 0.7 <= value <= 1.3, 2),
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
        Column("jitter over the truth's", "jitter_ratio", digits=2),
        "0.7 to 1.2",
        lambda alone, refined, truth: 0.7 <= refined <= 1.2,
    ),
    Asked(
        Column("peak speed of wrists and ankles over the truth's", "peak_speed_ratio", digits=2),
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
        cells = [cell(value, asked.column.digits) for value in (alone, refined, truth)]
        rows.append([asked.column.label, *cells, verdict])
    return table(["", *(ROWS[model] for model in models), "asked"], rows)
