"""What each augmentation brings: trains without it, and compares clip by clip with training with all.

python -m benchmarks.ablation --mocap CACHE.npz --out DIR --minutes 20 --seeds 1 2 --without swaps perturb

Runs go on where they stopped. What a finished one reached is kept in a small file in --figures, so that the
many runs need not be made on one machine or in one day; those that are there aren't trained again.

Nobody who is measured is trained on: validation people, and besides them --hold-out, because Kinelift's
validation people only walk.

The table says by how many millimetres of P-MPJPE validation clips get worse without an augmentation, with a
bootstrap interval over clips; under 2 mm, or with 0 inside, it is "none".
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from estimator.atomic_write import written_whole
from estimator.errors import InputError
from estimator.training.capture import CaptureClip, load_cache, load_captures
from estimator.training.measure import clip_errors
from estimator.training.settings import TrainSettings, settings_state
from estimator.training.switches import SWITCHES
from estimator.training.train import train
from estimator.training.training_run import Run

Array = NDArray[np.float64]

ALL = "all"
HELD_OUT = ("cmu/06", "reactidle/008")
"""Somebody who plays basketball, and somebody who stands about."""
WORTH_MM = 2.0
RESAMPLES = 10_000


def errors_per_clip(run: Run) -> dict[str, float]:
    """P-MPJPE in millimetres of each validation clip, mean over the cameras that see it."""
    per_clip: dict[str, list[float]] = {}
    for row in clip_errors(run.predictor(), run.validation):
        name, _, _ = row.name.rpartition("/")
        per_clip.setdefault(name, []).append(row.p_mpjpe)
    return {name: float(np.mean(errors)) for name, errors in per_clip.items()}


def held_out(clips: list[CaptureClip], people: Collection[str]) -> list[CaptureClip]:
    """The clips, with some more people for validation.

    Raises:
        InputError: one of them is not in the capture, or not for training.
    """
    there = {clip.person for clip in clips if clip.split == "train"}
    if unknown := [person for person in people if person not in there]:
        known = ", ".join(sorted(there))
        raise InputError(f"--hold-out {unknown[0]}: nobody to train on is called that; there are {known}")
    return [replace(clip, split="validation") if clip.person in people else clip for clip in clips]


def bootstrap_interval(differences: Array, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean of differences (N,), by drawing clips with replacement."""
    random = np.random.default_rng(seed)
    means = random.choice(differences, (RESAMPLES, len(differences))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def verdict(mean: float, low: float, high: float) -> str:
    """In one word: what the augmentation is good for."""
    if abs(mean) < WORTH_MM or low <= 0 <= high:
        return "none"
    return "helps" if mean > 0 else "harms"


def _reached(clips: list[CaptureClip], settings: TrainSettings, out: Path, figures: Path) -> Array:
    """(N,) what a training reached on the validation clips, from its file or by training."""
    out.mkdir(parents=True, exist_ok=True)
    run = Run(settings, clips, out)
    measured = sorted({clip.person for clip in clips if clip.split == "validation"})
    told = {"settings": settings_state(settings, run.data | {"measured on": ", ".join(measured)})}
    if figures.is_file():
        kept = json.loads(figures.read_text(encoding="utf-8"))
        if kept["settings"] != told["settings"]:
            raise InputError(
                f"{figures}: of other settings or other capture; delete it, or choose another --figures"
            )
    else:
        run.resume()
        train(run)
        kept = told | {"p_mpjpe_mm": errors_per_clip(run)}
        figures.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(figures) as beside:
            beside.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return np.array([kept["p_mpjpe_mm"][name] for name in sorted(kept["p_mpjpe_mm"])])


def main() -> int:
    """Trains, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mocap", type=Path, required=True, help="folder of BVH files, or its cache")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--figures", type=Path, help="folder of what was reached (default: figures in --out)")
    parser.add_argument("--minutes", type=float, default=20.0, help="per run, of the processor")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--without", nargs="+", default=list(SWITCHES), choices=SWITCHES)
    parser.add_argument(
        "--hold-out",
        nargs="*",
        default=list(HELD_OUT),
        metavar="SET/SUBJECT",
        help=f"people not to train on, beside those of validation (default: {' '.join(HELD_OUT)})",
    )
    parser.add_argument("--channels", type=int, default=TrainSettings().channels)
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        clips = load_cache(args.mocap) if args.mocap.is_file() else load_captures(args.mocap)
        clips = held_out(clips, args.hold_out)
        errors: dict[str, Array] = {}
        for variant in [ALL, *args.without]:
            per_seed = []
            for seed in args.seeds:
                settings = TrainSettings(
                    minutes=args.minutes,
                    seed=seed,
                    channels=args.channels,
                    without=() if variant == ALL else (variant,),
                )
                name = f"{variant}-{seed}"
                figures = (args.figures or args.out / "figures") / f"{name}.json"
                per_seed.append(_reached(clips, settings, args.out / name, figures))
            errors[variant] = np.stack(per_seed)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    base = errors[ALL].mean(axis=0)
    apart = np.ptp(errors[ALL].mean(axis=1))
    print(f"with all: {base.mean():.1f} mm over {len(base)} clips; seeds differ by {apart:.1f} mm")
    print("\n| without | mm worse | 95 % interval | it |\n| --- | ---: | ---: | --- |")
    for variant in args.without:
        worse = errors[variant].mean(axis=0) - base
        low, high = bootstrap_interval(worse)
        mean = float(worse.mean())
        print(f"| {variant} | {mean:+.1f} | {low:+.1f} … {high:+.1f} | {verdict(mean, low, high)} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
