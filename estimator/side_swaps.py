"""Left and right that a detector took for each other, found by how limbs move.

A detector that sees somebody from the side or from behind often gives the left leg's place to the right one
for a frame or for some. Both legs then jump, which legs can't: what they do from frame to frame changes
little. So each frame is read as it is, or with its legs, its arms or the whole body exchanged, and the
reading of the whole clip is chosen that makes all points move most steadily (Viterbi's algorithm), where
every change of the reading, and every exchanged frame, must pay for itself. Legs that really cross move on
steadily and are left alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .chunks import chunks
from .keypoint_set import KEYPOINT_INDEX, KEYPOINT_MIRROR, K
from .track import KeypointTrack

Array = NDArray[np.float64]

_GROUPS = {
    "legs": (("knee",), ("ankle", "heel", "big_toe", "small_toe")),
    "hips": (("hip",),),
    "arms": (("elbow",), ("wrist",)),
    "shoulders": (("shoulder",),),
    "face": (("eye", "ear"),),
}
"""What is exchanged together; points in one bracket move together and count as one."""

_READINGS: tuple[tuple[str, ...], ...] = (
    (),
    ("legs",),
    ("legs", "hips"),
    ("arms",),
    ("arms", "shoulders"),
    ("legs", "hips", "arms", "shoulders"),
    tuple(_GROUPS),
)
"""Which groups may be exchanged on a frame."""

_NOISE = 0.02
"""Of the stature, by which a steadily moving point seems to leave its way from frame to frame."""

_ACCELERATION = 18.0
"""Statures a second squared, of fast limbs."""

_SPEED = 1.5
"""Statures a second: of limbs where only two frames are seen."""

_CHANGE = 4.0
"""What a change of the reading costs; a jump of r times its usual size costs log(1 + r²)."""

_EXCHANGED = 9.0
"""What a second read as exchanged costs: of two steady readings the shorter one is the mistake."""


def unswapped(track: KeypointTrack, fps: float, stature: Array) -> tuple[KeypointTrack, NDArray[np.bool_]]:
    """The track with left and right as they must have been.

    Args:
        fps: of the track.
        stature: (T,) pixels, from ``stature_in_picture``.

    Returns:
        The track, and (T, 26) where a keypoint was exchanged.
    """
    frames = len(track)
    swapped = np.zeros((frames, K), dtype=np.bool_)
    reading = _best_reading(track, fps, stature)
    for state, groups in enumerate(_READINGS):
        swapped[np.ix_(reading == state, [k for name in groups for k in _points(name)])] = True
    if not swapped.any():
        return track, swapped
    mirror = np.where(swapped, np.array(KEYPOINT_MIRROR), np.arange(K))
    return (
        replace(
            track,
            keypoints=np.take_along_axis(track.keypoints, mirror[..., None], axis=1),
            confidence=np.take_along_axis(track.confidence, mirror, axis=1),
        ),
        swapped,
    )


def _points(group: str) -> list[int]:
    """Indices of all points of a group, of both sides."""
    return [
        KEYPOINT_INDEX[f"{side}_{name}"]
        for together in _GROUPS[group]
        for name in together
        for side in ("left", "right")
    ]


def _best_reading(track: KeypointTrack, fps: float, stature: Array) -> NDArray[np.intp]:
    """(T,) index into ``_READINGS`` of each frame, by Viterbi's algorithm over pairs of frames."""
    frames, count = len(track), len(_READINGS)
    exchanged = np.array([[int(name in groups) for name in _GROUPS] for groups in _READINGS])
    changed = np.where(np.eye(count, dtype=np.bool_), 0.0, _CHANGE)
    each = np.where(exchanged.any(axis=1), _EXCHANGED / fps, 0.0)
    total = np.zeros((count, count)) + changed[0] + each  # of the last reading but one, of the last
    came_from = np.zeros((frames, count, count), dtype=np.uint8)
    for part in chunks(frames):
        jumps = np.zeros((part.stop - part.start, count, count, count))
        for group, name in enumerate(_GROUPS):
            bit = exchanged[:, group]
            cost = _unsteadiness(track, fps, stature, name, part)
            jumps += cost[:, bit[:, None, None], bit[None, :, None], bit[None, None, :]]
        for frame in range(max(part.start, 1), part.stop):
            ways = total[:, :, None] + jumps[frame - part.start]
            came_from[frame] = ways.argmin(axis=0)
            total = ways.min(axis=0) + changed + each
    reading = np.zeros(frames, dtype=np.intp)
    before, last = divmod(int(total.argmin()), count)
    for frame in range(frames - 1, 0, -1):
        reading[frame], reading[frame - 1] = last, before
        before, last = int(came_from[frame][before, last]), before
    return reading


def _unsteadiness(track: KeypointTrack, fps: float, stature: Array, group: str, frames: slice) -> Array:
    """(N, 2, 2, 2) how unsteadily a group moves to each frame, for each reading of two frames ago, the last
    frame, and this one (0 as it is, 1 exchanged)."""
    first = max(frames.start - 2, 0)
    missing = 2 - (frames.start - first)
    rows = slice(first, frames.stop)
    size = np.pad(stature[rows], (missing, 0), "edge")[2:, None]
    bends = np.hypot(_NOISE, _ACCELERATION / fps**2) * size
    steps = np.hypot(_NOISE, _SPEED / fps) * size
    cost = np.zeros((frames.stop - frames.start, 2, 2, 2))
    for together in _GROUPS[group]:
        sides = np.stack(
            [[KEYPOINT_INDEX[f"{side}_{name}"] for name in together] for side in ("left", "right")]
        )
        places = np.pad(
            track.keypoints[rows][:, sides], ((missing, 0),) + ((0, 0),) * 3, constant_values=np.nan
        )
        certain = np.pad(track.confidence[rows][:, sides], ((missing, 0),) + ((0, 0),) * 2)
        for ago in (0, 1):
            for last in (0, 1):
                jump, weight = np.zeros((2, len(cost), len(together)))
                for side in (0, 1):
                    here, there, further = (
                        places[2:, side],
                        places[1:-1, side ^ last],
                        places[:-2, side ^ ago],
                    )
                    sure = np.minimum(certain[2:, side], certain[1:-1, side ^ last])
                    bend = np.linalg.norm(here - 2 * there + further, axis=-1) / bends
                    step = np.linalg.norm(here - there, axis=-1) / steps
                    off = np.where(np.isfinite(bend), bend, step)
                    jump += sure * np.log1p(np.nan_to_num(off) ** 2)
                    weight += sure > 0
                # The mean of those seen, for both sides.
                value = jump.sum(axis=1) / np.maximum(weight.sum(axis=1) / 2, 1)
                cost[:, ago, last, 0] = cost[:, 1 - ago, 1 - last, 1] = value
    return np.nan_to_num(cost)
