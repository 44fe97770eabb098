"""The cache of motion capture: clips that were read and re-fitted, in one ``.npz``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from ..atomic_write import written_whole
from ..errors import InputError
from ..skeleton import J, L
from .capture_clip import CaptureClip
from .takes import ACTION_CLASSES, SPLITS

REFIT_VERSION = 2
"""To be raised when what reading and re-fitting come to changes, or what is kept of it: caches from before
are refused then."""
_AGAIN = "make it again with python -m estimator.training.capture --mocap DIR --cache FILE"
_QUATERNION_SCALE = 32767
_TEXTS = ("name", "set", "subject", "action", "action_class", "split", "licence")
_PER_CLIP: dict[str, tuple[str, tuple[int, ...]]] = {
    **dict.fromkeys(_TEXTS, ("U", ())),
    "fps": ("f", ()),
    "lengths": ("f", (L,)),
    "rotation_labelled": ("b", (J,)),
    "position_labelled": ("b", (J,)),
    "ground_known": ("b", ()),
    "velocity_labelled": ("b", ()),
}
"""Kind of numpy's ``dtype`` and shape of a clip's fields that are the same in all its frames."""
_PER_FRAME: dict[str, tuple[str, tuple[int, ...]]] = {
    "root_translation": ("f", (3,)),
    "rotations": ("i", (J, 4)),
    "still": ("b", (4,)),
}
"""Of those that lie behind each other, all frames of all clips; clip n is ``offsets[n]`` to ``[n + 1]``."""


def save_cache(clips: Sequence[CaptureClip], path: Path) -> None:
    """Writes clips as one ``.npz`` without pickles, in one step.

    All clips lie behind each other; quaternions as 16-bit fixed point, roots as 32-bit floats.

    Raises:
        InputError: it can't be written.
    """
    arrays = {name: np.array([getattr(clip, name) for clip in clips]) for name in _PER_CLIP}
    arrays |= {name: np.concatenate([getattr(clip, name) for clip in clips]) for name in _PER_FRAME}
    arrays["rotations"] = np.rint(arrays["rotations"] * _QUATERNION_SCALE).astype(np.int16)
    arrays["offsets"] = np.cumsum([0, *map(len, clips)])
    arrays["version"] = np.array(REFIT_VERSION)
    with written_whole(path) as beside, beside.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def load_cache(path: Path) -> list[CaptureClip]:
    """The clips that ``save_cache`` wrote.

    Raises:
        InputError: the file is missing, is no such cache or one of another version, or a clip in it can't be
            one.
    """
    arrays = _arrays(path)
    is_cache = {"offsets", "rotations"} <= arrays.keys()
    if is_cache and not np.array_equal(arrays.get("version", 0), REFIT_VERSION):
        raise InputError(f"{path}: made by another version of Kinelift; {_AGAIN}")
    if fault := _misfit(arrays):
        raise InputError(f"{path}: no cache of motion capture ({fault}); {_AGAIN}")
    arrays["rotations"] = _unit_quaternions(arrays["rotations"])
    clips = []
    for number, (start, stop) in enumerate(pairwise(arrays["offsets"].tolist())):
        fields: dict[str, Any] = {name: arrays[name][start:stop] for name in _PER_FRAME}
        for name, (_, shape) in _PER_CLIP.items():
            fields[name] = arrays[name][number] if shape else arrays[name][number].item()
        clip = CaptureClip(**fields)
        if fault := _fault(clip):
            raise InputError(f"{path}: clip {number + 1}, {clip.name!r}: {fault}; {_AGAIN}")
        clips.append(clip)
    return clips


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        stored = np.load(path, allow_pickle=False)
        if not isinstance(stored, NpzFile):
            raise ValueError("a single array")
        with stored:
            return {key: stored[key] for key in stored.files}
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such cache; {_AGAIN}") from error
    except Exception as error:  # numpy meets damaged files with whatever it stumbles over
        raise InputError(f"{path}: no cache of motion capture ({error}); {_AGAIN}") from error


def _misfit(arrays: dict[str, NDArray[Any]]) -> str:
    """What keeps the arrays from being those of clips; empty if nothing does."""
    expected = {"offsets": ("i", ()), **_PER_CLIP, **_PER_FRAME}
    if missing := expected.keys() - arrays.keys():
        return f"it lacks {', '.join(sorted(missing))}"
    for name, (kind, shape) in expected.items():
        array = arrays[name]
        if array.dtype.kind != kind or array.ndim == 0 or array.shape[1:] != shape:
            return f"{name}: {array.dtype} of shape {array.shape}"
    offsets = arrays["offsets"]
    if len(offsets) < 2 or offsets[0] != 0 or (np.diff(offsets) < 1).any():
        return "offsets don't rise from 0"
    for names, length in ((_PER_CLIP, len(offsets) - 1), (_PER_FRAME, offsets[-1])):
        for name in names:
            if len(arrays[name]) != length:
                return f"{name}: {len(arrays[name])} instead of {length}"
    return ""


def _unit_quaternions(stored: NDArray[np.int16]) -> NDArray[np.float32]:
    """From fixed point; no number where all four are 0."""
    quaternions = stored.astype(np.float32) / _QUATERNION_SCALE
    with np.errstate(invalid="ignore"):
        quaternions /= np.linalg.norm(quaternions, axis=-1, keepdims=True)
    return quaternions


def _fault(clip: CaptureClip) -> str:
    """What no captured clip has; empty if there is nothing."""
    if not 1.0 < clip.fps < np.inf:
        return f"{clip.fps:g} frames per second"
    if clip.action_class not in ACTION_CLASSES:
        return f"action class {clip.action_class!r} is none of {', '.join(ACTION_CLASSES)}"
    if clip.split not in SPLITS:
        return f"split {clip.split!r} is none of {', '.join(SPLITS)}"
    if not (np.isfinite(clip.lengths) & (clip.lengths > 0.0)).all():
        return "a length is no positive number"
    for name in ("root_translation", "rotations"):
        finite = np.isfinite(getattr(clip, name)).reshape(len(clip), -1).all(axis=1)
        if not finite.all():
            return f"frame {int(np.argmin(finite)) + 1}: {name} not finite"
    return ""
