"""Synthetic samples: the truth answers its own evidence, and augmentation keeps a skeleton a skeleton."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from estimator.generator import HINGE_JOINTS, Prediction
from estimator.keypoint_set import KEYPOINT_INDEX, KEYPOINT_MIRROR
from estimator.kinematics import forward_kinematics, keypoints, rest_offsets_from_lengths
from estimator.skeleton import HINGES, JOINT_INDEX, J
from estimator.training.augment import (
    LEGS,
    AugmentSettings,
    augment,
    mirror,
    perturb_joints,
    vary_proportions,
)
from estimator.training.crouch import crouch
from estimator.training.detections import CLEAN, DetectorSettings, detector_noise, missing_points
from estimator.training.library import MotionLibrary, rotation_matrices, stacked
from estimator.training.limbs import move_limbs
from estimator.training.measure import EVALUATION
from estimator.training.supervision import supervised_losses
from estimator.training.synthetic import SyntheticSettings, SyntheticSource, level_axes

from .captures import made_up_clip


@pytest.fixture(scope="module")
def library():
    return MotionLibrary(
        [made_up_clip("a", 200, 1), made_up_clip("b", 90, 2, fps=24.0), made_up_clip("c", 60, 3)]
    )


def _perfect(sample):
    truth = sample.truth
    frames = truth.joints.shape[1]
    distance = truth.joints[:, :, 0, 2].clamp(min=0.2) * sample.view.size / truth.stature[:, None]
    return Prediction(
        rotations=truth.rotations,
        log_lengths=truth.lengths.log()[:, None].expand(-1, frames, -1),
        log_distance=distance.log(),
        velocity=truth.velocity,
        down=truth.down,
        still_logits=(truth.still - 0.5) * 60,
        log_uncertainty=torch.full(truth.still.shape[:2], -4.0),
    )


def test_the_truth_is_the_best_answer(library):
    sample = SyntheticSource(library, SyntheticSettings(), seed=5).batch(6, 80)
    losses = supervised_losses(_perfect(sample), sample)
    for name, loss in losses.items():
        if name != "uncertainty":
            assert float(loss) < 1e-3, name


def test_clean_evidence_is_the_projection_of_the_truth(library):
    settings = replace(EVALUATION, detector=CLEAN)
    sample = SyntheticSource(library, settings, seed=6).batch(4, 60)
    seen = torch.einsum("btij,btkj->btki", sample.view.from_camera, sample.evidence.rays)
    expected = torch.nn.functional.normalize(sample.truth.keypoints, dim=-1)
    present = sample.evidence.confidence > 0
    assert present[sample.evidence.in_clip].float().mean() > 0.95
    assert ((seen - expected).norm(dim=-1)[present]).max() < 1e-4


def test_a_wrong_focal_length_puts_the_truth_where_it_is_seen(library):
    settings = replace(EVALUATION, detector=CLEAN, wrong_focal=1.0)
    sample = SyntheticSource(library, settings, seed=6).batch(8, 40)
    seen = torch.einsum("btij,btkj->btki", sample.view.from_camera, sample.evidence.rays)
    expected = torch.nn.functional.normalize(sample.truth.keypoints, dim=-1)
    present = sample.evidence.confidence > 0
    # Only the hips' middle lies exactly on its ray; the rest has more depth than the picture says.
    off = (seen - expected).norm(dim=-1)
    pelvis = KEYPOINT_INDEX["pelvis"]
    assert off[..., pelvis][present[..., pelvis]].max() < 1e-5
    assert off[present].median() < 0.002


def test_velocity_and_gravity_agree_with_the_joints(library):
    settings = replace(EVALUATION, detector=CLEAN, chained=0.0)
    sample = SyntheticSource(library, settings, seed=7).batch(3, 50)
    truth = sample.truth
    to_axes = sample.view.from_camera.transpose(-1, -2)
    hips = (to_axes @ truth.joints[:, :, 0, :, None])[..., 0]
    moved = (hips[:, 1:] - hips[:, :-1]) * 30
    speed = (to_axes @ truth.rotations[:, :, 0] @ truth.velocity[..., None])[..., 0] * truth.stature[
        :, None, None
    ]
    labelled = truth.velocity_labelled[:, :-1]
    assert labelled.any()
    assert (speed[:, :-1] - moved)[labelled].abs().max() < 1e-2
    assert torch.allclose(truth.down.norm(dim=-1), torch.ones_like(truth.down[..., 0]), atol=1e-5)


def test_chained_windows_are_full_and_do_not_jump(library):
    random = torch.Generator().manual_seed(1)
    for _ in range(10):
        window = library.window(150, random, chained=True, max_speed=1.0)
        assert window.root.shape == (1, 150, 3)
        steps = (window.root[:, 1:] - window.root[:, :-1]).norm(dim=-1)
        assert steps.max() < 0.08, "0.8 m/s is 2.7 cm a frame"
        turned = 2 * torch.acos(
            (window.rotations[:, 1:] * window.rotations[:, :-1]).sum(-1).abs().clamp(max=1)
        )
        assert turned.max() < 0.5
        assert not bool(window.still_labelled.all()), "cross-fades have no contact labels"


def test_short_windows_are_padded_and_marked(library):
    windows = [library.clip_window(0), library.clip_window(2)]
    batch, in_clip = stacked(windows, 100)
    assert batch.root.shape == (2, 100, 3)
    assert in_clip.sum(dim=1).tolist() == [100, 31] or in_clip.sum(dim=1).tolist() == [100, 30]


def _pose(motion):
    offsets = rest_offsets_from_lengths(motion.lengths)[:, None]
    return forward_kinematics(rotation_matrices(motion.rotations), offsets, motion.root)


def test_mirrored_motion_is_the_mirror_image(library):
    motion = library.clip_window(0)
    mirrored = mirror(motion, AugmentSettings(mirror=1.0), torch.Generator())
    points = keypoints(_pose(motion), motion.lengths[:, None])
    image = keypoints(_pose(mirrored), mirrored.lengths[:, None])
    assert torch.allclose(
        image, points[:, :, list(KEYPOINT_MIRROR)] * torch.tensor([-1.0, 1.0, 1.0]), atol=1e-5
    )


def test_augmented_elbows_and_knees_stay_hinges(library):
    random = torch.Generator().manual_seed(2)
    motion, _ = stacked([library.window(60, random) for _ in range(6)], 60)
    moved = augment(motion, AugmentSettings(perturb=1.0, swap=1.0), random)
    assert (moved.rotations.norm(dim=-1) - 1).abs().max() < 1e-5
    for joint, (axis, _) in zip(HINGE_JOINTS, HINGES.values(), strict=True):
        others = [1 + a for a in range(3) if a != axis]
        assert moved.rotations[:, :, joint, others].abs().max() < 1e-6
    assert (moved.rotations - motion.rotations).abs().mean() > 1e-3


def test_turned_legs_stand_on_no_known_floor(library):
    random = torch.Generator().manual_seed(8)
    windows = [library.window(60, random) for _ in range(16)]
    motion, _ = stacked(windows, 60)
    turned = perturb_joints(motion, AugmentSettings(perturb=1.0), random)
    legs = [joint for joint in LEGS if joint not in HINGE_JOINTS]
    moved = (turned.rotations[:, :, legs] - motion.rotations[:, :, legs]).abs().amax(dim=(1, 2, 3)) > 1e-3
    assert moved.any() and not moved.all(), "half of the windows turn the legs too"
    assert torch.equal(turned.ground_known, motion.ground_known & ~moved)
    assert torch.equal(turned.velocity_labelled, motion.velocity_labelled & ~moved[:, None])


def test_longer_legs_walk_further(library):
    motion = library.clip_window(0)
    taller = vary_proportions(
        motion, AugmentSettings(stature_spread=0.2, length_spread=0.0), torch.Generator().manual_seed(3)
    )
    factor = taller.lengths / motion.lengths
    assert torch.allclose(factor, factor[:, :1].expand_as(factor))
    assert torch.allclose(taller.root, motion.root * factor[:, :1, None], atol=1e-6)
    assert abs(float(factor[0, 0]) - 1) > 0.01


def test_confidence_falls_where_noise_grows():
    noise, confidence = detector_noise(40, 100, DetectorSettings(), torch.Generator().manual_seed(4))
    size = noise.norm(dim=-1)
    honest = confidence.std(dim=(1, 2)) > 0.01
    correlation = np.corrcoef(size[honest].flatten(), confidence[honest].flatten())[0, 1]
    assert correlation < -0.4


def test_a_clean_detector_adds_and_hides_nothing():
    random = torch.Generator().manual_seed(5)
    noise, _ = detector_noise(4, 50, CLEAN, random)
    assert noise.abs().max() == 0
    assert not missing_points(4, 50, CLEAN, random).any()


def test_level_axes_have_gravity_along_y():
    turn = rotation_matrices(torch.nn.functional.normalize(torch.randn(20, 4), dim=-1))
    down = level_axes(turn) @ torch.tensor([0.0, 0.0, -1.0])
    assert torch.allclose(down, torch.tensor([0.0, 1.0, 0.0]).expand(20, 3), atol=1e-3)


def test_same_seed_same_samples(library):
    a = SyntheticSource(library, SyntheticSettings(), seed=9).batch(3, 40)
    b = SyntheticSource(library, SyntheticSettings(), seed=9).batch(3, 40)
    assert torch.equal(a.evidence.rays, b.evidence.rays)
    assert torch.equal(a.truth.joints, b.truth.joints)
    assert a.truth.joints.shape == (3, 40, J, 3)


def _feet_and_hips(motion):
    pose = forward_kinematics(
        rotation_matrices(motion.rotations), rest_offsets_from_lengths(motion.lengths)[:, None], motion.root
    )
    feet = [JOINT_INDEX[f"{side}{name}"] for side in ("Left", "Right") for name in ("Foot", "ToeBase")]
    return pose.joints[:, :, feet], pose.joints[:, :, 0]


def _standing(batch=6, frames=60):
    """People who stand with their knees a little bent, and turn meanwhile."""
    clip = made_up_clip("stand", frames, 1)
    motion, _ = stacked([MotionLibrary([clip]).clip_window(0)] * batch, frames)
    rotations = torch.zeros_like(motion.rotations)
    rotations[..., 0] = 1.0
    yaw = torch.linspace(0.0, 1.5, frames)
    rotations[:, :, 0, 0], rotations[:, :, 0, 3] = (yaw / 2).cos(), (yaw / 2).sin()
    return replace(
        motion, rotations=rotations, root=motion.root.new_tensor([0.0, 0.0, 0.9]).expand_as(motion.root)
    )


def test_who_crouches_sinks_but_keeps_the_feet_where_they_were():
    motion = _standing()
    low = crouch(motion, 1.0, torch.Generator().manual_seed(1))
    feet, hips = _feet_and_hips(motion)
    feet_low, hips_low = _feet_and_hips(low)
    assert (feet_low - feet).norm(dim=-1).max() < 2e-3
    sunk = hips[..., 2] - hips_low[..., 2]
    assert sunk.min() >= 0 and sunk.amax(dim=1).max() > 0.15
    knees = low.rotations[:, :, [JOINT_INDEX["LeftLeg"], JOINT_INDEX["RightLeg"]]]
    assert knees[..., 2:].abs().max() < 1e-5 and (knees[..., 0] * knees[..., 1]).min() > -1e-4
    for name in ("still", "still_labelled", "velocity_labelled", "ground_known"):
        assert torch.equal(getattr(low, name), getattr(motion, name))


def test_who_lies_does_not_crouch():
    motion = _standing()
    lying = motion.rotations.clone()
    lying[:, :, 0] = lying.new_tensor([0.5**0.5, 0.5**0.5, 0.0, 0.0])
    motion = replace(motion, rotations=lying)
    low = crouch(motion, 1.0, torch.Generator().manual_seed(1))
    assert torch.equal(low.rotations, motion.rotations) and torch.equal(low.root, motion.root)


def _changed(motion, moved):
    """(B, 22) joints that are turned otherwise on some frame."""
    return ((motion.rotations * moved.rotations).sum(dim=-1).abs() < 1 - 1e-5).any(dim=1)


def test_arms_and_one_leg_go_elsewhere_and_all_else_stays():
    motion = _standing(batch=40, frames=90)
    moved = move_limbs(motion, 0.5, 0.5, 0.0, torch.Generator().manual_seed(1))
    changed = _changed(motion, moved)
    limbs = [
        JOINT_INDEX[side + name] for side in ("Left", "Right") for name in ("Arm", "ForeArm", "UpLeg", "Leg")
    ]
    assert not changed[:, [joint for joint in range(J) if joint not in limbs]].any()
    arms, legs = (changed[:, [JOINT_INDEX["Left" + n], JOINT_INDEX["Right" + n]]] for n in ("Arm", "UpLeg"))
    assert 10 < arms[:, 0].sum() < 30 and 10 < arms[:, 1].sum() < 30
    assert (arms[:, 0] & ~arms[:, 1]).any() and (arms[:, 0] & arms[:, 1]).any(), "each for itself"
    assert 10 < legs.any(dim=1).sum() < 30 and not legs.all(dim=1).any(), "somebody stands on the other"
    assert torch.equal(moved.root, motion.root)
    # Contacts are unknown where a leg is away, and only there: the other one still stands.
    unknown = ~moved.still_labelled & motion.still_labelled
    turned = (motion.rotations * moved.rotations).sum(dim=-1).abs() < 0.999
    for side, away in enumerate(legs.unbind(dim=1)):
        sole = unknown[:, :, 2 * side : 2 * side + 2]
        thigh = turned[:, :, JOINT_INDEX[("LeftUpLeg", "RightUpLeg")[side]]]
        assert not sole[~away].any() and thigh.sum() > 300 and sole[thigh].all()
    assert torch.equal(moved.rotations.norm(dim=-1).round(decimals=4), torch.ones(40, 90, J))


def test_limbs_reach_further_than_anybody_captured_did_but_not_through_the_body():
    motion = _standing(batch=60, frames=90)
    moved = move_limbs(motion, 1.0, 1.0, 0.0, torch.Generator().manual_seed(2))
    pose = forward_kinematics(
        rotation_matrices(moved.rotations),
        rest_offsets_from_lengths(moved.lengths)[:, None],
        torch.zeros_like(moved.root),
    )
    local = torch.einsum("btji,btnj->btni", pose.rotations[:, :, 0], pose.joints)
    for side, outward in (("Left", 1.0), ("Right", -1.0)):
        arm = local[:, :, JOINT_INDEX[f"{side}ForeArm"]] - local[:, :, JOINT_INDEX[f"{side}Arm"]]
        arm = arm / arm.norm(dim=-1, keepdim=True)
        assert arm[..., 2].min() < -0.95 and arm[..., 2].max() > 0.9, "down and up"
        assert arm[..., 1].min() < -0.9 and 0.5 < arm[..., 1].max() < 0.95, "to the front, less to the back"
        assert (outward * arm[..., 0]).max() > 0.9 and (outward * arm[..., 0]).min() > -0.8
        leg = local[:, :, JOINT_INDEX[f"{side}Leg"]] - local[:, :, JOINT_INDEX[f"{side}UpLeg"]]
        leg = leg / leg.norm(dim=-1, keepdim=True)
        assert leg[..., 1].min() < -0.9 and leg[..., 1].max() > 0.6, "raised to the front and to the back"
        assert (outward * leg[..., 0]).max() > 0.85 and (outward * leg[..., 0]).min() > -0.5
    for lower in ("LeftForeArm", "RightForeArm", "LeftLeg", "RightLeg"):
        axis, sign = HINGES[lower]
        q = moved.rotations[:, :, JOINT_INDEX[lower]]
        flexion = 2 * torch.atan2(sign * q[..., 1 + axis], q[..., 0])
        assert flexion.min() > -0.01 and 1.5 < flexion.max() < 2.6
        assert q[..., [n for n in (1, 2, 3) if n != 1 + axis]].abs().max() < 1e-5


def test_left_and_right_limbs_move_alike():
    """A mirrored person's limbs are those that the other side's ranges give."""
    motion = _standing(batch=200, frames=30)
    moved = move_limbs(motion, 1.0, 1.0, 0.0, torch.Generator().manual_seed(3))
    flip = torch.tensor([1.0, 1.0, -1.0, -1.0])
    for left in ("LeftArm", "LeftForeArm", "LeftUpLeg", "LeftLeg"):
        ours = moved.rotations[:, :, JOINT_INDEX[left]]
        theirs = moved.rotations[:, :, JOINT_INDEX[left.replace("Left", "Right")]] * flip
        means = [rotation_matrices(q).mean(dim=(0, 1)) for q in (ours, theirs)]
        assert (means[0] - means[1]).abs().max() < 0.1, left


def test_trunks_bend_more_ahead_than_back_and_come_back_to_the_capture():
    motion = _standing(batch=200, frames=90)
    moved = move_limbs(motion, 0.0, 0.0, 0.5, torch.Generator().manual_seed(4))
    changed = _changed(motion, moved)
    spine = [JOINT_INDEX[name] for name in ("Spine", "Spine1", "Spine2")]
    assert not changed[:, [joint for joint in range(J) if joint not in spine]].any()
    assert 70 < changed[:, spine].all(dim=1).sum() < 130
    turn = rotation_matrices(moved.rotations[:, :, spine])
    neck = (turn[:, :, 0] @ turn[:, :, 1] @ turn[:, :, 2])[..., 2]
    assert -0.9 < neck[..., 1].min() < -0.7 and 0.3 < neck[..., 1].max() < 0.6
    assert neck[..., 0].min() < -0.4 and neck[..., 0].max() > 0.4
    upright = (neck[..., 2] > 0.999)[changed[:, spine].all(dim=1)].float().mean()
    assert 0.2 < upright < 0.7
    assert torch.equal(moved.still_labelled, motion.still_labelled)


def _largest_step(motion, names):
    """Degrees that one of these joints turns from a frame to the next."""
    q = motion.rotations[:, :, [JOINT_INDEX[name] for name in names]]
    return float(torch.rad2deg(2 * torch.acos((q[:, 1:] * q[:, :-1]).sum(dim=-1).abs().clamp(max=1))).max())


def test_moved_limbs_never_jump():
    motion = _standing(batch=200, frames=120)
    moved = move_limbs(motion, 1.0, 1.0, 1.0, torch.Generator().manual_seed(5))
    assert _largest_step(moved, ("LeftArm", "RightArm", "LeftUpLeg", "RightUpLeg", "Spine")) < 45.0


def test_nobody_crouches_whose_foot_is_too_high():
    motion = _standing(batch=8)
    raised = motion.rotations.clone()
    half = torch.tensor(-2.4 / 2)  # a leg out to the front and above the level
    raised[:, 20:, JOINT_INDEX["LeftUpLeg"]] = torch.stack([half.cos(), half.sin(), half * 0, half * 0])
    motion = replace(motion, rotations=raised)
    low = crouch(motion, 1.0, torch.Generator().manual_seed(1))
    feet, _ = _feet_and_hips(motion)
    feet_low, _ = _feet_and_hips(low)
    assert (feet_low - feet).norm(dim=-1).max() < 0.03
    assert torch.equal(low.rotations, motion.rotations) or _largest_step(low, ("RightUpLeg",)) < 45.0
