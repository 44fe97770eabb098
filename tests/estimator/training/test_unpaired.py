"""Unpaired training sees no answers of the people it looks at, and its metrics know known answers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from estimator.errors import InputError
from estimator.training.synthetic import SyntheticSettings
from estimator.training.track_source import TrackSource
from estimator.training.unpaired import (
    LOWEST_CAMERA,
    VIEWS,
    known_cameras,
    projected_videos,
    split_people,
)
from estimator.training.unpaired_figures import (
    depth_flips,
    known_camera_clips,
    mean_pose,
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


def _source(clips, mirrored=0.5, seed=1):
    return TrackSource(*projected_videos(clips, known_cameras(SyntheticSettings()), 1), mirrored, seed)


def test_projected_videos_have_known_cameras_and_no_answers():
    batch = _source(_people()).batch(30, 40)
    assert set(vars(batch)) == {"evidence", "view"}
    assert torch.allclose(batch.evidence.down, torch.tensor([0.0, 1.0, 0.0]).expand(30, 40, 3), atol=1e-4)
    height = batch.evidence.camera_height
    assert height.isfinite().all(), "told of every camera, as all stand over the floor"
    assert height.min() > LOWEST_CAMERA - 0.01
    assert batch.evidence.person_height.isnan().all()


@pytest.mark.parametrize(("mirrored", "kinds"), [(0.5, 2), (0.0, 1)])
def test_projected_videos_stay_as_they_are(mirrored, kinds):
    source = _source([made_up_clip("short", 50, 1)], mirrored)
    windows = [source.batch(8, 60).evidence for _ in range(8)]
    lengths = torch.cat([window.in_clip.sum(dim=1) for window in windows])
    assert 20 < lengths.min() == lengths.max() < 55, "padded, not chained"
    rays = torch.cat([window.rays[:, 0] for window in windows]).flatten(1)
    assert len(torch.unique(rays.mul(1e4).round(), dim=0)) == kinds * VIEWS, "each view, and its mirror image"
    confident = torch.cat([window.confidence[:, 55] for window in windows])
    assert (confident == 0).all(), "nothing is seen beyond the clip"


def test_windows_of_videos_go_on_where_they_were():
    first, second = (_source(_people(), seed=seed) for seed in (1, 2))
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


def test_errors_are_those_of_people_as_tall_as_they_are():
    short = made_up_clip("v", 60, 3)
    tall = replace(short, lengths=1.2 * short.lengths, root_translation=1.2 * short.root_translation)
    pose = mean_pose(known_camera_clips([made_up_clip("w", 60, 4)]))
    errors = [
        unpaired_figures(_truth, known_camera_clips([clip]), pose).mean_pose["walk_run"]
        for clip in (short, tall)
    ]
    assert errors[1] == pytest.approx(1.2 * errors[0], rel=1e-3)
