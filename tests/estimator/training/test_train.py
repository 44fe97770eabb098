"""Training falls, resumes where it stopped, and writes weights that load."""

import json
from dataclasses import replace

import pytest
import torch

from estimator.generator import load_weights
from estimator.training.measure import evaluation_clips, generator_joints, joint_errors
from estimator.training.supervision import weighted_sum
from estimator.training.train import Run, TrainSettings, train

from .captures import made_up_clip

CLIPS = [made_up_clip("a", 120, 1), made_up_clip("b", 120, 2), made_up_clip("v", 60, 3, split="validation")]
SETTINGS = TrainSettings(minutes=5.0, batch=2, frames=40, channels=48, warm_up=0.001)


@pytest.mark.parametrize("positions", [False, True])
def test_the_objective_falls_on_a_batch_seen_again_and_again(tmp_path, positions):
    run = Run(replace(SETTINGS, positions=positions), CLIPS, tmp_path)
    sample = run.source.batch(2, 40)
    optimiser = torch.optim.Adam(run.network.parameters(), 3e-3)
    history = []
    for _ in range(60):
        losses = run.losses(sample)
        optimiser.zero_grad()
        weighted_sum(losses).backward()
        optimiser.step()
        history.append({name: loss.item() for name, loss in losses.items()})
    for name in ("joints", "rotations", "distance", "down") if not positions else ("joints",):
        assert history[-1][name] < 0.7 * history[0][name], name


def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(tmp_path):
    straight = Run(SETTINGS, CLIPS, tmp_path)
    for _ in range(3):
        straight.advance()
    straight.save(best=True)
    resumed = Run(SETTINGS, CLIPS, tmp_path)
    assert resumed.resume()
    assert (resumed.step, resumed.seconds) == (3, straight.seconds)
    a = straight.source.batch(2, 40)
    b = resumed.source.batch(2, 40)
    assert torch.equal(a.evidence.rays, b.evidence.rays)
    for x, y in zip(straight.network.parameters(), resumed.network.parameters(), strict=True):
        assert torch.equal(x, y)


def test_a_whole_run_leaves_log_validation_and_weights(tmp_path):
    settings = TrainSettings(minutes=0.03, batch=1, frames=30, channels=32, validate_every=0.02)
    train(Run(settings, CLIPS, tmp_path))
    line = json.loads((tmp_path / "validation.jsonl").read_text().splitlines()[-1])
    assert line["p_mpjpe"]["walk_run"] > 0
    generator = load_weights(tmp_path / "best.pt", torch.device("cpu"))
    assert generator.config.channels == 32
    assert not Run(settings, CLIPS, tmp_path / "elsewhere").resume()


def test_evaluation_is_the_same_every_time():
    clips = [made_up_clip("v", 60, 3)]
    a, b = evaluation_clips(clips), evaluation_clips(clips)
    assert [clip.name for clip in a] == ["v/0", "v/1"]
    assert torch.equal(a[1].sample.evidence.rays, b[1].sample.evidence.rays)


def test_the_truth_scores_zero_millimetres():
    clips = evaluation_clips([made_up_clip("v", 60, 3)])

    def truth(sample):
        scale = 1.7 / float(sample.truth.stature[0])
        return (sample.truth.joints - sample.truth.joints[:, :, :1]) * scale

    errors = joint_errors(truth, clips)
    assert errors["p_mpjpe"]["walk_run"] < 0.01 and errors["mpjpe"]["walk_run"] < 0.01
    untrained = generator_joints(Run(SETTINGS, CLIPS, None).average)  # type: ignore[arg-type]
    assert joint_errors(untrained, clips)["mpjpe"]["walk_run"] > 50
