"""Keypoints that were read, kept by path and content, in memory and on disk; never in the .blend.

Nothing here touches bpy, so a worker thread may read.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from ..estimator.errors import InputError
from ..estimator.keypoints import read_keypoints
from ..estimator.progress import Progress
from ..estimator.track import KeypointTrack
from . import keypoint_disk_cache

_KEPT_FILES = 4
"""In memory; about 70 MB for an hour of one person each."""

Tracks = tuple[KeypointTrack, ...]
Size = tuple[int, int]
Content = tuple[int, ...]


@dataclass(frozen=True)
class KeypointRequest:
    """What to read, and how.

    Attributes:
        path: absolute; a file or folder.
        format: a format's name or "auto".
        clip_size: width and height for coordinates in fractions of a picture whose size the file doesn't say.
        cache_folder: on disk; None for none.
    """

    path: Path
    format: str = "auto"
    clip_size: Size | None = None
    cache_folder: Path | None = None


@dataclass(frozen=True)
class _Reading:
    """What was read; ``size`` is the picture's where it had to be given."""

    content: Content
    size: Size | None
    tracks: Tracks

    def answers(self, request: KeypointRequest) -> bool:
        return self.size is None or self.size == request.clip_size


_lock = threading.Lock()
_readings: OrderedDict[tuple[Path, str], _Reading] = OrderedDict()


def tracks_in_memory(request: KeypointRequest) -> Tracks | None:
    """What ``read_tracks`` gave last, without looking at the disk; None if it is not in memory any more."""
    with _lock:
        found = _readings.get((request.path, request.format))
    return found.tracks if found is not None and found.answers(request) else None


def read_tracks(request: KeypointRequest, progress: Progress | None = None) -> Tracks:
    """All people of a clip, the largest first, read again only if the content has changed.

    Raises:
        InputError: see ``read_keypoints``.
        MissingDependencyError: likewise.
    """
    key, content = (request.path, request.format), _content(request.path)
    with _lock:
        found = _readings.get(key)
        if found is not None and found.content == content and found.answers(request):
            _readings.move_to_end(key)
            return found.tracks
    reading = _from_disk(request, content)
    if reading is None:
        reading = _from_source(request, content, progress)
        if request.cache_folder is not None:
            keypoint_disk_cache.store(_entry(request, reading.size, content), reading.tracks)
    with _lock:
        _readings[key] = reading
        _readings.move_to_end(key)
        while len(_readings) > _KEPT_FILES:
            _readings.popitem(last=False)
    return reading.tracks


def forget_all() -> None:
    """Empties the memory."""
    with _lock:
        _readings.clear()


def _entry(request: KeypointRequest, size: Size | None, content: Content) -> Path:
    assert request.cache_folder is not None
    key = (os.fspath(request.path), request.format, size, content)
    return keypoint_disk_cache.entry_path(request.cache_folder, key)


def _from_disk(request: KeypointRequest, content: Content) -> _Reading | None:
    if request.cache_folder is None or not content:
        return None
    for size in dict.fromkeys((None, request.clip_size)):
        tracks = keypoint_disk_cache.load(_entry(request, size, content))
        if tracks is not None:
            return _Reading(content, size, tracks)
    return None


def _from_source(request: KeypointRequest, content: Content, progress: Progress | None) -> _Reading:
    try:
        tracks = read_keypoints(request.path, request.format, progress=progress)
        return _Reading(content, None, tuple(tracks))
    except InputError:
        if request.clip_size is None:
            raise
    # It may have been the picture's size that was wanting. It is not given in the first place, because it
    # would hide that the file says another one.
    width, height = request.clip_size
    tracks = read_keypoints(request.path, request.format, width=width, height=height, progress=progress)
    return _Reading(content, request.clip_size, tuple(tracks))


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
