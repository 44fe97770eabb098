"""Reads the keypoints of a clip from a file or folder of any known format."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..progress import Progress, part_of
from ..track import KeypointTrack, check_frame_rate
from .formats import AUTO, format_by_name, format_of_source
from .source import Source
from .tracks import number_tracks, tracks_of_clip

_READING_SHARE = 0.6
"""Of the time; the rest is linking."""


def read_keypoints(
    path: Path,
    format: str = AUTO,
    *,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
    progress: Progress | None = None,
) -> list[KeypointTrack]:
    """Reads all people of a clip.

    People are told apart by the file's identities, where it has them, and are linked over frames otherwise.
    Frames are numbered from 0, the clip's first picture: see ``detections.first_picture`` for how files that
    count from 1 are told. People without any keypoint are left out.

    Args:
        path: a file or folder, see ``FORMATS``.
        format: a format's name, or ``auto`` to recognise it from the content.
        width, height: of the picture in pixels, instead of what the file says.
        fps: frames per second of the clip, instead of what the file says; within ``FRAME_RATES``.
        progress: called with the fraction done, 0 to 1; what it raises ends the reading.

    Returns:
        At least one track, the largest first (frames seen × mean size of the person in them), ids from 1.

    Raises:
        InputError: one line that names the file, the frame or line, and what to do.
        MissingDependencyError: several people are to be linked and scipy is not there.
    """
    source = Source(Path(path))
    if fps is not None:
        check_frame_rate(fps, source.label)
    known = format_of_source(source) if format == AUTO else format_by_name(format)
    clips = known.read(source, _part(progress, 0.0, _READING_SHARE))
    tracks = [
        track
        for clip in clips
        for track in tracks_of_clip(
            clip,
            source.label,
            width=width,
            height=height,
            fps=fps,
            progress=_part(progress, _READING_SHARE, 1.0),
        )
    ]
    if not tracks:
        raise InputError(f"{source.label}: no person with a keypoint in any frame; check the detector's run")
    if progress is not None:
        progress(1.0)
    return number_tracks(tracks)


def _part(progress: Progress | None, start: float, stop: float) -> Progress | None:
    return None if progress is None else part_of(progress, start, stop)
