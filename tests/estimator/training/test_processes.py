"""Several processes train as one; on a graphics card all tensors of a step are there."""

import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from estimator.errors import InputError
from estimator.generator import load_weights
from estimator.training.capture_cache import save_cache
from estimator.training.processes import Processes, started_processes
from estimator.training.settings import TrainSettings
from estimator.training.training_run import CHECKPOINT, Run

from .test_train import CLIPS, SETTINGS, _track

REPOSITORY = Path(__file__).resolve().parents[3]
STEPS = """
import sys
from pathlib import Path
import torch
from estimator.training.processes import started_processes
from estimator.training.training_run import Run
from tests.estimator.training.test_processes import EVERYTHING
from tests.estimator.training.test_train import CLIPS, _track

with started_processes("cpu") as processes:
    run = Run(EVERYTHING, CLIPS, Path(sys.argv[1]), [_track()], processes)
    batch = run.batch()
    assert len(batch.labelled.evidence.rays) == EVERYTHING.batch // 2
    for _ in range(2):
        run.advance()
    learned = [run.network, run.objectives.chosen[1].objective.adversary.discriminator]
    weights = torch.cat([p.detach().flatten() for network in learned for p in network.parameters()])
    seen = processes.gathered(batch.labelled.evidence.rays)
    every = processes.gathered(weights)
    assert (every[0] == every[1]).all(), "all processes have the same weights"
    assert not (seen[0] == seen[1]).all(), "and see other people"
    assert processes.gathered(torch.tensor(run.seconds)).unique().numel() == 1, "and agree how far they are"
"""
EVERYTHING = replace(SETTINGS, objectives="supervision,habekost,pavllo", batch=4)


def _torchrun(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    if sys.platform == "win32":
        pytest.skip("torchrun needs gloo by name of this machine, which Windows often lacks")
    pytest.importorskip("lightning_fabric")
    starter = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [*starter, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_two_processes_have_the_same_weights_after_every_step(tmp_path):
    script = tmp_path / "steps.py"
    script.write_text(STEPS)
    done = _torchrun(tmp_path, str(script), str(tmp_path))
    assert done.returncode == 0, done.stderr


def test_torchrun_trains_and_goes_on(tmp_path):
    save_cache(CLIPS, tmp_path / "capture.npz")
    (tmp_path / "run").mkdir()
    command = [
        *("-m", "estimator", "train", "--mocap", "capture.npz", "--out", "run", "--device", "cpu"),
        *("--minutes", "0.05", "--batch", "2", "--frames", "40", "--channels", "48"),
    ]
    done = _torchrun(tmp_path, *command)
    assert done.returncode == 0, done.stderr
    load_weights(tmp_path / "run" / "last.pt", torch.device("cpu"))
    assert "processes" in (tmp_path / "run" / "README.md").read_text()
    steps = torch.load(tmp_path / "run" / CHECKPOINT, weights_only=True)["progress"][0]
    again = _torchrun(tmp_path, *command)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count(f"going on at step {steps}") == 1, "the first process tells it"


def test_a_batch_that_cannot_be_shared_out_is_refused(tmp_path):
    processes = Processes()
    processes.count = 3
    with pytest.raises(InputError, match="--batch 4 windows for 3 processes"):
        Run(replace(SETTINGS, batch=4), CLIPS, tmp_path, None, processes)


def test_a_graphics_card_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    told = "0 graphics cards for 1 processes; use --device cpu"
    with pytest.raises(InputError, match=told), started_processes("cuda"):
        pass
    with started_processes("auto") as processes:
        assert processes.device.type == "cpu"


@pytest.mark.parametrize(
    "settings",
    [EVERYTHING, replace(SETTINGS, yardstick=True), replace(SETTINGS, positions=True)],
    ids=["all objectives", "yardstick", "positions"],
)
def test_every_tensor_of_a_step_is_on_the_device(tmp_path, monkeypatch, settings: TrainSettings):
    """Torch's device without values refuses to be mixed with the processor, as a graphics card does."""
    processes = Processes(device=torch.device("meta"))
    # It knows no reduced precision.
    monkeypatch.setattr(torch, "autocast", lambda *device, **options: nullcontext())
    run = Run(settings, CLIPS, tmp_path, [_track()] if settings is EVERYTHING else None, processes)
    total, terms = run.losses(run.batch())
    assert total.device.type == "meta"
    assert {term.device.type for term in terms.values()} == {"meta"}
    total.backward()
    assert all(p.grad is None or p.grad.is_meta for p in run.network.parameters())
