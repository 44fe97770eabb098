"""Measures networks on captures they haven't seen, through fixed cameras and a fixed noisy detector.

python -m estimator evaluate --mocap DIR
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import InputError
from ..estimate import WEIGHTS
from ..generator import Generator, load_weights
from ..observation import observe
from .capture import load_cache, load_captures
from .detections import CLEAN, DetectorSettings
from .measure import (
    TestClip,
    evaluation_clips,
    generator_joints,
    joint_errors,
    mean_by_class,
    refined_joints,
)
from .position_baseline import PositionNetwork, predict_positions

CPU = torch.device("cpu")


@torch.no_grad()
def gravity_errors(generator: Generator, clips: list[TestClip]) -> dict[str, float]:
    """Degrees between predicted and true gravity per frame: the median, and the 90th percentile."""
    angles = []
    for clip in clips:
        sample = clip.sample
        predicted = generator(observe(sample.evidence, sample.view), sample.evidence.in_clip).down
        cosine = torch.nn.functional.cosine_similarity(predicted, sample.truth.down, dim=-1)
        angles.append(torch.rad2deg(torch.acos(cosine.clamp(-1, 1)))[0].numpy())
    degrees = np.concatenate(angles)
    return {"median": float(np.median(degrees)), "90 %": float(np.percentile(degrees, 90))}


@torch.no_grad()
def rotation_errors(generator: Generator, clips: list[TestClip]) -> dict[str, float]:
    """Geodesic error in degrees by class, mean over the labelled local rotations."""
    rows = []
    for clip in clips:
        sample = clip.sample
        predicted = generator(observe(sample.evidence, sample.view), sample.evidence.in_clip).rotations
        chord = (predicted - sample.truth.rotations).flatten(-2).norm(dim=-1) / 8**0.5
        degrees = torch.rad2deg(2 * torch.asin(chord.clamp(max=1)))
        rows.append((clip.action_class, float(degrees[sample.truth.rotation_labelled].mean())))
    return mean_by_class(rows)


def evaluate(generator: Generator, clips: list[TestClip]) -> dict[str, dict[str, float]]:
    """All figures of a generator; millimetres and degrees."""
    return {
        **joint_errors(generator_joints(generator), clips),
        "rotation_degrees": rotation_errors(generator, clips),
        "gravity_degrees": gravity_errors(generator, clips),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m estimator evaluate``."""
    parser.add_argument(
        "--mocap", type=Path, required=True, help="folder of BVH motion capture, or its cache (.npz)"
    )
    parser.add_argument("--split", choices=("test", "validation"), default="test")
    parser.add_argument(
        "--weights", type=Path, default=WEIGHTS, help="of the generator; those that ship if not given"
    )
    parser.add_argument("--positions", type=Path, help="weights of a position-only network to compare with")
    parser.add_argument("--refine", action="store_true", help="measure the refined takes too; slow")
    parser.add_argument("--clean", action="store_true", help="a detector without noise")
    parser.add_argument("--views", type=int, default=2, help="cameras per clip")
    parser.add_argument("--json", type=Path, help="write the figures here as well")


def run(args: argparse.Namespace) -> int:
    """``python -m estimator evaluate``."""
    clips = load_cache(args.mocap) if args.mocap.is_file() else load_captures(args.mocap)
    chosen = [clip for clip in clips if clip.split == args.split]
    if not chosen:
        raise InputError(f"{args.mocap}: no clip of it is in the split {args.split!r}; see its index.csv")
    detector = CLEAN if args.clean else DetectorSettings()
    seen = evaluation_clips(chosen, args.views, detector)
    generator = load_weights(args.weights, CPU)
    figures: dict[str, Any] = {"generator": evaluate(generator, seen)}
    if args.refine:
        figures["refined"] = joint_errors(refined_joints(generator), seen)
    if args.positions:
        network = load_weights(args.positions, CPU, PositionNetwork)
        assert isinstance(network, PositionNetwork)
        figures["positions"] = joint_errors(lambda sample: predict_positions(network, sample), seen)
    for name, metrics in figures.items():
        print(name)
        for metric, values in metrics.items():
            print(f"  {metric:18s} " + "  ".join(f"{key} {value:.1f}" for key, value in values.items()))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0
