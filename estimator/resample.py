"""Between the clip's frames and the network's: the same moments in time at another rate.

Frame 0 is the same moment at both rates; frame ``i`` of the output lies at frame ``i · from_fps / to_fps`` of
the input, computed anew for each frame, so that nothing drifts. Moments after the input's last frame (less
than one frame of the output) hold it. At equal rates everything returns its input's values exactly.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from .chunks import chunks

Array = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]
_Quaternions = TypeVar("_Quaternions", NDArray[np.float32], NDArray[np.float64], NDArray[np.floating[Any]])

ON_FRAME = 1e-6
"""Part of a frame within which a moment counts as on the frame."""

SPLINE_REACH = 32
"""Frames beyond which points don't count for a cubic spline: with each frame, by a factor of 3.7 less."""


def resampled_length(frames: int, from_fps: float, to_fps: float) -> int:
    """Number of frames at the other rate that reach the input's last frame."""
    return math.ceil((frames - 1) * (to_fps / from_fps) - ON_FRAME) + 1


def frame_positions(frames: int, from_fps: float, to_fps: float, frames_out: int) -> Array:
    """(frames_out,) where the output's frames lie, counted in frames of the input, 0..frames-1."""
    return np.minimum(np.arange(frames_out) * (from_fps / to_fps), frames - 1.0)


def frames_around(position: Array, stride: float, frames: int) -> slice:
    """Those of an input's frames that ``resample_points`` needs for moments ``position`` in rising order."""
    reach = _window_reach(stride) + 1
    return slice(max(int(position[0]) - reach, 0), min(int(position[-1]) + reach + 1, frames))


def resample_points(values: Array, confidence: Array, position: Array, stride: float) -> tuple[Array, Array]:
    """Measured points, some of them missing, at other moments.

    Linear between the two frames around a moment; missing if one of the two is, unless the moment is on the
    other. To a lower rate, the mean of that line over a window of one output frame, which keeps noise from
    being folded into the slower rate; where a frame of the window is missing, the line alone.

    Args:
        values: (T, K, D); NaN where missing.
        confidence: (T, K); 0 where missing.
        position: (N,) moments, counted in frames of the input.
        stride: frames of the input per frame of the output.

    Returns:
        values (N, K, D) and confidence (N, K), the lesser of the two frames' around it.
    """
    before, fraction = _neighbours(position, len(values))
    after = np.minimum(before + 1, len(values) - 1)
    lesser = np.minimum(confidence[before], confidence[after])
    new_confidence = np.where((fraction > 0)[:, None], lesser, confidence[before])
    present = new_confidence > 0
    new_values = _weighted(values, {0: 1.0 - fraction, 1: fraction}, before, confidence)[0]

    if reach := _window_reach(stride):
        offsets = range(1 - reach, reach + 1)
        weights = {offset: _window_weight(offset - fraction, stride - 1.0) for offset in offsets}
        mean, complete = _weighted(values, weights, before, confidence)
        new_values = np.where(complete[..., None], mean, new_values)
    return np.where(present[..., None], new_values, np.nan), new_confidence


def resample_rotations(quaternions: Floats, from_fps: float, to_fps: float, frames_out: int) -> Array:
    """Rotations at another rate, on the normalised cubic spline through all frames.

    Slerp would turn at constant speed between frames and jerk on each of them: on limbs at 25 frames a second
    that adds accelerations of a sixth of the motion's own.

    Args:
        quaternions: (T, ..., 4) unit, either sign.

    Returns:
        (frames_out, ..., 4) unit, consecutive ones in one hemisphere.
    """
    curve = resample_curve(hemisphere_continuous(quaternions), from_fps, to_fps, frames_out)
    _, fraction = _neighbours(
        frame_positions(len(quaternions), from_fps, to_fps, frames_out), len(quaternions)
    )
    for chunk in chunks(frames_out):
        between = chunk.start + np.flatnonzero(fraction[chunk])
        curve[between] /= np.linalg.norm(curve[between], axis=-1, keepdims=True)
    return curve


def resample_curve(values: Floats, from_fps: float, to_fps: float, frames_out: int) -> Array:
    """Positions and other smooth quantities at another rate, on the cubic spline through all frames.

    Args:
        values: (T, ...) without gaps.

    Returns:
        (frames_out, ...)
    """
    frames = len(values)
    position = frame_positions(frames, from_fps, to_fps, frames_out)
    before, fraction = _neighbours(position, frames)
    curve = np.empty((frames_out, *values.shape[1:]))
    for chunk in chunks(frames_out):
        curve[chunk] = values[before[chunk]]
        between = chunk.start + np.flatnonzero(fraction[chunk])
        if len(between):
            first = max(before[between[0]] - SPLINE_REACH, 0)
            last = min(before[between[-1]] + 1 + SPLINE_REACH, frames - 1)
            spline = CubicSpline(np.arange(first, last + 1), values[first : last + 1], axis=0)
            curve[between] = spline(position[between])
    return curve


def resample_line(values: Array, from_fps: float, to_fps: float, frames_out: int) -> Array:
    """Probabilities and other bounded quantities at another rate: linear, so that bounds hold.

    Args:
        values: (T, ...) without gaps.

    Returns:
        (frames_out, ...)
    """
    position = frame_positions(len(values), from_fps, to_fps, frames_out)
    before, fraction = _neighbours(position, len(values))
    share = fraction.reshape(-1, *[1] * (values.ndim - 1))
    after = np.minimum(before + 1, len(values) - 1)
    return np.asarray((1.0 - share) * values[before] + share * values[after])


def hemisphere_continuous(quaternions: _Quaternions) -> _Quaternions:
    """The same rotations (T, ..., 4), signs chosen so that consecutive quaternions lie in one hemisphere.

    The first frame keeps its signs.
    """
    flipped = np.zeros(quaternions.shape[:-1], dtype=np.bool_)
    for chunk in chunks(len(quaternions) - 1):
        after = quaternions[chunk.start + 1 : chunk.stop + 1]
        flipped[chunk.start + 1 : chunk.stop + 1] = (quaternions[chunk] * after).sum(axis=-1) < 0
    np.logical_xor.accumulate(flipped, axis=0, out=flipped)
    continuous = quaternions.copy()
    np.negative(continuous, out=continuous, where=flipped[..., None])
    return continuous


def _neighbours(position: Array, frames: int) -> tuple[NDArray[np.int64], Array]:
    """The frame at or before each moment, and how far on to the next frame the moment is, 0 if on a frame."""
    before = np.minimum(np.floor(position + ON_FRAME).astype(np.int64), frames - 1)
    fraction = position - before
    return before, np.where(fraction > ON_FRAME, fraction, 0.0)


def _window_reach(stride: float) -> int:
    """Frames on either side of a moment that its mean takes in; 0 unless the rate gets lower."""
    window = stride - 1.0
    return math.ceil(window / 2 + 1) if window > ON_FRAME else 0


def _window_weight(distance: Array, window: float) -> Array:
    """Weight of a frame in the mean of the line through the frames over a window.

    Args:
        distance: of the frame from the window's middle, in frames.
        window: its width in frames.
    """

    def area(x: Array) -> Array:
        """Of the hat function max(1 - |x|, 0) left of x."""
        x = np.clip(x, -1.0, 1.0)
        return np.where(x < 0, (1.0 + x) ** 2 / 2, 1.0 - (1.0 - x) ** 2 / 2)

    return np.asarray((area(distance + window / 2) - area(distance - window / 2)) / window)


def _weighted(
    values: Array, weights: dict[int, Array], before: NDArray[np.int64], confidence: Array
) -> tuple[Array, NDArray[np.bool_]]:
    """Sums of ``weights[offset] · values[before + offset]``, and where all frames with weight are there."""
    total = np.zeros((len(before), *values.shape[1:]))
    complete = np.ones((len(before), values.shape[1]), dtype=bool)
    for offset, weight in weights.items():
        inside = np.clip(before + offset, 0, len(values) - 1)
        counts = weight > 0
        present = (confidence[inside] > 0) & (inside == before + offset)[:, None]
        complete &= present | ~counts[:, None]
        total += weight[:, None, None] * np.where((present & counts[:, None])[..., None], values[inside], 0.0)
    return total, complete
