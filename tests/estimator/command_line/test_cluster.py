"""``--scheduler``: the same outputs by way of a Dask cluster, also when a worker or the scheduler dies."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from estimator.__main__ import main
from estimator.command_line import cluster
from estimator.motion_npz import load_motion
from tests.estimator.command_line.keypoint_files import write_coco

distributed = pytest.importorskip("distributed", reason="needs Dask: pip install distributed")

REPOSITORY = Path(__file__).resolve().parents[3]
CLIPS, FRAMES = 4, 60
PATIENCE = 120.0
"""Seconds; on a busy machine processes start slowly."""


@dataclass
class Cluster:
    """A scheduler and two workers in processes of this machine, started as the README says."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Cluster]:
    named = tmp_path / "scheduler.json"
    arguments = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(named)]
    scheduler = _dask("scheduler", arguments, tmp_path)
    workers = []
    try:
        _until(lambda: named.exists() and named.read_text().endswith("}"))
        address = json.loads(named.read_text())["address"]
        arguments = [address, "--no-nanny", "--nthreads", "1", "--no-dashboard"]
        workers += [_dask("worker", [*arguments, "--name", str(i)], tmp_path) for i in range(2)]
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=PATIENCE)
        yield Cluster(address, scheduler, workers)
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def _dask(command: str, arguments: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    environment["DASK_TEMPORARY_DIRECTORY"] = str(folder)
    line = [sys.executable, "-m", "dask", command, *arguments]
    return subprocess.Popen(
        line, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    """Some clips, and one that is no use."""
    folder = tmp_path / "takes"
    folder.mkdir()
    for index in range(CLIPS):
        write_coco(folder / f"clip{index}.json", frames=FRAMES)
    (folder / "bad.json").write_text("{")
    return folder


def _arguments(takes: Path, weights: Path, out: Path, *more: str | Path) -> list[str]:
    common = ("--fps", "25", "--size", "1280", "720", "--weights", weights, "--device", "cpu", "--no-refine")
    return [str(argument) for argument in ("estimate", takes, "--out", out, *common, *more)]


def test_a_killed_worker_loses_nothing(local: Cluster, takes: Path, weights: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "report.json"
    run = _arguments(takes, weights, out, "--scheduler", local.address, "--report", report)
    with (
        distributed.Client(local.address, set_as_default=False) as client,
        subprocess.Popen(
            [sys.executable, "-m", "estimator", *run], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
        ) as command,
    ):
        assert command.stderr is not None
        victim = local.workers[0]
        name = next(
            key for key, value in client.scheduler_info()["workers"].items() if str(value["id"]) == "0"
        )
        _until(lambda: client.processing()[name])
        victim.send_signal(signal.SIGSTOP)  # so that it dies in the middle of something
        time.sleep(0.5)
        _until(lambda: client.processing()[name])
        victim.kill()
        said = command.stderr.read()
        assert command.wait(PATIENCE) == 2, said
        assert list(client.scheduler_info()["workers"]) != [], "the other one lives"
        assert name not in client.scheduler_info()["workers"]
    lines = said.splitlines()
    assert sum(f": {FRAMES} frames, " in line for line in lines) == CLIPS, said
    assert lines[-1].startswith(f"{CLIPS + 1} clips: {CLIPS} converted, 1 failed; ")
    assert sum(line.startswith("error: ") for line in lines) == 1
    document = json.loads(report.read_text())
    assert (document["converted"], document["failed"], document["not_started"]) == (CLIPS, 1, 0)

    assert main(_arguments(takes, weights, tmp_path / "here")) == 2
    names = sorted(path.name for path in (tmp_path / "here").iterdir())
    assert names == sorted(path.name for path in out.iterdir())
    for name in (f"clip{index}_p1.npz" for index in range(CLIPS)):
        first, second = (load_motion(folder / name) for folder in (out, tmp_path / "here"))
        assert abs(first.joints_world - second.joints_world).max() < 1e-4

    assert main(_arguments(takes, weights, out, "--resume", "--report", report)) == 2
    assert json.loads(report.read_text())["skipped"] == CLIPS, "as if they had been made here"


def test_a_scheduler_that_goes_away_is_told_in_one_line(
    local: Cluster, takes: Path, weights: Path, tmp_path: Path
) -> None:
    out, report = tmp_path / "out", tmp_path / "report.json"
    run = _arguments(takes, weights, out, "--scheduler", local.address, "--report", report)
    with subprocess.Popen(
        [sys.executable, "-m", "estimator", *run], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
    ) as command:
        assert command.stderr is not None
        _until(lambda: out.is_dir() and list(out.glob("*.npz")))
        local.scheduler.kill()
        said = command.stderr.read()
        assert command.wait(PATIENCE) == 1, said
    assert "Traceback" not in said
    told = [line for line in said.splitlines() if "went away" in line]
    assert told == [f"error: the scheduler {local.address} went away; run again with --resume"]
    document = json.loads(report.read_text())
    assert document["converted"] == len(list(out.glob("*.npz"))) >= 1
    assert document["not_started"] >= 1


def test_a_worker_of_another_version_is_refused(
    local: Cluster,
    takes: Path,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cluster, "__version__", "99.0.0")
    assert main(_arguments(takes, weights, tmp_path / "out", "--scheduler", local.address)) == 1
    error = capsys.readouterr().err
    assert "of Kinelift, but this is 99.0.0; give all machines the same one" in error
    assert error.count("\n") == 1


def test_nobody_at_the_address(
    takes: Path,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    scheduler = ("--scheduler", "tcp://127.0.0.1:9")
    assert main(_arguments(takes, weights, tmp_path / "out", *scheduler)) == 2
    error = capsys.readouterr().err
    assert "tcp://127.0.0.1:9: no Dask scheduler answers there" in error
    assert error.count("\n") == 1


def test_without_dask_the_line_says_what_to_install(
    takes: Path,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    scheduler = ("--scheduler", "tcp://127.0.0.1:9")
    assert main(_arguments(takes, weights, tmp_path / "out", *scheduler)) == 1
    assert "--scheduler needs Dask: install it" in capsys.readouterr().err
