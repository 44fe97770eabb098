"""Pictures of an evaluation; matplotlib is a development dependency and only imported here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...atomic_write import written_whole
from .measures import METRICS
from .report import CLASS_LABELS, Report
from .results import BALANCED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Paths = Mapping[str, Mapping[str, Array]]
"""Per case and model: the way of Hips seen from above, (T, 2) metres, aligned to the true one."""


def can_plot() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def save_plots(report: Report, paths: Paths, out: Path) -> list[str]:
    """Writes the pictures for which there are figures; returns their names.

    Raises:
        InputError: one can't be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    drawn = {
        "errors_by_class.png": _errors_by_class(report),
        "distributions.png": _distributions(report),
        "long_walk.png": _long_walk(paths),
    }
    names = []
    for name, figure in drawn.items():
        if figure is not None:
            with written_whole(out / name) as path:
                figure.savefig(path, dpi=110, format="png")
            names.append(name)
    return names


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def _errors_by_class(report: Report) -> Figure | None:
    """Bars: P-MPJPE and rigid W-MPJPE of every model by class, one row of panels per metric."""
    conditions = [name for name in report.conditions() if name not in ("long-walk", "tracks")]
    if not conditions:
        return None
    metrics = ("p_mpjpe_mm", "w_mpjpe_rigid_mm")
    figure, panels = _figure(2, len(conditions), (3.4 * len(conditions), 6.0))
    for column, condition in enumerate(conditions):
        tables = {model: table for model, table in report.tables(condition).items() if model != "truth"}
        for panel, metric in zip(panels[:, column], metrics, strict=True):
            classes = [
                name
                for name in CLASS_LABELS
                if any(name in table.get(metric, {}) for table in tables.values())
            ]
            place = np.arange(len(classes))
            width = 0.8 / max(len(tables), 1)
            for index, (model, table) in enumerate(tables.items()):
                heights = [table.get(metric, {}).get(name, math.nan) for name in classes]
                panel.bar(place + (index + 0.5) * width - 0.4, heights, width, label=model, color=f"C{index}")
            panel.set_xlim(-0.6, max(len(classes), 2) - 0.4)
            panel.set_xticks(place, [CLASS_LABELS[name] for name in classes])
            panel.set_title(condition if metric == metrics[0] else "")
            panel.grid(axis="y", alpha=0.3)
            if column == 0:
                panel.set_ylabel(METRICS[metric].label)
    panels[0, 0].legend(fontsize=7)
    return figure


def _distributions(report: Report) -> Figure | None:
    """Share of the clips up to each error: pose, place, gravity; of the first condition with truth."""
    first = next((name for name in report.conditions() if name != "tracks"), None)
    if first is None:
        return None
    metrics = ("p_mpjpe_mm", "w_mpjpe_rigid_mm", "depth_cm", "gravity_degrees")
    figure, panels = _figure(1, len(metrics), (3.4 * len(metrics), 3.2))
    models = [name for name in report.models if name != "truth"]
    for panel, metric in zip(panels[0], metrics, strict=True):
        for index, model in enumerate(models):
            values = sorted(
                value
                for row in report.rows
                if (row.condition, row.model) == (first, model)
                and (row.action_class in (*BALANCED, "real"))
                and not math.isnan(value := row.figures.value(metric))
            )
            if values:
                share = (np.arange(len(values)) + 1) / len(values)
                panel.step(values, share, where="post", label=model, color=f"C{index}")
        panel.set_xlabel(METRICS[metric].label)
        panel.set_xlim(left=0)
        panel.set_ylim(0, 1)
        panel.grid(alpha=0.3)
    panels[0, 0].set_ylabel(f"share of the clips, {first}")
    panels[0, 0].legend(fontsize=7)
    return figure


def _long_walk(paths: Paths) -> Figure | None:
    """The way of Hips on the long walks from above, every model's laid onto the truth by its first second."""
    if not paths:
        return None
    figure, panels = _figure(1, len(paths), (5.5 * len(paths), 5.5))
    for panel, (case, ways) in zip(panels[0], paths.items(), strict=True):
        for model, way in ways.items():
            style = {"color": "0.6", "lw": 4} if model == "truth" else {"lw": 1}
            panel.plot(*way.T, label=model, **style)
        panel.set_aspect("equal")
        panel.set_title(case, fontsize=9)
        panel.set_xlabel("m")
        panel.grid(alpha=0.3)
    panels[0, 0].legend(fontsize=7)
    return figure
