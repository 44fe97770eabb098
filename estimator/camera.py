"""The camera that filmed the clip: pixels to rays and back, and where it stood."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .distortion import Distortion
from .errors import InputError

Array = NDArray[np.float64]

FOCAL_LENGTHS = (0.01, 1000.0)
"""In diagonals of the picture, from and to, both included; fisheyes have a quarter, telescopes hundreds."""

FURTHEST_CENTRE = 1000.0
"""In diagonals of the picture, that the principal point may be from its corner, as in a small crop."""

FURTHEST_PLACE = 1e8
"""Metres from the world's origin, as in geographic coordinates; further out, numbers have no millimetres."""


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

    Raises:
        InputError: numbers that no camera has.
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

    def __post_init__(self) -> None:
        diagonal = math.hypot(self.width, self.height)
        least, most = (factor * diagonal for factor in FOCAL_LENGTHS)
        picture = f"a picture of {self.width} × {self.height}"
        for focal in (self.fx, self.fy):
            if not least <= focal <= most:
                raise InputError(
                    f"a focal length of {focal:g} pixels can't be right for {picture}; give {least:.3g} to "
                    f"{most:.3g}"
                )
        if not math.hypot(self.cx, self.cy) <= FURTHEST_CENTRE * diagonal:
            raise InputError(f"a principal point at {self.cx:g}, {self.cy:g} can't be right for {picture}")
        pose = self.world_from_camera
        if pose is None:
            return
        if pose.ndim not in (2, 3) or pose.shape[-2:] != (4, 4) or len(pose) == 0:
            raise InputError(f"world_from_camera has the shape {pose.shape}; give (4, 4) or (frames, 4, 4)")
        if not (np.abs(pose) <= FURTHEST_PLACE).all():
            raise InputError(
                f"the camera's place is not finite or over {FURTHEST_PLACE:g} m from the world's origin; "
                "move the origin to the scene"
            )

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
