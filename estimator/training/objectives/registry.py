"""Objectives by name: ``supervision,habekost=0.5@0.8,habekost.adversary=0.02``."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import InputError
from ...generator import Generator
from .habekost import Habekost, HabekostHinge
from .objective import Batch, Need, Objective
from .pavllo import Pavllo
from .supervision import Supervision

OBJECTIVES: dict[str, type[Objective]] = {
    kind.name: kind for kind in (Supervision, Habekost, HabekostHinge, Pavllo)
}
_LATEST = 0.99
"""Share of the training after which an objective may begin: later it would do nothing."""


@dataclass(frozen=True)
class Weighted:
    """An objective, what it counts, and from when on.

    Attributes:
        weight: factor on all its terms.
        term_weights: of the terms.
        start: share of the training after which it begins.
    """

    objective: Objective
    weight: float
    term_weights: dict[str, float]
    start: float

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """The scalar to minimise."""
        total = torch.zeros(())
        for term, loss in losses.items():
            total = total + self.term_weights[term] * loss
        return self.weight * total

    def __str__(self) -> str:
        late = f", from {self.start:.0%} of the training on" if self.start else ""
        terms = ", ".join(f"{term} {weight:g}" for term, weight in self.term_weights.items())
        return f"{self.objective.name} × {self.weight:g}{late} ({terms})"


class Objectives:
    """All that a run minimises."""

    def __init__(self, chosen: list[Weighted]) -> None:
        self.chosen = chosen

    @property
    def columns(self) -> list[str]:
        """Of the log: ``objective/term``, whether already begun or not."""
        return [f"{w.objective.name}/{term}" for w in self.chosen for term in w.term_weights]

    @property
    def needs(self) -> frozenset[Need]:
        """Everything that is needed sooner or later."""
        return frozenset().union(*(w.objective.needs for w in self.chosen))

    @property
    def shortest_window(self) -> int:
        """Frames that a window must have."""
        return max(w.objective.shortest_window for w in self.chosen)

    def active(self, progress: float) -> list[Weighted]:
        """Those that have begun at a share of the training."""
        return [w for w in self.chosen if progress >= w.start]

    def losses(self, network: Generator, batch: Batch, progress: float) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar to minimise, and every term unweighted under its column's name."""
        total = torch.zeros(())
        terms: dict[str, Tensor] = {}
        for weighted in self.active(progress):
            losses = weighted.objective.losses(network, batch)
            total = total + weighted.total(losses)
            terms |= {f"{weighted.objective.name}/{term}": loss for term, loss in losses.items()}
        return total, terms


def parse_objectives(text: str) -> Objectives:
    """From the command line: names with commas, each with ``=WEIGHT`` and ``@START``; ``name.term=WEIGHT``.

    Raises:
        InputError: an unknown name or term, a weight below 0, a start outside 0..0.99, no weight at all.
    """
    named: dict[str, tuple[float, float]] = {}
    terms: dict[str, dict[str, float]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        rest, _, start = part.partition("@")
        head, _, weight = rest.partition("=")
        name, _, term = head.partition(".")
        if name not in OBJECTIVES:
            raise InputError(f"--objectives {part}: no such objective; choose from {', '.join(OBJECTIVES)}")
        kind = OBJECTIVES[name]
        if not term:
            if name in named:
                raise InputError(f"--objectives {part}: {name} is there twice; give it once")
            named[name] = (
                _number(part, weight, 0.0, 1e6) if "=" in rest else kind.default_weight,
                _number(part, start, 0.0, _LATEST) if "@" in part else 0.0,
            )
        elif term not in kind.term_weights or not weight or start:
            known = ", ".join(f"{name}.{term}" for term in kind.term_weights)
            raise InputError(
                f"--objectives {part}: no weight of a term; give TERM=WEIGHT with one of {known}"
            )
        else:
            terms.setdefault(name, {})[term] = _number(part, weight, 0.0, 1e6)
    if not named:
        raise InputError(f"--objectives {text}: names none; choose from {', '.join(OBJECTIVES)}")
    if not any(weight for weight, _ in named.values()):
        raise InputError(f"--objectives {text}: nothing has a weight, so nothing would be learned")
    if stray := terms.keys() - named.keys():
        raise InputError(
            f"--objectives {text}: weights for {', '.join(stray)}, which isn't used; name it too"
        )
    return Objectives(
        [
            Weighted(
                OBJECTIVES[name](),
                weight,
                {**OBJECTIVES[name].term_weights, **terms.get(name, {})},
                start,
            )
            for name, (weight, start) in named.items()
        ]
    )


def _number(part: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise InputError(f"--objectives {part}: {text or 'nothing'} is no number from {low:g} to {high:g}")
    return value
