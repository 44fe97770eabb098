"""How long refinement takes, against what comes before it, and against a clip three times as long.

``python -m benchmarks.refinement [--frames N]``, from the repository's root. All in turns in one run, so that
the ratios hold on a machine that does other things too. ``benchmarks.memory`` measures its memory.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from threadpoolctl import threadpool_limits

from benchmarks.memory import example_track
from estimator.estimate import WEIGHTS
from estimator.evidence import gather_evidence, solving_axes
from estimator.example.detector import example_camera
from estimator.generator import load_weights
from estimator.lifting import lift, root_evidence
from estimator.observation import NETWORK_FPS
from estimator.refinement import refine
from estimator.root_solve import solve_root


class Clip:
    """The example's person for some frames, and the steps of an estimate."""

    def __init__(self, frames: int) -> None:
        axes = solving_axes(None, frames)
        self.evidence, self.centre = gather_evidence(
            example_track(frames), NETWORK_FPS, example_camera(), axes, None
        )
        self.generator = load_weights(WEIGHTS, torch.device("cpu"))
        self.lift()
        self.find_path()

    def lift(self) -> None:
        """The network's answer."""
        self.lifted = lift(self.generator, self.evidence, None)

    def find_path(self) -> None:
        """The path of Hips, on one thread as in the pipeline."""
        with threadpool_limits(limits=1):
            self.root = solve_root(root_evidence(self.evidence, self.centre, self.lifted))

    def refine(self) -> None:
        """The refined take, likewise."""
        with threadpool_limits(limits=1):
            refine(self.evidence, self.centre, self.lifted, self.root)


def seconds(work: Callable[[], None]) -> float:
    """That it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description="Time of refinement.")
    parser.add_argument("--frames", type=int, default=1800)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="of the network")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    once, thrice = Clip(arguments.frames), Clip(3 * arguments.frames)
    once.refine()
    rounds = [
        tuple(seconds(work) for work in (once.lift, once.find_path, once.refine, thrice.refine))
        for _ in range(arguments.rounds)
    ]
    names = ("network", "path", "refinement", "refinement of a clip three times as long")
    print(f"{arguments.frames} frames, {arguments.threads} threads, median of {arguments.rounds} rounds")
    for index, name in enumerate(names):
        taken = statistics.median(times[index] for times in rounds)
        ratio = statistics.median(times[index] / times[2] for times in rounds)
        print(f"{name}: {taken:.2f} s, {ratio:.2f} of refinement")


if __name__ == "__main__":
    main()
