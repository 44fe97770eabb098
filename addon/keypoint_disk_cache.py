"""Tracks on disk, so that a big folder of keypoint files is read once and not in every session."""

from __future__ import annotations

import hashlib
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..estimator import __version__
from ..estimator.atomic_write import written_whole
from ..estimator.errors import InputError
from ..estimator.track import KeypointTrack

_LIMIT_BYTES = 500_000_000
"""Past this, the entries that were used longest ago go."""


def entry_path(folder: Path, key: tuple[object, ...]) -> Path:
    """Where an entry lies; another version's entries are not used."""
    digest = hashlib.sha256(repr((__version__, *key)).encode("utf-8", "surrogateescape")).hexdigest()
    return folder / f"{digest[:32]}.npz"


def load(entry: Path) -> tuple[KeypointTrack, ...] | None:
    """The tracks of an entry; None if it is not there or damaged."""
    try:
        with np.load(entry, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        ends = np.cumsum(arrays["lengths"])
        tracks = tuple(
            KeypointTrack(
                person_id=int(person),
                keypoints=arrays["keypoints"][end - length : end],
                confidence=arrays["confidence"][end - length : end],
                frame_start=int(start),
                width=int(width) if width > 0 else None,
                height=int(height) if height > 0 else None,
                fps=float(fps) if fps > 0 else None,
                source=str(arrays["source"]),
            )
            for person, length, end, start, (width, height, fps) in zip(
                arrays["person_id"],
                arrays["lengths"],
                ends,
                arrays["frame_start"],
                arrays["picture"],
                strict=True,
            )
        )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    with suppress(OSError):  # a folder that may only be read
        entry.touch()
    return tracks


def store(entry: Path, tracks: tuple[KeypointTrack, ...]) -> None:
    """Writes an entry, and removes the oldest ones where there are too many.

    A cache that can't be written is no reason to stop: the file is read again next time.
    """
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(entry) as beside, beside.open("wb") as file:
            np.savez_compressed(
                file,
                keypoints=np.concatenate([track.keypoints for track in tracks]),
                confidence=np.concatenate([track.confidence for track in tracks]),
                lengths=np.array([len(track) for track in tracks]),
                person_id=np.array([track.person_id for track in tracks]),
                frame_start=np.array([track.frame_start for track in tracks]),
                picture=np.array(
                    [[track.width or 0, track.height or 0, track.fps or 0] for track in tracks],
                    dtype=np.float64,
                ),
                source=np.array(tracks[0].source),
            )
        _prune(entry.parent)
    except (OSError, InputError):
        return


def _prune(folder: Path) -> None:
    entries = sorted(
        ((path.stat().st_mtime, path.stat().st_size, path) for path in folder.glob("*.npz")), reverse=True
    )
    total = 0
    for _, size, path in entries:
        total += size
        if total > _LIMIT_BYTES:
            path.unlink(missing_ok=True)
