"""A grid on the take's ground: shows in the viewport where feet should stand, and is never rendered."""

from __future__ import annotations

import math

import bpy
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MARGIN = 1.0
"""Metres beyond the person's path."""
_STEPS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""Metres from line to line; the first that needs few enough lines."""
_MOST_LINES = 40
"""One way."""


def create_ground_grid(name: str, path: Array) -> bpy.types.Object:
    """Makes a flat grid of lines at z = 0 that covers a path. The object is linked to no collection yet.

    Args:
        path: (N, 3) metres, where people's hips go; the lines lie on whole multiples of the grid's step.
    """
    low, high = path[:, :2].min(axis=0) - _MARGIN, path[:, :2].max(axis=0) + _MARGIN
    step = next((step for step in _STEPS if (high - low).max() / step <= _MOST_LINES), _STEPS[-1])
    x, y = (
        np.arange(math.floor(first / step), math.ceil(last / step) + 1) * step
        for first, last in zip(low, high, strict=True)
    )
    corners = [(float(a), float(b), 0.0) for b in y for a in x]
    edges = [(row * len(x) + i, row * len(x) + i + 1) for row in range(len(y)) for i in range(len(x) - 1)]
    edges += [(i, i + len(x)) for i in range(len(corners) - len(x))]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, edges, [])
    grid = bpy.data.objects.new(name, mesh)
    grid.display_type, grid.hide_render = "WIRE", True
    # A click on the ground is meant for what stands on it.
    grid.hide_select = True
    return grid
