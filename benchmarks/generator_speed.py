"""Frames per second of the generator next to the yardstick's, in one run on the same clip.

``python -m benchmarks.generator_speed [--frames 1800]``, from the repository's root.

The generator answers as in the product, to the clip and to its mirror image. The yardstick is one of Pavllo
et al.'s two networks, of the paper's 1024 channels, with random weights, and answers to the clip alone.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from estimator.estimate import WEIGHTS
from estimator.generator import Generator, GeneratorConfig, load_weights
from estimator.keypoint_set import K
from estimator.observation import OBSERVATION_SIZE
from estimator.skeleton import J
from estimator.training.yardstick import TemporalNetwork

CHANNELS = 1024


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of the generator next to the yardstick's.")
    parser.add_argument("--frames", type=int, default=1800)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()

    device = torch.device("cpu")
    generator = load_weights(WEIGHTS, device) if WEIGHTS.exists() else Generator().eval()
    yardstick = TemporalNetwork(2 * K, 3 * J, GeneratorConfig(channels=CHANNELS)).eval()
    features = torch.randn(1, arguments.frames, OBSERVATION_SIZE)
    in_clip = torch.ones(1, arguments.frames, dtype=torch.bool)
    points = torch.randn(1, arguments.frames, 2 * K)

    print(f"{arguments.frames} frames, median of {arguments.rounds} rounds")
    for threads in (1, 2):
        torch.set_num_threads(threads)
        # In turns, so that both meet the same load of the machine.
        with torch.inference_mode():
            generator.symmetric(features, in_clip), yardstick(points)
            rounds = [
                (seconds(lambda: generator.symmetric(features, in_clip)), seconds(lambda: yardstick(points)))
                for _ in range(arguments.rounds)
            ]
        ours, theirs = (arguments.frames / statistics.median(times) for times in zip(*rounds, strict=True))
        ratio = statistics.median(b / a for a, b in rounds)
        print(
            f"{threads} thread{'s' * (threads > 1)}: generator {ours:,.0f} frames/s, "
            f"yardstick {theirs:,.0f} frames/s, ratio {ratio:.2f}"
        )


if __name__ == "__main__":
    main()
