"""Figures of many cases brought together: by class, per clip, per second."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .measures import METRICS, Figures

CLASSES = ("walk_run", "other", "dance", "idle", "real")
BALANCED = ("walk_run", "other", "dance")
"""Classes whose mean is called balanced: standing idle is easy, and there is much of it."""


@dataclass(frozen=True)
class Row:
    """One model's figures of one case."""

    condition: str
    model: str
    case: str
    action_class: str
    seconds: float
    figures: Figures


def summary(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Means of every metric that occurs, by group.

    Groups are the classes, ``clips`` (every clip counts the same), ``seconds`` (every second does) and
    ``balanced`` (the mean of the three classes that move). Ratios are ratios of sums over their group, so
    that short and still clips don't blow them up. Of gravity there are the median and the 90th percentile.
    """
    groups = {name: [row for row in rows if row.action_class == name] for name in CLASSES}
    table: dict[str, dict[str, float]] = {}
    for metric in METRICS:
        means = {name: _mean(group, metric) for name, group in groups.items() if group}
        means["clips"] = _mean(rows, metric)
        means["seconds"] = _mean(rows, metric, by_time=True)
        moving = [means[name] for name in BALANCED if name in means]
        means["balanced"] = float(np.mean(moving)) if moving else math.nan
        known = {name: value for name, value in means.items() if not math.isnan(value)}
        if known:
            table[metric] = known
    gravity = [value for row in rows if not math.isnan(value := row.figures.value("gravity_degrees"))]
    if gravity:
        table["gravity_degrees"]["median"] = float(np.median(gravity))
        table["gravity_degrees"]["90 %"] = float(np.percentile(gravity, 90))
    return table


def _mean(rows: Iterable[Row], metric: str, *, by_time: bool = False) -> float:
    if METRICS[metric].share:
        parts = [row.figures.shares[metric] for row in rows if metric in row.figures.shares]
        whole = sum(part[1] for part in parts)
        return sum(part[0] for part in parts) / whole if whole else math.nan
    pairs = [(row.figures.value(metric), row.seconds) for row in rows]
    known = [pair for pair in pairs if not math.isnan(pair[0])]
    if not known:
        return math.nan
    values, seconds = np.array(known).T
    return float(np.average(values, weights=seconds if by_time else None))
