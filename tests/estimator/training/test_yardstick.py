"""The yardstick learns, looks at 243 frames, and comes back from its file as it was."""

from dataclasses import replace

import pytest
import torch

from estimator.errors import InputError
from estimator.generator import GeneratorConfig
from estimator.observation import sightings, virtual_camera
from estimator.training.library import MotionLibrary
from estimator.training.synthetic import SyntheticSettings, SyntheticSource
from estimator.training.yardstick import (
    TemporalNetwork,
    Yardstick,
    load_yardstick,
    save_yardstick,
    yardstick_losses,
)

from .captures import made_up_clip

SMALL = GeneratorConfig(channels=32, dilations=(3, 9))


@pytest.fixture(scope="module")
def sample():
    library = MotionLibrary([made_up_clip("a", 200, 1), made_up_clip("b", 90, 2)])
    return SyntheticSource(library, SyntheticSettings(), seed=3).batch(2, 30)


def _network(config=SMALL):
    torch.manual_seed(2)
    return Yardstick(config)


def test_both_networks_learn(sample):
    network = _network().train()
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    history = []
    for _ in range(30):
        losses = yardstick_losses(network, sample)
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
        history.append({name: loss.item() for name, loss in losses.items()})
    assert history[-1]["joints"] < 0.5 * history[0]["joints"]
    assert history[-1]["distance"] < 0.5 * history[0]["distance"]
    assert network.eval().joints(sample).std() > 0.1, "no collapse to one point"


def test_the_truth_has_no_loss(sample):
    truth = sample.truth

    class Knows(Yardstick):
        def forward(self, evidence, view):
            return truth.joints - truth.joints[:, :, :1], truth.joints[:, :, 0]

    losses = yardstick_losses(Knows(SMALL), sample)
    assert all(float(loss) < 1e-6 for loss in losses.values())


def test_an_answer_depends_on_243_frames_and_on_no_others():
    torch.manual_seed(4)
    network = TemporalNetwork(4, 2, GeneratorConfig(channels=8)).eval()
    inputs = torch.randn(1, 500, 4)
    answer = network(inputs)
    assert answer.shape == (1, 500, 2)
    changed = inputs.clone()
    changed[:, 250] += 5.0
    frames = (network(changed) - answer).abs().amax(dim=(0, 2)).nonzero().squeeze(-1)
    assert frames.min() >= 250 - 121 and frames.max() <= 250 + 121
    assert frames.max() - frames.min() > 200


def test_keypoints_arrive_in_full_precision_under_autocast(sample):
    network = _network().eval()
    fed = []
    for part in (network.pose, network.trajectory):
        part.register_forward_pre_hook(lambda module, inputs: fed.append(inputs[0]))
    network(sample.evidence, sample.view)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        joints, _ = network(sample.evidence, sample.view)
    assert torch.equal(fed[0], fed[2]) and torch.equal(fed[1], fed[3])
    assert joints.dtype == torch.float32


def test_gaps_are_bridged_and_confidences_left_aside(sample):
    network = _network().eval()
    rays = sample.evidence.rays[:, :1].expand_as(sample.evidence.rays)
    seen = torch.ones_like(sample.evidence.confidence)
    still = replace(sample.evidence, rays=rays, confidence=seen, in_clip=torch.ones_like(seen[..., 0]) > 0)
    view = virtual_camera(sightings(still.rays, still.confidence), still.in_clip)
    joints, hips = network(still, view)
    # On somebody who stands still a gap hides nothing, and neither does a low confidence.
    gaps = seen * 0.3
    gaps[:, 10:30, 4:9] = 0.0
    patched = replace(still, confidence=gaps, rays=torch.where((gaps > 0)[..., None], rays, 7.0))
    again, place = network(patched, view)
    assert torch.allclose(again, joints, atol=1e-4) and torch.allclose(place, hips, atol=1e-4)


def test_weights_come_back_from_their_file(tmp_path, sample):
    network = _network().train()
    network(sample.evidence, sample.view)  # sets the statistics of the normalisation
    network.eval()
    save_yardstick(tmp_path / "y.pt", network, {"steps": 1})
    loaded = load_yardstick(tmp_path / "y.pt")
    assert loaded.config == SMALL
    for mine, theirs in zip(
        network(sample.evidence, sample.view), loaded(sample.evidence, sample.view), strict=True
    ):
        assert torch.allclose(mine, theirs, atol=0.02)
    (tmp_path / "bad.pt").write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"bad\.pt: not weights of the yardstick"):
        load_yardstick(tmp_path / "bad.pt")


def test_in_the_papers_size_it_has_seventeen_million_parameters():
    network = TemporalNetwork(34, 51, GeneratorConfig(channels=1024))
    count = sum(value.numel() for value in network.parameters())
    assert count == pytest.approx(17.0e6, rel=0.01)
