"""What a training run is, and whether it may go on from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..errors import InputError


@dataclass(frozen=True)
class TrainSettings:
    """Two runs with the same settings, data and thread count see the same windows.

    With ``steps`` they come to the same weights; with ``minutes`` the learning rate, and how noisy windows
    are while the noise grows, follow the clock.
    """

    minutes: float = 100.0
    """Of processor time per thread."""
    steps: int = 0
    """Of optimisation, instead of ``minutes``; 0: as many as there is time for."""
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


MAY_CHANGE = frozenset({"minutes", "steps", "validate_every"})
"""Between a checkpoint and the run that goes on from it; minutes and steps only upwards."""


def settings_state(settings: TrainSettings, data: Mapping[str, str]) -> dict[str, str | float | int | bool]:
    """Plain values to be kept in a checkpoint; ``data`` says in words what is trained on."""
    state: dict[str, Any] = asdict(settings)
    state["without"] = ",".join(sorted(settings.without))
    return state | {f"data: {name}": text for name, text in data.items()}


def differences(
    saved: Mapping[str, Any], now: Mapping[str, Any], apart_from: frozenset[str] = frozenset()
) -> list[str]:
    """What is not the same in two of ``settings_state``, in words that name the option."""
    return [
        f"{_option(name)} was {_shown(saved.get(name))}, now is {_shown(now.get(name))}"
        for name in dict.fromkeys([*saved, *now])
        if name not in apart_from and saved.get(name) != now.get(name)
    ]


def check_same(saved: Mapping[str, Any], now: Mapping[str, Any], where: str) -> None:
    """Whether a run may go on from a checkpoint.

    Args:
        saved, now: of ``settings_state``.
        where: names the checkpoint in messages.

    Raises:
        InputError: naming the settings that differ.
    """
    different = differences(saved, now, MAY_CHANGE)
    if bool(now["steps"]) != bool(saved["steps"]):
        different.append(f"its length was given by {_length(saved)}, now is by {_length(now)}")
    else:
        name = "steps" if now["steps"] else "minutes"
        if now[name] < saved[name]:
            different.append(f"--{name} was {saved[name]:g}, now is {now[name]:g}; it may only grow")
    if different:
        raise InputError(
            f"{where}: this run had other settings: {', '.join(different)}; use those, or another --out"
        )


def _length(state: Mapping[str, Any]) -> str:
    return "--steps" if state["steps"] else "--minutes"


def _option(name: str) -> str:
    known = {field.name for field in fields(TrainSettings)}
    return f"--{name.replace('_', '-')}" if name in known else name.removeprefix("data: ")


def _shown(value: Any) -> str:
    return "nothing" if value in (None, "") else str(value)
