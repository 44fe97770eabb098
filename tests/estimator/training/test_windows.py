"""Windows always hold something, turned joints stay people's, and slow capture teaches no speed."""

from dataclasses import replace

import pytest
import torch

from estimator.joint_limits import FURTHEST_DEGREES
from estimator.observation import NETWORK_FPS
from estimator.skeleton import JOINT_INDEX
from estimator.training.augment import UPPER_BODY, AugmentSettings, perturb_joints, swap_parts
from estimator.training.batches import MotionSource
from estimator.training.library import MotionLibrary, rotation_matrices, stacked
from estimator.training.measure import EVALUATION
from estimator.training.position_baseline import position_losses
from estimator.training.supervision import supervised_losses
from estimator.training.synthetic import SyntheticSettings, SyntheticSource

from .captures import SPEED, made_up_clip
from .test_synthetic import _perfect


def _windows(clips, count=8, frames=60):
    random = torch.Generator().manual_seed(1)
    library = MotionLibrary(clips)
    return stacked([library.window(frames, random) for _ in range(count)], frames)[0], random


def _degrees(rotations, joint):
    trace = rotation_matrices(rotations[:, :, JOINT_INDEX[joint]]).diagonal(dim1=-2, dim2=-1).sum(-1)
    return torch.rad2deg(torch.arccos(((trace - 1) / 2).clamp(-1, 1)))


def test_something_is_left_of_short_clips_that_are_cropped():
    library = MotionLibrary([made_up_clip("short", 30, 1)])
    source = SyntheticSource(library, replace(SyntheticSettings(), cropped=1.0, chained=0.0), 1)
    lengths = torch.cat([source.batch(8, 96).evidence.in_clip.sum(dim=1) for _ in range(20)])
    assert lengths.min() >= 6
    assert lengths.max() < 30 and lengths.unique().numel() > 5, "and all of them are cropped"


def test_capture_to_compare_with_is_played_at_other_speeds_but_never_faster_than_asked():
    library = MotionLibrary([made_up_clip("a", 400, 1)])
    still = replace(AugmentSettings(), mirror=0.0, stature_spread=0.0, length_spread=0.0)
    for most in (1.0, 1.25):
        motion = MotionSource(library, still, most, 1).batch(40, 60)
        speed = (motion.root[:, 1:] - motion.root[:, :-1]).norm(dim=-1).median(dim=1).values * NETWORK_FPS
        ratio = speed / SPEED
        assert ratio.min() > 0.999 / most and ratio.max() < 1.001 * most
        assert ratio.max() / ratio.min() > most**1.8 * 0.999, "and nearly as fast, and as slowly"


def test_capture_is_not_played_so_slowly_that_its_frames_show_no_speeds():
    clips = {fps: made_up_clip("a", 400, 1, fps=fps) for fps in (24.0, 60.0)}
    slowest = {}
    for fps, clip in clips.items():
        windows, _ = _windows([clip], count=60)
        speed = (windows.root[:, 1:] - windows.root[:, :-1]).norm(dim=-1).median(dim=1).values * NETWORK_FPS
        slowest[fps] = float(speed.min()) / SPEED
    assert slowest[24.0] == pytest.approx(20 / 24, rel=1e-3) and slowest[60.0] < 0.7


def test_a_window_alone_has_parts_swapped_too():
    """As of several processes with one window each."""
    clips = [made_up_clip("a", 200, 1), made_up_clip("b", 200, 2)]
    quiet = replace(EVALUATION, chained=0.0, max_speed=1.0)
    arms = []
    for swap in (0.0, 1.0):
        settings = replace(quiet, augment=replace(quiet.augment, swap=swap))
        source = SyntheticSource(MotionLibrary(clips), settings, 1)
        samples = [source.batch(1, 30) for _ in range(8)]
        assert all(sample.evidence.rays.shape[:2] == (1, 30) for sample in samples)
        arms.append(torch.cat([sample.truth.rotations[:, :, UPPER_BODY] for sample in samples]))
        hips = torch.cat([sample.truth.motion.root for sample in samples])
    assert hips.shape == (8, 30, 3)
    assert ((arms[1] - arms[0]).abs().amax(dim=(1, 2, 3, 4)) > 0.01).all()


def test_turned_joints_stay_within_what_people_do():
    motion, random = _windows([made_up_clip("a", 200, 1)])
    strong = replace(AugmentSettings(), perturb=1.0, perturb_degrees=60.0)
    turned = perturb_joints(motion, strong, random)
    for joint in ("Spine", "Spine1", "Neck", "LeftShoulder", "RightFoot"):
        limit = FURTHEST_DEGREES[joint.removeprefix("Left").removeprefix("Right")]
        before, after = _degrees(motion.rotations, joint), _degrees(turned.rotations, joint)
        assert (after <= before.clamp(min=limit) + 0.1).all(), joint
        assert after.max() > limit - 0.1, f"{joint}: as far as the limit"
    assert (_degrees(turned.rotations, "LeftArm") > 90).any(), "arms turn freely"


def test_who_was_captured_beyond_the_limits_stays_there():
    motion, random = _windows([made_up_clip("a", 200, 1)])
    rotations = motion.rotations.clone()
    rotations[:, :, JOINT_INDEX["Spine1"]] = torch.tensor([0.8, 0.6, 0.0, 0.0])  # 74 degrees
    bent = replace(motion, rotations=rotations)
    still = perturb_joints(bent, replace(AugmentSettings(), perturb=0.0), random)
    assert torch.allclose(still.rotations, rotations, atol=1e-6)


def test_slow_capture_teaches_no_rates():
    slow = replace(made_up_clip("slow", 60, 1, fps=16.0), velocity_labelled=False)
    quick = made_up_clip("quick", 60, 1, fps=16.0)
    lost = {}
    for clip in (slow, quick):
        sample = SyntheticSource(MotionLibrary([clip]), replace(EVALUATION, chained=0.0), 1).batch(2, 60)
        answer = _perfect(sample)
        trembling = answer._replace(rotations=answer.rotations.roll(1, dims=1))
        losses = supervised_losses(trembling, sample)
        lost[clip.name] = {
            name: float(losses[name]) for name in ("joints", "joint_velocity", "rotation_change")
        }
    assert lost["slow"]["joint_velocity"] == lost["slow"]["rotation_change"] == 0
    assert lost["quick"]["joint_velocity"] > 0 and lost["quick"]["rotation_change"] > 0
    assert lost["slow"]["joints"] > 0, "poses are learned all the same"


def test_slow_capture_teaches_the_position_network_no_rates_either():
    for labelled in (True, False):
        clip = replace(made_up_clip("a", 60, 1, fps=16.0), velocity_labelled=labelled)
        sample = SyntheticSource(MotionLibrary([clip]), replace(EVALUATION, chained=0.0), 1).batch(2, 60)
        lost = position_losses(torch.randn_like(sample.truth.joints), sample)
        assert lost["joints"] > 0 and bool(lost["joint_velocity"] > 0) == labelled


def test_what_a_short_window_is_padded_with_teaches_no_rates():
    library = MotionLibrary([made_up_clip("short", 40, 1), made_up_clip("long", 90, 2)])
    windows = [library.clip_window(0), library.clip_window(1)]
    motion, in_clip = stacked(windows, windows[1].root.shape[1])
    assert not in_clip[0].all() and in_clip[1].all()
    assert torch.equal(motion.rates_labelled, in_clip)
    swapped = swap_parts(motion, replace(EVALUATION.augment, swap=1.0), torch.Generator())
    assert not swapped.rates_labelled[1, ~in_clip[0]].any(), "not to whoever is given the upper body either"


def test_a_slow_upper_body_on_quick_legs_has_no_rates():
    slow = replace(made_up_clip("slow", 200, 1), velocity_labelled=False)
    first, _ = _windows([slow], count=1)
    second, random = _windows([made_up_clip("quick", 200, 2)], count=1)
    names = vars(first)
    both = replace(
        first, **{name: torch.cat([getattr(second, name), getattr(first, name)]) for name in names}
    )
    assert both.rates_labelled[0].all() and not both.rates_labelled[1].any()
    swapped = swap_parts(both, replace(AugmentSettings(), swap=1.0), random)
    assert not swapped.rates_labelled.any()
    kept = swap_parts(both, replace(AugmentSettings(), swap=0.0), random)
    assert torch.equal(kept.rates_labelled, both.rates_labelled)
