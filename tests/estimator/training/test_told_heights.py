"""A person's and a camera's height are told right, in metres, and of some windows only."""

from dataclasses import replace

import pytest
import torch

from estimator.kinematics import end_points, forward_kinematics, rest_offsets_from_lengths
from estimator.skeleton import END_POINT_NAMES, J
from estimator.training.library import MotionLibrary
from estimator.training.synthetic import SyntheticSettings, SyntheticSource

from .captures import made_up_clip


def _sample(**settings):
    library = MotionLibrary([made_up_clip("a", 120, 1), made_up_clip("b", 90, 2)])
    return SyntheticSource(library, replace(SyntheticSettings(), **settings), seed=3).batch(60, 24)


def _crown_over_soles(lengths):
    """(B,) metres of people (B, 10) who stand upright."""
    rest = torch.eye(3).expand(len(lengths), J, 3, 3)
    pose = forward_kinematics(rest, rest_offsets_from_lengths(lengths), torch.zeros(len(lengths), 3))
    ends = end_points(pose, lengths)[..., 2]
    return ends[:, END_POINT_NAMES.index("head_top")] - ends[:, END_POINT_NAMES.index("left_heel")]


def test_people_are_told_to_be_as_tall_as_they_are():
    sample = _sample(known_person_height=1.0)
    told = sample.evidence.person_height
    true = _crown_over_soles(sample.truth.lengths)
    assert (told / true - 1).abs().max() < 0.01
    assert (sample.truth.stature / true - 1).abs().max() < 0.01
    assert 1.2 < told.min() < told.max() < 2.2 and told.std() > 0.05, "grown-ups, some taller than others"


def test_a_wrong_focal_length_makes_nobody_taller():
    sample = _sample(known_person_height=1.0, wrong_focal=1.0)
    assert torch.allclose(sample.evidence.person_height, sample.truth.stature)


def test_cameras_are_told_to_be_as_high_as_they_are():
    sample = _sample(known_gravity=1.0, known_camera_height=1.0)
    told, true = sample.evidence.camera_height, sample.truth.centre[..., 2].mean(dim=1)
    known = told.isfinite()
    assert torch.equal(known, sample.truth.motion.ground_known & (true > 0)), "but none from below the floor"
    assert torch.allclose(told[known], true[known])
    assert known.float().mean() > 0.3


@pytest.mark.parametrize("chance", [0.0, 0.5])
def test_heights_are_told_as_often_as_the_settings_say(chance):
    told = [_sample(known_person_height=chance).evidence.person_height.isfinite()]
    told += [_sample(known_gravity=chance, known_camera_height=1.0).evidence.camera_height.isfinite()]
    for known in told:
        assert 0.6 * chance <= known.float().mean() <= 1.4 * chance
