"""Trains the generator on synthetic detections of motion capture; resumable, on CPU or GPU.

python -m estimator train --mocap DIR --out DIR --minutes 100
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import time
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import InputError
from ..generator import Generator, GeneratorConfig, save_weights
from ..observation import observe
from .capture import CaptureClip, load_cache, load_captures
from .library import MotionLibrary
from .measure import JointPredictor, TestClip, evaluation_clips, generator_joints, joint_errors
from .position_baseline import PositionNetwork, position_losses, predict_positions
from .supervision import supervised_losses, weighted_sum
from .synthetic import Sample, SyntheticSettings, SyntheticSource

NOISE_RAMP = 0.15
"""Share of the training over which the detector's noise grows to its full strength."""


@dataclass(frozen=True)
class TrainSettings:
    """What a run is; two runs with the same settings see the same data."""

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


class Run:
    """State of a training run: network, its running average, optimiser, and how far it is."""

    def __init__(self, settings: TrainSettings, clips: list[CaptureClip], out: Path) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.out = settings, out
        config = GeneratorConfig(channels=settings.channels)
        self.network: Generator = PositionNetwork(config) if settings.positions else Generator(config)
        self.average = deepcopy(self.network).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, weight_decay=0.01
        )
        library = MotionLibrary([clip for clip in clips if clip.split == "train"])
        self.source = SyntheticSource(library, SyntheticSettings(), settings.seed)
        validation = [clip for clip in clips if clip.split == "validation"]
        self.validation: list[TestClip] = evaluation_clips(validation)
        self.step, self.seconds, self.best = 0, 0.0, math.inf

    @property
    def progress(self) -> float:
        """Share of the time that is used up, 0..1."""
        return min(self.seconds / (60 * self.settings.minutes), 1.0)

    def _learning_rate(self) -> float:
        warm = min(self.progress / self.settings.warm_up, 1.0)
        return self.settings.learning_rate * warm * max(0.5 * (1 + math.cos(math.pi * self.progress)), 0.01)

    def losses(self, sample: Sample) -> dict[str, Tensor]:
        """The terms of the objective on one batch."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            if isinstance(self.network, PositionNetwork):
                joints = self.network.joints(sample)
            else:
                prediction = self.network(observe(sample.evidence, sample.view), sample.evidence.in_clip)
        if isinstance(self.network, PositionNetwork):
            return position_losses(joints, sample)
        return supervised_losses(prediction, sample)

    def advance(self) -> dict[str, float]:
        """One optimisation step; returns the loss terms."""
        started = time.process_time()
        noise = min(self.progress / NOISE_RAMP, 1.0)
        sample = self.source.batch(self.settings.batch, self.settings.frames, noise=noise)
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self.network.train()
        losses = self.losses(sample)
        total = weighted_sum(losses)
        self.optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        # A short memory at first, so that the average is worth measuring early on.
        keep = min(self.settings.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(value, 1 - keep)
        self.step += 1
        # Processor time, so that what else the machine does changes nothing.
        self.seconds += (time.process_time() - started) / torch.get_num_threads()
        return {"total": total.item()} | {name: loss.item() for name, loss in losses.items()}

    def _predictor(self) -> JointPredictor:
        average = self.average
        if isinstance(average, PositionNetwork):
            return lambda sample: predict_positions(average, sample)
        return generator_joints(average)

    def validate(self) -> dict[str, dict[str, float]]:
        """Joint errors of the averaged network on the validation clips."""
        return joint_errors(self._predictor(), self.validation)

    def save(self, *, best: bool) -> None:
        """Checkpoint to go on from, and the averaged weights; written beside and renamed."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": self.source.random.get_state(),
            "torch_random": torch.get_rng_state(),
            "progress": (self.step, self.seconds, self.best),
        }
        _replace(self.out / "checkpoint.pt", lambda path: torch.save(state, path))
        note: dict[str, Any] = {
            "steps": self.step,
            "seconds": self.seconds,
            "validation_p_mpjpe_mm": self.best,
        }
        names = ["last.pt", "best.pt"] if best else ["last.pt"]
        for name in names:
            _replace(self.out / name, lambda path: save_weights(path, self.average, note))

    def resume(self) -> bool:
        """Goes on from the checkpoint in the output folder, if there is one."""
        path = self.out / "checkpoint.pt"
        if not path.exists():
            return False
        state = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.source.random.set_state(state["random"])
        torch.set_rng_state(state["torch_random"])
        self.step, self.seconds, self.best = state["progress"]
        return True


def _replace(path: Path, write: Any) -> None:
    beside = path.with_suffix(".part")
    write(beside)
    beside.replace(path)


def train(run: Run) -> None:
    """Trains until the time is used up; logs, validates and saves as it goes."""
    log_path = run.out / "log.csv"
    sums: dict[str, float] = {}
    counted, next_validation = 0, run.seconds + 60 * run.settings.validate_every
    while run.progress < 1:
        for name, value in run.advance().items():
            sums[name] = sums.get(name, 0.0) + value
        counted += 1
        if counted == 50:
            frames = run.step * run.settings.batch * run.settings.frames
            row = {"step": run.step, "minutes": run.seconds / 60, "frames_per_s": frames / run.seconds}
            row |= {name: value / counted for name, value in sums.items()}
            _log(log_path, row)
            sums, counted = {}, 0
        if run.seconds >= next_validation or run.progress >= 1:
            next_validation = run.seconds + 60 * run.settings.validate_every
            errors = run.validate()
            better = errors["p_mpjpe"]["balanced"] < run.best
            run.best = min(run.best, errors["p_mpjpe"]["balanced"])
            run.save(best=better)
            line = {"step": run.step, "minutes": round(run.seconds / 60, 1), **errors}
            with (run.out / "validation.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)


def _log(path: Path, row: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if new:
            writer.writeheader()
        writer.writerow({name: f"{value:.5g}" for name, value in row.items()})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m estimator train``."""
    defaults = TrainSettings()
    parser.add_argument(
        "--mocap", type=Path, required=True, help="folder of BVH motion capture, or its cache (.npz)"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for weights and log; goes on from there"
    )
    parser.add_argument(
        "--minutes", type=float, default=defaults.minutes, help="training time, of the processor"
    )
    parser.add_argument("--batch", type=int, default=defaults.batch, help="windows per step")
    parser.add_argument(
        "--frames", type=int, default=defaults.frames, help="frames per window, at 30 per second"
    )
    parser.add_argument("--channels", type=int, default=defaults.channels)
    parser.add_argument("--learning-rate", type=float, default=defaults.learning_rate)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--validate-every", type=float, default=defaults.validate_every, help="minutes")
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 leaves the choice to it")
    parser.add_argument(
        "--positions", action="store_true", help="train the position-only network to compare with"
    )


def run(args: argparse.Namespace) -> int:
    """``python -m estimator train``."""
    if args.threads:
        torch.set_num_threads(args.threads)
    clips = load_cache(args.mocap) if args.mocap.is_file() else load_captures(args.mocap)
    if not any(clip.split == "train" for clip in clips):
        raise InputError(f"{args.mocap}: no clip of it is for training; see its index.csv")
    args.out.mkdir(parents=True, exist_ok=True)
    settings = TrainSettings(
        minutes=args.minutes,
        batch=args.batch,
        frames=args.frames,
        learning_rate=args.learning_rate,
        channels=args.channels,
        seed=args.seed,
        validate_every=args.validate_every,
        positions=args.positions,
    )
    training = Run(settings, clips, args.out)
    if training.resume():
        print(f"going on at step {training.step}, {training.seconds / 60:.1f} minutes", flush=True)
    train(training)
    return 0
