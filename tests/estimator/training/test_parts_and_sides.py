"""Mirrored people walk on the other side; swapped upper bodies are whole and bring their labels along."""

from dataclasses import replace

import torch

from estimator.generator import HINGE_JOINTS
from estimator.keypoint_set import KEYPOINT_MIRROR
from estimator.kinematics import forward_kinematics, keypoints, rest_offsets_from_lengths
from estimator.skeleton import HINGES, JOINT_INDEX, JOINT_MIRROR
from estimator.training.augment import UPPER_BODY, AugmentSettings, mirror, swap_parts
from estimator.training.library import MotionLibrary, rotation_matrices, stacked

from .captures import made_up_clip

IMAGE = torch.tensor([-1.0, 1.0, 1.0])
ALL = AugmentSettings(mirror=1.0, swap=1.0)
NONE = AugmentSettings(mirror=0.0, swap=0.0)


def _walk_aside(batch=1):
    """Different people who go diagonally, beginning off the middle of the world."""
    clips = [made_up_clip(f"c{n}", 100, seed=n) for n in range(batch)]
    library = MotionLibrary(clips)
    motion, _ = stacked([library.clip_window(n) for n in range(batch)], 50)
    root = motion.root.clone()
    root[..., 0] = 1.5 + 0.02 * torch.arange(50)
    still = torch.zeros_like(motion.still)
    still[..., 0], still[..., 3] = 1.0, 0.5  # left heel, right toe
    labelled = motion.rotation_labelled.clone()
    labelled[..., JOINT_INDEX["LeftHand"]] = False
    return replace(motion, root=root, still=still, rotation_labelled=labelled, position_labelled=labelled)


def _keypoints(motion):
    offsets = rest_offsets_from_lengths(motion.lengths)[:, None]
    pose = forward_kinematics(rotation_matrices(motion.rotations), offsets, motion.root)
    return keypoints(pose, motion.lengths[:, None])


def test_who_walks_to_the_left_goes_to_the_right_when_mirrored():
    motion = _walk_aside()
    mirrored = mirror(motion, ALL, torch.Generator())
    assert torch.allclose(mirrored.root, motion.root * IMAGE)
    expected = _keypoints(motion)[:, :, list(KEYPOINT_MIRROR)] * IMAGE
    assert torch.allclose(_keypoints(mirrored), expected, atol=1e-5)


def test_labels_and_contacts_change_sides_with_the_body():
    motion = _walk_aside()
    mirrored = mirror(motion, ALL, torch.Generator())
    assert mirrored.still[0, 0].tolist() == [0.0, 0.5, 1.0, 0.0], "left toe, right heel"
    for labelled in (mirrored.rotation_labelled, mirrored.position_labelled):
        assert torch.equal(labelled, motion.rotation_labelled[..., list(JOINT_MIRROR)])
        assert not labelled[..., JOINT_INDEX["RightHand"]].any()
    assert torch.equal(mirrored.lengths, motion.lengths)
    known = motion.still_labelled.clone()
    known[..., 1] = False
    mirrored = mirror(replace(motion, still_labelled=known), ALL, torch.Generator())
    assert mirrored.still_labelled[0, 0].tolist() == [True, True, True, False], "right toe"


def test_the_mirror_image_of_the_mirror_image_is_the_motion():
    motion = _walk_aside()
    twice = mirror(mirror(motion, ALL, torch.Generator()), ALL, torch.Generator())
    for name, value in vars(motion).items():
        assert torch.equal(getattr(twice, name), value), name


def test_mirrored_elbows_and_knees_bend_the_way_they_do():
    mirrored = mirror(_walk_aside(), ALL, torch.Generator())
    for joint, (axis, sign) in zip(HINGE_JOINTS, HINGES.values(), strict=True):
        assert (sign * mirrored.rotations[:, :, joint, 1 + axis] > 0.05).all()


def test_windows_that_are_not_chosen_stay_as_they_are():
    motion = _walk_aside(3)
    for change in (mirror, swap_parts):
        for name, value in vars(change(motion, NONE, torch.Generator())).items():
            assert torch.equal(value, getattr(motion, name)), name


def test_an_upper_body_is_another_windows_whole_and_the_legs_are_ones_own():
    motion = _walk_aside(3)
    labelled = motion.rotation_labelled.clone()
    labelled[1, :, JOINT_INDEX["Head"]] = False
    motion = replace(motion, rotation_labelled=labelled, position_labelled=labelled)
    swapped = swap_parts(motion, ALL, torch.Generator())
    lower = [joint for joint in range(22) if joint not in UPPER_BODY]
    assert {JOINT_INDEX[n] for n in ("Hips", "LeftUpLeg", "RightLeg", "LeftFoot", "RightToeBase")} <= set(
        lower
    )
    givers = []
    for window in range(3):
        assert torch.equal(swapped.rotations[window][:, lower], motion.rotations[window][:, lower])
        given = [
            other
            for other in range(3)
            if torch.equal(swapped.rotations[window][:, UPPER_BODY], motion.rotations[other][:, UPPER_BODY])
        ]
        assert len(given) == 1 and given != [window]
        givers += given
        for name in ("rotation_labelled", "position_labelled"):
            theirs = getattr(swapped, name)[window][:, UPPER_BODY]
            assert torch.equal(theirs, getattr(motion, name)[given[0]][:, UPPER_BODY]), "with its labels"
    assert sorted(givers) == [0, 1, 2]
    assert torch.equal(swapped.root, motion.root)


def test_as_many_upper_bodies_are_swapped_as_the_settings_say():
    motion, _ = stacked([MotionLibrary([made_up_clip("c", 40, n)]).clip_window(0) for n in range(40)], 20)
    random = torch.Generator().manual_seed(1)
    swaps = [swap_parts(motion, AugmentSettings(swap=0.4), random).rotations for _ in range(10)]
    changed = (torch.stack(swaps) != motion.rotations).flatten(2).any(dim=-1)
    assert 0.33 < changed.float().mean() < 0.47
