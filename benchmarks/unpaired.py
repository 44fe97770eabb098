"""How far unpaired training gets: P-MPJPE beside the mean pose's, and left and right joints flipped in depth.

python -m benchmarks.unpaired --mocap CACHE.npz --weights unpaired=out/last.pt

Clips of people in neither group of the training, seen by known cameras through the noisy detector: Habekost's
setting. The mean pose is that of the people whose capture the adversary sees.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from estimator.errors import InputError
from estimator.generator import load_weights
from estimator.training.capture import load_captures
from estimator.training.capture_clip import CaptureClip
from estimator.training.evaluate import named_file
from estimator.training.measure import generator_joints
from estimator.training.takes import SPLITS
from estimator.training.unpaired import split_people
from estimator.training.unpaired_figures import known_camera_clips, mean_pose, unpaired_figures

BALANCED = "balanced"
LABELS = {"walk_run": "walk/run", "other": "other", "dance": "dance", BALANCED: "mean of these"}


def unpaired_table(
    weights: Mapping[str, Path], clips: Sequence[CaptureClip], split: str, views: int = 2
) -> str:
    """Markdown: a row per network and class of action.

    Args:
        weights: file of a generator by what it is called.
        clips: all of the capture.
        split: whose people are looked at.
        views: cameras per clip.

    Raises:
        InputError: no such people, or no such weights.
    """
    chosen = [clip for clip in clips if clip.split == split]
    if not chosen:
        raise InputError(f"no clip of the capture is in the split {split!r}; see its index.csv")
    motion, _ = split_people([clip for clip in clips if clip.split == "train"])
    pose = mean_pose(known_camera_clips(motion, views=1))
    seen = known_camera_clips(chosen, views=views)
    lines = [
        "| | class | P-MPJPE, mm | mean pose, mm | under the mean pose | depth flips |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for name, file in weights.items():
        generator = load_weights(file, torch.device("cpu"))
        figures = unpaired_figures(generator_joints(generator), seen, pose)
        for action_class, label in LABELS.items():
            if action_class in figures.p_mpjpe:
                error, still = figures.p_mpjpe[action_class], figures.mean_pose[action_class]
                cells = (
                    f"{error:.1f} | {still:.1f} | {1 - error / still:.0%} | {figures.flips[action_class]:.1%}"
                )
                lines.append(f"| {name} | {label} | {cells} |")
    return "\n".join(lines)


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mocap", type=Path, required=True, help="folder of BVH files, or its cache")
    parser.add_argument(
        "--weights", nargs="+", required=True, metavar="[NAME=]FILE", help="of generators to compare"
    )
    parser.add_argument("--split", choices=SPLITS[1:], default="validation")
    parser.add_argument("--views", type=int, default=2, help="cameras per clip")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        clips = load_captures(args.mocap)
        named = {}
        for text in args.weights:
            name, path = named_file(text)
            named[name or path.parent.name] = path
        print(unpaired_table(named, clips, args.split, args.views))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
