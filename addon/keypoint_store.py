"""Keypoints that were read, kept by path and content, in memory and on disk; never in the .blend.

Nothing here touches bpy, so a worker thread may read.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

from ..estimator.errors import InputError
from ..estimator.keypoints import read_keypoints
from ..estimator.keypoints.detections import Progress
from ..estimator.track import KeypointTrack
from . import keypoint_disk_cache

_KEPT_FILES = 4
"""In memory; about 60 MB for an hour of one person each."""


@dataclass(frozen=True)
class KeypointRequest:
    """What to read, and how.

    Attributes:
        path: absolute; a file or folder.
        format: a format's name or "auto".
        clip_size: used for coordinates in fractions of a picture whose size the file doesn't say.
        clip_fps: likewise, for how long a person may be away.
        cache_folder: on disk; None for none.
    """

    path: Path
    format: str = "auto"
    clip_size: tuple[int, int] | None = None
    clip_fps: float | None = None
    cache_folder: Path | None = None

    @property
    def key(self) -> tuple[str, str, tuple[int, int] | None, float | None]:
        """Two requests with the same key read the same from the same content."""
        return str(self.path), self.format, self.clip_size, self.clip_fps


Tracks = tuple[KeypointTrack, ...]
Content = tuple[int, ...]

_lock = threading.Lock()
_read: OrderedDict[tuple[object, ...], tuple[Content, Tracks]] = OrderedDict()


def tracks_in_memory(request: KeypointRequest) -> Tracks | None:
    """What ``read_tracks`` gave last, without looking at the disk; None if it is not in memory any more."""
    with _lock:
        found = _read.get(request.key)
    return None if found is None else found[1]


def read_tracks(request: KeypointRequest, progress: Progress | None = None) -> Tracks:
    """All people of a clip, the largest first, read again only if the content has changed.

    Raises:
        InputError: see ``read_keypoints``.
        MissingDependencyError: likewise.
    """
    content = _content(request.path)
    with _lock:
        found = _read.get(request.key)
        if found is not None and found[0] == content:
            _read.move_to_end(request.key)
            return found[1]
    entry = (
        keypoint_disk_cache.entry_path(request.cache_folder, (*request.key, *content))
        if request.cache_folder is not None
        else None
    )
    tracks = keypoint_disk_cache.load(entry) if entry is not None else None
    if tracks is None:
        tracks = _read_source(request, progress)
        if entry is not None:
            keypoint_disk_cache.store(entry, tracks)
    with _lock:
        _read[request.key] = (content, tracks)
        _read.move_to_end(request.key)
        while len(_read) > _KEPT_FILES:
            _read.popitem(last=False)
    return tracks


def forget_all() -> None:
    """Empties the memory."""
    with _lock:
        _read.clear()


def _read_source(request: KeypointRequest, progress: Progress | None) -> Tracks:
    try:
        tracks = read_keypoints(request.path, request.format, progress=progress)
    except InputError:
        if request.clip_size is None:
            raise
        # It may have been the picture's size that was wanting. It is not given in the first place, because
        # it would hide that the file says another one.
        width, height = request.clip_size
        tracks = read_keypoints(request.path, request.format, width=width, height=height, progress=progress)
    return tuple(
        replace(track, fps=request.clip_fps) if track.fps is None and request.clip_fps else track
        for track in tracks
    )


def _content(path: Path) -> Content:
    """Numbers that change when a file, or a file in a folder, does; empty where nothing is."""
    try:
        if path.is_dir():
            with os.scandir(path) as entries:
                states = [entry.stat() for entry in entries if entry.is_file()]
        else:
            states = [path.stat()]
    except OSError:
        return ()
    return (
        len(states),
        sum(state.st_size for state in states),
        max((state.st_mtime_ns for state in states), default=0),
    )
