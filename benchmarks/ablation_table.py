"""What each augmentation brings, as Markdown, from the small files that ``benchmarks.ablation`` keeps.

By how many millimetres of P-MPJPE clips get worse without it, the same clips against each other, with a
bootstrap interval over takes. Under 2 mm, or with 0 inside, it is "none". Of augmentations against what
validation doesn't have, the same where it has.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.results_table import CLASSES, table
from estimator.errors import InputError
from estimator.training.capture_clip import CaptureClip

Array = NDArray[np.float64]

ALL = "all"
WORTH_MM = 2.0
RESAMPLES = 10_000
_DIFFERS = ("seed", "without")
"""Settings that may differ between the trainings of one table."""


@dataclass(frozen=True)
class Reached:
    """What one training came to.

    Attributes:
        settings: all that it was trained with.
        errors: P-MPJPE in millimetres of each validation clip.
        apart: by an augmentation's name the same where there is what it is for.
    """

    settings: Mapping[str, Any]
    errors: Mapping[str, float]
    apart: Mapping[str, Mapping[str, float]]


def read_reached(path: Path) -> Reached:
    """What one training came to.

    Raises:
        InputError: the file isn't of this kind.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        reached = Reached(kept["settings"], kept["p_mpjpe_mm"], kept.get("apart_p_mpjpe_mm", {}))
        if not {"seed", "without"} <= reached.settings.keys():
            raise KeyError("seed, without")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a training of the ablation ({error}); delete it") from error
    return reached


def read_figures(folder: Path) -> dict[tuple[str, int], Reached]:
    """All trainings of a folder, by the name of what was left out and the seed.

    Raises:
        InputError: a file isn't of this kind, or of other settings than the first.
    """
    found: dict[tuple[str, int], Reached] = {}
    common: Mapping[str, Any] | None = None
    for path in sorted(folder.glob("*.json")):
        reached = read_reached(path)
        key = (str(reached.settings["without"]) or ALL, int(reached.settings["seed"]))
        same = {name: value for name, value in reached.settings.items() if name not in _DIFFERS}
        common = common or same
        if same != common:
            names = ", ".join(sorted(dict(same.items() ^ common.items())))
            raise InputError(f"{path}: trained otherwise than the others ({names}); choose another folder")
        found[key] = reached
    return found


def bootstrap_interval(takes: list[Array], seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean over clips, by drawing takes with replacement.

    Args:
        takes: of each take the differences (N,) of its clips.
    """
    sums = np.array([take.sum() for take in takes])
    counts = np.array([len(take) for take in takes])
    drawn = np.random.default_rng(seed).integers(len(takes), size=(RESAMPLES, len(takes)))
    low, high = np.percentile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [2.5, 97.5])
    return float(low), float(high)


def verdict(mean: float, low: float, high: float) -> str:
    """In one word: what the augmentation is good for."""
    if abs(mean) < WORTH_MM or low <= 0 <= high:
        return "none"
    return "helps" if mean > 0 else "harms"


def worse(without: Sequence[Mapping[str, float]], whole: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Millimetres by which each clip is worse than with all, mean over the seeds.

    Args:
        without, whole: errors by clip, an entry for each seed.
    """
    pairs = list(zip(without, whole, strict=True))
    return {clip: float(np.mean([less[clip] - all_[clip] for less, all_ in pairs])) for clip in whole[0]}


def _by_take(differences: Mapping[str, float]) -> list[Array]:
    """Pieces of one take (``name#1``, ``name#2``) are no independent observations."""
    takes: dict[str, list[float]] = {}
    for clip, difference in differences.items():
        takes.setdefault(clip.partition("#")[0], []).append(difference)
    return [np.array(values) for values in takes.values()]


def _mean_and_interval(differences: Mapping[str, float]) -> tuple[float, float, float]:
    return float(np.mean(list(differences.values()))), *bootstrap_interval(_by_take(differences))


def _apart(variant: str, runs: Sequence[tuple[Reached, Reached]]) -> str:
    """A cell on how the trainings without it, beside those with all, do where there is what it is for."""
    if not all(variant in reached.apart for pair in runs for reached in pair):
        return ""
    without, whole = ([pair[side].apart[variant] for pair in runs] for side in (0, 1))
    mean, low, high = _mean_and_interval(worse(without, whole))
    return f"{mean:+.1f} ({low:+.1f} … {high:+.1f}): {verdict(mean, low, high)}"


def ablation_table(figures: Mapping[tuple[str, int], Reached], clips: Collection[CaptureClip]) -> str:
    """The table, of what has been trained so far; empty if that is nothing.

    Args:
        figures: of ``read_figures``.
        clips: the capture, for the clips' classes.
    """
    classes = {clip.name: clip.action_class for clip in clips}
    of_all = {seed: reached.errors for (variant, seed), reached in figures.items() if variant == ALL}
    if not of_all:
        return ""
    clips_measured = next(iter(of_all.values()))
    measured = [name for name in CLASSES if name in {classes.get(clip) for clip in clips_measured}]
    rows = []
    for variant in dict.fromkeys(variant for variant, _ in figures if variant != ALL):
        seeds = sorted(seed for seed in of_all if (variant, seed) in figures)
        if not seeds:
            continue
        runs = [(figures[variant, seed], figures[ALL, seed]) for seed in seeds]
        differences = worse([less.errors for less, _ in runs], [whole.errors for _, whole in runs])
        mean, low, high = _mean_and_interval(differences)
        cells = [variant, ", ".join(map(str, seeds)), f"{mean:+.1f}", f"{low:+.1f} … {high:+.1f}"]
        for name in measured:
            of_class = [value for clip, value in differences.items() if classes.get(clip) == name]
            cells.append(f"{np.mean(of_class):+.1f}")
        rows.append([*cells, verdict(mean, low, high), _apart(variant, runs)])
    rows.sort(key=lambda row: -float(row[2]))
    means = {seed: float(np.mean(list(errors.values()))) for seed, errors in sorted(of_all.items())}
    seeds_told = ", ".join(f"{mean:.1f} mm with seed {seed}" for seed, mean in means.items())
    head = ["without", "seeds", "mm worse", "95 % interval", *(CLASSES[name] for name in measured), "effect"]
    head.append("where there is what it is for")
    return f"With all of them: {seeds_told}, mean over {len(clips_measured)} clips.\n\n{table(head, rows)}"
