"""One clip from keypoints to files, with everything that may go wrong told in the result."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..camera import Camera, pinhole
from ..errors import InputError, KineliftError
from ..estimate import MIN_FRAMES, MIN_KEYPOINTS, EstimateOptions, estimate_motion
from ..keypoints import read_keypoints
from ..picture_size import guess_picture_size
from ..track import KeypointTrack
from .clips import Clip
from .outputs import PersonOutputs, made_from

Progress = Callable[[float], None]
Status = Literal["converted", "skipped", "failed"]

ALL_PEOPLE, LARGEST_PERSON = "all", "largest"

DEFAULT_FPS = 30.0

_READING_SHARE = 0.1
"""Of a clip's time."""


@dataclass(frozen=True)
class Settings:
    """What the user asked for, the same for all clips.

    Attributes:
        out: folder of the outputs.
        save: which of ``OUTPUT_ENDINGS`` to write.
        resume: keep outputs that are there, can be read, and are what would be made now.
        keypoint_format: a format's name or "auto".
        size: width and height of the picture in pixels, None if not given; likewise the following.
        fps: frames per second.
        focal_px: focal length in pixels.
        camera: from a camera file; not together with ``focal_px``.
        person: "all", "largest" or a person's number.
        frames: first and last frame, both included, counted from 0, the clip's first picture.
        options: of the estimator.
    """

    out: Path
    save: tuple[str, ...] = ("npz",)
    resume: bool = False
    keypoint_format: str = "auto"
    size: tuple[int, int] | None = None
    fps: float | None = None
    focal_px: float | None = None
    camera: Camera | None = None
    person: str = ALL_PEOPLE
    frames: tuple[int, int] | None = None
    options: EstimateOptions = field(default_factory=EstimateOptions)


@dataclass(frozen=True)
class PersonResult:
    """What became of one person of a clip."""

    person: int
    status: Status
    frame_start: int
    frames: int
    mean_confidence: float
    outputs: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass
class ClipResult:
    """What became of a clip; filled while it is converted.

    Attributes:
        errors: one line each, about the input.
        fault: one line about a fault that is not the input's; ``fault_traceback`` tells where it is.
    """

    input: str
    name: str
    people: list[PersonResult] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    fault: str | None = None
    fault_traceback: str | None = None
    seconds: float = 0.0

    @property
    def status(self) -> Status:
        """Failed if anything did; skipped if all outputs were there."""
        if self.errors or self.fault is not None:
            return "failed"
        skipped = bool(self.people) and all(person.status == "skipped" for person in self.people)
        return "skipped" if skipped else "converted"


def convert(clip: Clip, settings: Settings, progress: Progress = lambda fraction: None) -> ClipResult:
    """Reads a clip's keypoints, estimates each chosen person and writes the files. Raises nothing.

    Args:
        progress: told the fraction done, 0 to 1.
    """
    started = time.perf_counter()
    result = ClipResult(str(clip.path), clip.name)
    try:
        _convert(clip, settings, progress, result)
    except InputError as error:
        result.errors.append(_naming(clip.path, error))
    except KineliftError as error:
        result.fault = _naming(clip.path, error)
    except Exception as error:  # the other clips go on; the command's exit status tells of it
        result.fault = f"{clip.path}: {type(error).__name__}: {error}"
        result.fault_traceback = traceback.format_exc()
    result.seconds = time.perf_counter() - started
    return result


def _naming(path: Path, error: KineliftError) -> str:
    return str(error) if path.name in str(error) else f"{path}: {error}"


def _convert(clip: Clip, settings: Settings, progress: Progress, result: ClipResult) -> None:
    width, height = settings.size or (None, None)
    tracks = read_keypoints(
        clip.path,
        settings.keypoint_format,
        width=width,
        height=height,
        fps=settings.fps,
        progress=_part(progress, 0.0, _READING_SHARE),
    )
    usable = _usable(_chosen(tracks, settings.person), settings, result)
    usable = _with_picture(usable, tracks, settings, result)
    share = (1.0 - _READING_SHARE) / len(usable)
    for index, track in enumerate(usable):
        start = _READING_SHARE + index * share
        _convert_person(clip, track, settings, _part(progress, start, start + share), result)


def _part(progress: Progress, start: float, stop: float) -> Progress:
    return lambda fraction: progress(start + fraction * (stop - start))


def _chosen(tracks: Sequence[KeypointTrack], person: str) -> list[KeypointTrack]:
    if person == ALL_PEOPLE:
        return list(tracks)
    if person == LARGEST_PERSON:
        return list(tracks[:1])
    chosen = [track for track in tracks if track.person_id == int(person)]
    if not chosen:
        people = "only person 1" if len(tracks) == 1 else f"people 1 to {len(tracks)}"
        raise InputError(
            f"{tracks[0].source}: there is no person {person}, but {people}; choose with --person"
        )
    return chosen


def _with_picture(
    tracks: Sequence[KeypointTrack],
    everybody: Sequence[KeypointTrack],
    settings: Settings,
    result: ClipResult,
) -> list[KeypointTrack]:
    """The tracks with the picture's size and rate; what nobody says is guessed, with a note.

    ``everybody`` in the file counts for the guess, so that it is the same whoever is chosen.
    """
    source, camera, size = tracks[0].source, settings.camera, settings.size
    if camera is not None:
        size = (camera.width, camera.height)
        for track in tracks:
            if (track.width, track.height) not in {(None, None), size}:
                raise InputError(
                    f"{source}: the keypoints are on a picture of {track.width} × {track.height}, the "
                    f"camera's is {camera.width} × {camera.height}; give the camera of this clip at this size"
                )
    elif any(track.width is None or track.height is None for track in tracks):
        size = guess_picture_size(everybody)
        result.notes.append(
            f"{source}: the picture's size is not known, {size[0]} × {size[1]} is assumed from the "
            "keypoints; give --size W H"
        )
    fps = settings.fps
    if fps is None and any(track.fps is None for track in tracks):
        fps = DEFAULT_FPS
        result.notes.append(f"{source}: the frame rate is not known, {fps:g} is assumed; give --fps F")
    width, height = size or (None, None)
    return [track.with_picture(width, height, fps) for track in tracks]


def _usable(tracks: Sequence[KeypointTrack], settings: Settings, result: ClipResult) -> list[KeypointTrack]:
    """The tracks cut to the frames asked for; people of whom too little is seen are left out with a note.

    Raises:
        InputError: nobody is left.
    """
    usable, reasons = [], []
    for track in tracks:
        try:
            cut = track if settings.frames is None else track.sliced(*settings.frames)
        except InputError as error:
            reasons.append(str(error))
            continue
        reason = _unusable(cut)
        if reason is None:
            usable.append(cut)
        else:
            reasons.append(reason)
    if not usable:
        raise InputError(reasons[0])
    result.notes.extend(f"{reason}; left out" for reason in reasons)
    return usable


def _unusable(track: KeypointTrack) -> str | None:
    """Why there is no motion to be had from a track; None if there is."""
    who = f"{track.source}: person {track.person_id}"
    if len(track) < MIN_FRAMES:
        return f"{who} is on frame {track.frame_start} only; a motion needs at least {MIN_FRAMES} frames"
    if track.present.sum(axis=1).max() < MIN_KEYPOINTS:
        return f"{who} has fewer than {MIN_KEYPOINTS} keypoints on every frame"
    return None


def _convert_person(
    clip: Clip, track: KeypointTrack, settings: Settings, progress: Progress, result: ClipResult
) -> None:
    started = time.perf_counter()
    camera = _camera(track, settings)
    made = made_from(track, camera, settings.options)
    outputs = PersonOutputs(clip, settings.out, track.person_id, settings.save, made)

    def add(status: Status) -> None:
        result.people.append(
            PersonResult(
                track.person_id,
                status,
                track.frame_start,
                len(track),
                track.mean_confidence,
                tuple(map(str, outputs.paths.values())) if status != "failed" else (),
                time.perf_counter() - started,
            )
        )

    if settings.resume:
        reason = outputs.outdated()
        if reason is None:
            add("skipped")
            return
        if outputs.any_there():
            who = f"{track.source}: person {track.person_id}"
            result.notes.append(f"{who} is made again, because {reason}")
    try:
        outputs.write(estimate_motion(track, camera, settings.options, progress), camera)
    except InputError as error:
        # The other people of the clip may be fine.
        result.errors.append(_naming(clip.path, error))
        add("failed")
        return
    add("converted")


def _camera(track: KeypointTrack, settings: Settings) -> Camera:
    if settings.camera is not None:
        return settings.camera
    assert track.width is not None  # filled in by _with_picture
    assert track.height is not None
    return pinhole(track.width, track.height, settings.focal_px)
