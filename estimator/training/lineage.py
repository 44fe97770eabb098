"""Where weights come from: every training that they went through, one after the other.

Kept in the weights themselves, so that the licences of what they learned from go on with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class DataRow:
    """One set that weights were trained on."""

    name: str
    what: str
    licence: str

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from other sets: folders of other terms may be called the same."""
        return self.name, self.licence


@dataclass(frozen=True)
class Stage:
    """One training.

    Attributes:
        objectives: as on the command line.
        steps, seconds: that it took.
        seed: None where that isn't known.
        data: None where that isn't known.
    """

    objectives: str
    steps: int
    seconds: float
    seed: int | None
    data: tuple[DataRow, ...] | None

    def state(self) -> dict[str, Any]:
        """Plain values, for a file of weights."""
        return asdict(self) | {"data": None if self.data is None else [asdict(row) for row in self.data]}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Stage:
        """What ``state`` gave."""
        data = state["data"]
        return cls(**{**state, "data": None if data is None else tuple(DataRow(**row) for row in data)})

    def __str__(self) -> str:
        """In words."""
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"{self.objectives}: {self.steps} steps, {self.seconds / 60:.1f} minutes{seed}"


def stages_of(note: Mapping[str, Any]) -> list[Stage]:
    """The trainings that a weights file's note tells of; of an older file one, of unknown data."""
    if "stages" in note:
        return [Stage.from_state(state) for state in note["stages"]]
    steps, seconds = note.get("steps", 0), note.get("seconds", 0.0)
    return [Stage(note.get("objectives", "unknown objectives"), steps, seconds, None, None)]


def all_data(stages: Sequence[Stage]) -> list[DataRow]:
    """Every set of every stage, as the last stage that used it says; of another licence it is another set."""
    rows = {row.key: row for stage in stages for row in stage.data or ()}
    return list(rows.values())
