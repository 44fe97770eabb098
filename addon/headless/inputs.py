"""Which clips to convert: keypoints as the estimator finds them, and videos with keypoints beside them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from pathlib import Path

import bpy

from ...estimator.command_line.clips import (
    Clip,
    check_outputs,
    clip_name,
    clip_paths,
    expanded,
    is_folder,
    real_path,
)
from ...estimator.errors import InputError
from ..sidecar import find_sidecar
from .motion_source import MOTION_ENDINGS

_FOLDERS_UP = 3
"""Where a video of keypoints may lie: ``find_sidecar`` looks no deeper below it."""


def find_batch_clips(inputs: Sequence[str], out: Path, endings: Collection[str]) -> list[Clip]:
    """The clips that the user means, in their order, each once.

    A video stands for the keypoints beside it. Keypoints that lie beside a video under its name are converted
    with it, and named after it. A video alone is kept as a clip, so that its conversion tells what is wrong.

    Args:
        inputs: keypoint files, folders, videos, patterns.
        out: folder of the outputs, which is not looked into for clips.
        endings: of the outputs to be written, without dot.

    Raises:
        InputError: two clips would write the same outputs, or outputs would overwrite an input.
    """
    videos = _Videos()
    found: dict[Path, Clip] = {}
    for given in inputs:
        for start in expanded(given):
            for clip in _clips(start, out.resolve(), videos):
                found.setdefault(real_path(clip.path), clip)
    clips = list(found.values())
    check_outputs(clips, out, endings)
    return clips


def find_motions(inputs: Sequence[str], out: Path, endings: Collection[str]) -> list[Clip]:
    """The files with motions that the user means, in their order, each once; as ``find_batch_clips`` does.

    Raises:
        InputError: two motions would write the same outputs, or an output would overwrite an input.
    """
    starts = [start for given in inputs for start in expanded(given)]
    paths = dict.fromkeys(path for start in starts for path in (_motions_in(start, out) or [start]))
    by_name: dict[str, Path] = {}
    for path in paths:
        other = by_name.setdefault(path.stem, path)
        if other is not path:
            raise InputError(f"{other} and {path} would both be written to {out / path.stem}.*; rename one")
        ending = path.suffix.lower().removeprefix(".")
        if ending in endings and path.parent.resolve() == out.resolve():
            raise InputError(f"{path} would be overwritten; choose another folder with --out")
    return [Clip(path, name) for name, path in by_name.items()]


def _motions_in(start: Path, out: Path) -> list[Path]:
    if not is_folder(start):
        return []
    return sorted(
        path
        for path in start.rglob("*")
        if path.suffix.lower() in MOTION_ENDINGS
        and path.is_file()
        and not path.name.startswith(".")
        and out.resolve() not in real_path(path).parents
    )


def is_video(path: Path) -> bool:
    """By its name."""
    return path.suffix.lower() in bpy.path.extensions_movie


def _clips(start: Path, out: Path, videos: _Videos) -> Iterator[Clip]:
    if is_video(start) and not is_folder(start):
        keypoints = find_sidecar(start) if is_folder(start.parent) else None
        yield Clip(keypoints or start, start.stem, start)
        return
    for path in list(clip_paths(start, out)) or [start]:
        video = videos.of(path)
        yield Clip(path, clip_name(path) if video is None else video.stem, video)


class _Videos:
    """The videos in the folders around keypoints; each folder is looked at once."""

    def __init__(self) -> None:
        self._in_folder = cache(_with_keypoints)

    def of(self, keypoints: Path) -> Path | None:
        """The one that these keypoints lie beside; None if there is none, or more than one."""
        path = real_path(keypoints)
        for folder in path.parents[:_FOLDERS_UP]:
            videos = self._in_folder(folder).get(path, [])
            if videos:
                return videos[0] if len(videos) == 1 else None
        return None


def _with_keypoints(folder: Path) -> dict[Path, list[Path]]:
    """The videos in a folder, by the keypoints that belong to them."""
    found: dict[Path, list[Path]] = {}
    try:
        videos = sorted(entry for entry in folder.iterdir() if is_video(entry) and entry.is_file())
        for video in videos:
            keypoints = find_sidecar(video)
            if keypoints is not None:
                found.setdefault(real_path(keypoints), []).append(video)
    except OSError:  # a folder further up that may not be read
        return {}
    return found
