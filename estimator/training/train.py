"""Trains the generator; resumable.

python -m estimator train --mocap DIR --out DIR --minutes 100
python -m estimator train --mocap DIR --tracks DIR --objectives supervision,habekost@0.85 --out DIR
python -m estimator train --mocap DIR --objectives habekost --unpaired --out DIR
torchrun --nproc-per-node 2 -m estimator train --mocap DIR --out DIR
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from .. import __version__
from ..atomic_write import told_of, written_whole
from ..display import Display
from ..errors import InputError
from .capture import load_captures
from .capture_clip import CaptureClip
from .lineage import DataRow
from .model_card import GENERATOR, POSITIONS, YARDSTICK, capture_rows, model_card, track_rows
from .objectives.registry import OBJECTIVES
from .processes import Processes, started_processes
from .settings import TrainSettings
from .switches import SWITCHES
from .tracks import TrackClip, load_tracks
from .train_log import TrainLog, can_plot, plot_log
from .training_run import BEST, CARD, LAST, Run

STEPS_A_ROW = 50
"""Of the log."""
CHECKPOINT_SECONDS = 60.0
"""Of training between checkpoints: no more is lost when it is stopped."""
PICTURE = "log.png"


def train(run: Run, data: Sequence[DataRow] | None = None, *, plot: bool = False) -> None:
    """Trains until the time or the steps are used up; logs, validates and saves as it goes.

    Of several processes the first does all but train.

    Args:
        run: new or resumed.
        data: for the model card, and for whoever begins with the weights; None if unknown.
        plot: draw the log at every validation; needs matplotlib.
    """
    first = run.processes.first
    log = TrainLog(run.out, run.objectives.columns)
    if first:
        log.forget_after(run.step)
    kept = run.step
    if first and run.progress >= 1 and not (run.out / LAST).exists():
        # A finished run whose weights are gone: the checkpoint has them.
        run.save_weights(best=_validated(run, log, data or (), plot), data=data)
    next_validation = _next_validation(run)
    next_checkpoint = run.seconds + CHECKPOINT_SECONDS
    try:
        while run.progress < 1:
            log.add(run.advance())
            if first and (run.step % STEPS_A_ROW == 0 or run.progress >= 1):
                frames = run.step * run.settings.batch * run.settings.frames
                log.write_row(run.step, run.seconds / 60, frames / run.seconds)
            if run.seconds >= next_validation or run.progress >= 1:
                next_validation = _next_validation(run)
                run.save(best=first and _validated(run, log, data or (), plot), data=data)
            elif run.seconds >= next_checkpoint:
                run.save_checkpoint()
                if first:
                    print(_how_far(run), file=sys.stderr, flush=True)
            else:
                continue
            kept = run.step
            next_checkpoint = run.seconds + CHECKPOINT_SECONDS
    except KeyboardInterrupt:
        if first:
            print(f"stopped after {_how_far(run)}; kept until step {kept:,}", file=sys.stderr, flush=True)
        raise


def _next_validation(run: Run) -> float:
    """Seconds of training: the same for a run that was stopped as for one that wasn't."""
    apart = 60 * run.settings.validate_every
    return (run.seconds // apart + 1) * apart


def _how_far(run: Run) -> str:
    settings = run.settings
    minutes = f"{run.seconds / 60:.0f}"
    if settings.steps:
        return f"step {run.step:,} of {settings.steps:,}, {minutes} minutes"
    return f"step {run.step:,}, {minutes} of {settings.minutes:g} minutes"


def _validated(run: Run, log: TrainLog, data: Sequence[DataRow], plot: bool) -> bool:
    """Whether the averaged weights are the best so far; log and model card say how they do."""
    errors = run.validate()
    better = errors["p_mpjpe"]["balanced"] <= run.best
    run.best = min(run.best, errors["p_mpjpe"]["balanced"])
    line = {"step": run.step, "minutes": round(run.seconds / 60, 1), **errors}
    log.write_validation(line)
    write_card(run, data, errors)
    if plot and log.rows.exists():
        plot_log(log, run.out / PICTURE)
    print(json.dumps(line), flush=True)
    return better


def write_card(run: Run, data: Sequence[DataRow], errors: dict[str, dict[str, float]] | None) -> None:
    """Writes the model card beside the weights."""
    settings = asdict(run.settings) | {"without": ", ".join(run.settings.without)}
    settings |= {f"data: {name}": text for name, text in run.data.items()}
    frames = run.step * run.settings.batch * run.settings.frames
    text = model_card(
        f"{LAST}, {BEST}",
        data,
        [str(weighted) for weighted in run.objectives.chosen],
        settings,
        f"{run.step} steps, {frames / 1e6:.1f} million frames, {run.seconds / 60:.1f} minutes of processor "
        f"time per thread, Kinelift {__version__}; `{LAST}` holds the running average of the weights, "
        f"`{BEST}` the one that did best in validation.",
        errors,
        about=YARDSTICK if run.settings.yardstick else POSITIONS if run.settings.positions else GENERATOR,
        earlier=run.earlier,
    )
    with written_whole(run.out / CARD) as path:
        path.write_text(text, encoding="utf-8")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m estimator train``."""
    defaults = TrainSettings()
    add = parser.add_argument
    add("--mocap", type=Path, required=True, help="folder of BVH motion capture, or its cache (.npz)")
    add("--out", type=Path, required=True, help="folder for weights and log; goes on from there")
    add("--tracks", type=Path, nargs="+", default=[], help="folders of keypoint files without 3D")
    add(
        "--objectives",
        default=defaults.objectives,
        help=f"with commas, of {', '.join(OBJECTIVES)}; NAME=WEIGHT, NAME@SHARE of the training to begin "
        f"at, NAME.TERM=WEIGHT (default: {defaults.objectives})",
    )
    add(
        "--unpaired",
        action="store_true",
        help="see some people of the capture as keypoints only, and compare with the others' motion",
    )
    add(
        "--without",
        type=lambda text: tuple(name.strip() for name in text.split(",") if name.strip()),
        default=(),
        help=f"augmentations to switch off, with commas: {', '.join(SWITCHES)}",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--minutes",
        type=float,
        default=defaults.minutes,
        help=f"training time, of the processor or graphics card (default: {defaults.minutes:g})",
    )
    length.add_argument(
        "--steps",
        type=int,
        help="so many instead: the same command then comes to the same weights",
    )
    for option, default, what in (
        ("--batch", defaults.batch, "windows per step"),
        ("--frames", defaults.frames, "frames per window, at 30 per second"),
        ("--channels", defaults.channels, "width of the network"),
        ("--learning-rate", defaults.learning_rate, "at its highest; falls to a hundredth of that"),
        ("--seed", defaults.seed, "of the first weights and of all that is drawn"),
        ("--validate-every", defaults.validate_every, "minutes; weights are written then, too"),
    ):
        add(option, type=type(default), default=default, help=f"{what} (default: {default:g})")
    add("--start-from", type=Path, metavar="WEIGHTS", help="begin with the weights of an earlier training")
    add(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="auto: a graphics card if there is one",
    )
    add("--threads", type=int, default=0, help="of torch; 0 leaves the choice to it")
    add("--positions", action="store_true", help="train the position-only network to compare with")
    add("--yardstick", action="store_true", help="train Pavllo et al.'s networks to compare with")
    add("--plot", action="store_true", help=f"draw the log to {PICTURE}; needs matplotlib")


def run(args: argparse.Namespace) -> int:
    """``python -m estimator train``."""
    if args.threads < 0:
        raise InputError(f"--threads {args.threads}: give 1 or more, or 0 to leave it to torch")
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.steps is not None and args.steps < 1:
        raise InputError(f"--steps {args.steps}: give a whole number above 0")
    settings = TrainSettings(
        minutes=args.minutes,
        steps=args.steps or 0,
        batch=args.batch,
        frames=args.frames,
        learning_rate=args.learning_rate,
        channels=args.channels,
        seed=args.seed,
        validate_every=args.validate_every,
        positions=args.positions,
        yardstick=args.yardstick,
        objectives=args.objectives,
        without=args.without,
        unpaired=args.unpaired,
        start_from=str(args.start_from or ""),
    )
    with started_processes(args.device) as processes:
        _train(settings, args, processes)
    return 0


def _train(settings: TrainSettings, args: argparse.Namespace, processes: Processes) -> None:
    with told_of(args.out):
        args.out.mkdir(parents=True, exist_ok=True)

    display = Display(sys.stderr if processes.first else io.StringIO())
    clips = load_captures(args.mocap, display)
    tracks, left_out = load_tracks(args.tracks) if args.tracks else ([], [])
    for text in left_out:
        display.say(f"note: {text}")
    plot = args.plot and can_plot()
    if args.plot and not plot:
        display.say("note: --plot needs matplotlib, which isn't there; log.csv is written all the same")
    training = Run(settings, clips, args.out, tracks, processes)
    if training.resume() and processes.first:
        print(f"going on at step {training.step}, {training.seconds / 60:.1f} minutes", flush=True)
    train(training, _data(clips, args.tracks, tracks), plot=plot)


def _data(clips: list[CaptureClip], folders: list[Path], tracks: list[TrackClip]) -> list[DataRow]:
    return capture_rows(clips) + track_rows(folders, tracks)
