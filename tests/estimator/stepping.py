"""Somebody who walks on level ground, reduced to hips and feet, and cameras that look on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]
STEPS = 14
FRAMES_STANDING = 15
T = STEPS * FRAMES_STANDING


def stepping(forward: tuple[float, float], stride: float) -> tuple[Array, Array, Array]:
    """Feet put down along a line on the ground z = 0, one after the other, in a world with Z up.

    Returns:
        Hips (T, 3), contact points (T, 4, 3) and still (T, 4); the foot that doesn't stand is in the air.
    """
    ahead = np.array([*forward, 0.0]) / math.hypot(*forward)
    left = np.array([-ahead[1], ahead[0], 0.0])
    still = np.zeros((T, 4))
    points = np.zeros((T, 4, 3))
    hips = np.linspace(0, STEPS * stride, T)[:, None] * ahead + [0.0, 0.0, 0.93]
    for step in range(STEPS):
        rows = slice(step * FRAMES_STANDING, (step + 1) * FRAMES_STANDING)
        side, other = ([0, 1], [2, 3]) if step % 2 else ([2, 3], [0, 1])
        place = (step + 0.5) * stride * ahead + (0.1 if step % 2 else -0.1) * left
        points[rows, side[0]] = place - 0.08 * ahead
        points[rows, side[1]] = place + 0.12 * ahead
        points[rows, other] = points[rows, side] + [0.0, 0.0, 0.12]
        still[rows, side] = 0.95
        still[rows, other] = 0.1
    return hips, points, still


def camera_at(position: tuple[float, float, float], pitch: float, yaw: float, roll: float) -> Array:
    """(4, 4) world_from_camera; degrees; pitch is negative for looking down, yaw 0 looks along +Y."""
    level = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    turned = Rotation.from_euler("ZXY", [yaw, pitch, roll], degrees=True).as_matrix() @ level
    camera = np.eye(4)
    camera[:3, :3] = turned
    camera[:3, 3] = position
    return camera


def seen_by(camera: Array, points: Array) -> Array:
    return np.asarray((points - camera[:3, 3]) @ camera[:3, :3])


def moved(transform: Array, points: Array) -> Array:
    return np.asarray(points @ transform[:3, :3].T + transform[:3, 3])


def degrees_between(a: Array, b: Array) -> float:
    return math.degrees(2.0 * math.asin(min(1.0, float(np.linalg.norm(a - b)) / 2.0)))
