"""From a clip's detections to ``KeypointTrack``s: cleaned, in pixels, linked, numbered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..keypoint_set import K
from ..progress import Progress
from ..track import KeypointTrack, clean_keypoints
from .detections import DetectedClip, first_picture, person_sizes
from .linking import link_people

MAX_JUMP = 200_000
"""Frames (nearly two hours at 30 per second) without anybody; more is a mistake in the numbering."""

MAX_ROWS, MAX_SPARSENESS = 1_000_000, 50
"""Tracks may be this long together, and so many times longer than there are detections in them."""

AMBIGUOUS_SHARE = 0.05
"""If an identity stands twice in a frame in more than this share of frames, it identifies nobody."""


def tracks_of_clip(
    clip: DetectedClip,
    label: str,
    *,
    width: int | None,
    height: int | None,
    fps: float | None,
    progress: Progress | None = None,
) -> list[KeypointTrack]:
    """The people of a clip as tracks, in the order of their first frames, all with id 0.

    Args:
        clip: as read.
        label: the file, for messages.
        width, height, fps: given by the user, instead of what the file says.
        progress: called with the fraction done.

    Raises:
        InputError: defects of the values; coordinates in fractions of a picture of unknown size; frame
            numbers that jump.
        MissingDependencyError: see ``link_people``.
    """
    width, height, fps = width or clip.width, height or clip.height, fps or clip.fps
    if not clip.detections:
        return []
    try:
        frame = np.array([detection.frame for detection in clip.detections], dtype=np.int64)
    except OverflowError:
        worst = max(clip.detections, key=lambda detection: abs(detection.frame)).frame
        raise InputError(f"{label}: {worst:.3g} is no frame number; renumber the frames") from None
    raw = np.stack([detection.points for detection in clip.detections])
    _check_jumps(frame, label)
    points = _in_pixels(raw, clip.normalised, width, height, label)
    points, confidence = _clean(points, raw[..., 2], frame, label)
    kept = (confidence > 0).any(axis=1)
    first = clip.first_picture if clip.first_picture is not None else first_picture(frame.tolist())
    identities = [detection.identity for detection, keep in zip(clip.detections, kept, strict=True) if keep]
    frame, points, confidence = frame[kept], points[kept], confidence[kept]
    numbers = _track_numbers(frame, points, confidence, identities, fps=fps, progress=progress)
    tracks = _assemble(frame, points, confidence, numbers, label)
    return [
        replace(track, frame_start=track.frame_start - first, width=width, height=height, fps=fps)
        for track in tracks
    ]


def number_tracks(tracks: Sequence[KeypointTrack]) -> list[KeypointTrack]:
    """Sorts by ``track_weight``, the largest first and the earlier where equal, and gives ids from 1."""
    ordered = sorted(tracks, key=lambda track: (-track_weight(track), track.frame_start))
    return [replace(track, person_id=index) for index, track in enumerate(ordered, start=1)]


def track_weight(track: KeypointTrack) -> float:
    """Frames with a keypoint × mean size in them (longer side of the bounding box in pixels).

    That is the sum of the sizes. So the main person is first: long in the picture and near the camera.
    """
    return float(person_sizes(track.keypoints, track.present).sum())


def _check_jumps(frame: NDArray[np.int64], label: str) -> None:
    numbers = np.unique(frame)
    jumps = np.diff(numbers)
    if len(jumps) and (worst := int(np.argmax(jumps))) >= 0 and jumps[worst] > MAX_JUMP:
        raise InputError(
            f"{label}: the frame numbers jump from {numbers[worst]} to {numbers[worst + 1]}; "
            "renumber the frames, or split the file into clips"
        )


def _in_pixels(
    raw: NDArray[np.float64], normalised: bool | None, width: int | None, height: int | None, label: str
) -> NDArray[np.float64]:
    """(N, 26, 2) pixels. Coordinates nearly all within -0.5..1.5 are fractions of the picture's size."""
    points = raw[..., :2]
    known = points[(raw[..., 2] > 0) & np.isfinite(raw).all(axis=-1)]
    known = known[(known != 0).any(axis=-1)]
    if normalised is None:
        normalised = bool(known.size) and float(np.mean((known > -0.5) & (known < 1.5))) > 0.9
        if not normalised and known.size and float(np.abs(known).max()) <= 1.5:
            raise InputError(
                f"{label}: the coordinates run from {known.min():.2g} to {known.max():.2g}; "
                "save them in pixels (OpenPose: --keypoint_scale 0)"
            )
    if not normalised or not known.size:
        return points
    if not width or not height:
        raise InputError(
            f"{label}: the coordinates are fractions of the picture's size, which the file doesn't say; "
            "give its width and height in pixels"
        )
    return points * (width, height)


def _clean(
    points: NDArray[np.float64], confidence: NDArray[np.float64], frame: NDArray[np.int64], label: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``clean_keypoints`` on everything at once; row by row only to name the frame of a defect."""
    try:
        return clean_keypoints(points, confidence, label)
    except InputError:
        for row in np.lexsort((frame,)):
            clean_keypoints(points[row], confidence[row], f"{label}, frame {frame[row]}")
        raise


def _track_numbers(
    frame: NDArray[np.int64],
    points: NDArray[np.float64],
    confidence: NDArray[np.float64],
    identities: list[int | str | None],
    *,
    fps: float | None,
    progress: Progress | None,
) -> NDArray[np.int64]:
    """(N,) number of each row's track: by the file's identities, the rows without any by linking."""
    identities = _unambiguous(frame, confidence, identities)
    index: dict[int | str, int] = {}
    numbers = np.full(len(frame), -1, dtype=np.int64)
    for row, identity in enumerate(identities):
        if identity is not None:
            numbers[row] = index.setdefault(identity, len(index))
    free = numbers < 0
    numbers[free] = len(index) + link_people(frame[free], points[free], confidence[free], fps, progress)
    return numbers


def _unambiguous(
    frame: NDArray[np.int64], confidence: NDArray[np.float64], identities: list[int | str | None]
) -> list[int | str | None]:
    """Each identity at most once in a frame: the most confident keeps it. None at all if that is frequent."""
    best: dict[tuple[int, int | str], int] = {}
    strength = confidence.sum(axis=1)
    doubled: Counter[int] = Counter()
    result = list(identities)
    for row, identity in enumerate(identities):
        if identity is None:
            continue
        key = (int(frame[row]), identity)
        other = best.setdefault(key, row)
        if other != row:
            doubled[key[0]] += 1
            weaker, stronger = sorted((row, other), key=lambda one: strength[one])
            result[weaker], best[key] = None, stronger
    if len(doubled) > AMBIGUOUS_SHARE * len(np.unique(frame)):
        return [None] * len(identities)
    return result


def _assemble(
    frame: NDArray[np.int64],
    points: NDArray[np.float64],
    confidence: NDArray[np.float64],
    numbers: NDArray[np.int64],
    label: str,
) -> list[KeypointTrack]:
    """A track per number over its first to last frame, NaN in the frames between where it is missing."""
    if not len(frame):
        return []
    order = np.lexsort((frame, numbers))
    groups = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    length = sum(int(frame[rows[-1]] - frame[rows[0]]) + 1 for rows in groups)
    if length > MAX_ROWS + MAX_SPARSENESS * len(frame):
        raise InputError(
            f"{label}: {len(frame)} detections of {len(groups)} people are spread over {length} frames; "
            "renumber the frames, or split the file into clips"
        )
    tracks = []
    for rows in groups:
        first, last = int(frame[rows[0]]), int(frame[rows[-1]])
        keypoints = np.full((last - first + 1, K, 2), np.nan)
        scores = np.zeros((last - first + 1, K))
        keypoints[frame[rows] - first] = points[rows]
        scores[frame[rows] - first] = confidence[rows]
        tracks.append(KeypointTrack(0, keypoints, scores, first, source=label))
    return sorted(tracks, key=lambda track: track.frame_start)
