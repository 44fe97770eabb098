"""How well the canonical skeleton fits each set of motion capture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .refit import FITTED_JOINTS, RefitClip, fitted_joints
from .rotation_geometry import Array

_PAIRS = tuple(dict.fromkeys(name.removeprefix("Left").removeprefix("Right") for name in FITTED_JOINTS))


@dataclass(frozen=True)
class RefitErrors:
    """Distances in metres between the canonical joints and the source's, of one clip."""

    set: str
    frames: int
    mean: Array
    """(14,) per joint of ``FITTED_JOINTS``"""
    percentile_95: Array
    """(14,)"""


def refit_errors(set_name: str, clip: RefitClip) -> RefitErrors:
    """How far the joints of a re-fitted clip lie from where its source has them."""
    distance = np.linalg.norm(fitted_joints(clip) - clip.targets, axis=-1)
    return RefitErrors(set_name, len(distance), distance.mean(axis=0), np.percentile(distance, 95, axis=0))


def mean_error_per_set(errors: Sequence[RefitErrors]) -> dict[str, Array]:
    """Metres (14,) per joint of ``FITTED_JOINTS``, mean over the frames of each set."""
    by_set: dict[str, list[RefitErrors]] = defaultdict(list)
    for one in errors:
        by_set[one.set].append(one)
    return {
        name: np.average([one.mean for one in ones], axis=0, weights=[one.frames for one in ones])
        for name, ones in sorted(by_set.items())
    }


def refit_report(errors: Sequence[RefitErrors]) -> str:
    """A table in millimetres: per set the means, left and right together, and the worst joint and clip."""
    head = f"{'set':<20}{'mean':>7}" + "".join(f"{pair:>9}" for pair in _PAIRS) + f"{'worst 95 %':>12}"
    lines = [head]
    for name, mean in mean_error_per_set(errors).items():
        of_joint = dict(zip(FITTED_JOINTS, mean, strict=True))
        columns = [
            np.mean([of_joint[side + pair] for side in ("", "Left", "Right") if side + pair in of_joint])
            for pair in _PAIRS
        ]
        worst = max(float(one.percentile_95.max()) for one in errors if one.set == name)
        cells = "".join(f"{1000 * column:>9.1f}" for column in columns)
        lines.append(f"{name:<20}{1000 * mean.mean():>7.1f}{cells}{1000 * worst:>12.1f}")
    return "\n".join(lines)
