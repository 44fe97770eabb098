"""A batch of many short clips with broken ones among them: throughput by jobs, memory, being killed.

``python -m benchmarks.batch [--clips N] [--broken N] [--frames N] [--save KINDS]``, from the repository's
root, in the development environment; Linux only. Memory is that of the process that was started, which does
the work itself with 1 job, sampled evenly over its time. At last a run is killed in the middle by SIGKILL and
resumed, and after both each output is opened. The exit status is 1 if a clip is lost or a file isn't whole.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from estimator.example import example_motion
from estimator.motion_npz import load_motion

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
    points = points[(points[..., 2] > 0).any(axis=1)]  # so that all clips have as many frames
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


def start_batch(clips: Path, out: Path, save: str, jobs: int, *options: str) -> subprocess.Popen[bytes]:
    """Starts to convert all clips, in a process that leads a group of its own."""
    command = [sys.executable, str(SCRIPT), "--", str(clips), "--out", str(out), "--save", save]
    command += ["--report", str(report_of(out)), "--size", "1280", "720", "--fps", "30", "--jobs", str(jobs)]
    return subprocess.Popen(
        [*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def report_of(out: Path) -> Path:
    """Where a batch tells what became of the clips."""
    return out.with_suffix(".json")


def run(clips: Path, out: Path, save: str, jobs: int, *options: str) -> Run:
    """Converts all clips in a process of its own."""
    start = time.perf_counter()
    process = start_batch(clips, out, save, jobs, *options)
    memory = []
    while process.poll() is None:
        if out.is_dir() and any(out.iterdir()):  # it has begun, torch is loaded
            memory.append(resident(process.pid))
        time.sleep(SAMPLE_SECONDS)
    document = json.loads(report_of(out).read_text(encoding="utf-8"))
    return Run(
        process.returncode,
        time.perf_counter() - start,
        document["converted"],
        document["failed"],
        np.array([value for value in memory if value is not None]),
    )


def run_until(clips: Path, out: Path, save: str, jobs: int, enough: int, *options: str) -> None:
    """Converts clips until so many outputs are there, and kills all of it then."""
    process = start_batch(clips, out, save, jobs, *options)
    while process.poll() is None and len(outputs(out)) < enough:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def outputs(out: Path) -> list[Path]:
    """The files under their own names; what begins with a dot is unfinished, or a record of what was done."""
    return [path for path in out.glob("*") if not path.name.startswith(".")]


def broken(out: Path, frames: int) -> list[Path]:
    """The outputs that can't be opened or are without their whole motion; .npz and .blend are looked into."""
    return [path for path in outputs(out) if not _is_whole(path, frames)]


def _is_whole(path: Path, frames: int) -> bool:
    if path.suffix == ".npz":
        return len(load_motion(path)) == frames
    if path.suffix == ".blend":
        with bpy.data.libraries.load(str(path)) as (there, here):
            here.actions = there.actions
        ranges = [tuple(action.frame_range) for action in here.actions]
        bpy.data.batch_remove(here.actions)
        return ranges == [(1.0, frames)]
    return path.stat().st_size > 0


def resident(process: int) -> float | None:
    """MB of a process' memory; None if it is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * KIBIBYTE for line in lines if line.startswith("VmRSS")), None)


def main() -> int:
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
        options = [] if arguments.refine else ["--no-refine"]
        expected = (arguments.clips - arguments.broken, arguments.broken)
        lost = False
        for jobs in arguments.jobs:
            done = run(clips, folder / f"out_{jobs}", arguments.save, jobs, *options)
            lost |= (done.converted, done.failed) != expected
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
        out, jobs = folder / "out_killed", max(arguments.jobs)
        kinds = len(arguments.save.split(","))
        run_until(clips, out, arguments.save, jobs, kinds * arguments.clips // 2, *options)
        left, bad = len(outputs(out)), broken(out, arguments.frames)
        print(f"{jobs} jobs, killed: {left} outputs are there, {len(bad)} of them not whole", flush=True)
        done = run(clips, out, arguments.save, jobs, "--resume", *options)
        whole, bad_later = len(outputs(out)), broken(out, arguments.frames)
        unfinished = len(list(out.glob(".*.part")))
        print(
            f"  resumed: {done.converted} clips converted, {whole} outputs are there, "
            f"{len(bad_later)} of them not whole, {unfinished} unfinished files"
        )
        lost |= bool(bad or bad_later or unfinished) or whole != kinds * expected[0]
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
