"""Clip frames to scene frames: the only place where the two rates meet.

A MovieClip shows one picture per scene frame whatever the scene's rate is. So *frame for frame* puts a key
for every picture on the scene frame that shows it, and the armature stays on the footage; *real time* keeps
the clip's seconds instead and samples the motion on whole scene frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import bpy
import numpy as np
from numpy.typing import NDArray

from . import quaternions

Array = NDArray[np.float64]
Timing = Literal["FRAME_FOR_FRAME", "REAL_TIME"]


@dataclass(frozen=True)
class KeyTimes:
    """Where keys are written, and what they sample.

    Attributes:
        scene_frames: (N,) consecutive whole frames of the scene.
        rows: (N,) rows of the motion, fractional where the rates differ, within 0..T-1.
    """

    scene_frames: Array
    rows: Array


def clip_start(clip: bpy.types.MovieClip) -> int:
    """The scene frame that shows the clip's first picture, which is frame 0 of tracks and motions."""
    return int(clip.frame_start) - int(clip.frame_offset)


def scene_rate(scene: bpy.types.Scene) -> float:
    """Frames per second of the scene."""
    return float(scene.render.fps) / float(scene.render.fps_base)


def key_times(
    timing: Timing, *, start: int, scene_fps: float, fps: float, frame_start: int, frames: int
) -> KeyTimes:
    """Keys for rows 0..frames-1, the first of which is frame ``frame_start`` of the clip.

    Args:
        start: scene frame of the clip's frame 0.
        scene_fps, fps: rates of the scene and of the clip; equal rates make both timings the same.
    """
    if timing == "FRAME_FOR_FRAME":
        rows = np.arange(frames, dtype=np.float64)
        return KeyTimes(start + frame_start + rows, rows)
    rate = scene_fps / fps
    first, last = (start + row * rate for row in (frame_start, frame_start + frames - 1))
    # A key must exist even where a very short motion lies between two scene frames.
    low = math.ceil(first - 1e-6)
    high = max(math.floor(last + 1e-6), low)
    scene_frames = np.arange(low, high + 1, dtype=np.float64)
    rows = np.clip((scene_frames - start) / rate - frame_start, 0.0, frames - 1)
    return KeyTimes(scene_frames, rows)


def _neighbours(length: int, rows: Array) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    below = np.floor(rows).astype(np.intp)
    return below, np.minimum(below + 1, length - 1), rows - below


def points_at(points: Array, rows: Array) -> Array:
    """Points (T, ..., 3) at fractional rows: cubic Hermite with central differences as tangents."""
    if np.array_equal(rows, np.arange(len(points))):
        return points
    below, above, u = _neighbours(len(points), rows)
    slope = np.gradient(points, axis=0) if len(points) > 1 else np.zeros_like(points)
    u = u.reshape(-1, *(1,) * (points.ndim - 1))
    return np.asarray(
        (1 + 2 * u) * (1 - u) ** 2 * points[below]
        + u * (1 - u) ** 2 * slope[below]
        + u**2 * (3 - 2 * u) * points[above]
        + u**2 * (u - 1) * slope[above]
    )


def rotations_at(rotations: Array, rows: Array) -> Array:
    """Quaternions (T, ..., 4) at fractional rows, by slerp."""
    if np.array_equal(rows, np.arange(len(rotations))):
        return rotations
    below, above, u = _neighbours(len(rotations), rows)
    u = u.reshape(-1, *(1,) * (rotations.ndim - 2))
    return quaternions.slerp(rotations[below], rotations[above], u)
