"""The position-only network is taught where the joints of a person of 1.7 m are, and how they move."""

from dataclasses import replace

import pytest
import torch

from estimator.generator import GeneratorConfig
from estimator.skeleton import JOINT_INDEX
from estimator.training.library import MotionLibrary
from estimator.training.measure import EVALUATION
from estimator.training.position_baseline import PositionNetwork, position_losses
from estimator.training.synthetic import SyntheticSource

from .captures import made_up_clip

FRAMES, END = 40, 30


@pytest.fixture(scope="module")
def sample():
    """Small and tall people, of whose left hands nothing is known, nor of the last beyond 30 frames of 40."""
    settings = replace(EVALUATION, augment=replace(EVALUATION.augment, stature_spread=0.15), chained=0.0)
    library = MotionLibrary([made_up_clip("a", 200, 1), made_up_clip("b", 160, 2)])
    drawn = SyntheticSource(library, settings, 7).batch(3, FRAMES)
    labelled = drawn.truth.position_labelled.clone()
    labelled[:, :, JOINT_INDEX["LeftHand"]] = False
    labelled[-1, END:] = False
    return replace(drawn, truth=replace(drawn.truth, position_labelled=labelled))


def _lost(sample, fault):
    """What the truth costs for people of 1.7 m, with a fault added, and nonsense where nothing is known."""
    truth = sample.truth
    assert (truth.stature - 1.7).abs().min() > 0.1
    joints = (truth.joints - truth.joints[:, :, :1]) * (1.7 / truth.stature)[:, None, None, None]
    random = torch.Generator().manual_seed(1)
    nonsense = 9 * torch.randn(joints.shape, generator=random)
    answer = torch.where(truth.position_labelled[..., None], joints + fault, nonsense)
    return {name: float(loss) for name, loss in position_losses(answer, sample).items()}


def test_the_truth_costs_nothing_and_a_fault_its_metres_and_metres_per_second(sample):
    nothing = torch.zeros(3)
    assert _lost(sample, nothing) == pytest.approx({"joints": 0.0, "joint_velocity": 0.0}, abs=1e-4)
    aside = torch.tensor([0.0, 0.1, 0.0])
    assert _lost(sample, aside) == pytest.approx({"joints": 0.1, "joint_velocity": 0.0}, abs=1e-4)
    drifting = torch.arange(FRAMES)[:, None, None] / 30 * torch.tensor([0.3, 0.0, 0.0])
    assert _lost(sample, drifting)["joint_velocity"] == pytest.approx(0.3, abs=1e-3)
    torch.manual_seed(1)
    answered = PositionNetwork(GeneratorConfig(channels=16, dilations=(3,))).joints(sample)
    assert not answered[:, :, 0].any(), "it answers relative to Hips, too"
