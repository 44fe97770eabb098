"""Objectives: known answers, invariances, and that each falls without collapsing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from estimator.errors import InputError
from estimator.generator import Generator, GeneratorConfig, Prediction
from estimator.kinematics import forward_kinematics, rest_offsets_from_lengths
from estimator.skeleton import JOINT_INDEX, MEAN_LENGTHS
from estimator.training.batches import MotionSource
from estimator.training.detections import CLEAN
from estimator.training.library import MotionLibrary, rotation_matrices
from estimator.training.objectives.adversary import WINDOW, Adversary, whole_windows
from estimator.training.objectives.egocentric import (
    AHEAD,
    EGOCENTRIC_SIZE,
    POSE_SIZE,
    egocentric,
    heading,
)
from estimator.training.objectives.global_answer import global_answer, reprojection, root_disagreement
from estimator.training.objectives.habekost import answered_motion, captured_motion
from estimator.training.objectives.objective import Batch, Need
from estimator.training.objectives.registry import OBJECTIVES, parse_objectives
from estimator.training.synthetic import SyntheticSource
from estimator.training.track_source import TrackBatch
from estimator.training.unpaired_figures import EVALUATION

from .captures import made_up_clip

CLEAN_KNOWN = replace(EVALUATION, detector=CLEAN)
UNKNOWN = replace(CLEAN_KNOWN, known_gravity=0.0, known_camera_height=0.0)
SHORT = 40


@pytest.fixture(scope="module")
def library():
    clips = [made_up_clip("a", 200, 1), made_up_clip("b", 160, 2)]
    # Taller than average, so that there is something to be learned about their lengths.
    taller = np.float32(1.12)
    return MotionLibrary(
        [replace(c, lengths=taller * c.lengths, root_translation=taller * c.root_translation) for c in clips]
    )


def _sample(library, settings=CLEAN_KNOWN, size=4, frames=SHORT, seed=3):
    return SyntheticSource(library, settings, seed).batch(size, frames)


def _perfect(sample):
    truth = sample.truth
    frames = truth.joints.shape[1]
    distance = truth.joints[:, :, 0, 2] * sample.view.size / truth.stature[:, None]
    return Prediction(
        rotations=truth.rotations,
        log_lengths=truth.lengths.log()[:, None].expand(-1, frames, -1),
        log_distance=distance.log(),
        velocity=truth.velocity,
        down=truth.down,
        still_logits=truth.still,
        log_uncertainty=truth.still[..., 0],
    )


def _on_floor(sample):
    """(B,) of which windows the camera's height is told; not of those that a camera sees from below."""
    known = sample.evidence.camera_height.isfinite()
    assert known.any()
    return known


def _tracks(sample):
    return TrackBatch(sample.evidence, sample.view)


def _world_joints(motion):
    offsets = rest_offsets_from_lengths(motion.lengths)[:, None]
    return forward_kinematics(rotation_matrices(motion.rotations), offsets, motion.root).joints


@pytest.mark.parametrize("settings", [CLEAN_KNOWN, UNKNOWN], ids=["known camera", "unknown camera"])
def test_the_true_answer_is_the_motion_that_was_seen(library, settings):
    sample = _sample(library, settings)
    answer = global_answer(_perfect(sample), _tracks(sample), 30.0)
    assert float(reprojection(answer, _tracks(sample))) < 1e-4
    assert float(root_disagreement(_perfect(sample), answer, sample.evidence.in_clip)) < 1e-2
    true = _world_joints(sample.truth.motion)
    # Any yaw and place will do, so distances are compared, and heights over the floor.
    assert torch.allclose(torch.cdist(answer.joints, answer.joints), torch.cdist(true, true), atol=2e-3)
    over_floor = answer.joints[..., 2] - answer.ground[:, None, None]
    lift = over_floor - true[..., 2]
    assert lift.std(dim=(1, 2)).max() < 2e-3
    if settings is CLEAN_KNOWN:
        assert lift[_on_floor(sample)].abs().max() < 5e-3


def test_a_nearer_answer_does_not_fit_the_keypoints(library):
    sample = _sample(library)
    perfect = _perfect(sample)
    nearer = perfect._replace(log_distance=perfect.log_distance - 0.2)
    off = reprojection(global_answer(nearer, _tracks(sample), 30.0), _tracks(sample))
    assert float(off) > 0.1


def test_missing_keypoints_do_not_count_and_doubtful_ones_little(library):
    sample = _sample(library)

    def off(trust):
        """With a keypoint that is elsewhere, and so much confidence in it."""
        confidence, rays = sample.evidence.confidence.clone(), sample.evidence.rays.clone()
        confidence[:, :, 10] = trust
        rays[:, :, 10] = torch.tensor([0.5, 0.5, 0.7])
        tracks = TrackBatch(replace(sample.evidence, rays=rays, confidence=confidence), sample.view)
        return float(reprojection(global_answer(_perfect(sample), tracks, 30.0), tracks))

    assert off(0.0) < 1e-4
    assert off(0.1) == pytest.approx(0.1 * off(1.0), rel=0.2) and off(1.0) > 0.1


def test_capture_and_its_true_answer_look_the_same_to_the_adversary(library):
    sample = _sample(library)
    made = answered_motion(global_answer(_perfect(sample), _tracks(sample), 30.0))
    real = captured_motion(sample.truth.motion)
    assert made.shape == real.shape == (4, SHORT, EGOCENTRIC_SIZE)
    difference = (made - real).abs()
    assert difference[..., :POSE_SIZE].mean() < 0.01, "a few millimetres of noise in leg lengths"
    assert difference[_on_floor(sample)][..., -1].mean() < 0.01
    assert difference[..., POSE_SIZE:-1].mean() < 0.1


def test_an_unknown_floor_is_found_the_same_way_under_capture_and_answer(library):
    sample = _sample(library, UNKNOWN)
    assert sample.evidence.camera_height.isnan().all()
    made = answered_motion(global_answer(_perfect(sample), _tracks(sample), 30.0))
    motion = sample.truth.motion
    unknown = torch.zeros_like(motion.ground_known)
    lifted = replace(motion, root=motion.root + torch.tensor([0.0, 0.0, 3.0]), ground_known=unknown)
    assert (made - captured_motion(lifted))[..., -1].abs().mean() < 0.01, "height of Hips, in leg lengths"


def _egocentric(joints):
    batch = len(joints)
    return egocentric(joints, torch.zeros(batch), torch.full((batch,), 0.8), 30.0)


def test_egocentric_motion_does_not_know_place_or_direction(library):
    joints = _world_joints(_sample(library).truth.motion)
    c, s = torch.tensor(1.1).cos(), torch.tensor(1.1).sin()
    turn = torch.tensor([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    moved = joints @ turn.T + torch.tensor([3.0, -7.0, 0.0])
    assert torch.allclose(_egocentric(moved), _egocentric(joints), atol=1e-3)
    assert (_egocentric(joints + torch.tensor([0.0, 0.0, 0.5])) - _egocentric(joints)).abs().max() > 0.5


def _standing(frames):
    offsets = rest_offsets_from_lengths(torch.tensor(MEAN_LENGTHS).float())
    return forward_kinematics(
        torch.eye(3).expand(1, frames, 22, 3, 3), offsets, torch.zeros(1, frames, 3)
    ).joints


def test_a_person_at_rest_faces_minus_y_and_walks_forward():
    joints = _standing(20)
    assert torch.allclose(heading(joints), torch.tensor([0.0, -1.0]).expand(1, 20, 2), atol=1e-5)
    step = torch.zeros(20, 3)
    step[:, 1] = -0.8 * torch.arange(20) / 30
    seen = _egocentric(joints + step[:, None])
    left, backward, up = seen[0, 10, POSE_SIZE + 1 : POSE_SIZE + 4].tolist()
    assert backward == pytest.approx(-0.5, abs=1e-3), "0.8 m/s is one leg length, counted half"
    assert abs(left) < 1e-4 and abs(up) < 1e-4
    hand = seen[0, 0, :POSE_SIZE].unflatten(0, (-1, 3))[3]
    assert hand[0] > 0.5, "the left hand is on the left"


def test_turning_on_the_spot_is_seen_as_turning_only():
    angle = torch.arange(20) * 0.05
    c, s, o, i = angle.cos(), angle.sin(), torch.zeros(20), torch.ones(20)
    turn = torch.stack([c, -s, o, s, c, o, o, o, i], -1).unflatten(-1, (3, 3))
    seen = _egocentric(torch.einsum("tij,btnj->btni", turn, _standing(20)))
    assert torch.allclose(seen[0, :, :POSE_SIZE], seen[0, :1, :POSE_SIZE].expand(20, -1), atol=1e-5)
    assert torch.allclose(seen[0, :, POSE_SIZE], torch.full((20,), 0.05 * 30 * 0.3), atol=1e-3)


def test_heading_is_held_while_a_person_lies_on_the_side():
    joints = _standing(9)
    on_side = torch.tensor([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    joints[:, 3:6] = joints[:, 3:6] @ on_side.T
    joints.requires_grad_(True)
    assert torch.allclose(heading(joints), torch.tensor([0.0, -1.0]).expand(1, 9, 2), atol=1e-5)
    heading(joints).sum().backward()
    assert joints.grad.isfinite().all()


def test_a_second_that_leaves_the_clip_is_not_judged():
    in_clip = torch.ones(2, 80, dtype=torch.bool)
    in_clip[1, 40:] = False
    whole = whole_windows(in_clip)
    _, seconds = Adversary().discriminator(torch.zeros(2, 80, EGOCENTRIC_SIZE))
    assert whole.shape == seconds.shape
    assert whole[0].all()
    assert whole[1].tolist() == [8 * n + WINDOW <= 40 - AHEAD for n in range(whole.shape[1])]


def test_what_is_scored_does_not_depend_on_frames_outside_the_clip():
    random = torch.Generator().manual_seed(1)
    joints = torch.randn(1, 96, 22, 3, generator=random)
    discriminator = Adversary().discriminator
    for start, end in ((0, 53), (0, 61), (11, 96), (8, 70)):
        in_clip = ((torch.arange(96) >= start) & (torch.arange(96) < end))[None]
        other = torch.where(in_clip[..., None, None], joints, joints + 5)
        scores = [discriminator(_egocentric(one)) for one in (joints, other)]
        poses, seconds = zip(*scores, strict=True)
        whole = whole_windows(in_clip)
        assert whole.any()
        assert torch.allclose(poses[0][in_clip], poses[1][in_clip], atol=1e-5)
        assert torch.allclose(seconds[0][whole], seconds[1][whole], atol=1e-5)


@pytest.mark.parametrize(("gan", "false"), [("least squares", 0.3), ("hinge", -0.7)])
def test_the_adversary_learns_to_tell_and_the_verdict_improves_what_is_judged(gan, false):
    torch.manual_seed(0)
    adversary = Adversary(gan, learning_rate=3e-3)
    inside = torch.ones(8, SHORT, dtype=torch.bool)
    real = 0.1 * torch.randn(8, SHORT, EGOCENTRIC_SIZE)
    made = (real.roll(1, 0) + 0.6).requires_grad_(True)
    before = float(adversary.learn(real, inside, made, inside))
    for _ in range(30):
        after = float(adversary.learn(real, inside, made, inside))
    assert after < 0.5 * before
    capture, answers = (adversary.discriminator(seen) for seen in (real, made))
    assert all(part.mean() > 0.7 for part in capture) and all(part.mean() < false for part in answers)
    weights = [p.clone() for p in adversary.discriminator.parameters()]
    adversary.optimiser.zero_grad()
    adversary.verdict(made, inside).backward()
    assert all(p.grad is None for p in adversary.discriminator.parameters())
    step = made.grad.mean()
    assert step > 0, "towards the real ones, which lie lower"
    for p, q in zip(weights, adversary.discriminator.parameters(), strict=True):
        assert torch.equal(p, q)


def _batch(library, objective, seed=7):
    sample = _sample(library, EVALUATION, size=3, seed=seed)
    motion = MotionSource(library, EVALUATION.augment, 1.2, seed).batch(3, SHORT)
    return Batch(
        synthetic=sample if Need.SYNTHETIC in objective.needs else None,
        tracks=_tracks(sample) if Need.TRACKS in objective.needs else None,
        motion=motion if Need.MOTION in objective.needs else None,
    ), sample


@pytest.mark.parametrize(
    ("name", "falling"),
    [
        ("supervision", ("joints", "distance", "down", "velocity")),
        ("habekost", ("reprojection", "velocity", "down")),
        ("habekost-hinge", ("reprojection", "velocity", "down")),
        ("pavllo", ("reprojection", "bones")),
    ],
)
def test_it_falls_and_the_answer_does_not_collapse(library, name, falling):
    torch.manual_seed(1)
    (weighted,) = parse_objectives(name).chosen
    network = Generator(GeneratorConfig(channels=40))
    optimiser = torch.optim.Adam(network.parameters(), 4e-3)
    batch, sample = _batch(library, weighted.objective)
    history = []
    for _ in range(60):
        batch = replace(batch)
        losses = weighted.objective.losses(network, batch)
        assert losses.keys() <= weighted.term_weights.keys()
        optimiser.zero_grad()
        weighted.total(losses).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        history.append({term: loss.item() for term, loss in losses.items()})
    for term in falling:
        late = sum(h[term] for h in history[-10:]) / 10
        assert late < 0.7 * history[0][term], f"{term} {history[0][term]:.3f} to {late:.3f}"
    tracks = _tracks(sample)
    with torch.no_grad():
        answer = global_answer(Batch(tracks=tracks).answer(network, Need.TRACKS), tracks, 30.0)
    ratio = answer.lengths / torch.tensor(MEAN_LENGTHS).float()
    assert float(ratio.min()) > 0.6 and float(ratio.max()) < 1.7, "bones keep their lengths"
    true = _world_joints(sample.truth.motion)

    def spread(joints):
        hands = joints[:, :, [JOINT_INDEX["LeftHand"], JOINT_INDEX["RightFoot"]]] - joints[:, :, :1]
        return float(hands.flatten(0, 1).std(dim=0).mean())

    assert spread(answer.joints) > 0.3 * spread(true), "poses stay as varied as the people seen"


def test_tracks_are_passed_through_the_network_once_a_step(library):
    habekost, pavllo = (OBJECTIVES[name]() for name in ("habekost", "pavllo"))
    batch, sample = _batch(library, habekost)
    batch.synthetic = sample
    network = Generator(GeneratorConfig(channels=32))
    passes = []
    network.register_forward_hook(lambda *_: passes.append(1))
    habekost.losses(network, batch)
    pavllo.losses(network, batch)
    assert len(passes) == 1


def test_the_adversary_warms_up_by_its_own_steps_also_across_a_checkpoint(library):
    habekost = OBJECTIVES["habekost"]()
    batch, _ = _batch(library, habekost)
    network = Generator(GeneratorConfig(channels=32))
    first = habekost.losses(network, batch)["adversary"].item()
    later = [habekost.losses(network, replace(batch))["adversary"].item() for _ in range(3)]
    assert 0 < first < later[0] < later[2], "its say grows from its first step on, whenever that is"
    resumed = OBJECTIVES["habekost"]()
    resumed.load_state_dict(habekost.state_dict())
    assert resumed.losses(network, replace(batch))["adversary"].item() > later[2]


def test_objectives_with_weights_and_starts_are_understood():
    chosen = parse_objectives("supervision, habekost=0.5@0.8, habekost.adversary=0.02")
    supervision, habekost = chosen.chosen
    assert (supervision.weight, supervision.start) == (1.0, 0.0)
    assert (habekost.weight, habekost.start) == (0.5, 0.8)
    assert habekost.term_weights["adversary"] == 0.02
    assert [w.objective.name for w in chosen.active(0.5)] == ["supervision"]
    assert len(chosen.active(0.8)) == 2
    assert "habekost/adversary" in chosen.columns
    assert float(habekost.total({"adversary": torch.tensor(3.0)})) == pytest.approx(0.03)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hbekost",
        "habekost=much",
        "habekost=-1",
        "habekost@2",
        "habekost@1",
        "habekost=0",
        "habekost=",
        "habekost,habekost",
        "habekost,habekost.adversery=1",
        "habekost,habekost.adversary",
        "supervision,habekost.adversary=1",
    ],
)
def test_what_is_no_objective_is_refused_in_one_line(text):
    with pytest.raises(InputError) as caught:
        parse_objectives(text)
    assert "--objectives" in str(caught.value) and "\n" not in str(caught.value)
