"""Ctrl-C and SIGTERM, sent to real runs: they end soon, say so, leave nothing, and can be resumed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from estimator.__main__ import main
from estimator.command_line.stopping import Stopped, check_stopped, stoppable
from estimator.motion_npz import load_motion
from tests.estimator.command_line.keypoint_files import write_coco
from tests.stopping import wait_until, whole_session_ended

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sends signals to a group of processes")

REPOSITORY = Path(__file__).resolve().parents[3]
CLIPS = 6


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    """The first clip is done soon; the others take long enough to be in the middle of."""
    folder = tmp_path / "takes"
    folder.mkdir()
    for number in range(CLIPS):
        write_coco(folder / f"clip{number}.json", frames=12 if number == 0 else 2000)
    return folder


def start(takes: Path, out: Path, *options: str | Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, "-m", "estimator", "estimate", takes, "--out", out, "--size", "1280", "720"]
    return subprocess.Popen(
        [*command, "--fps", "25", "--device", "cpu", *options],
        cwd=REPOSITORY,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    ("jobs", "number", "said"), [(1, signal.SIGINT, "interrupted"), (2, signal.SIGINT, "interrupted"),
                                 (2, signal.SIGTERM, "terminated")]
)  # fmt: skip
def test_a_run_that_is_stopped(
    jobs: int, number: signal.Signals, said: str, takes: Path, weights: Path, tmp_path: Path
) -> None:
    out, report = tmp_path / "out", tmp_path / "report.json"
    options = ("--weights", weights, "--report", report, "--jobs", str(jobs))
    process = start(takes, out, *options)
    wait_until(lambda: (out / "clip0_p1.npz").exists() or process.poll() is not None)
    # A terminal sends Ctrl-C to all processes, a batch system ends the one that it started.
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    lines = process.communicate(timeout=60)[1].splitlines()
    assert process.returncode == 128 + number
    (told,) = (line for line in lines if not line.startswith(("note: ", "[")))
    assert told.startswith(f"{said} after "), lines
    assert "--resume" in told
    wait_until(lambda: whole_session_ended(process.pid))
    assert not list(out.glob(".*.part"))
    document = json.loads(report.read_text())
    assert document["not_started"] > 0
    assert document["failed"] == 0
    made = {path.name: path.stat().st_mtime_ns for path in out.glob("*.npz")}
    assert len(made) >= document["converted"] == CLIPS - document["not_started"]
    for path in out.glob("*.npz"):
        load_motion(path)

    options = ("--weights", str(weights), "--device", "cpu", "--no-refine", "--range", "0", "5")
    again = ["estimate", str(takes), "--out", str(out), "--size", "1280", "720", "--fps", "25", "--resume"]
    assert main([*again, *options]) == 0
    assert len(list(out.glob("*.npz"))) == CLIPS


def test_workers_end_when_their_parent_is_killed(takes: Path, weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start(takes, out, "--weights", weights, "--jobs", "2")
    wait_until(lambda: (out / "clip0_p1.npz").exists() or process.poll() is not None)
    process.kill()
    process.communicate()
    wait_until(lambda: whole_session_ended(process.pid))


def test_who_swallows_it_is_told_again() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with stoppable():
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                signal.raise_signal(signal.SIGTERM)  # is too late to disturb what ends the work
            check_stopped()
            pytest.fail("the second time it isn't told")
    except Stopped as stopped:
        assert (str(stopped), stopped.status) == ("interrupted", 130)
    finally:
        left = [signal.signal(number, handler) for number, handler in before.items()]
    assert left == [signal.SIG_IGN, signal.SIG_IGN]  # nor is the process' end
    check_stopped()
