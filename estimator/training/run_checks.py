"""Whether the options of a training run go together, in words that name the option."""

from __future__ import annotations

import math

from ..errors import InputError
from .objectives.objective import Need
from .objectives.registry import OBJECTIVES
from .settings import TrainSettings
from .switches import OF_TRACKS, OF_VIDEOS, SWITCHES
from .tracks import TrackClip

_SEEDS = 2**31


def check_settings(
    settings: TrainSettings, needs: frozenset[Need], shortest: int, tracks: list[TrackClip] | None
) -> None:
    """Whether a run can be started so.

    Args:
        settings: of the run.
        needs: of its objectives.
        shortest: window that they can do with, frames.
        tracks: of real videos, if any.

    Raises:
        InputError: a number out of range, options that contradict each other, or data that is missing.
    """
    _check_numbers(settings, shortest)
    _check_network(settings)
    _check_data(settings, needs, tracks)
    if Need.SYNTHETIC not in needs:
        _check_switches(settings)


def _check_numbers(settings: TrainSettings, shortest: int) -> None:
    for name, number in (
        ("minutes", settings.minutes),
        ("learning-rate", settings.learning_rate),
        ("validate-every", settings.validate_every),
        ("batch", settings.batch),
        ("channels", settings.channels),
    ):
        if not (math.isfinite(number) and number > 0):
            raise InputError(f"--{name} {number:g}: give a number above 0")
    if settings.steps < 0:
        raise InputError(f"--steps {settings.steps}: give a whole number above 0")
    if not 0 <= settings.seed < _SEEDS:
        raise InputError(f"--seed {settings.seed}: give a whole number from 0 to {_SEEDS - 1}")
    if settings.frames < shortest:
        raise InputError(
            f"--frames {settings.frames}: {settings.objectives} needs windows of {shortest} or more"
        )


def _check_network(settings: TrainSettings) -> None:
    if settings.yardstick and settings.start_from:
        raise InputError("--start-from: the yardstick begins with random weights only")
    if settings.positions and settings.yardstick:
        raise InputError("--positions and --yardstick are two networks; train one at a time")
    if (settings.positions or settings.yardstick) and settings.objectives != "supervision":
        raise InputError(
            f"--{'positions' if settings.positions else 'yardstick'}: this network has no skeleton; it "
            "learns by supervision only"
        )


def _check_data(settings: TrainSettings, needs: frozenset[Need], tracks: list[TrackClip] | None) -> None:
    if settings.unpaired and Need.SYNTHETIC in needs:
        blind = ", ".join(name for name, kind in OBJECTIVES.items() if Need.SYNTHETIC not in kind.needs)
        raise InputError(
            f"--unpaired with {settings.objectives}: uses answers of the capture, which unpaired training "
            f"must not see; choose --objectives from {blind}"
        )
    if settings.unpaired and settings.start_from:
        raise InputError(
            "--unpaired with --start-from: those weights may have learned from answers of the capture, which "
            "unpaired training must not see; leave out --start-from"
        )
    if settings.unpaired and tracks:
        raise InputError("--unpaired makes its tracks from the capture; leave out --tracks")
    if Need.TRACKS in needs and not settings.unpaired and not tracks:
        raise InputError(f"--objectives {settings.objectives}: needs keypoint tracks; give --tracks DIR")
    if Need.TRACKS not in needs and (tracks or settings.unpaired):
        raise InputError(
            f"--objectives {settings.objectives}: uses no keypoint tracks; name an objective that does, or "
            "leave out --tracks and --unpaired"
        )


def _check_switches(settings: TrainSettings) -> None:
    works = OF_VIDEOS if settings.unpaired else OF_TRACKS
    if idle := [name for name in settings.without if name in SWITCHES and name not in works]:
        raise InputError(
            f"--without {' '.join(idle)}: not drawn in this training anyway; choose from "
            f"{', '.join(name for name in SWITCHES if name in works)}"
        )
