"""What detectors and trackers got clearly wrong is put right, or left out, before anything is estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .false_detections import without_lone_jumps, without_other_people
from .side_swaps import unswapped
from .track import KeypointTrack
from .track_scale import stature_in_picture

Array = NDArray[np.float64]

EXCHANGED_TRUST = 0.5
"""Of a keypoint that was taken for its counterpart on the other side."""


@dataclass(frozen=True)
class CleanTrack:
    """A track to estimate from.

    Attributes:
        track: what is used: left and right put right, false keypoints missing.
        trust: (T,) 0..1, how much of each frame's keypoints was used as it was.
    """

    track: KeypointTrack
    trust: Array


def clean_track(track: KeypointTrack, fps: float) -> CleanTrack:
    """A track without swaps of left and right, jumps onto other people, and lone false keypoints.

    Only what is clear is changed; a track without such defects comes back as it was.

    Args:
        fps: of the track.
    """
    stature = stature_in_picture(track, fps)
    if not np.isfinite(stature).all():
        return CleanTrack(track, np.ones(len(track)))
    ours = without_other_people(track, fps, stature)
    if ours is not track:
        stature = stature_in_picture(ours, fps)
    sided, exchanged = unswapped(ours, fps, stature)
    clean = without_lone_jumps(sided, fps, stature)
    used = np.where(exchanged, EXCHANGED_TRUST, 1.0) * clean.present
    trust = used.sum(axis=1) / np.maximum(track.present.sum(axis=1), 1)
    return CleanTrack(clean, np.where(track.present.any(axis=1), trust, 1.0))
