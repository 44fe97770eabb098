"""The re-fit finds a canonical motion again whatever the source's frames, and brings all sets together."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from estimator.skeleton import JOINT_INDEX, LENGTH_NAMES
from estimator.training.calibration import HINGE_AXES, LIMBS, calibrate
from estimator.training.capture_bvh import SourceClip, read_capture_bvh
from estimator.training.refit import FITTED_JOINTS, RefitClip, fitted_joints, refit
from estimator.training.rotation_geometry import step_angles, unit
from estimator.training.takes import Take, list_takes
from tests.estimator.training.canonical_bvh import CanonicalMotion, moving_person, write_capture

Fits = dict[str, list[tuple[SourceClip, RefitClip]]]

CONVENTIONS = {
    "canonical": {},
    "cmu": {"LeftArm": 30.0, "LeftForeArm": 30.0, "RightArm": 30.0, "RightForeArm": 30.0},
    "reactidle": {"LeftArm": -45.0, "RightArm": -45.0, "LeftUpLeg": 20.0, "RightUpLeg": -25.0},
    "backwards": {"LeftArm": 170.0, "RightArm": -175.0, "LeftUpLeg": 180.0, "RightLeg": 90.0},
}


def _refitted(folder: Path, motion: CanonicalMotion, **convention: object) -> RefitClip:
    file = folder / "capture.bvh"
    write_capture(file, motion, **convention)
    # "roll": nothing about this motion says where a floor would be.
    clip = read_capture_bvh(Take(file, "made", "one", "roll"))
    (calibration,) = calibrate([clip], [clip])
    return refit(clip, calibration)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("twist", CONVENTIONS.values(), ids=CONVENTIONS.keys())
def test_a_canonical_motion_is_found_again_from_any_twist_of_the_limb_frames(
    tmp_path: Path, twist: dict[str, float], seed: int
) -> None:
    motion = moving_person(seed)
    found = _refitted(tmp_path, motion, twist=twist, hips_rise=0.1)

    joints, _ = motion.pose()
    expected = joints[:, [JOINT_INDEX[name] for name in FITTED_JOINTS]]
    assert np.linalg.norm(fitted_joints(found) - expected, axis=-1).max() < 0.01
    assert np.abs(found.lengths - motion.lengths).max() < 0.003
    for limb, (middle, _) in LIMBS.items():
        for name in (limb, middle):
            there = motion.rotations[:, JOINT_INDEX[name]]
            here = found.rotations[:, JOINT_INDEX[name]]
            error = Rotation.from_matrix(there.swapaxes(-1, -2) @ here).magnitude()
            assert np.degrees(np.median(error)) < 2.0, name
            assert np.degrees(np.percentile(error, 95)) < 6.0, name


def test_the_twist_of_the_source_frames_changes_nothing(tmp_path: Path) -> None:
    motion = moving_person(3)
    plain = _refitted(tmp_path, motion)
    for twist in CONVENTIONS.values():
        other = _refitted(tmp_path, motion, twist=twist, hips_rise=0.07)
        difference = plain.rotations.swapaxes(-1, -2) @ other.rotations
        angles = Rotation.from_matrix(difference.reshape(-1, 3, 3)).magnitude()
        assert np.degrees(angles).max() < 1.0


def test_forearms_and_shins_are_hinges(tmp_path: Path) -> None:
    found = _refitted(tmp_path, moving_person(4), twist=CONVENTIONS["cmu"])
    for limb, (middle, _) in LIMBS.items():
        vectors = Rotation.from_matrix(found.rotations[:, JOINT_INDEX[middle]]).as_rotvec()
        across = vectors - np.outer(vectors @ HINGE_AXES[limb], HINGE_AXES[limb])
        assert np.abs(across).max() < 1e-6


def test_a_hyperextended_elbow_stays_at_the_limit_and_the_wrist_in_place(tmp_path: Path) -> None:
    motion = moving_person(5)
    elbow = motion.rotations[:, JOINT_INDEX["LeftForeArm"]]
    backwards = Rotation.from_rotvec([0.0, 0.0, np.radians(12.0)]).as_matrix()
    elbow[100:140] = backwards
    found = _refitted(tmp_path, motion)
    flexion = -Rotation.from_matrix(found.rotations[:, JOINT_INDEX["LeftForeArm"]]).as_rotvec()[:, 2]
    assert np.degrees(flexion[110:130]).max() < 0.0
    assert np.degrees(flexion).min() > -5.01
    wrist = FITTED_JOINTS.index("LeftHand")
    joints, _ = motion.pose()
    off = np.linalg.norm(fitted_joints(found)[:, wrist] - joints[:, JOINT_INDEX["LeftHand"]], axis=-1)
    assert off.max() < 0.01


@pytest.fixture(scope="module")
def fits(few_captures: Path) -> Iterator[Fits]:
    """Some takes of every set with their re-fits."""
    by_person: dict[tuple[str, str], list[SourceClip]] = defaultdict(list)
    by_set: dict[str, list[SourceClip]] = defaultdict(list)
    for take in list_takes(few_captures):
        clip = read_capture_bvh(take)
        by_person[take.set, take.subject].append(clip)
        by_set[take.set].append(clip)
    fitted: Fits = defaultdict(list)
    for (set_name, _), clips in by_person.items():
        for clip, calibration in zip(clips, calibrate(clips, by_set[set_name]), strict=True):
            fitted[set_name].append((clip, refit(clip, calibration)))
    assert len(fitted) == 6
    yield fitted


def test_the_joints_of_every_set_are_met_within_a_centimetre(fits: Fits) -> None:
    for set_name, clips in fits.items():
        errors = [np.linalg.norm(fitted_joints(fit) - fit.targets, axis=-1) for _, fit in clips]
        assert np.concatenate(errors).mean() < 0.01, set_name


def _measured_axes(fit: RefitClip, limb: str) -> np.ndarray:
    """(F, 3) axis about which the *source's* joints flex, in our upper bone's frame; bent frames only."""
    middle, end = LIMBS[limb]
    at = {name: fit.targets[:, FITTED_JOINTS.index(name)] for name in (limb, middle, end)}
    upper, lower = unit(at[middle] - at[limb]), unit(at[end] - at[middle])
    normal = np.cross(upper, lower)
    bend = np.arctan2(np.linalg.norm(normal, axis=-1), np.sum(upper * lower, axis=-1))
    bent = (bend > np.radians(30.0)) & (bend < np.radians(130.0))
    chain = ["Hips", limb]
    if "Arm" in limb:
        side = "Left" if limb.startswith("Left") else "Right"
        chain = ["Hips", "Spine", "Spine1", "Spine2", f"{side}Shoulder", limb]
    world = np.eye(3)
    for name in chain:
        world = world @ fit.rotations[:, JOINT_INDEX[name]]
    return np.einsum("tji,tj->ti", world[bent], unit(normal[bent]))


def test_elbows_and_knees_flex_to_the_same_side_about_the_same_axis_in_every_set(fits: Fits) -> None:
    for limb, hinge in HINGE_AXES.items():
        for set_name, clips in fits.items():
            axes = np.concatenate([_measured_axes(fit, limb) for _, fit in clips])
            if len(axes) < 30:
                assert set_name == "reactidle" and "Leg" in limb, "who idles doesn't bend the knees"
                continue
            off = np.degrees(np.arccos(np.clip(axes @ hinge, -1.0, 1.0)))
            assert np.median(off) < 5.0, (set_name, limb)
            assert np.mean(off > 30.0) < 0.02, (set_name, limb)
            middle = LIMBS[limb][0]
            for _, fit in clips:
                flexion = Rotation.from_matrix(fit.rotations[:, JOINT_INDEX[middle]]).as_rotvec() @ hinge
                assert np.degrees(flexion).min() > -5.01


def test_people_who_stand_and_walk_look_ahead_in_every_set(fits: Fits) -> None:
    """Though the bones that sets have for heads lean ahead by 10 to 25 degrees."""
    for set_name, clips in fits.items():
        pitches = []
        for _, fit in clips:
            turn = np.eye(3)
            for name in ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head"):
                turn = turn @ fit.rotations[:, JOINT_INDEX[name]]
            left, up = fit.rotations[:, 0, :, 0], turn[..., 2]
            ahead = unit(np.stack([left[:, 1], -left[:, 0]], axis=-1))
            upright = fit.rotations[:, 0, 2, 2] > 0.9
            pitches.append(np.arctan2((up[:, :2] * ahead).sum(axis=-1), up[:, 2])[upright])
        assert -3.0 < np.degrees(np.median(np.concatenate(pitches))) < 12.0, set_name


def test_limbs_are_as_long_as_the_two_sides_of_the_source_on_average(fits: Fits) -> None:
    bones = {"thigh": "UpLeg Leg", "shin": "Leg Foot", "upper_arm": "Arm ForeArm", "forearm": "ForeArm Hand"}
    for clips in fits.values():
        for clip, fit in clips:
            for length, pair in bones.items():
                start, end = pair.split()
                sides = [
                    np.linalg.norm(clip.rest(side + end) - clip.rest(side + start))
                    for side in ("Left", "Right")
                ]
                assert fit.lengths[LENGTH_NAMES.index(length)] == pytest.approx(np.mean(sides), abs=1e-4)


def test_limbs_turn_no_faster_than_in_the_source(fits: Fits) -> None:
    for set_name, clips in fits.items():
        for clip, fit in clips:
            world = {"Hips": fit.rotations[:, 0]}
            for chain in (("Hips", "LeftUpLeg", "LeftLeg"), ("Hips", "RightUpLeg", "RightLeg")):
                for parent, name in pairwise(chain):
                    world[name] = world[parent] @ fit.rotations[:, JOINT_INDEX[name]]
            for name, turns in world.items():
                more = step_angles(turns) - step_angles(clip.turn(name))
                assert np.degrees(more).max() < 5.0, (set_name, clip.take.file.name, name)


def test_what_a_set_lacks_has_no_label(fits: Fits) -> None:
    def known(set_name: str, joint: str) -> tuple[bool, bool]:
        _, fit = fits[set_name][0]
        index = JOINT_INDEX[joint]
        return bool(fit.rotation_labelled[index]), bool(fit.position_labelled[index])

    assert known("deepmimic", "Head") == (False, False)
    assert known("deepmimic", "LeftShoulder") == (False, False)
    assert known("reactidle", "LeftToeBase") == (False, False)
    assert known("reactidle", "RightHand") == (False, True)
    assert known("cmu_asfamc", "LeftShoulder") == (False, False)
    for joint in ("LeftHand", "RightToeBase", "Head", "LeftForeArm", "Spine1"):
        assert known("cmu_asfamc", joint) == (True, True)
