"""Limbs that the detector hardly saw are told, others aren't."""

from dataclasses import replace

import numpy as np

from estimator.hidden_parts import hidden_parts, shares_seen
from estimator.keypoint_set import KEYPOINT_INDEX

from .seen import walker


def _dimmed(track, confidence, frames, *points):
    dim = track.confidence.copy()
    for point in points:
        dim[frames, KEYPOINT_INDEX[point]] = confidence
    return replace(track, confidence=dim)


def test_somebody_who_is_seen_gets_no_line():
    assert hidden_parts(walker(60)) is None


def test_a_limb_is_seen_if_all_of_it_is():
    track = _dimmed(walker(60), 0.1, slice(0, 45), "left_wrist")
    assert shares_seen(track) == {"left arm": 0.25, "right arm": 1.0, "left leg": 1.0, "right leg": 1.0}
    assert hidden_parts(track) == "hardly seen, so guessed: left arm (25% of the frames)"


def test_both_legs_are_told_together():
    legs = [f"{side}_{point}" for side in ("left", "right") for point in ("knee", "ankle")]
    track = _dimmed(walker(60), 0.1, slice(0, 60), *legs, "right_elbow")
    assert hidden_parts(track) == "hardly seen, so guessed: right arm (0% of the frames), legs (0%)"


def test_frames_without_the_person_do_not_count():
    track = walker(60)
    gone = np.arange(60) >= 20
    track = replace(
        track,
        keypoints=np.where(gone[:, None, None], np.nan, track.keypoints),
        confidence=np.where(gone[:, None], 0.0, track.confidence),
    )
    assert hidden_parts(track) is None
