"""Detections that can't be this person's: points that jump away and back, and jumps onto somebody else."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .chunks import chunks
from .estimate import MIN_KEYPOINTS
from .track import KeypointTrack

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_AWAY = 0.12
"""Statures off the line between where a point was before and after, that noise hardly reaches."""

_STRONGEST = 200.0
"""Statures a second squared: no limb swings out and back faster than that."""

_BACK = 0.5
"""Of how far it was away, how far off a point that has come back may be from where it was."""

_LONGEST = 0.1
"""Seconds that a point may stay away; for longer, it may be where the limb is."""

_RARE = 0.2
"""Share of a point's frames, of which more are not all false."""

_JUMP = 0.4
"""Statures by which a whole person doesn't leave their way from frame to frame."""

_FASTEST = 5.0
"""Statures a second that a person covers across the picture."""

_RESIZED = 1.6
"""Factor by which the same person isn't smaller or larger after a gap."""

_MOST = 0.5
"""Share of the track that must be one person's way: else it can't be told whose track it is."""

_LOOK_AHEAD = 12
"""Stretches after each that may be its continuation."""


def without_lone_jumps(track: KeypointTrack, fps: float, stature: Array) -> KeypointTrack:
    """The track without keypoints that jump away and back at once.

    Args:
        fps: of the track.
        stature: (T,) pixels, from ``stature_in_picture``.
    """
    false = np.zeros(track.confidence.shape, dtype=np.bool_)
    longest = min(max(round(_LONGEST * fps), 1), len(track) - 2)
    for part in chunks(len(track)):
        # A jump is found in the piece that its start lies in.
        rows = slice(max(part.start - 1, 0), min(part.stop + longest, len(track)))
        false[rows] |= _lone_jumps(track.keypoints[rows], fps, stature[rows], longest)
    # What is off that often is not known to be the false one of two places.
    false &= false.sum(axis=0) <= _RARE * track.present.sum(axis=0)
    return _without(track, false)


def _lone_jumps(points: Array, fps: float, stature: Array, longest: int) -> Flags:
    """(T, 26) where keypoints (T, 26, 2) jump away, for at most so many frames, and back."""
    false = np.zeros(points.shape[:2], dtype=np.bool_)
    for away in range(1, min(longest, len(points) - 2) + 1):
        before, after = points[: -away - 1], points[away + 1 :]
        rows = len(before)
        half = (away + 1) / 2 / fps
        enough = max(_AWAY, 0.5 * _STRONGEST * half**2) * stature[:rows, None]
        nearest = np.full(before.shape[:2], np.inf)
        for frame in range(1, away + 1):
            between = before + frame / (away + 1) * (after - before)
            off = np.linalg.norm(points[frame : frame + rows] - between, axis=-1)
            nearest = np.minimum(nearest, off)  # NaN where any is missing, which compares as False
        jumped = (nearest > enough) & (np.linalg.norm(after - before, axis=-1) < _BACK * nearest)
        for frame in range(1, away + 1):
            false[frame : frame + rows] |= jumped
    return false


def without_other_people(track: KeypointTrack, fps: float, stature: Array) -> KeypointTrack:
    """The track without the frames on which the tracker had jumped onto somebody else.

    The track is cut where all of the person jumps further than anybody moves; of the pieces those are kept
    that can be one person's way, as much of the track as possible.

    Args:
        fps: of the track.
        stature: (T,) pixels, from ``stature_in_picture``.
    """
    pieces = _pieces(track, fps, stature)
    if len(pieces) < 2:
        return track
    best, follows = [piece.weight for piece in pieces], [-1] * len(pieces)
    for later, piece in enumerate(pieces):
        for earlier in range(max(later - _LOOK_AHEAD, 0), later - 1):
            total = best[earlier] + piece.weight
            if total > best[later] and _continues(track, fps, stature, pieces[earlier], piece):
                best[later], follows[later] = total, earlier
    at = int(np.argmax(best))
    if best[at] < _MOST * sum(piece.weight for piece in pieces):
        return track
    false = np.ones(track.confidence.shape, dtype=np.bool_)
    while at >= 0:
        false[pieces[at].first : pieces[at].last + 1] = False
        at = follows[at]
    return _without(track, false)


@dataclass(frozen=True)
class _Piece:
    """A stretch of frames, both included, in which nobody jumps; the sum of its confidences."""

    first: int
    last: int
    weight: float


def _pieces(track: KeypointTrack, fps: float, stature: Array) -> list[_Piece]:
    """The track cut at its jumps; frames with too few keypoints belong to no piece's ends."""
    seen = np.flatnonzero(track.present.sum(axis=1) >= MIN_KEYPOINTS)
    if len(seen) < 2:
        return []
    before, after = seen[:-1], seen[1:]
    gap = (after - before) / fps
    step = np.empty((len(before), 2))
    for part in chunks(len(before)):
        step[part] = _middle_step(track.keypoints[before[part]], track.keypoints[after[part]])
    # On from the last step: who moves fast, or is followed by a camera, goes on.
    speed = np.nan_to_num(step / gap[:, None])
    expected = np.vstack([np.zeros((1, 2)), speed[:-1]]) * gap[:, None]
    reach = (_JUMP + _FASTEST * np.maximum(gap - 1 / fps, 0.0)) * np.minimum(stature[before], stature[after])
    # The step back onto the way after a jump is none from a stand, hence both.
    off = np.minimum(np.linalg.norm(step - expected, axis=1), np.linalg.norm(step, axis=1))
    cuts = np.flatnonzero(off > reach)  # NaN, without a common keypoint, is no jump
    starts, ends = np.r_[0, cuts + 1], np.r_[cuts, len(seen) - 1]
    weight = np.r_[0.0, np.cumsum(track.confidence.sum(axis=1))]
    return [
        _Piece(int(seen[a]), int(seen[b]), float(weight[seen[b] + 1] - weight[seen[a]]))
        for a, b in zip(starts, ends, strict=True)
    ]


def _middle_step(before: Array, after: Array) -> Array:
    """(N, 2) pixels, the median over the keypoints (N, 26, 2) seen on both; NaN if there are too few."""
    steps = after - before
    common = np.isfinite(steps).all(axis=-1).sum(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of frames without a common keypoint
        middle = np.nanmedian(steps, axis=1)
    middle[common < MIN_KEYPOINTS] = np.nan
    return np.asarray(middle)


def _continues(track: KeypointTrack, fps: float, stature: Array, one: _Piece, other: _Piece) -> bool:
    """Whether the second piece may be where the person of the first has gone on."""
    step = _middle_step(track.keypoints[None, one.last], track.keypoints[None, other.first])[0]
    sizes = stature[one.last], stature[other.first]
    reach = (_JUMP + _FASTEST * (other.first - one.last) / fps) * min(sizes)
    return bool(np.linalg.norm(step) <= reach) and max(sizes) <= _RESIZED * min(sizes)


def _without(track: KeypointTrack, false: Flags) -> KeypointTrack:
    """The track with some keypoints (T, 26) missing."""
    if not (false & track.present).any():
        return track
    return replace(
        track,
        keypoints=np.where(false[..., None], np.nan, track.keypoints),
        confidence=np.where(false, 0.0, track.confidence),
    )
