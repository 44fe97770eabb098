"""The cache of motion capture: clips that were read and re-fitted, in one ``.npz``."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ..atomic_write import written_whole
from ..errors import InputError
from ..skeleton import J, L
from .capture_clip import CaptureClip

_QUATERNION_SCALE = 32767


def save_cache(clips: Sequence[CaptureClip], path: Path) -> None:
    """Writes clips as one ``.npz`` without pickles, in one step.

    All clips lie behind each other; quaternions as 16-bit fixed point, roots as 32-bit floats.
    """
    counts = np.array([len(clip) for clip in clips])
    arrays = {
        "offsets": np.concatenate([[0], np.cumsum(counts)]),
        "fps": np.array([clip.fps for clip in clips]),
        "lengths": np.stack([clip.lengths for clip in clips]),
        "root_translation": np.concatenate([clip.root_translation for clip in clips]),
        "rotations": np.concatenate(
            [np.rint(clip.rotations * _QUATERNION_SCALE).astype(np.int16) for clip in clips]
        ),
        "rotation_labelled": np.stack([clip.rotation_labelled for clip in clips]),
        "position_labelled": np.stack([clip.position_labelled for clip in clips]),
        "still": np.concatenate([clip.still for clip in clips]),
        "ground_known": np.array([clip.ground_known for clip in clips]),
        "velocity_labelled": np.array([clip.velocity_labelled for clip in clips]),
    }
    for field in ("name", "set", "subject", "action", "action_class", "split", "licence"):
        arrays[field] = np.array([getattr(clip, field) for clip in clips], dtype=np.str_)
    with written_whole(path) as beside, beside.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def load_cache(path: Path) -> list[CaptureClip]:
    """The clips that ``save_cache`` wrote.

    Raises:
        InputError: the file is missing or is no such cache.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        offsets = arrays["offsets"]
        rotations = arrays["rotations"].astype(np.float32) / _QUATERNION_SCALE
        rotations /= np.linalg.norm(rotations, axis=-1, keepdims=True)
        if rotations.shape[1:] != (J, 4) or arrays["lengths"].shape[1:] != (L,):
            raise ValueError("another skeleton")
        return [
            CaptureClip(
                name=str(arrays["name"][clip]),
                set=str(arrays["set"][clip]),
                subject=str(arrays["subject"][clip]),
                action=str(arrays["action"][clip]),
                action_class=str(arrays["action_class"][clip]),
                split=str(arrays["split"][clip]),
                fps=float(arrays["fps"][clip]),
                lengths=arrays["lengths"][clip],
                root_translation=arrays["root_translation"][start:stop],
                rotations=rotations[start:stop],
                rotation_labelled=arrays["rotation_labelled"][clip],
                position_labelled=arrays["position_labelled"][clip],
                still=arrays["still"][start:stop],
                ground_known=bool(arrays["ground_known"][clip]),
                velocity_labelled=bool(arrays["velocity_labelled"][clip]),
                licence=str(arrays["licence"][clip]) if "licence" in arrays else "",
            )
            for clip, (start, stop) in enumerate(pairwise(offsets.tolist()))
        ]
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such cache; write it with python -m estimator.training.capture"
        ) from error
    except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: no cache of motion capture ({error}); write it again") from error
