"""Refinement moves a take onto its keypoints, keeps what keypoints don't say, and ignores false ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from estimator.camera import pinhole
from estimator.estimate import WEIGHTS
from estimator.evidence import gather_evidence, solving_axes
from estimator.generator import HINGE_JOINTS, load_weights
from estimator.ground import Ground
from estimator.keypoint_set import KEYPOINT_INDEX
from estimator.lifting import body_points, lift, root_evidence
from estimator.refinement import refine, windows
from estimator.root_solve import solve_root
from estimator.skeleton import HINGES, JOINT_INDEX, stature

from ..motions import waving
from ..test_estimate import seen_by_camera

CAMERA = replace(pinhole(1280, 720, 900.0), world_from_camera=None)


@pytest.fixture(scope="module")
def start():
    """Evidence, and the network's answer to it."""
    track = seen_by_camera(waving(90, fps=30.0, swing=0.3), fps=30.0)
    axes = solving_axes(None, len(track))
    evidence, centre = gather_evidence(track, 30.0, CAMERA, axes, None)
    lifted = lift(load_weights(WEIGHTS, torch.device("cpu")), evidence, None)
    return evidence, centre, lifted, solve_root(root_evidence(evidence, centre, lifted))


def _marks(lifted):
    """(T, 26, 3) metres from Hips to the keypoints."""
    return body_points(lifted.rotations, lifted.lengths)[0]


def _both(lifted):
    """(T, 26, 3) metres from Hips to the keypoints, and (T, 4, 3) to the contact points."""
    return body_points(lifted.rotations, lifted.lengths)


def _off(evidence, lifted, root):
    """(T, 26) metres between the skeleton's keypoints and the lines of sight; NaN where missing."""
    points = root[:, None] + _marks(lifted)
    rays = evidence.rays[0].double().numpy()
    off = np.linalg.norm(points - (points * rays).sum(-1, keepdims=True) * rays, axis=-1)
    return np.where(evidence.confidence[0].numpy() > 0, off, np.nan)


def test_the_take_comes_to_lie_on_its_keypoints(start):
    evidence, _, lifted, root = start
    refined, path = refine(*start)
    before, after = np.nanmedian(_off(evidence, lifted, root)), np.nanmedian(_off(evidence, refined, path))
    assert after < 0.6 * before
    assert np.allclose(np.linalg.norm(refined.rotations, axis=-1), 1.0)


def test_hinges_stay_hinges_and_the_stature_stays(start):
    lifted = start[2]
    refined, _ = refine(*start)
    for joint, (axis, _) in zip(HINGE_JOINTS, HINGES.values(), strict=True):
        others = [1 + a for a in range(3) if a != axis]
        assert np.abs(refined.rotations[:, joint, others]).max() < 1e-5
    assert np.isclose(stature(refined.lengths), stature(lifted.lengths), rtol=1e-5)
    for name in ("LeftHand", "RightToeBase"):
        same = np.abs((refined.rotations * lifted.rotations)[:, JOINT_INDEX[name]].sum(-1))
        assert same.min() > np.cos(np.radians(8)), "what no keypoint shows is only steadied"


def test_without_keypoints_the_answer_is_only_steadied(start):
    evidence, centre, lifted, root = start
    blind = replace(evidence, confidence=torch.zeros_like(evidence.confidence))
    still = replace(lifted, still=np.zeros_like(lifted.still))
    refined, path = refine(blind, centre, still, root)
    assert np.linalg.norm(path - root, axis=1).mean() < 0.01
    turned = 2 * np.arccos(np.clip(np.abs((refined.rotations * lifted.rotations).sum(-1)), 0, 1))
    assert np.degrees(np.median(turned)) < 3
    assert np.allclose(refined.lengths, lifted.lengths)
    jerk = [np.abs(np.diff(points[0], n=3, axis=0)).mean() for points in (_both(refined), _both(lifted))]
    assert jerk[0] < 0.5 * jerk[1]


@pytest.mark.parametrize("wrist", ["left_wrist", "right_wrist"])
def test_a_false_keypoint_is_as_good_as_a_missing_one(start, wrist):
    evidence, centre, lifted, root = start
    point, frames = KEYPOINT_INDEX[wrist], slice(40, 45)
    rays, confidence = evidence.rays.clone(), evidence.confidence.clone()
    rays[0, frames, point] = torch.nn.functional.normalize(torch.tensor([0.9, -0.5, 1.0]), dim=0)
    confidence[0, frames, point] = 0.0
    missing = refine(replace(evidence, confidence=confidence), centre, lifted, root)
    pulled = refine(replace(evidence, rays=rays), centre, lifted, root)
    # Across the true line of sight: along it, where nothing was seen, either may take front for back.
    off = [_off(evidence, *found) for found in (missing, pulled)]
    assert off[0][frames, point].max() < 0.1, "what is missing is bridged"
    assert np.nanmax(np.abs(off[1] - off[0])) < 0.02


def test_windows_go_over_into_each_other(start, monkeypatch):
    evidence, _, lifted, root = start
    _, path = refine(*start)
    monkeypatch.setattr(windows, "WINDOW", 50)
    monkeypatch.setattr(windows, "AHEAD", 20)
    parts, path_of_parts = refine(*start)
    assert np.linalg.norm(path - path_of_parts, axis=-1).max() < 0.05
    steps = np.linalg.norm(np.diff(path_of_parts - path, axis=0), axis=-1)
    assert steps.max() < 0.02, "no jump where windows meet"
    assert np.nanmedian(_off(evidence, parts, path_of_parts)) < np.nanmedian(_off(evidence, lifted, root))


def test_a_frame_or_two_are_enough(start):
    evidence, centre, lifted, root = start
    two = replace(
        evidence,
        **{name: getattr(evidence, name)[:, :2] for name in ("rays", "confidence", "in_clip", "down")},
    )
    short = {name: getattr(lifted, name)[:2] for name in lifted.__dataclass_fields__ if name != "lengths"}
    refined, path = refine(two, centre[:2], replace(lifted, **short), root[:2])
    assert len(path) == 2 and np.isfinite(refined.rotations).all()


def test_progress_may_end_the_work(start):
    heard = []
    refine(*start, heard.append)
    assert heard == sorted(heard) and heard[-1] == 1.0


def _heights(ground, lifted, root):
    """(T, 4) metres of the contact points over the ground."""
    return ground.heights(root[:, None] + body_points(lifted.rotations, lifted.lengths)[1])


def test_a_still_foot_far_above_the_ground_stays_there(start):
    evidence, centre, lifted, root = start
    up = np.array([0.0, -1.0, 0.0])
    level = float(_heights(Ground(up, 0.0), lifted, root).min())
    free, path = refine(evidence, centre, lifted, root)
    held, path_above = refine(evidence, centre, lifted, root, ground=Ground(up, level - 1.0))
    assert np.linalg.norm(path - path_above, axis=-1).max() < 0.02
    assert np.linalg.norm(_marks(free) - _marks(held), axis=-1).max() < 0.05


def test_knees_and_elbows_do_not_bend_the_wrong_way(start):
    evidence, centre, lifted, root = start
    back = lifted.rotations.copy()
    for joint, (axis, sign) in zip(HINGE_JOINTS, HINGES.values(), strict=True):
        back[:, joint] = 0.0
        back[:, joint, 0] = np.cos(-0.2)
        back[:, joint, 1 + axis] = sign * np.sin(-0.2)  # 0.4 radians the wrong way
    blind = replace(evidence, confidence=torch.zeros_like(evidence.confidence))
    refined, _ = refine(blind, centre, replace(lifted, rotations=back), root)
    for joint, (axis, sign) in zip(HINGE_JOINTS, HINGES.values(), strict=True):
        bend = 2 * np.arctan2(sign * refined.rotations[:, joint, 1 + axis], refined.rotations[:, joint, 0])
        assert bend.min() > -0.12
