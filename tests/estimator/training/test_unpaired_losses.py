"""Each term that needs no answers pulls at what it is about, and comes to what a known fault costs."""

import math
from dataclasses import replace

import pytest
import roma
import torch

from estimator.generator import BALL_JOINTS, Generator, GeneratorConfig, Prediction
from estimator.observation import NETWORK_FPS
from estimator.skeleton import JOINT_INDEX, MEAN_LENGTHS, J
from estimator.training.batches import MotionSource
from estimator.training.detections import CLEAN
from estimator.training.library import MotionLibrary, rotation_matrices
from estimator.training.objectives.global_answer import global_answer
from estimator.training.objectives.habekost import WARM_UP, Habekost, HabekostHinge
from estimator.training.objectives.objective import Batch
from estimator.training.objectives.pavllo import Pavllo
from estimator.training.objectives.registry import OBJECTIVES
from estimator.training.objectives.supervision import Supervision
from estimator.training.supervision import WEIGHTS
from estimator.training.synthetic import SyntheticSource
from estimator.training.track_source import TrackBatch
from estimator.training.unpaired_figures import EVALUATION

from .captures import made_up_clip

PEOPLE, FRAMES, END = 4, 60, 50
ABOUT = {
    (Pavllo, "reprojection"): {"rotations", "log_lengths", "log_distance"},
    (Pavllo, "bones"): {"log_lengths"},
    (Pavllo, "velocity"): {"velocity"},
    (Habekost, "reprojection"): {"rotations", "log_lengths", "log_distance"},
    (Habekost, "adversary"): {"rotations", "log_lengths", "log_distance", "down"},
    (Habekost, "velocity"): {"velocity"},
    (Habekost, "down"): {"down"},
    (Habekost, "lengths"): {"log_lengths"},
    (Habekost, "rest"): {"rotations"},
    (Habekost, "limits"): {"rotations"},
}
ABOUT |= {(HabekostHinge, term): parts for (kind, term), parts in ABOUT.items() if kind is Habekost}
CASES = [pytest.param(*key, id=f"{key[0].name} {key[1]}") for key in ABOUT]


class Answers(Generator):
    """Whatever it is asked, it answers this."""

    def __init__(self, prediction):
        super().__init__(GeneratorConfig(channels=8, dilations=(3,)))
        self.prediction = prediction

    def forward(self, features, in_clip):
        return self.prediction


@pytest.fixture(scope="module")
def batch():
    """Average people; two are seen for 50 frames of 60, the last by a camera of which nothing is known."""
    library = MotionLibrary([made_up_clip("a", 200, 1), made_up_clip("b", 160, 2)])
    sample = SyntheticSource(library, replace(EVALUATION, detector=CLEAN), 3).batch(PEOPLE, FRAMES)
    in_clip = torch.ones(PEOPLE, FRAMES, dtype=torch.bool)
    in_clip[-2:, END:] = False
    down, height = sample.evidence.down.clone(), sample.evidence.camera_height.clone()
    down[-1], height[-1] = 0.0, torch.nan
    evidence = replace(sample.evidence, in_clip=in_clip, down=down, camera_height=height)
    motion = MotionSource(library, EVALUATION.augment, 1.2, 3).batch(PEOPLE, FRAMES)
    return Batch(synthetic=sample, tracks=TrackBatch(evidence, sample.view), motion=motion)


def _truth(batch):
    truth, view = batch.synthetic.truth, batch.synthetic.view
    distance = truth.joints[:, :, 0, 2] * view.size / truth.stature[:, None]
    return Prediction(
        rotations=truth.rotations,
        log_lengths=truth.lengths.log()[:, None].expand(-1, FRAMES, -1),
        log_distance=distance.log(),
        velocity=truth.velocity,
        down=truth.down,
        still_logits=truth.still,
        log_uncertainty=truth.still[..., 0],
    )


def _losses(kind, answer, batch):
    objective = kind()
    if issubclass(kind, Habekost):
        objective.adversary.steps = WARM_UP
    return objective.losses(Answers(answer), replace(batch))


def test_every_term_is_known_here_and_none_but_the_discriminators_own_is_without_weight():
    weights = {
        (kind, term): weight for kind in OBJECTIVES.values() for term, weight in kind.term_weights.items()
    }
    weightless = {key for key, weight in weights.items() if not weight > 0}
    assert weightless == {(kind, "discriminator") for kind in (Habekost, HabekostHinge)}
    assert weights.keys() - weightless == ABOUT.keys() | {(Supervision, term) for term in WEIGHTS}


@pytest.mark.parametrize(("kind", "term"), CASES)
def test_each_term_pulls_at_what_it_is_about_and_at_nothing_else(batch, kind, term):
    torch.manual_seed(1)
    true = _truth(batch)
    turn = torch.tensor([1.0, 0.0, 0.0, 0.0]) + 0.2 * torch.randn(*true.rotations.shape[:3], 4)
    turned = true.rotations @ rotation_matrices(torch.nn.functional.normalize(turn, dim=-1))
    faulty = [turned, *(value + 0.1 * torch.randn(value.shape) for value in true[1:])]
    answer = Prediction(*(value.detach().requires_grad_(True) for value in faulty))
    found = torch.autograd.grad(_losses(kind, answer, batch)[term], tuple(answer), allow_unused=True)
    pairs = zip(Prediction._fields, found, strict=True)
    gradients = {name: gradient for name, gradient in pairs if gradient is not None}
    assert {name for name, g in gradients.items() if g.abs().max() > 1e-6} == ABOUT[kind, term]
    for gradient in gradients.values():
        assert gradient.isfinite().all()
        assert not gradient[~batch.tracks.evidence.in_clip].any(), "nothing lies beyond the end of the clip"


def _drifting(true):
    return true._replace(velocity=true.velocity + torch.tensor([0.3, 0.0, 0.0]))


def _tilted(true):
    return true._replace(down=true.down + torch.tensor([0.2, 0.0, 0.0]))


def _sized(*ratios):
    """People who are so many times as large as the average, in turn."""
    ratio = torch.tensor(ratios).repeat(PEOPLE // len(ratios))[:, None, None]
    return lambda true: true._replace(log_lengths=true.log_lengths + ratio.log())


def _bent(joint, angle):
    """Everybody at rest but for one joint, turned about x by this, radians."""
    rotations = torch.eye(3).repeat(PEOPLE, FRAMES, J, 1, 1)
    rotations[:, :, JOINT_INDEX[joint]] = roma.rotvec_to_rotmat(torch.tensor([angle, 0.0, 0.0]))
    return lambda true: true._replace(rotations=rotations)


# |R - 1|_F squared of a turn by half a radian, as the mean over the ball joints other than the two arms.
BENT = 4 * (1 - math.cos(0.5)) / (len(BALL_JOINTS) - 2)


@pytest.mark.parametrize(
    ("kind", "term", "fault", "cost"),
    [
        (Pavllo, "velocity", _drifting, 0.3),
        (Pavllo, "bones", _sized(1.1), 0.1 * MEAN_LENGTHS.sum()),
        (Pavllo, "bones", _sized(0.9, 1.1), 0.0),
        (Habekost, "velocity", _drifting, 0.3),
        (Habekost, "down", _tilted, 0.2**2),
        (Habekost, "lengths", _sized(1.1), math.log(1.1) ** 2 / 0.1**2),
        (Habekost, "rest", _bent("Spine1", 0.5), BENT),
        (Habekost, "rest", _bent("LeftArm", 0.5), 0.0),
        (Habekost, "rest", _bent("LeftLeg", 0.5), 0.0),
        (Habekost, "limits", _bent("LeftLeg", 0.5), 0.0),
        (Habekost, "limits", _bent("LeftLeg", -0.5), math.sin(0.5) ** 2),
    ],
)
def test_a_known_fault_has_a_known_cost(batch, kind, term, fault, cost):
    assert float(_losses(kind, fault(_truth(batch)), batch)[term]) == pytest.approx(cost, abs=2e-3)


@pytest.mark.parametrize("kind", [Pavllo, Habekost])
def test_what_is_answered_beyond_the_end_of_a_clip_changes_nothing(batch, kind):
    losses = []
    for nonsense in (0.5, 9.0):
        answer = [value.clone() for value in _truth(batch)]
        for value in answer:
            value[-2:, END:] = nonsense
        torch.manual_seed(1)
        losses.append(_losses(kind, Prediction(*answer), batch))
    for term, loss in losses[0].items():
        assert loss.item() == pytest.approx(losses[1][term].item(), rel=1e-4), term


@pytest.mark.parametrize(
    "way",
    [
        pytest.param((0.0, 1.0, 0.0), id="along the floor"),
        pytest.param((0.0, 0.0, 1.0), id="straight down"),
        pytest.param((0.0, 0.0, -1.0), id="straight up"),
        pytest.param((1e-3, 0.0, 1.0), id="nearly straight down"),
    ],
)
def test_the_answer_stands_upright_whichever_way_the_camera_looks(batch, way):
    """One scene, its evidence given in axes in which gravity is ``way``."""
    evidence, view, truth = batch.tracks.evidence, batch.tracks.view, batch.synthetic.truth
    down, way = evidence.down[0, 0], torch.nn.functional.normalize(torch.tensor(way), dim=0)
    about = torch.nn.functional.normalize(torch.linalg.cross(down, way), dim=0)
    turn = roma.rotvec_to_rotmat(about * torch.arccos(down @ way))
    given = evidence.down @ turn.mT
    given[0] = way  # without a rounding error, which would be a direction to go by
    turned = TrackBatch(
        replace(evidence, rays=evidence.rays @ turn.mT, down=given),
        replace(view, from_camera=view.from_camera @ turn.mT),
    )
    found = global_answer(_truth(batch), turned, NETWORK_FPS).joints[0]
    to_world = (view.from_camera[0] @ truth.axes_from_world[0]).mT
    there = torch.einsum("tij,tnj->tni", to_world, truth.joints[0])
    assert torch.allclose(found[..., 2], there[..., 2], atol=0.02), "over the camera, as gravity says"
    between = [torch.cdist(joints.flatten(0, 1), joints.flatten(0, 1)) for joints in (found, there)]
    assert torch.allclose(*between, atol=0.03)
