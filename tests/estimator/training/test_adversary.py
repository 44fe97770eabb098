"""What the adversary says reaches the network; limits bend the right way; the discriminator stays gentle."""

from dataclasses import replace

import pytest
import roma
import torch

from estimator.generator import BALL_JOINTS, HINGE_JOINTS, Generator, GeneratorConfig, Prediction
from estimator.kinematics import forward_kinematics, rest_offsets_from_lengths
from estimator.skeleton import JOINT_INDEX, MEAN_LENGTHS, J
from estimator.training.batches import MotionSource
from estimator.training.detections import CLEAN
from estimator.training.library import MotionLibrary, rotation_matrices
from estimator.training.objectives.adversary import Adversary
from estimator.training.objectives.egocentric import EGOCENTRIC_SIZE, POSE_SIZE, egocentric
from estimator.training.objectives.habekost import WARM_UP, Habekost, captured_motion, past_limits
from estimator.training.objectives.objective import Batch
from estimator.training.synthetic import SyntheticSource
from estimator.training.track_source import TrackBatch
from estimator.training.unpaired_figures import EVALUATION

from .captures import made_up_clip

FRAMES = 40
# The head answers the rotations first: six numbers of Hips and of each ball joint, two of each hinge.
ROTATION_ROWS = 6 * (1 + len(BALL_JOINTS)) + 2 * len(HINGE_JOINTS)


@pytest.fixture(scope="module")
def batch():
    library = MotionLibrary([made_up_clip("a", 200, 1), made_up_clip("b", 160, 2)])
    sample = SyntheticSource(library, replace(EVALUATION, detector=CLEAN), 3).batch(3, FRAMES)
    motion = MotionSource(library, EVALUATION.augment, 1.2, 3).batch(3, FRAMES)
    return Batch(tracks=TrackBatch(sample.evidence, sample.view), motion=motion)


def _network():
    torch.manual_seed(1)
    return Generator(GeneratorConfig(channels=32, dilations=(3, 9)))


def _warm():
    """The objective when its adversary has its full say."""
    objective = Habekost()
    objective.adversary.steps = WARM_UP
    return objective


def test_the_adversary_alone_turns_the_joints(batch):
    network = _network()
    _warm().losses(network, replace(batch))["adversary"].backward()
    gradient = network.head.weight.grad[:ROTATION_ROWS]
    assert gradient.isfinite().all()
    per_row = gradient.abs().amax(dim=-1)
    assert per_row.max() > 1e-5
    assert (per_row > 0).float().mean() > 0.5, "most joints, not the body as a whole"


def test_where_clips_cross_fade_capture_is_not_looked_at(batch):
    steady = torch.ones_like(batch.captured.rates_labelled)
    steady[:, 4:7] = False
    turned = batch.captured.rotations.roll(1, dims=1)

    def learned(rotations):
        torch.manual_seed(1)
        objective = Habekost()
        motion = replace(batch.captured, rotations=rotations, rates_labelled=steady)
        return float(objective.losses(_network(), replace(batch, motion=motion))["discriminator"])

    as_it_is = learned(batch.captured.rotations)
    assert learned(torch.where(steady[..., None, None], batch.captured.rotations, turned)) == as_it_is
    assert learned(turned) != as_it_is


def test_a_network_can_learn_what_the_adversary_wants(batch):
    network, objective = _network(), _warm()
    for _ in range(30):
        objective.losses(network, replace(batch))  # learns to tell the network's motion from capture
    for group in objective.adversary.optimiser.param_groups:
        group["lr"] = 0.0  # and says from now on what it says now
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    history = []
    for _ in range(25):
        loss = objective.losses(network, replace(batch))["adversary"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    assert 0 < history[-1] < 0.6 * history[0], f"{history[0]:.3f} to {history[-1]:.3f}"


def _bent(lower, axis, angle):
    """A person at rest whose one elbow or knee is turned by this, radians."""
    rotations = torch.eye(3).repeat(1, FRAMES, J, 1, 1)
    turn = torch.zeros(3)
    turn[axis] = angle
    rotations[:, :, JOINT_INDEX[lower]] = roma.rotvec_to_rotmat(turn)
    return rotations


def _cost(rotations):
    batch, frames = rotations.shape[:2]
    nothing = torch.zeros(batch, frames)
    rest = dict.fromkeys(Prediction._fields, nothing) | {"rotations": rotations}
    return past_limits(Prediction(**rest), torch.ones(batch, frames, dtype=torch.bool))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(
    ("lower", "end", "axis", "bends"),
    [
        ("LeftForeArm", "LeftHand", 2, "to the front"),
        ("RightForeArm", "RightHand", 2, "to the front"),
        ("LeftLeg", "LeftFoot", 0, "to the back"),
        ("RightLeg", "RightFoot", 0, "to the back"),
    ],
)
def test_only_elbows_and_knees_bent_the_wrong_way_cost_something(lower, end, axis, bends, sign):
    rotations = _bent(lower, axis, sign * 0.5).requires_grad_(True)
    offsets = rest_offsets_from_lengths(torch.tensor(MEAN_LENGTHS).float())
    joints = forward_kinematics(rotations, offsets, torch.zeros(1, FRAMES, 3)).joints
    ahead = (joints[0, 0, JOINT_INDEX[lower], 1] - joints[0, 0, JOINT_INDEX[end], 1]).item()
    assert abs(ahead) > 0.1, "people at rest face -y"
    cost = _cost(rotations)
    if (ahead > 0) == (bends == "to the front"):
        assert cost.item() == 0.0
    else:
        assert cost.item() == pytest.approx(float(torch.tensor(0.5).sin().square()), rel=1e-4)
        cost.backward()
        assert rotations.grad[:, :, JOINT_INDEX[lower]].abs().amax(dim=(-1, -2)).min() > 0, "on every frame"


def test_straight_limbs_cost_nothing():
    assert float(_cost(_bent("LeftLeg", 0, 0.0))) == 0.0


def _slope_after_learning(penalty):
    """How steep the scores are at the capture, when the discriminator has learned with this penalty."""
    torch.manual_seed(0)
    adversary = Adversary(learning_rate=3e-3, penalty=penalty)
    inside = torch.ones(8, FRAMES, dtype=torch.bool)
    real = 0.1 * torch.randn(8, FRAMES, EGOCENTRIC_SIZE)
    made = 0.1 * torch.randn(8, FRAMES, EGOCENTRIC_SIZE) + 0.2
    for _ in range(40):
        adversary.learn(real, inside, made, inside)
    seen = real.clone().requires_grad_(True)
    poses, seconds = adversary.discriminator(seen)
    (slope,) = torch.autograd.grad(poses.mean(dim=1).sum() + seconds.mean(dim=1).sum(), seen)
    return float(slope.square().sum(dim=(1, 2)).mean().sqrt())


def test_what_lies_beyond_a_clip_may_be_no_number():
    torch.manual_seed(0)
    adversary = Adversary()
    in_clip = torch.arange(FRAMES).expand(4, FRAMES) < 34
    motion = torch.randn(4, FRAMES, EGOCENTRIC_SIZE)
    beyond = torch.where(in_clip[..., None], motion, torch.nan).requires_grad_(True)
    assert adversary.learn(motion, torch.ones_like(in_clip), beyond, in_clip).isfinite()
    assert adversary.learn(beyond, in_clip, motion, torch.ones_like(in_clip)).isfinite()
    assert all(value.isfinite().all() for value in adversary.discriminator.parameters())
    verdict = adversary.verdict(beyond, in_clip)
    verdict.backward()
    assert beyond.grad.isfinite().all() and beyond.grad.any()
    with torch.no_grad():
        less = adversary.verdict(beyond[:, :36], in_clip[:, :36])
    assert torch.allclose(verdict, less), "nor does it matter how much lies there"


def test_it_learns_from_blurred_motion_and_judges_motion_as_it_is():
    torch.manual_seed(0)
    adversary, fed = Adversary(), []
    adversary.discriminator.register_forward_pre_hook(lambda module, inputs: fed.append(inputs[0]))
    real, made = torch.randn(2, 4, FRAMES, EGOCENTRIC_SIZE)
    inside = torch.ones(4, FRAMES, dtype=torch.bool)
    adversary.learn(real, inside, made, inside)
    adversary.verdict(made, inside)
    blur = [(seen - given).std().item() for seen, given in zip(fed, (real, made, made), strict=True)]
    assert blur == pytest.approx([0.05, 0.05, 0.0], rel=0.05)


def test_capture_trembles_by_two_to_five_millimetres():
    library = MotionLibrary([made_up_clip("a", 200, 1), made_up_clip("b", 160, 2)])
    motion = MotionSource(library, EVALUATION.augment, 1.2, 3).batch(40, FRAMES)
    offsets, leg = rest_offsets_from_lengths(motion.lengths)[:, None], motion.lengths[:, 1:3].sum(dim=-1)
    joints = forward_kinematics(rotation_matrices(motion.rotations), offsets, motion.root).joints
    torch.manual_seed(1)
    seen, exact = captured_motion(motion), egocentric(joints, torch.zeros(40), leg, 30.0)
    # Of heights over Hips, which no heading changes: a joint trembles, and so does Hips.
    off = (seen - exact)[..., 2:POSE_SIZE:3] * leg[:, None, None]
    tremor = off.square().mean(dim=(1, 2)).sqrt() / 2**0.5
    assert 0.0015 < tremor.min() < 0.0025 and 0.0045 < tremor.max() < 0.0060


def test_the_penalty_keeps_the_discriminator_from_being_steep():
    free, held, held_more = (_slope_after_learning(penalty) for penalty in (0.0, 1.0, 10.0))
    assert held < 0.8 * free, f"{held:.3f}, {free:.3f} without"
    assert held_more < 0.7 * held
