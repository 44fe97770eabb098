"""How far unpaired training gets: P-MPJPE beside the mean pose's, and left and right joints flipped in depth.

python -m benchmarks.unpaired --mocap CACHE.npz --weights out/best.pt

Clips of people in neither group of the training, seen by known cameras through the noisy detector.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from estimator.errors import InputError
from estimator.generator import load_weights
from estimator.training.capture import load_cache, load_captures
from estimator.training.measure import generator_joints
from estimator.training.takes import SPLITS
from estimator.training.unpaired import known_camera_clips, mean_pose, split_people, unpaired_figures


def main() -> int:
    """Prints a row per class of action."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mocap", type=Path, required=True, help="folder of BVH files, or its cache")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--split", choices=SPLITS[1:], default="validation")
    parser.add_argument("--views", type=int, default=2, help="cameras per clip")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        clips = load_cache(args.mocap) if args.mocap.is_file() else load_captures(args.mocap)
        generator = load_weights(args.weights, torch.device("cpu"))
        chosen = [clip for clip in clips if clip.split == args.split]
        if not chosen:
            raise InputError(f"{args.mocap}: no clip of it is in the split {args.split!r}; see its index.csv")
        motion, _ = split_people([clip for clip in clips if clip.split == "train"])
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    pose = mean_pose(known_camera_clips(motion, views=1))
    figures = unpaired_figures(
        generator_joints(generator), known_camera_clips(chosen, views=args.views), pose
    )
    print(f"{'':10s} {'P-MPJPE':>8s} {'mean pose':>10s} {'less':>6s} {'flipped':>8s}")
    for name, moved in figures.p_mpjpe.items():
        still = figures.mean_pose[name]
        print(f"{name:10s} {moved:6.1f}mm {still:8.1f}mm {1 - moved / still:6.0%} {figures.flips[name]:8.1%}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
