"""A batch of many short clips with broken ones among them: throughput with 1 and 2 jobs, and memory.

``python -m benchmarks.batch [--clips N] [--broken N] [--frames N] [--save KINDS]``, from the repository's
root, in the development environment; Linux only. Memory is that of the process that was started, which does
the work itself with 1 job, sampled evenly over its time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from estimator.example import example_motion

SCRIPT = Path(__file__).resolve().parents[1] / "addon" / "batch.py"
COCO_POINTS = 17
SAMPLE_SECONDS = 0.1
KIBIBYTE = 1024 / 1e6
"""In MB."""


@dataclass(frozen=True)
class Run:
    """What a batch took.

    Attributes:
        seconds: from its first clip's start on, as the script itself counts.
        memory: (n,) MB, of the converting process where there is one, evenly over the time of the clips.
    """

    status: int
    seconds: float
    converted: int
    failed: int
    memory: NDArray[np.float64]


def make_clips(folder: Path, clips: int, broken: int, frames: int) -> None:
    """Keypoint files of the example's person, each begun at another moment; some are cut off or empty."""
    motion = example_motion()
    points = np.concatenate([motion.keypoints, motion.confidence[..., None]], axis=-1)[:, :COCO_POINTS]
    bad = set(np.linspace(0, clips - 1, broken + 2)[1:-1].round().astype(int).tolist())
    for number in range(clips):
        rows = np.arange(number, number + frames) % len(points)
        results = [
            {"image_id": frame, "category_id": 1, "keypoints": points[row].ravel().tolist(), "score": 1.0}
            for frame, row in enumerate(rows)
        ]
        text = json.dumps(results)
        if number in bad:
            text = text[: len(text) // 2] if number % 2 else ""
        (folder / f"clip_{number:03}.json").write_text(text, encoding="utf-8")


def run(clips: Path, out: Path, save: str, jobs: int, *, refine: bool) -> Run:
    """Converts all clips in a process of its own."""
    report = out.with_suffix(".json")
    command = [sys.executable, str(SCRIPT), "--", str(clips), "--out", str(out), "--save", save]
    command += ["--report", str(report), "--size", "1280", "720", "--fps", "30", "--jobs", str(jobs)]
    command += [] if refine else ["--no-refine"]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    memory = []
    while process.poll() is None:
        if out.is_dir() and any(out.iterdir()):  # it has begun, torch is loaded
            memory.append(resident(process.pid))
        time.sleep(SAMPLE_SECONDS)
    document = json.loads(report.read_text(encoding="utf-8"))
    return Run(
        process.returncode,
        time.perf_counter() - start,
        document["converted"],
        document["failed"],
        np.array([value for value in memory if value is not None]),
    )


def resident(process: int) -> float | None:
    """MB of a process' memory; None if it is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * KIBIBYTE for line in lines if line.startswith("VmRSS")), None)


def main() -> None:
    parser = argparse.ArgumentParser(description="Throughput and memory of a batch.")
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--broken", type=int, default=5, help="of them")
    parser.add_argument("--frames", type=int, default=60, help="of each clip")
    parser.add_argument("--save", default="blend,npz")
    parser.add_argument(
        "--refine", action=argparse.BooleanOptionalAction, default=True, help="as the batch does by default"
    )
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = folder / "clips"
        clips.mkdir()
        make_clips(clips, arguments.clips, arguments.broken, arguments.frames)
        first: float | None = None
        for jobs in arguments.jobs:
            done = run(clips, folder / f"out_{jobs}", arguments.save, jobs, refine=arguments.refine)
            speed = done.converted * arguments.frames / done.seconds
            first = speed if first is None else first
            print(
                f"{jobs} jobs: {done.converted} converted, {done.failed} failed, exit status {done.status}, "
                f"{done.seconds:.0f} s, {speed:.1f} frames/s, {speed / first:.2f} times the first",
                flush=True,
            )
            quarter = len(done.memory) // 4
            if quarter:
                begin, end = done.memory[:quarter].mean(), done.memory[-quarter:].mean()
                print(
                    f"  memory of the batch's process: {begin:.0f} MB in the first quarter of the time, "
                    f"{end:.0f} MB in the last ({end - begin:+.0f} MB), {done.memory.max():.0f} MB at most",
                    flush=True,
                )


if __name__ == "__main__":
    main()
