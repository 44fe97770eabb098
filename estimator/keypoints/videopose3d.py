"""VideoPose3D's custom data sets: ``data_2d_custom_*.npz`` with ``positions_2d`` and ``metadata``.

``positions_2d[subject][action]`` is a list of (T, 17, 2) pixels, one per camera; VideoPose3D's script
``prepare_data_2d_custom.py`` makes a *subject* of every video.
There is no confidence, so every point counts as 1 (the script has interpolated missing frames).
``metadata["video_metadata"][subject]`` has the picture's size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..progress import Progress
from .detections import DetectedClip, Detection, stated_rate
from .layouts import COCO17
from .numpy_pickle import PickledArray, load_arrays
from .source import Source

MAX_CLIPS = 1000
"""More sequences than this in one file are no keypoints to animate but a data set."""


def matches_videopose3d(source: Source) -> bool:
    """An ``.npz`` with an array ``positions_2d``."""
    return source.kind == "npz" and "positions_2d" in load_arrays(source.path)


def read_videopose3d(source: Source, progress: Progress | None = None) -> tuple[DetectedClip, ...]:
    """Reads every sequence as a clip with one person.

    Raises:
        InputError: naming the sequence; another layout than COCO's, or a pickle that is not NumPy's.
    """
    arrays = load_arrays(source.path) if source.kind == "npz" else {}
    if "positions_2d" not in arrays:
        raise InputError(f"{source.label}: no .npz with positions_2d; choose another format")
    metadata = _first_dict(arrays.get("metadata"))
    layout = str(metadata.get("layout_name", "coco"))
    if layout != "coco":
        raise InputError(
            f"{source.label}: layout {layout[:20]!r}; only VideoPose3D's COCO layout can be read"
        )
    positions: Any = arrays["positions_2d"]
    if isinstance(positions, list) and len(positions) == 1:
        positions = positions[0]
    videos = metadata.get("video_metadata")
    clips: list[DetectedClip] = []
    for name, points in _sequences(positions, (), source.label):
        if len(clips) == MAX_CLIPS:
            raise InputError(
                f"{source.label}: more than {MAX_CLIPS} sequences; save the clip to animate by itself"
            )
        video = videos.get(name[0]) if isinstance(videos, dict) and name else None
        clips.append(_clip(points, video if isinstance(video, dict) else {}, "/".join(name) or None))
        if progress is not None:
            progress(0.5)
    return tuple(clips)


def _first_dict(value: Any) -> dict[Any, Any]:
    first = value[0] if isinstance(value, list) and value else None
    return first if isinstance(first, dict) else {}


def _sequences(
    value: Any, name: tuple[str, ...], label: str
) -> Iterator[tuple[tuple[str, ...], NDArray[np.float64]]]:
    """All (T, 17, 2 or 3) arrays in nested dicts, lists and arrays, with the keys that lead to them."""
    if len(name) > 6:
        raise InputError(f"{label}: positions_2d is nested too deep to be VideoPose3D's; export it again")
    if isinstance(value, PickledArray):
        try:
            value = value.value()
        except (ValueError, TypeError):
            raise InputError(f"{label}, {'/'.join(name)}: a damaged array; export it again") from None
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _sequences(inner, (*name, str(key)), label)
    elif (isinstance(value, list | tuple) and value) or (isinstance(value, np.ndarray) and value.ndim > 3):
        for index, inner in enumerate(value):
            yield from _sequences(inner, (*name, str(index)), label)
    elif isinstance(value, np.ndarray) and value.ndim == 3 and value.dtype.kind in "iuf":
        if value.shape[1] != COCO17.count or value.shape[2] not in (2, 3):
            raise InputError(
                f"{label}, {'/'.join(name)}: shape {value.shape} instead of (frames, 17, 2) "
                "in COCO's order, the only one that can be read"
            )
        yield name, value.astype(np.float64)
    else:
        raise InputError(f"{label}, {'/'.join(name)}: no array of (frames, 17, 2) keypoints; export it again")


def _clip(points: NDArray[np.float64], video: dict[Any, Any], identity: str | None) -> DetectedClip:
    if points.shape[2] == 2:
        points = np.concatenate((points, np.ones((*points.shape[:2], 1))), axis=2)
    canonical = COCO17.to_canonical(points)
    width, height = (_positive(video.get(key)) for key in ("w", "h"))
    return DetectedClip(
        [Detection(frame, row, identity or "0") for frame, row in enumerate(canonical)],
        int(width) if width else None,
        int(height) if height else None,
        stated_rate(video.get("fps")),
    )


def _positive(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 < value < 1e6 else None
