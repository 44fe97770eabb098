"""What a training run is, and whether it may go on from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..errors import InputError


@dataclass(frozen=True)
class TrainSettings:
    """Two runs with the same settings, data and thread count see the same windows.

    But how noisy these are while the noise grows, and the learning rate, follow the clock.
    """

    minutes: float = 100.0
    """Of processor time per thread."""
    batch: int = 8
    frames: int = 160
    learning_rate: float = 1e-3
    warm_up: float = 0.03
    average: float = 0.999
    channels: int = 384
    seed: int = 1
    validate_every: float = 10.0
    """Minutes between validations and checkpoints."""
    positions: bool = False
    """Train the position-only network instead."""
    yardstick: bool = False
    """Train Pavllo et al.'s networks instead."""
    objectives: str = "supervision"
    """As on the command line: see ``objectives.registry.parse_objectives``."""
    without: tuple[str, ...] = ()
    """Augmentations that are switched off: see ``switches.SWITCHES``."""
    unpaired: bool = False
    """Some people of the capture are seen as keypoints only; see ``unpaired``."""
    start_from: str = ""
    """File of weights to begin with instead of random ones."""


MAY_CHANGE = frozenset({"minutes", "validate_every"})
"""Between a checkpoint and the run that goes on from it; minutes only upwards."""


def settings_state(settings: TrainSettings, data: Mapping[str, str]) -> dict[str, str | float | int | bool]:
    """Plain values to be kept in a checkpoint; ``data`` says in words what is trained on."""
    state: dict[str, Any] = asdict(settings)
    state["without"] = ",".join(sorted(settings.without))
    return state | {f"data: {name}": text for name, text in data.items()}


def check_same(saved: Mapping[str, Any], now: Mapping[str, Any], where: str) -> None:
    """Whether a run may go on from a checkpoint.

    Args:
        saved, now: of ``settings_state``.
        where: names the checkpoint in messages.

    Raises:
        InputError: naming the settings that differ.
    """
    different = [
        f"{_option(name)} was {_shown(saved.get(name))}, now is {_shown(now.get(name))}"
        for name in dict.fromkeys([*saved, *now])
        if name not in MAY_CHANGE and saved.get(name) != now.get(name)
    ]
    if now["minutes"] < saved["minutes"]:
        different.append(f"--minutes was {saved['minutes']:g}, now is {now['minutes']:g}; it may only grow")
    if different:
        raise InputError(
            f"{where}: this run had other settings: {', '.join(different)}; use those, or another --out"
        )


def _option(name: str) -> str:
    known = {field.name for field in fields(TrainSettings)}
    return f"--{name.replace('_', '-')}" if name in known else name.removeprefix("data: ")


def _shown(value: Any) -> str:
    return "nothing" if value in (None, "") else str(value)
