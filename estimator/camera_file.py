"""``camera.json``: the camera of a clip, as other programs and people write it.

::

    {"width": 1920, "height": 1080, "fx": 1500.0, "fy": 1500.0, "cx": 960.0, "cy": 540.0,
     "distortion": {"model": "opencv", "coefficients": [k1, k2, p1, p2, k3]},
     "world_from_camera": [[4×4]] or a list of them, one per frame,
     "frame_start": 0}

Every field but width and height may be left out. Pixels have their origin at the top left; the camera's
axes are OpenCV's (x right, y down, z forward), the world's is Z up, in metres. Coefficients are those of
``Distortion``, but for "nuke", which are here as Blender and Nuke show them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .camera import Camera, default_focal_px
from .distortion import Distortion
from .errors import InputError
from .json_file import load_json

Array = NDArray[np.float64]

_LARGEST_NUMBER, _LARGEST_WHOLE = 1e300, 999_999_999
_FIELDS = ("width", "height", "fx", "fy", "cx", "cy", "distortion", "world_from_camera", "frame_start")
_RIGID_TOLERANCE = 1e-3
"""Files with rounded numbers are off by less; scaled or sheared matrices by more."""


def load_camera(path: Path) -> Camera:
    """Reads a ``camera.json``.

    Without fx and fy the focal length is a guess (``focal_known`` is False), with one of them both are
    equal; without cx, cy the principal point is the middle.

    Raises:
        InputError: naming the file, the field and what is wrong with it.
    """
    document = load_json(path)
    if not isinstance(document, dict):
        raise InputError(f"{path}: holds no camera; expected an object with width, height, fx, …")
    for field in document:
        if field not in _FIELDS:
            raise InputError(f"{path}: unknown field {field!r}; known are {', '.join(_FIELDS)}")
    width, height = (_whole(path, document, name, least=1) for name in ("width", "height"))
    fx, fy = (_number(path, document, name, positive=True) for name in ("fx", "fy"))
    given = fx if fx is not None else fy
    focal = given if given is not None else default_focal_px(width, height)
    cx, cy = (_number(path, document, name) for name in ("cx", "cy"))
    distortion = _distortion(path, document.get("distortion"), focal, width, height)
    world_from_camera = _world_from_camera(path, document.get("world_from_camera"))
    frame_start = _whole(path, document, "frame_start") if "frame_start" in document else 0
    try:
        camera = Camera(
            width,
            height,
            focal,
            fy if fy is not None else focal,
            cx if cx is not None else width / 2,
            cy if cy is not None else height / 2,
            focal_known=given is not None,
            distortion=distortion,
            world_from_camera=world_from_camera,
            frame_start=frame_start,
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    _check_lens(path, camera)
    return camera


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST_NUMBER


def _number(path: Path, document: dict[str, Any], name: str, positive: bool = False) -> float | None:
    if name not in document:
        return None
    value = document[name]
    if not _is_number(value) or (positive and value <= 0):
        raise InputError(
            f"{path}: {name} must be a {'positive ' * positive}number of pixels, not {repr(value)[:40]}"
        )
    return float(value)


def _whole(path: Path, document: dict[str, Any], name: str, least: int | None = None) -> int:
    value = document.get(name)
    if isinstance(value, int | float) and _is_number(value) and value == int(value):
        number = int(value)
        if (least is None or number >= least) and abs(number) <= _LARGEST_WHOLE:
            return number
    what = "of nine digits at most" if least is None else f"of pixels from {least}"
    found = f"not {repr(value)[:40]}" if name in document else "and is missing"
    raise InputError(f"{path}: {name} must be a whole number {what}, {found}")


def _distortion(path: Path, value: Any, focal_px: float, width: int, height: int) -> Distortion:
    if value is None:
        return Distortion()
    coefficients = value.get("coefficients") if isinstance(value, dict) else None
    if (
        not isinstance(coefficients, list)
        or set(value) != {"model", "coefficients"}
        or not isinstance(value["model"], str)
        or not all(_is_number(number) for number in coefficients)
    ):
        raise InputError(
            f'{path}: distortion must be {{"model": name, "coefficients": [numbers]}}, '
            f"not {json.dumps(value)[:80]}"
        )
    try:
        lens = Distortion(value["model"], tuple(float(number) for number in coefficients))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if lens.model != "nuke":
        return lens
    k1, k2 = lens.coefficients
    return Distortion.from_nuke(k1, k2, focal_px, width, height)


def _world_from_camera(path: Path, value: Any) -> Array | None:
    if value is None:
        return None
    try:
        matrices = np.array(value, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        matrices = np.empty(0)
    if matrices.ndim not in (2, 3) or matrices.shape[-2:] != (4, 4) or len(matrices) == 0:
        raise InputError(f"{path}: world_from_camera must be one 4 × 4 matrix of numbers or a list of them")
    several = matrices.ndim == 3
    for index, matrix in enumerate(matrices if several else matrices[None]):
        where = f"{path}: world_from_camera" + (f"[{index}]" if several else "")
        rotation = matrix[:3, :3]
        if not np.isfinite(matrix).all() or not np.allclose(matrix[3], (0, 0, 0, 1), rtol=0, atol=1e-9):
            raise InputError(f"{where}: must be finite, with 0 0 0 1 as its last row")
        if not np.allclose(rotation @ rotation.T, np.eye(3), rtol=0, atol=_RIGID_TOLERANCE):
            raise InputError(f"{where}: is not rigid (scaled or sheared); its 3 × 3 part must be a rotation")
        if np.linalg.det(rotation) < 0:
            raise InputError(f"{where}: mirrors (determinant -1); camera axes are x right, y down, z forward")
    # Rounded numbers would make joints_world differ from world_from_camera · joints_camera by millimetres.
    u, _, vt = np.linalg.svd(matrices[..., :3, :3])
    matrices[..., :3, :3] = u @ vt
    return matrices


def _check_lens(path: Path, camera: Camera) -> None:
    """The lens must see something everywhere on the picture's edge, and so in all of it."""
    across, down = np.linspace(0, camera.width, 33), np.linspace(0, camera.height, 33)
    edge = np.concatenate(
        [np.stack([across, np.full(33, y)], axis=-1) for y in (0.0, camera.height)]
        + [np.stack([np.full(33, x), down], axis=-1) for x in (0.0, camera.width)]
    )
    unseen = edge[np.isnan(camera.rays(edge)).any(axis=-1)]
    if len(unseen):
        x, y = unseen[0]
        raise InputError(
            f"{path}: distortion {camera.distortion.model} {list(camera.distortion.coefficients)} can't be "
            f"inverted at pixel {x:g}, {y:g}: such a lens folds the picture; check the coefficients"
        )
