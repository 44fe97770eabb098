"""One clip from keypoints to files, with everything that may go wrong told in the result."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ..camera import Camera, pinhole
from ..errors import InputError, KineliftError
from ..estimate import MIN_FRAMES, MIN_KEYPOINTS, EstimateOptions, estimate_motion
from ..keypoints import read_keypoints
from ..motion import Motion
from ..picture_size import guess_picture_size, size_warning
from ..progress import Progress, part_of
from ..track import DEFAULT_FPS, KeypointTrack, check_frame_rate
from .clips import Clip
from .outputs import PersonOutputs, made_from
from .stopping import check_stopped

Estimate = Callable[[KeypointTrack, Camera, EstimateOptions, Progress], Motion]
"""``estimate_motion``, or something that has it done elsewhere."""
Status = Literal["converted", "skipped", "failed"]

ALL_PEOPLE, LARGEST_PERSON = "all", "largest"

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
        outputs: files that hold all people together.
        errors: one line each, about the input.
        fault: one line about a fault that is not the input's; ``fault_traceback`` tells where it is.
    """

    input: str
    name: str
    people: list[PersonResult] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
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


def convert(
    clip: Clip,
    settings: Settings,
    progress: Progress = lambda fraction: None,
    *,
    estimate: Estimate = estimate_motion,
) -> ClipResult:
    """Reads a clip's keypoints, estimates each chosen person and writes the files. Raises nothing.

    Args:
        progress: told the fraction done, 0 to 1.
        estimate: makes a person's motion.
    """
    return attempt(clip, lambda result: _convert(clip, settings, progress, result, estimate))


def attempt(clip: Clip, work: Callable[[ClipResult], None]) -> ClipResult:
    """What ``work`` makes of a clip. It fills the result; what it raises is told there.

    Raises:
        Stopped: by the user, and nothing else.
    """
    started = time.perf_counter()
    result = ClipResult(str(clip.path), clip.name)
    try:
        work(result)
    except InputError as error:
        result.errors.append(naming(clip.path, error))
    except KineliftError as error:
        result.fault = naming(clip.path, error)
    except Exception as error:  # the other clips go on; the command's exit status tells of it
        result.fault = f"{clip.path}: {type(error).__name__}: {error}"
        result.fault_traceback = traceback.format_exc()
    check_stopped()  # what was told may be no more than that
    result.seconds = time.perf_counter() - started
    return result


def naming(path: Path, error: KineliftError) -> str:
    """The error's line, which names the file in any case."""
    return str(error) if path.name in str(error) else f"{path}: {error}"


def _convert(
    clip: Clip, settings: Settings, progress: Progress, result: ClipResult, estimate: Estimate
) -> None:
    tracks = read_people(clip, settings, part_of(progress, 0.0, _READING_SHARE), result.notes.append)
    usable = people_to_estimate(tracks, settings, result)
    measured = whose_height(tracks, settings)
    # Where the camera's place is known, people are in one world from the start; each is written at once.
    alone = len(usable) == 1 or camera_for(usable[0], settings).world_from_camera is not None
    groups = [[track] for track in usable] if alone else [usable]
    done = 0
    for group in groups:
        start, stop = (
            _READING_SHARE + (1.0 - _READING_SHARE) * n / len(usable) for n in (done, done + len(group))
        )
        people = [_Person.of(clip, track, measured, group, settings) for track in group]
        _convert_people(clip, people, settings, part_of(progress, start, stop), result, estimate)
        done += len(group)


def read_people(
    clip: Clip, settings: Settings, progress: Progress, note: Callable[[str], None]
) -> list[KeypointTrack]:
    """All people of a clip; ``note`` is told if they can't be on a picture of the size that is given.

    Raises:
        InputError: see ``read_keypoints``.
    """
    width, height = settings.size or (None, None)
    tracks = read_keypoints(
        clip.path,
        settings.keypoint_format,
        width=width,
        height=height,
        fps=settings.fps,
        progress=progress,
    )
    camera = settings.camera
    size = (tracks[0].width, tracks[0].height) if camera is None else (camera.width, camera.height)
    if size[0] and size[1] and (warning := size_warning(tracks, size[0], size[1])):
        note(f"{tracks[0].source}: {warning}")
    return tracks


def people_to_estimate(
    tracks: Sequence[KeypointTrack], settings: Settings, result: ClipResult
) -> list[KeypointTrack]:
    """Those of a clip's people who are asked for and can be used, with the picture's size and rate.

    Args:
        tracks: all people of the file.
        result: gets notes on what was assumed or left out.

    Raises:
        InputError: nobody is left, or the keypoints aren't on the camera's picture.
    """
    usable = _usable(_chosen(tracks, settings.person), settings, result)
    return _with_picture(usable, tracks, settings, result)


def whose_height(tracks: Sequence[KeypointTrack], settings: Settings) -> int:
    """The number of the person whose height the options give: the first who is asked for, usable or not."""
    return _chosen(tracks, settings.person)[0].person_id


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
    for track in tracks:
        check_frame_rate(fps if fps is not None else track.fps, source)
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


@dataclass
class _Person:
    """Somebody on the way from keypoints to files."""

    track: KeypointTrack
    camera: Camera
    options: EstimateOptions
    outputs: PersonOutputs
    motion: Motion | None = None
    status: Status = "failed"
    seconds: float = 0.0

    @classmethod
    def of(
        cls,
        clip: Clip,
        track: KeypointTrack,
        measured: int,
        group: Sequence[KeypointTrack],
        settings: Settings,
    ) -> _Person:
        """Before anything is done.

        Args:
            measured: the number of the person whose height is given, if one is.
            group: who are put into one world, this person among them.
        """

        def height(somebody: KeypointTrack) -> float | None:
            return settings.options.person_height if somebody.person_id == measured else None

        camera, options = camera_for(track, settings), replace(settings.options, person_height=height(track))
        others = [(other, height(other)) for other in group if other is not track]
        made = made_from(track, camera, options, others)
        outputs = PersonOutputs(clip, settings.out, track.person_id, settings.save, made)
        return cls(track, camera, options, outputs)

    def result(self) -> PersonResult:
        return PersonResult(
            self.track.person_id,
            self.status,
            self.track.frame_start,
            len(self.track),
            self.track.mean_confidence,
            tuple(map(str, self.outputs.paths.values())) if self.status != "failed" else (),
            self.seconds,
        )


def _convert_people(
    clip: Clip,
    people: Sequence[_Person],
    settings: Settings,
    progress: Progress,
    result: ClipResult,
    estimate: Estimate,
) -> None:
    """Estimates people who share a world, unless all are there already, and writes those who aren't."""
    for person in people:
        reason = person.outputs.outdated() if settings.resume else "it is to be made"
        if reason is None:
            person.status = "skipped"
        elif settings.resume and person.outputs.any_there():
            who = f"{person.track.source}: person {person.track.person_id}"
            result.notes.append(f"{who} is made again, because {reason}")
    if all(person.status == "skipped" for person in people):
        result.people.extend(person.result() for person in people)
        return
    for number, person in enumerate(people):
        part = part_of(progress, number / len(people), (number + 1) / len(people))
        with _told(clip, person, result):
            person.motion = estimate(person.track, person.camera, person.options, part)
    _bring_together(people)
    for person in people:
        with _told(clip, person, result):
            if person.motion is not None and person.status != "skipped":
                person.outputs.write(person.motion, person.camera)
                person.status = "converted"
        result.people.append(person.result())


@contextmanager
def _told(clip: Clip, person: _Person, result: ClipResult) -> Iterator[None]:
    """An error is told, since the other people of the clip may be fine; and the time is counted."""
    started = time.perf_counter()
    try:
        yield
    except InputError as error:
        result.errors.append(naming(clip.path, error))
    person.seconds += time.perf_counter() - started


def _bring_together(people: Sequence[_Person]) -> None:
    """One by one, each was estimated in a world of their own."""
    moving = [(person, person.motion) for person in people if person.motion is not None]
    if len(moving) < 2:
        return
    from ..people import in_one_world  # needs scipy, as estimating does

    known = [person.track.person_id for person, _ in moving if person.options.person_height is not None]
    together = in_one_world([motion for _, motion in moving], known, people[0].options.camera_height)
    for (person, _), motion in zip(moving, together, strict=True):
        person.motion = motion


def camera_for(track: KeypointTrack, settings: Settings) -> Camera:
    """The camera that the settings give, or a pinhole for the track's picture; see ``people_to_estimate``."""
    if settings.camera is not None:
        return settings.camera
    assert track.width is not None  # filled in by _with_picture
    assert track.height is not None
    return pinhole(track.width, track.height, settings.focal_px)
