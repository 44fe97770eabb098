"""Unpaired training sees no answers of the people it looks at, and its metrics know known answers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from estimator.errors import InputError
from estimator.training.synthetic import SyntheticSettings
from estimator.training.unpaired import (
    VIEWS,
    ProjectedTracks,
    depth_flips,
    known_camera_clips,
    known_cameras,
    mean_pose,
    split_people,
    unpaired_figures,
)

from .captures import made_up_clip


def _people():
    clips = [made_up_clip(f"c{n}", 60 + 20 * n, n) for n in range(6)]
    # One subject of CMU in two sets made from CMU's takes.
    clips[1] = replace(clips[1], set="cmu_asfamc", subject="07")
    clips[4] = replace(clips[4], set="cmu_expmap_train", subject="07")
    return clips


def test_no_person_is_seen_and_captured():
    motion, seen = split_people(_people())
    assert len(motion) + len(seen) == 6 and motion and seen
    assert len({clip.name for clip in motion} & {"c1", "c4"}) in (0, 2), "the same person in two sets"
    assert split_people(_people()[::-1])[0][0].name in {clip.name for clip in motion}, "in any order"
    with pytest.raises(InputError, match="two people"):
        split_people(_people()[:1])


def test_projected_tracks_have_known_cameras_and_no_answers():
    batch = ProjectedTracks(_people(), known_cameras(SyntheticSettings()), 1).batch(3, 40)
    assert set(vars(batch)) == {"evidence", "view"}
    assert torch.allclose(batch.evidence.down, torch.tensor([0.0, 1.0, 0.0]).expand(3, 40, 3), atol=1e-4)
    height = batch.evidence.camera_height
    assert (height > 0).any() and not (height <= 0).any()
    assert batch.evidence.person_height.isnan().all()


def test_projected_tracks_are_videos_that_stay_as_they_are():
    clip = made_up_clip("short", 50, 1)
    source = ProjectedTracks([clip], known_cameras(SyntheticSettings()), 1)
    windows = [source.batch(8, 60).evidence for _ in range(8)]
    lengths = torch.cat([window.in_clip.sum(dim=1) for window in windows])
    assert 20 < lengths.min() == lengths.max() < 55, "padded, not chained"
    rays = torch.cat([window.rays[:, 0] for window in windows]).flatten(1)
    assert len(torch.unique(rays.mul(1e4).round(), dim=0)) == 2 * VIEWS, "each view, and its mirror image"
    confident = torch.cat([window.confidence[:, 55] for window in windows])
    assert (confident == 0).all(), "nothing is seen beyond the clip"


def test_projected_tracks_go_on_where_they_were():
    first, second = (ProjectedTracks(_people(), known_cameras(SyntheticSettings()), 1) for _ in range(2))
    first.batch(3, 40)
    second.random.set_state(first.random.get_state())
    assert torch.equal(first.batch(3, 40).evidence.rays, second.batch(3, 40).evidence.rays)


def _clips():
    return known_camera_clips([made_up_clip("v", 60, 3)], views=2)


def _truth(sample):
    joints = sample.truth.joints - sample.truth.joints[:, :, :1]
    return joints * (1.7 / float(sample.truth.stature[0]))


def test_the_truth_scores_zero_and_a_depth_mirror_image_is_all_flips():
    clips = _clips()
    pose = mean_pose(clips)
    figures = unpaired_figures(_truth, clips, pose)
    assert figures.p_mpjpe["walk_run"] < 0.01 and figures.flips["walk_run"] == 0
    assert figures.mean_pose["walk_run"] > 20
    mirrored = unpaired_figures(lambda sample: _truth(sample) * torch.tensor([1.0, 1.0, -1.0]), clips, pose)
    assert mirrored.flips["walk_run"] == 1
    assert mirrored.p_mpjpe["walk_run"] > 20


def test_a_flat_person_has_no_order_in_depth():
    true = torch.randn(20, 22, 3, generator=torch.Generator().manual_seed(1))
    assert depth_flips(true * torch.tensor([1.0, 1.0, 0.0]), true) == 0
    assert depth_flips(true, 0.01 * true) == 0, "nothing clearly nearer, nothing to flip"


def test_the_mean_pose_of_one_pose_is_that_pose():
    clip = made_up_clip("v", 60, 3)
    standing = replace(clip, rotations=np.broadcast_to(np.float32([1, 0, 0, 0]), clip.rotations.shape).copy())
    clips = known_camera_clips([standing], views=1)
    figures = unpaired_figures(_truth, clips, mean_pose(clips))
    assert figures.mean_pose["walk_run"] < 0.5
