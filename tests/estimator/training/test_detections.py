"""The noise that is drawn is as large, point by point, as a detector's is taken to be."""

import pytest
import torch

from estimator.keypoint_set import KEYPOINT_INDEX, KEYPOINT_MIRROR, KEYPOINT_NAMES, K
from estimator.training.detections import (
    CLEAN,
    DetectorSettings,
    detector_noise,
    keypoint_bias,
    swapped_sides,
)

FEET = ("ankle", "big_toe", "small_toe", "heel")
# Centimetres: a person's marks off the average ones, jitter, and peaks; and the share of frames with a peak.
EXPECTED = {
    ("nose", "eye", "ear", "head_top"): (2.5, 0.7, 2.4, 0.10),
    ("shoulder", "neck"): (1.5, 1.5, 4.5, 0.05),
    ("elbow",): (2.0, 1.0, 7.5, 0.025),
    ("wrist",): (2.5, 0.8, 12.0, 0.017),
    ("hip", "pelvis"): (2.5, 2.0, 2.4, 0.05),
    ("knee",): (1.5, 1.0, 9.0, 0.025),
    FEET: (2.0, 0.7, 12.0, 0.017),
}
GUESSES_NOTHING = DetectorSettings(gaps=0.0)
JITTERS_TWICE = DetectorSettings(noise=2.0, gaps=0.0)


def _expected(column):
    """(26,) of a column of the table."""
    values = {name: row[column] for names, row in EXPECTED.items() for name in names}
    bare = [name.removeprefix("left_").removeprefix("right_") for name in KEYPOINT_NAMES]
    return torch.tensor([values[name] for name in bare])


def _rms(values):
    """(26,) centimetres per axis of (..., 26, 3) metres."""
    return 100 * values.square().mean(dim=-1).flatten(0, -2).mean(dim=0).sqrt()


def _assert_near(found, expected, tolerance):
    ratio = (found / expected).tolist()
    off = {name: round(r, 2) for name, r in zip(KEYPOINT_NAMES, ratio, strict=True) if abs(r - 1) > tolerance}
    assert not off, "times what it should be"


@pytest.fixture(scope="module")
def noise():
    """Peaks, and jitter: of the same random numbers twice the noise has the same peaks, twice the jitter."""
    once, _ = detector_noise(500, 24, GUESSES_NOTHING, torch.Generator().manual_seed(1))
    twice, _ = detector_noise(500, 24, JITTERS_TWICE, torch.Generator().manual_seed(1))
    jitter = twice - once
    return once - jitter, jitter


def test_marks_lie_off_the_average_ones_as_far_as_people_differ():
    bias = keypoint_bias(3000, DetectorSettings(), torch.Generator().manual_seed(1))
    assert bias.shape == (3000, K, 3)
    _assert_near(_rms(bias), _expected(0), 0.1)
    assert (100 * bias.mean(dim=0)).abs().max() < 0.25, "to all sides alike"
    twice = keypoint_bias(3000, DetectorSettings(offsets=2.0), torch.Generator().manual_seed(1))
    assert torch.allclose(twice, 2 * bias)


def test_points_jitter_by_what_their_part_does(noise):
    _, jitter = noise
    _assert_near(_rms(jitter), _expected(1), 0.2)


def test_jitter_is_partly_slow(noise):
    _, jitter = noise
    along = (jitter[:, 1:] * jitter[:, :-1]).mean() / jitter.square().mean()
    assert 0.4 < along < 0.8, "0.64 of its variance forgets itself over some frames"


def test_windows_differ_in_how_noisy_they_are(noise):
    _, jitter = noise
    level = jitter.square().mean(dim=(1, 2, 3)).sqrt().log()
    assert 0.4 < level.std() < 0.6


def test_peaks_are_as_frequent_and_as_high_as_their_part_says(noise):
    peaks, _ = noise
    there = peaks.norm(dim=-1) > 1e-5
    _assert_near(there.float().mean(dim=(0, 1)), _expected(3), 0.25)
    height = 100 * (peaks.square().sum(dim=(0, 1, 3)) / (3 * there.sum(dim=(0, 1)))).sqrt()
    _assert_near(height, _expected(2), 0.2)


def test_there_are_no_peaks_yet_where_the_noise_has_hardly_begun():
    hardly = DetectorSettings(noise=1e-4, gaps=0.0)
    noise, _ = detector_noise(50, 24, hardly, torch.Generator().manual_seed(1))
    assert (noise.norm(dim=-1) > 1e-3).float().mean() < 1e-3


def test_sides_are_taken_for_each_other_in_bursts():
    settings = DetectorSettings(gaps=0.0)
    index = swapped_sides(1500, 60, settings, torch.Generator().manual_seed(1))
    own, other = torch.arange(K), torch.tensor(KEYPOINT_MIRROR)
    assert ((index == own) | (index == other)).all()
    swapped = index != own
    wrist, ankle = (swapped[..., KEYPOINT_INDEX[f"left_{name}"]] for name in ("wrist", "ankle"))
    assert torch.equal(swapped, swapped[..., other]), "where one side is, the other is too"
    assert (ankle | ~wrist).all(), "the legs go along with the whole body, and by themselves too"
    # Of windows; bursts begin anywhere in them and last 8 frames on average, of legs alone 10.
    assert 0.05 < wrist.any(dim=1).float().mean() < 0.11
    assert 0.13 < ankle.any(dim=1).float().mean() < 0.22
    assert 5 < wrist.sum(dim=1)[wrist.any(dim=1)].float().mean() < 9
    assert (swapped[:, 1:] != swapped[:, :-1]).sum(dim=1).max() <= 4, "at most one burst of each"
    # Of a long clip they are as many as of the windows that it can be cut into.
    windows, clip = (
        (swapped_sides(*shape, settings, torch.Generator().manual_seed(2)) != own).float().mean()
        for shape in ((1500, 320), (150, 3200))
    )
    assert 0.8 < clip / windows < 1.25
    often = swapped_sides(1500, 60, settings.scaled(3.0), torch.Generator().manual_seed(1)) != own
    assert 2.5 < often.float().mean() / swapped.float().mean() < 3.5
    assert torch.equal(swapped_sides(4, 60, CLEAN, torch.Generator().manual_seed(1)), own.expand(4, 60, -1))
