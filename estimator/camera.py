"""The camera that filmed the clip: pixels to rays and back, and where it stood."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .distortion import Distortion

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """Pinhole camera with lens distortion, OpenCV axes (x right, y down, z forward).

    Pixels have their origin at the top left corner of the picture.

    Attributes:
        width, height: of the picture in pixels.
        fx, fy, cx, cy: focal lengths and principal point in pixels.
        focal_known: False if the focal length is only the default guess.
        distortion: of the lens; none by default.
        world_from_camera: (4, 4) for a static camera, (N, 4, 4) per frame, None if unknown. Metres, Z up.
        frame_start: frame that row 0 of a per-frame ``world_from_camera`` belongs to.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    focal_known: bool = True
    distortion: Distortion = field(default_factory=Distortion)
    world_from_camera: Array | None = None
    frame_start: int = 0

    @property
    def intrinsics(self) -> Array:
        """(3, 3) pixels."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def rays(self, pixels: Array) -> Array:
        """Undistorted image coordinates x/z, y/z.

        Args:
            pixels: (..., 2); NaN passes through.

        Returns:
            (..., 2), so that (x, y, 1) is the ray in camera axes.
        """
        return self.distortion.undistort((pixels - [self.cx, self.cy]) / [self.fx, self.fy])

    def project(self, points: Array) -> Array:
        """Pixels (..., 2) of points (..., 3) in camera axes, metres; NaN for points behind the camera."""
        depth = np.where(points[..., 2:] > 1e-6, points[..., 2:], np.nan)
        return self.distortion.distort(points[..., :2] / depth) * [self.fx, self.fy] + [self.cx, self.cy]

    def extrinsics(self, frame_start: int, frames: int) -> Array | None:
        """``world_from_camera`` for a stretch of the clip: (4, 4), (frames, 4, 4), or None if unknown.

        Frames outside those given keep the nearest one's camera.
        """
        if self.world_from_camera is None or self.world_from_camera.ndim == 2:
            return self.world_from_camera
        rows = np.arange(frame_start, frame_start + frames) - self.frame_start
        return self.world_from_camera[np.clip(rows, 0, len(self.world_from_camera) - 1)]


def default_focal_px(width: int, height: int) -> float:
    """Guess for an unknown lens, in pixels: the picture's diagonal, a field of view of 53° across it."""
    return math.hypot(width, height)


def pinhole(width: int, height: int, focal_px: float | None = None) -> Camera:
    """A camera of which at most the focal length is known; principal point in the middle."""
    focal = default_focal_px(width, height) if focal_px is None else focal_px
    return Camera(width, height, focal, focal, width / 2, height / 2, focal_known=focal_px is not None)
