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
