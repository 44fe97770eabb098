"""Lens distortion in the models that OpenCV and Blender (libmv) use.

Everything works on normalised image coordinates x/z, y/z in camera axes (x right, y down). All models are
one rational map with two tangential terms (Brown 1966, in OpenCV's notation)::

    m(x, y) = (x, y) · N(r²) / D(r²) + (2 p1 x y + p2 (r² + 2 x²), p1 (r² + 2 y²) + 2 p2 x y)

with the polynomials N and D, both 1 at the centre. In every model but "nuke" the lens maps the ideal point
to m(ideal point); in "nuke" it is the other way round.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

Array = NDArray[np.float64]

_TOLERANCE = 1e-10
_CONTINUATION_STEPS = 4
_STEPS_ON_THE_WAY = 2
_NEWTON_STEPS = 20
_CHUNK = 1 << 13
"""Points inverted at once, so that memory does not grow with the clip."""


def _polynomial(coefficients: tuple[float, ...], r2: Array) -> tuple[Array, Array]:
    """Value and derivative at ``r2``; coefficients by rising powers."""
    value, slope = np.full_like(r2, coefficients[-1]), np.zeros_like(r2)
    for coefficient in coefficients[-2::-1]:
        slope = slope * r2 + value
        value = value * r2 + coefficient
    return value, slope


@dataclass(frozen=True)
class _RationalMap:
    """The map m of the module's docstring; numerator and denominator by rising powers of r²."""

    numerator: tuple[float, ...]
    denominator: tuple[float, ...] = (1.0,)
    p1: float = 0.0
    p2: float = 0.0

    def __call__(self, points: Array) -> Array:
        return self.with_jacobian(points)[0]

    def with_jacobian(self, points: Array) -> tuple[Array, Array, Array, Array]:
        """The mapped points, and the derivative's entries xx, xy (= yx) and yy."""
        x, y = points[..., 0], points[..., 1]
        r2: Array = (points * points).sum(axis=-1)
        top, top_slope = _polynomial(self.numerator, r2)
        bottom, bottom_slope = _polynomial(self.denominator, r2)
        gain = top / bottom
        slope = 2 * (top_slope - gain * bottom_slope) / bottom
        lean, cross = 2 * (self.p1 * y + self.p2 * x), 2 * (self.p1 * x + self.p2 * y)
        tangential = np.stack([lean * x + self.p2 * r2, lean * y + self.p1 * r2], axis=-1)
        return (
            points * gain[..., None] + tangential,
            gain + slope * x * x + lean + 4 * self.p2 * x,
            slope * x * y + cross,
            gain + slope * y * y + lean + 4 * self.p1 * y,
        )

    def inverse(self, targets: Array) -> Array:
        """Points (N, 2) that map to ``targets`` (N, 2); NaN where there is none.

        Follows each solution outwards from the centre with Newton's method. That stays on the branch that
        a real lens is on: beyond a fold, where the derivative's determinant is no longer positive, there is
        no answer.
        """
        points = np.zeros_like(targets)
        sound = np.ones(len(targets), dtype=np.bool_)
        with np.errstate(all="ignore"):  # points without an answer run away; they are told by ``sound``
            for step in range(1, _CONTINUATION_STEPS + 1):
                last = step == _CONTINUATION_STEPS
                goal = targets * (step / _CONTINUATION_STEPS)
                points = goal if step == 1 else points * (step / (step - 1))
                for iteration in range(_NEWTON_STEPS):
                    mapped, xx, xy, yy = self.with_jacobian(points)
                    error = mapped - goal
                    determinant = xx * yy - xy * xy
                    if not last and iteration == _STEPS_ON_THE_WAY:
                        break
                    if not (np.abs(error[sound]) > _TOLERANCE / 100).any():
                        break
                    points = points - np.stack(
                        [
                            (yy * error[:, 0] - xy * error[:, 1]) / determinant,
                            (xx * error[:, 1] - xy * error[:, 0]) / determinant,
                        ],
                        axis=-1,
                    )
                in_front = _polynomial(self.denominator, (points * points).sum(axis=-1))[0] > 0
                sound &= (determinant > 0) & (xx + yy > 0) & in_front
            found = np.abs(self(points) - targets).max(axis=-1, initial=0.0) <= _TOLERANCE
        return np.where((sound & found)[:, None], points, np.nan)


def _opencv(k1: float, k2: float, p1: float, p2: float, *more: float) -> _RationalMap:
    k3, k4, k5, k6 = (*more, 0.0, 0.0, 0.0, 0.0)[:4]
    return _RationalMap((1.0, k1, k2, k3), (1.0, k4, k5, k6), p1, p2)


def _brown(*coefficients: float) -> _RationalMap:
    *radial, p1, p2 = coefficients
    # libmv names OpenCV's p2 "p1" and the other way round, and its y axis points up.
    return _RationalMap((1.0, *radial), p1=-p2, p2=p1)


@dataclass(frozen=True)
class _Model:
    names: str
    """The coefficients' names in order, for messages"""
    counts: tuple[int, ...]
    """How many coefficients may be given"""
    build: Callable[..., _RationalMap]


_MODELS: dict[str, _Model] = {
    "none": _Model("none", (0,), lambda: _RationalMap((1.0,))),
    "opencv": _Model("k1 k2 p1 p2 [k3 [k4 k5 k6]]", (4, 5, 8), _opencv),
    "polynomial": _Model("k1 k2 k3", (3,), lambda k1, k2, k3: _RationalMap((1.0, k1, k2, k3))),
    "division": _Model("k1 k2", (2,), lambda k1, k2: _RationalMap((1.0,), (1.0, k1, k2))),
    "brown": _Model("k1 k2 k3 k4 p1 p2", (6,), _brown),
    "nuke": _Model("k1 k2", (2,), lambda k1, k2: _RationalMap((1.0,), (1.0, k1, k2))),
}
MODEL_NAMES: tuple[str, ...] = tuple(name for name in _MODELS if name != "none")


@dataclass(frozen=True)
class Distortion:
    """A lens distortion model and its coefficients; the default distorts nothing.

    Models, with r the radius of the ideal point:

    * "opencv": k1 k2 p1 p2 [k3 [k4 k5 k6]], in OpenCV's order
      (https://docs.opencv.org/4.x/d9/d0c/group__calib3d.html).
    * "polynomial", "division", "brown": as Blender's clip shows them (libmv, distortion_models.h):
      k1 k2 k3: factor 1 + k1 r² + k2 r⁴ + k3 r⁶; k1 k2: factor 1 / (1 + k1 r² + k2 r⁴);
      k1 k2 k3 k4 p1 p2, the tangential ones for a y axis that points up.
    * "nuke": k1 k2: ideal = distorted / (1 + k1 r² + k2 r⁴), r of the *distorted* point, here in units of
      the focal length. Blender and Nuke measure in half the picture's larger side: see ``from_nuke``.

    Raises:
        InputError: for an unknown model, a wrong number of coefficients or one that is not finite.
    """

    model: str = "none"
    coefficients: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        model = _MODELS.get(self.model)
        if model is None:
            raise InputError(
                f"distortion model {self.model!r} is not known; choose one of {', '.join(MODEL_NAMES)}"
            )
        if len(self.coefficients) not in model.counts:
            raise InputError(
                f"distortion model {self.model!r} takes {' or '.join(map(str, model.counts))} coefficients "
                f"({model.names}), not {len(self.coefficients)}"
            )
        if not all(math.isfinite(coefficient) for coefficient in self.coefficients):
            raise InputError(f"distortion coefficients {list(self.coefficients)} must be finite numbers")

    @classmethod
    def from_nuke(cls, k1: float, k2: float, focal_px: float, width: int, height: int) -> Distortion:
        """From the coefficients that Blender and Nuke show, which go with half the picture's larger side."""
        scale = focal_px / (max(width, height) / 2)
        return cls("nuke", (k1 * scale**2, k2 * scale**4))

    def distort(self, points: Array) -> Array:
        """Where the lens puts ideal points; (..., 2) to (..., 2).

        NaN passes through, and is the answer where "nuke" puts no point.
        """
        return self._inverted(points) if self.model == "nuke" else self._mapped(points)

    def undistort(self, points: Array) -> Array:
        """Inverse of ``distort``, to 1e-10.

        NaN passes through, and is the answer where no ideal point is seen: that far out, coefficients of a
        real lens often fold the picture, which the lens doesn't.
        """
        return self._mapped(points) if self.model == "nuke" else self._inverted(points)

    @property
    def _does_nothing(self) -> bool:
        return not any(self.coefficients)

    @property
    def _map(self) -> _RationalMap:
        return _MODELS[self.model].build(*self.coefficients)

    def _mapped(self, points: Array) -> Array:
        return points if self._does_nothing else self._map(points)

    def _inverted(self, points: Array) -> Array:
        if self._does_nothing:
            return points
        flat = points.reshape(-1, 2)
        solved = np.full_like(flat, np.nan)
        given = np.flatnonzero(np.isfinite(flat).all(axis=-1))
        for first in range(0, len(given), _CHUNK):
            chunk = given[first : first + _CHUNK]
            solved[chunk] = self._map.inverse(flat[chunk])
        return solved.reshape(points.shape)
