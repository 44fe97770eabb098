"""Each term of supervision pulls at the outputs it is about, at no others, and can be learned."""

import math
from dataclasses import replace

import pytest
import roma
import torch

from estimator.generator import Generator, GeneratorConfig, Prediction
from estimator.skeleton import END_POINT_JOINTS, JOINT_INDEX, J
from estimator.training.detections import CLEAN
from estimator.training.library import MotionLibrary, rotation_matrices
from estimator.training.measure import EVALUATION
from estimator.training.objectives.objective import Batch, Need
from estimator.training.supervision import WEIGHTS, supervised_losses
from estimator.training.synthetic import SyntheticSource

from .captures import made_up_clip

ABOUT = {
    "joints": {"rotations", "log_lengths"},
    "ends": {"rotations", "log_lengths"},
    "bones": {"rotations", "log_lengths"},
    "rotations": {"rotations"},
    "joint_velocity": {"rotations", "log_lengths"},
    "rotation_change": {"rotations"},
    "velocity": {"velocity"},
    "distance": {"log_distance"},
    "down": {"down"},
    "still": {"still_logits"},
    "proportions": {"log_lengths"},
    "stature": {"log_lengths"},
    "reprojection": {"rotations", "log_lengths", "log_distance"},
    "uncertainty": {"log_uncertainty"},
}
END = 30


@pytest.fixture(scope="module")
def sample():
    """People of all proportions, whose feet stand by turns; the last of them is seen for 30 frames of 40."""
    library = MotionLibrary([made_up_clip("a", 200, 1), made_up_clip("b", 160, 2)])
    settings = replace(
        EVALUATION, detector=CLEAN, augment=replace(EVALUATION.augment, length_spread=0.15), cropped=0.0
    )
    drawn = SyntheticSource(library, settings, 7).batch(3, 40)
    in_clip = torch.ones(3, 40, dtype=torch.bool)
    in_clip[2, END:] = False
    truth = drawn.truth
    still = (torch.arange(40)[:, None] // 10 + torch.arange(4)) % 2
    labels = {
        name: value & in_clip.reshape(3, 40, *[1] * (value.dim() - 2))
        for name, value in vars(truth).items()
        if name.endswith("_labelled")
    }
    truth = replace(truth, still=still.float().expand(3, -1, -1), **labels)
    return replace(drawn, evidence=replace(drawn.evidence, in_clip=in_clip), truth=truth)


def _answer(sample, fault):
    """The truth with faults of this size, as leaves that gather gradients."""
    truth, random = sample.truth, torch.Generator().manual_seed(1)
    frames = truth.joints.shape[1]

    def off(values):
        return values + fault * torch.randn(values.shape, generator=random)

    turn = off(torch.tensor([1.0, 0.0, 0.0, 0.0]).expand(*truth.rotations.shape[:3], 4))
    distance = truth.joints[:, :, 0, 2] * sample.view.size / truth.stature[:, None]
    answer = Prediction(
        rotations=truth.rotations @ rotation_matrices(torch.nn.functional.normalize(turn, dim=-1)),
        log_lengths=off(truth.lengths.log()[:, None].expand(-1, frames, -1)),
        log_distance=off(distance.log()),
        velocity=off(truth.velocity),
        down=off(truth.down),
        still_logits=off(4 * truth.still - 2),
        log_uncertainty=off(torch.full(truth.still.shape[:2], -2.0)),
    )
    return Prediction(*(value.detach().clone().requires_grad_(True) for value in answer))


def _gradients(loss, answer):
    """By field; those that a loss doesn't depend on are left out."""
    assert loss.requires_grad, "depends on no output"
    found = torch.autograd.grad(loss, tuple(answer), allow_unused=True)
    pairs = zip(Prediction._fields, found, strict=True)
    return {name: gradient for name, gradient in pairs if gradient is not None}


def test_every_term_is_known_here():
    assert ABOUT.keys() == WEIGHTS.keys()
    assert set().union(*ABOUT.values()) == set(Prediction._fields), "nothing is answered that nobody teaches"


@pytest.mark.parametrize("term", ABOUT)
def test_each_term_pulls_at_what_it_is_about_and_at_nothing_else(sample, term):
    answer = _answer(sample, fault=0.1)
    gradients = _gradients(supervised_losses(answer, sample)[term], answer)
    pulled = {name for name, gradient in gradients.items() if gradient.abs().max() > 1e-6}
    assert pulled == ABOUT[term]
    inside = sample.evidence.in_clip
    for name, gradient in gradients.items():
        assert gradient.isfinite().all()
        assert not gradient[~inside].any(), "beyond the end of the clip there is nothing to be learned"
        if name in pulled:
            frames = (gradient.flatten(2) if gradient.dim() > 2 else gradient[..., None]).abs().amax(dim=-1)
            assert (frames[inside] > 0).float().mean() > 0.95, "on every frame"


@pytest.mark.parametrize("term", ABOUT)
def test_at_the_truth_gradients_stay_finite(sample, term):
    answer = _answer(sample, fault=0.0)
    for gradient in _gradients(supervised_losses(answer, sample)[term], answer).values():
        assert gradient.isfinite().all()


@pytest.mark.parametrize(
    ("term", "part"),
    [
        ("rotations", "rotations"),
        ("rotation_change", "rotations"),
        ("velocity", "velocity"),
        ("down", "down"),
        ("still", "still_logits"),
        ("proportions", "log_lengths"),
    ],
)
def test_no_joint_axis_contact_or_length_is_left_out(sample, term, part):
    answer = _answer(sample, fault=0.1)
    gradient = _gradients(supervised_losses(answer, sample)[term], answer)[part]
    assert (gradient.abs().amax(dim=(0, 1)).flatten(1 if part == "rotations" else 0) > 1e-6).all()


def test_what_has_no_label_teaches_nothing(sample):
    truth, answer = sample.truth, _answer(sample, fault=0.1)
    known = {name: value.clone() for name, value in vars(truth).items() if name.endswith("_labelled")}
    dead = [JOINT_INDEX[name] for name in ("LeftHand", "RightToeBase", "LeftFoot", "Head", "Spine1")]
    made_up = [JOINT_INDEX[name] for name in ("LeftShoulder", "RightToeBase", "Spine1")]
    known["rotation_labelled"][:, :, dead] = False
    known["position_labelled"][:, :, made_up] = False
    for name in ("velocity_labelled", "still_labelled"):
        known[name][:, 5:15] = False
    dead_ends = [end for end, joint in enumerate(END_POINT_JOINTS) if joint in dead]
    rotations, joints, ends = truth.rotations.clone(), truth.joints.clone(), truth.ends.clone()
    rotations[:, :, dead] = torch.eye(3)
    joints[:, :, made_up] += torch.randn(3, 40, len(made_up), 3, generator=torch.Generator().manual_seed(2))
    ends[:, :, dead_ends] += 1.0
    nonsense = replace(
        truth,
        rotations=rotations,
        joints=joints,
        ends=ends,
        velocity=torch.where(known["velocity_labelled"][..., None], truth.velocity, 5.0),
        still=torch.where(known["still_labelled"], truth.still, 1 - truth.still),
    )
    right, wrong = (
        supervised_losses(answer, replace(sample, truth=replace(one, **known))) for one in (truth, nonsense)
    )
    assert not [term for term in ABOUT if right[term] != wrong[term]]


def test_turns_are_counted_in_radians_and_rates_by_the_second(sample):
    truth = sample.truth
    held = {name: vars(truth)[name][:, :1].expand_as(vars(truth)[name]) for name in ("rotations", "joints")}
    sample = replace(sample, truth=replace(truth, **held))  # people who stay as they are
    true, speed = _answer(sample, fault=0.0), 0.6
    angle = speed / 30 * torch.arange(40)
    spin = roma.rotvec_to_rotmat(angle[:, None] * torch.tensor([0.0, 0.0, 1.0]))
    spun = torch.cat([(spin @ true.rotations[:, :, 0])[:, :, None], true.rotations[:, :, 1:]], dim=2)
    losses = supervised_losses(true._replace(rotations=spun), sample)
    # One of the joints turns, and all the others with it.
    turned = 2 * (angle / 2).sin().expand(3, -1)[sample.evidence.in_clip].mean() / J
    assert losses["rotations"].item() == pytest.approx(float(turned), rel=1e-3)
    assert losses["rotation_change"].item() == pytest.approx(speed / J, rel=1e-3)
    joints = sample.truth.joints - sample.truth.joints[:, :, :1]
    off_axis = joints[:, 1:, :, :2].norm(dim=-1).mean(dim=-1) * (1.7 / truth.stature)[:, None]
    steady = truth.rates_labelled[:, 1:] & truth.rates_labelled[:, :-1]
    expected = speed * float(off_axis[steady].mean())
    assert losses["joint_velocity"].item() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("fault", [0.1, -0.1])
@pytest.mark.parametrize(("term", "part"), [("stature", "log_lengths"), ("distance", "log_distance")])
def test_too_large_is_as_wrong_as_too_small_and_of_the_same_pose_and_shape(sample, term, part, fault):
    true = _answer(sample, fault=0.0)
    other = true._replace(**{part: getattr(true, part) + fault})
    before, after = supervised_losses(true, sample), supervised_losses(other, sample)
    assert after[term].item() == pytest.approx(0.1, abs=1e-4)
    for name in before.keys() - {term, "reprojection"}:
        assert after[name].item() == pytest.approx(before[name].item(), abs=1e-4), name


def test_reprojection_is_in_spreads_of_the_person_and_at_most_two(sample):
    def lost(distance_fault, size=1.0, keypoints=sample.truth.keypoints):
        """Of people as far off as ever, but taken for so many times as large in the picture."""
        answer = _answer(sample, fault=0.0)
        log_distance = answer.log_distance + math.log(size) + distance_fault
        view = replace(sample.view, size=size * sample.view.size)
        seen = replace(sample, view=view, truth=replace(sample.truth, keypoints=keypoints))
        return supervised_losses(answer._replace(log_distance=log_distance), seen)["reprojection"].item()

    assert 0.05 < lost(-0.3) == pytest.approx(2 * lost(-0.3, size=2.0), rel=1e-3)
    assert lost(-0.3, size=0.01) == pytest.approx(2.0)
    at_the_lens = sample.truth.keypoints.clone()
    at_the_lens[:, 20:, 0] = torch.tensor([5.0, 5.0, 0.2])
    assert lost(0.0, keypoints=at_the_lens) < 1e-3, "frames on which the picture knows no bounds"


@pytest.mark.parametrize(("sure", "direction"), [(-4.5, -1.0), (1.0, 1.0)])
def test_who_is_too_sure_is_made_less_so_and_who_is_not_sure_enough_more(sample, sure, direction):
    answer = _answer(sample, fault=0.1)._replace(
        log_uncertainty=torch.full(sample.truth.still.shape[:2], sure, requires_grad=True)
    )
    gradient = _gradients(supervised_losses(answer, sample)["uncertainty"], answer)["log_uncertainty"]
    assert (direction * gradient[sample.evidence.in_clip] > 0).all(), "errors are some centimetres"


@pytest.mark.parametrize("term", ABOUT)
def test_each_term_falls_when_the_network_learns_it_alone(sample, term):
    torch.manual_seed(1)
    network = Generator(GeneratorConfig(channels=32, dilations=(3, 9)))
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    history = []
    for _ in range(40):
        loss = supervised_losses(Batch(synthetic=sample).answer(network, Need.SYNTHETIC), sample)[term]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    assert sum(history[-5:]) / 5 < 0.6 * history[0], f"{history[0]:.3f} to {history[-1]:.3f}"
