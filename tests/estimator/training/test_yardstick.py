"""The yardstick learns, looks at 243 frames, and comes back from its file as it was."""

from dataclasses import replace

import pytest
import torch

from estimator.errors import InputError
from estimator.generator import GeneratorConfig
from estimator.observation import VirtualCamera, sightings, virtual_camera
from estimator.skeleton import JOINT_INDEX
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


class Answers(Yardstick):
    """Whatever it is asked, it answers these joints, relative to Hips, and this place."""

    def __init__(self, joints, hips):
        super().__init__(SMALL)
        self.answer = joints, hips

    def forward(self, evidence, view):
        return self.answer


def test_the_truth_has_no_loss_and_neither_has_what_nobody_knows(sample):
    truth, in_clip = sample.truth, sample.evidence.in_clip.clone()
    in_clip[1, 20:] = False
    labelled = truth.position_labelled & in_clip[..., None]
    labelled[:, :, JOINT_INDEX["LeftHand"]] = False
    partly = replace(
        sample,
        truth=replace(truth, position_labelled=labelled),
        evidence=replace(sample.evidence, in_clip=in_clip),
    )
    joints = torch.where(labelled[..., None], truth.joints - truth.joints[:, :, :1], 9.0)
    hips = torch.where(in_clip[..., None], truth.joints[:, :, 0], 9.0)
    losses = yardstick_losses(Answers(joints, hips), partly)
    assert all(float(loss) < 1e-6 for loss in losses.values())
    losses = yardstick_losses(Answers(joints, hips), sample)
    assert all(float(loss) > 0.1 for loss in losses.values())


@pytest.mark.parametrize(("distance", "cost"), [(2.0, 0.5), (8.0, 0.125), (0.1, 2.0)])
def test_a_metre_at_the_root_costs_one_over_its_distance_up_to_two(sample, distance, cost):
    relative = sample.truth.joints - sample.truth.joints[:, :, :1]
    hips = torch.tensor([0.3, -0.2, distance]).expand(2, 30, 3)
    there = replace(sample, truth=replace(sample.truth, joints=relative + hips[:, :, None]))
    losses = yardstick_losses(Answers(relative, hips + torch.tensor([0.0, 1.0, 0.0])), there)
    assert float(losses["distance"]) == pytest.approx(cost)
    assert float(losses["joints"]) < 1e-6


def test_turned_cameras_change_nothing_and_nearness_nothing_but_the_place(sample):
    network = _network().eval()
    seen = torch.ones_like(sample.evidence.confidence)
    straight = replace(sample.evidence, confidence=seen, in_clip=seen[..., 0] > 0)
    rays = torch.einsum("btij,btkj->btki", sample.view.from_camera, straight.rays)
    ahead = VirtualCamera(torch.eye(3).expand(2, 30, 3, 3), sample.view.size)
    joints, hips = network(straight, sample.view)
    same, place = network(replace(straight, rays=rays), ahead)
    assert torch.allclose(same, joints, atol=1e-5) and torch.allclose(place, hips, atol=1e-5)
    assert not joints[:, :, 0].any(), "relative to Hips"
    # Half as far away a person is twice as large in the picture.
    nearer = torch.nn.functional.normalize(rays * torch.tensor([2.0, 2.0, 1.0]), dim=-1)
    larger = replace(ahead, size=2 * ahead.size)
    same, place = network(replace(straight, rays=nearer), larger)
    assert torch.allclose(same, joints, atol=1e-4)
    assert (place - hips).abs().mean() > 0.01


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
