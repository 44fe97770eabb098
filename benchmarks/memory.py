"""Peak memory of an estimate beyond its input and output, for a short and a very long clip.

``python -m benchmarks.memory [--frames N …] [--fps F]``, from the repository's root; Linux only. Refinement
takes a while: with ``--rounds 1`` the memory is the same, and the time is not.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import numpy as np

from estimator.estimate import estimate_motion
from estimator.example import example_motion
from estimator.example.detector import HEIGHT, WIDTH, example_camera
from estimator.motion import Motion
from estimator.refinement import windows
from estimator.track import KeypointTrack

MEGABYTE = 1e6
WARM_UP_FRAMES = 30


def example_track(frames: int, fps: float | None = None) -> KeypointTrack:
    """The example's keypoints, forwards and backwards in turn, ``frames`` frames long, at another rate."""
    motion = example_motion()
    once = np.arange(len(motion))
    there_and_back = np.concatenate([once, once[-2:0:-1]])
    rows = np.resize(there_and_back, frames)
    return KeypointTrack(
        1, motion.keypoints[rows], motion.confidence[rows], 0, WIDTH, HEIGHT, fps or motion.fps, "example"
    )


def size_of(motion: Motion) -> int:
    """Bytes of what the estimate added to memory and gave back."""
    given = {"keypoints", "confidence"}
    values = (getattr(motion, field.name) for field in fields(motion) if field.name not in given)
    return sum(value.nbytes for value in values if isinstance(value, np.ndarray))


def _status(entry: str) -> float:
    """An entry of this process's status, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / MEGABYTE for line in lines if line.startswith(entry))


def measure(frames: int, fps: float | None) -> None:
    """Prints the figures of one clip; alone in its process, because memory once used is rarely given back."""
    track, camera = example_track(frames, fps), example_camera()
    # Loads torch, the weights and what they need; short, so that the working memory counts for the clip.
    estimate_motion(example_track(WARM_UP_FRAMES, fps), camera)
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before = _status("VmRSS")
    start = time.perf_counter()
    motion = estimate_motion(track, camera)
    seconds = time.perf_counter() - start
    output = size_of(motion) / MEGABYTE
    beyond = _status("VmHWM") - before - output
    print(
        f"{frames:>9,} frames: peak {beyond:6.0f} MB beyond input and output ({output:.0f} MB of output), "
        f"{seconds:.0f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Peak memory of an estimate.")
    parser.add_argument("--frames", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--fps", type=float, help="of the clip; the network works at 30")
    parser.add_argument("--rounds", type=int, default=windows.ROUNDS, help="of refinement")
    arguments = parser.parse_args()
    if len(arguments.frames) == 1:
        windows.ROUNDS = arguments.rounds
        measure(arguments.frames[0], arguments.fps)
        return
    for frames in arguments.frames:
        same = ["--frames", str(frames), "--rounds", str(arguments.rounds)]
        if arguments.fps:
            same += ["--fps", str(arguments.fps)]
        subprocess.run([sys.executable, "-m", "benchmarks.memory", *same], check=True)


if __name__ == "__main__":
    main()
