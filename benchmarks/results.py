"""The table of results: what each part of the training brings, in one command.

python -m benchmarks.results --mocap CACHE.npz --tracks DIR --out runs/results

Trains every row (going on where a run was stopped), then measures all of them beside the weights that ship,
the mean pose and the truth: ``evaluation.md`` in the output folder. The yardstick gets as long as the weights
that ship; the other rows show what their part brings in a short time.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from estimator.__main__ import main as estimator_main
from estimator.errors import InputError
from estimator.estimate import WEIGHTS
from estimator.training.capture import load_cache, load_captures
from estimator.training.settings import TrainSettings
from estimator.training.tracks import load_tracks
from estimator.training.train import train
from estimator.training.training_run import Run

YARDSTICK = "yardstick"


def rows(minutes: float, full_minutes: float) -> dict[str, TrainSettings]:
    """What is trained, by the name of its row."""

    def short(objectives: str) -> TrainSettings:
        return TrainSettings(minutes=minutes, objectives=objectives)

    return {
        YARDSTICK: TrainSettings(minutes=full_minutes, yardstick=True),
        "unpaired": TrainSettings(
            minutes=minutes, objectives="habekost", unpaired=True, channels=256, frames=96
        ),
        "supervised": short("supervision"),
        "back-projection": short("supervision,pavllo"),
        "adversary": short("supervision,habekost"),
    }


def main() -> int:
    """Trains, and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mocap", type=Path, required=True, help="folder of BVH files, or its cache")
    parser.add_argument("--tracks", type=Path, nargs="+", required=True, help="folders of keypoint files")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20.0, help="per short row, of the processor")
    parser.add_argument("--full-minutes", type=float, default=70.0, help="of the yardstick")
    parser.add_argument("--rows", nargs="+", choices=rows(0, 0), help="only these")
    parser.add_argument("--conditions", nargs="+", default=["noisy", "clean", "other-noise", "coco17-sparse"])
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        clips = load_cache(args.mocap) if args.mocap.is_file() else load_captures(args.mocap)
        tracks, _ = load_tracks(args.tracks)
        chosen = {
            name: settings
            for name, settings in rows(args.minutes, args.full_minutes).items()
            if not args.rows or name in args.rows
        }
        for name, settings in chosen.items():
            out = args.out / name
            out.mkdir(parents=True, exist_ok=True)
            print(f"{name}: {settings.minutes:g} minutes", flush=True)
            real = settings.objectives != "supervision" and not settings.unpaired
            run = Run(settings, clips, out, tracks if real else None)
            run.resume()
            train(run)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    weights = [f"{name}={args.out / name / 'last.pt'}" for name in chosen if name != YARDSTICK]
    beside = ["--yardstick", str(args.out / YARDSTICK / "last.pt")] if YARDSTICK in chosen else []
    measured = ["--weights", f"shipped={WEIGHTS}", *weights, *beside, "--conditions", *args.conditions]
    return estimator_main(["evaluate", "--mocap", str(args.mocap), "--out", str(args.out), *measured])


if __name__ == "__main__":
    raise SystemExit(main())
