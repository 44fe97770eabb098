"""What each augmentation brings: trains without it, and compares clip by clip with training with all.

python -m benchmarks.ablation --mocap CACHE.npz --out DIR --seeds 1 2 --without swaps perturb

All trainings of one table have as many steps, so that it doesn't matter how fast the machine is that made
them: 3,500 are 20 minutes of one core of a server.

Runs go on where they stopped. What a finished one reached is kept in a small file in --figures, so that the
many runs need not be made on one machine or in one day; those that are there aren't trained again.

Nobody who is measured is trained on: validation people, and besides them --hold-out, because Kinelift's
validation people only walk. What validation doesn't have, such as cameras that move, is measured besides
where the augmentation against it is left out.

Prints the table of all that --figures has so far: see ``ablation_table``.
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

from benchmarks.ablation_table import ALL, ablation_table, read_figures, read_reached
from estimator.atomic_write import written_whole
from estimator.errors import InputError
from estimator.training.capture import load_captures
from estimator.training.capture_clip import CaptureClip
from estimator.training.measure import EVALUATION, JointPredictor, TestClip, clip_errors, evaluation_clips
from estimator.training.settings import TrainSettings, differences, settings_state
from estimator.training.switches import SWITCHES
from estimator.training.synthetic import SyntheticSettings
from estimator.training.train import train
from estimator.training.training_run import Run

STEPS = 3500
HELD_OUT = ("cmu/06", "reactidle/008")
"""Somebody who plays basketball, and somebody who stands about."""

APART: dict[str, SyntheticSettings] = {
    "moving": replace(EVALUATION, cameras=replace(EVALUATION.cameras, moving=1.0)),
    "focal": replace(EVALUATION, wrong_focal=1.0),
    "edges": replace(EVALUATION, picture_edge=1.0),
    "known": replace(EVALUATION, known_gravity=1.0, known_camera_height=1.0, known_person_height=1.0),
}
"""What these augmentations are for, and validation as it is doesn't have."""


def errors_per_clip(predict: JointPredictor, clips: list[TestClip]) -> dict[str, float]:
    """P-MPJPE in millimetres of each clip, mean over the cameras that see it."""
    per_clip: dict[str, list[float]] = {}
    for row in clip_errors(predict, clips):
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


def errors_apart(
    predict: JointPredictor, clips: list[CaptureClip], variant: str
) -> dict[str, dict[str, float]]:
    """``errors_per_clip`` of validation in the conditions of ``APART`` that tell what ``variant`` does."""
    seen = [clip for clip in clips if clip.split == "validation"]
    names = [name for name in APART if variant in (ALL, name)]
    return {name: errors_per_clip(predict, evaluation_clips(seen, settings=APART[name])) for name in names}


def _reach(clips: list[CaptureClip], settings: TrainSettings, out: Path, figures: Path) -> None:
    """Trains, unless what that comes to is there already."""
    out.mkdir(parents=True, exist_ok=True)
    run = Run(settings, clips, out)
    measured = sorted({clip.person for clip in clips if clip.split == "validation"})
    told = {"settings": settings_state(settings, run.data | {"measured on": ", ".join(measured)})}
    if figures.is_file():
        if different := differences(read_reached(figures).settings, told["settings"]):
            raise InputError(
                f"{figures}: of another training: {', '.join(different)}; choose another --figures"
            )
    else:
        run.resume()
        train(run)
        predict = run.predictor()
        kept = told | {
            "p_mpjpe_mm": errors_per_clip(predict, run.validation),
            "apart_p_mpjpe_mm": errors_apart(predict, clips, ",".join(settings.without) or ALL),
        }
        figures.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(figures) as beside:
            beside.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Trains, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mocap", type=Path, required=True, help="folder of BVH files, or its cache")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--figures", type=Path, help="folder of what was reached (default: figures in --out)")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"per run (default: {STEPS})")
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
        if args.steps < 1:
            raise InputError(f"--steps {args.steps}: give 1 or more")
        clips = load_captures(args.mocap)
        clips = held_out(clips, args.hold_out)
        figures = args.figures or args.out / "figures"
        for variant in [ALL, *args.without]:
            for seed in args.seeds:
                settings = TrainSettings(
                    steps=args.steps,
                    seed=seed,
                    channels=args.channels,
                    without=() if variant == ALL else (variant,),
                )
                name = f"{variant}-{seed}"
                _reach(clips, settings, args.out / name, figures / f"{name}.json")
        print(ablation_table(read_figures(figures), clips))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
