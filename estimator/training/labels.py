"""Labels that no set carries: what a source knows, what of the feet stands still, where the ground is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter

from ..skeleton import JOINT_INDEX, J
from .capture_bvh import SourceClip
from .rotation_geometry import Array, angle_of, step_angles

STILL_SPEED = 0.15
"""m/s in the world, at any height."""
JUMP = np.radians(60.0)
"""Of a joint's local rotation in 1/60 s: no body does that, the capture is at fault."""

_SPEED_SMOOTHING_SECONDS = 0.03
_SHORTEST_SECONDS = 0.1
_STANDING_SPEED = 0.1
_STANDING_BAND = 0.04
"""Metres over the lowest standing feet that still count as standing on the floor."""
_DEAD_JOINT = np.radians(0.2)
_DEAD_CLAVICLE = np.radians(2.0)


def labelled_joints(clip: SourceClip) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which joints the source knows: (22,) of rotations and (22,) of positions.

    A joint that is absent, or whose local rotation never changes, has no rotation label; neither has a hand
    or toe base that jumps. Positions of joints that had to be made up have none either.
    """
    local = dict(zip(clip.names, np.moveaxis(clip.local_rotations(), 1, 0), strict=True))

    def turns(name: str, least: float) -> bool:
        return name in local and bool(angle_of(local[name][0].T @ local[name]).max() > least)

    rotation = np.ones(J, dtype=bool)
    position = np.ones(J, dtype=bool)
    for side in ("Left", "Right"):
        for joint in (f"{side}Hand", f"{side}ToeBase"):
            steady = joint in local and step_angles(local[joint]).max() < JUMP
            rotation[JOINT_INDEX[joint]] = steady and turns(joint, _DEAD_JOINT)
        rotation[JOINT_INDEX[f"{side}Shoulder"]] = turns(f"{side}Shoulder", _DEAD_CLAVICLE)
        position[JOINT_INDEX[f"{side}Shoulder"]] = False
        position[JOINT_INDEX[f"{side}ToeBase"]] = f"{side}ToeBase" in clip
    rotation[JOINT_INDEX["Head"]] = position[JOINT_INDEX["Head"]] = turns("Head", _DEAD_JOINT)
    if "Spine2" not in clip:
        position[[JOINT_INDEX[name] for name in ("Spine", "Spine1", "Spine2")]] = False
    return rotation, position


def _speeds(points: Array, fps: float) -> Array:
    """(T, ...) metres per second of points (T, ..., 3), lightly smoothed."""
    # Velocities are smoothed, not positions: those would stop at both ends of the clip.
    velocities = np.gradient(points, axis=0) * fps
    smooth = gaussian_filter1d(velocities, _SPEED_SMOOTHING_SECONDS * fps, axis=0, mode="nearest")
    return np.asarray(np.linalg.norm(smooth, axis=-1))


def still_points(points: Array, fps: float) -> NDArray[np.bool_]:
    """(T, N) whether points (T, N, 3) stand still in the world; moments under 0.1 s are overruled."""
    still = _speeds(points, fps) < STILL_SPEED
    window = 2 * int(_SHORTEST_SECONDS * fps / 2) + 1
    return np.asarray(median_filter(still, size=(window, 1), mode="nearest"))


def standing_frames(clip: SourceClip, joint: str) -> NDArray[np.bool_]:
    """(T,) whether a source's foot or toe joint stands on the floor; never where there is no level floor."""
    still = _speeds(clip.at(joint), clip.fps) < _STANDING_SPEED
    if not clip.take.ground_known or not still.any():
        return np.zeros(len(clip), dtype=bool)
    height = clip.at(joint)[:, 2]
    return np.asarray(still & (height < np.percentile(height[still], 10) + _STANDING_BAND))


def ground_height(points: Array, still: NDArray[np.bool_], fps: float) -> float | None:
    """Height of the floor from the still points of the feet, or None where the person hardly stands.

    Args:
        points: (T, 4, 3) world, heels and toe tips.
        still: (T, 4).
        fps: frames per second.
    """
    heights = np.where(still, points[..., 2], np.inf).min(axis=1)
    heights = heights[np.isfinite(heights)]
    if len(heights) < 0.25 * fps:
        return None
    floor = np.percentile(heights, 10)
    return float(np.median(heights[heights < floor + _STANDING_BAND]))
