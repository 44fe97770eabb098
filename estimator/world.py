"""The world when the camera is not known: gravity says what is up, standing feet say where the ground is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CONFIDENT_FRAME = 0.5
"""A frame trusted this far may set the world's origin."""

STANDS_STILL = 0.5
"""Probability from which on a contact point says something about the ground."""

LOW_SHARE = 0.1
"""Share of the standing feet's heights below which the search for the ground starts: most people stand on
the ground at some time, though they may stand on stairs or chairs for longer."""

SAME_GROUND = 0.08
"""Metres; standing feet this near to each other in height stand on the same ground."""

GRAVITY_ERROR = math.radians(4.0)
"""Of the clip's average estimate of gravity, about either horizontal axis."""

LARGEST_LEVELLING = math.radians(12.0)
"""Feet that stand on a plane tilted more than gravity can be wrong climb stairs or a slope."""

ON_ONE_PLANE = 0.8
"""Share of the standing that must be on the plane for it to be the ground, not a mean of several levels."""

FOOT_HEIGHT_ERROR = 0.04
"""Metres that a standing contact point is above or below the ground, from the error of the pose."""

FRAMES_PER_STEP = 30.0
"""Contact points over frames (a heel and a toe, half a second) that tell no more than one of them."""

VERTICAL_VIEW = math.sin(math.radians(1.0))
"""Horizontal part of the view direction below which a camera looks straight down or up."""


def average_gravity(down: Array) -> Array:
    """One direction of gravity for a static camera, robust against frames that are far off.

    The directions' geometric median, by Weiszfeld's algorithm: up to half of the confidence may be wrong.

    Args:
        down: (T, 3) the network's estimates in camera axes; their lengths are confidences.

    Returns:
        (3,) unit vector.

    Raises:
        ValueError: if all are 0, or cancel.
    """
    confidence = np.linalg.norm(down, axis=1)
    directions = down / np.maximum(confidence, 1e-12)[:, None]
    median = confidence @ directions / max(confidence.sum(), 1e-12)
    for _ in range(50):
        pull = confidence / np.maximum(np.linalg.norm(directions - median, axis=1), 1e-3)
        median = pull @ directions / max(pull.sum(), 1e-12)
    length = np.linalg.norm(median)
    if length < 1e-3:
        raise ValueError("the estimates of gravity cancel: they say nothing about where down is")
    return np.asarray(median / length)


def level_gravity(
    down_camera: Array, foot_points_camera: Array, still: Array, frame_confidence: Array
) -> Array:
    """Gravity corrected so that the feet of somebody who walks about stand on level ground.

    A few degrees of wrong gravity send a walk of some metres decimetres into the ground. The plane through
    the standing feet is level ground far more often than not, so it is fitted, with the estimate of gravity
    as its prior: a person who stays in one place changes little. A foot on a chair is left out as an outlier;
    on stairs the estimate stays as it is.

    Args:
        down_camera: (3,) unit vector.
        foot_points_camera: (T, 4, 3) metres, contact points.
        still: (T, 4) probability that a contact point stands still.
        frame_confidence: (T,) 0..1.

    Returns:
        (3,) unit vector, at most ``LARGEST_LEVELLING`` from ``down_camera``.
    """
    axes = _upright_axes(down_camera)
    weights = _standing(still, frame_confidence).reshape(-1)
    if not weights.any():
        return down_camera
    points = (foot_points_camera.reshape(-1, 3) @ axes.T)[weights > 0]
    weights = weights[weights > 0] / (FRAMES_PER_STEP * FOOT_HEIGHT_ERROR**2)
    middle = weights @ points / weights.sum()
    plane = np.column_stack([points[:, :2] - middle[:2], np.ones(len(points))])
    prior = np.diag([GRAVITY_ERROR**-2, GRAVITY_ERROR**-2, 0.0])
    slope = np.array([0.0, 0.0, _ground_height(points[:, 2], weights)])
    for outlier in np.geomspace(4.0 * SAME_GROUND, SAME_GROUND, 12):
        robust = weights / (1.0 + ((points[:, 2] - plane @ slope) / outlier) ** 2) ** 2
        slope = np.linalg.solve(
            plane.T @ (robust[:, None] * plane) + prior, plane.T @ (robust * points[:, 2])
        )
    explained = weights[np.abs(points[:, 2] - plane @ slope) < SAME_GROUND].sum() / weights.sum()
    if explained < ON_ONE_PLANE or math.atan(math.hypot(slope[0], slope[1])) > LARGEST_LEVELLING:
        return down_camera
    down = np.array([slope[0], slope[1], -1.0]) @ axes
    return np.asarray(down / np.linalg.norm(down))


def world_from_gravity(
    down_camera: Array,
    root_camera: Array,
    foot_points_camera: Array,
    still: Array,
    frame_confidence: Array,
) -> Array:
    """The world seen by a static camera of which nothing is known.

    Gravity points along -Z, standing feet are at z = 0, the camera's horizontal view direction is +Y, and
    the first confident ``Hips`` lies above the origin. For a camera that looks straight down, +Y is what is
    up in the picture.

    Args:
        down_camera: (3,) unit vector.
        root_camera: (T, 3) metres, of Hips.
        foot_points_camera: (T, 4, 3) metres, contact points.
        still: (T, 4) probability that a contact point stands still.
        frame_confidence: (T,) 0..1.

    Returns:
        (4, 4) ``world_from_camera``.
    """
    rotation = _upright_axes(down_camera)
    confident = frame_confidence >= CONFIDENT_FRAME
    first = int(np.argmax(confident) if confident.any() else np.argmax(frame_confidence))
    heights = foot_points_camera @ rotation[2]
    standing = _standing(still, frame_confidence)
    if not standing.any():  # nobody stands still: the lowest feet come nearest to the ground
        standing = np.ones_like(heights)
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3] = rotation
    world_from_camera[:2, 3] = -(rotation @ root_camera[first])[:2]
    world_from_camera[2, 3] = -_ground_height(heights.reshape(-1), standing.reshape(-1))
    return world_from_camera


def _upright_axes(down: Array) -> Array:
    """(3, 3) rows: the world's axes in the camera's."""
    up = -down / np.linalg.norm(down)
    ahead = np.array([0.0, 0.0, 1.0])
    if np.linalg.norm(ahead - (ahead @ up) * up) < VERTICAL_VIEW:
        # What is ahead of a camera that tilts down leaves its picture at the top, tilting up at the bottom.
        ahead = np.array([0.0, math.copysign(1.0, ahead @ up), 0.0])
    right = np.cross(ahead, up)
    right = right / np.linalg.norm(right)
    return np.stack([right, np.cross(up, right), up])


def _standing(still: Array, frame_confidence: Array) -> Array:
    """(T, 4) how much each contact point says about the ground."""
    weights: Array = np.where(still >= STANDS_STILL, still, 0.0) * frame_confidence[:, None]
    return weights


def _ground_height(heights: Array, weights: Array) -> float:
    """Height of the lowest level on which feet stand, from heights (N,) with weights (N,).

    The median near a low percentile, moved until it settles: unlike the percentile itself it doesn't sink
    into the ground as heights get noisier.
    """
    order = np.argsort(heights)
    height = heights[order]
    below = np.cumsum(weights[order])

    def height_at(weight: float) -> float:
        return float(height[min(int(np.searchsorted(below, weight)), len(height) - 1)])

    level = height_at(LOW_SHARE * below[-1])
    for _ in range(20):
        low, high = np.searchsorted(height, [level - SAME_GROUND, level + SAME_GROUND], side="right")
        under = below[low - 1] if low else 0.0
        settled = height_at((under + below[high - 1]) / 2)
        if settled == level:
            break
        level = settled
    return level
