"""The world when the camera is not known: gravity says what is up, standing feet say where the ground is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .ground import Ground

Array = NDArray[np.float64]

CONFIDENT_FRAME = 0.5
"""A frame trusted this far may set the world's origin."""

VERTICAL_VIEW = math.sin(math.radians(1.0))
"""Horizontal part of the view direction below which a camera looks straight down or up."""


def world_from_ground(ground: Ground, root_camera: Array, frame_confidence: Array) -> Array:
    """The world seen by a static camera of which nothing is known.

    The ground is z = 0, the camera's horizontal view direction is +Y, and the first confident ``Hips`` lies
    above the origin. For a camera that looks straight down, +Y is what is up in the picture.

    Args:
        ground: in camera axes.
        root_camera: (T, 3) metres, of Hips.
        frame_confidence: (T,) 0..1.

    Returns:
        (4, 4) ``world_from_camera``.
    """
    rotation = upright_axes(-ground.up)
    confident = frame_confidence >= CONFIDENT_FRAME
    first = int(np.argmax(confident) if confident.any() else np.argmax(frame_confidence))
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3] = rotation
    world_from_camera[:2, 3] = -(rotation @ root_camera[first])[:2]
    world_from_camera[2, 3] = -ground.level
    return world_from_camera


def upright_axes(down: Array) -> Array:
    """(3, 3) rows: the world's axes in the camera's."""
    up = -down / np.linalg.norm(down)
    ahead = np.array([0.0, 0.0, 1.0])
    if np.linalg.norm(ahead - (ahead @ up) * up) < VERTICAL_VIEW:
        # What is ahead of a camera that tilts down leaves its picture at the top, tilting up at the bottom.
        ahead = np.array([0.0, math.copysign(1.0, ahead @ up), 0.0])
    right = np.cross(ahead, up)
    right = right / np.linalg.norm(right)
    return np.stack([right, np.cross(up, right), up])
