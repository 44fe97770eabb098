"""One clip from keypoints to files, with everything that may go wrong told in the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ..camera import Camera
from ..errors import InputError
from ..estimate import EstimateOptions, estimate_motion
from ..motion import Motion
from ..progress import Progress, part_of
from ..track import KeypointTrack
from .clip_people import camera_for, people_to_estimate, read_people, whose_height
from .clips import Clip
from .outputs import PersonOutputs, made_from
from .result import ClipResult, PersonResult, Status, attempt, naming
from .settings import Settings

Estimate = Callable[[KeypointTrack, Camera, EstimateOptions, Progress], Motion]
"""``estimate_motion``, or something that has it done elsewhere."""

_READING_SHARE = 0.1
"""Of a clip's time."""


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


def _convert(
    clip: Clip, settings: Settings, progress: Progress, result: ClipResult, estimate: Estimate
) -> None:
    tracks = read_people(clip, settings, part_of(progress, 0.0, _READING_SHARE), result.notes.append)
    usable = people_to_estimate(tracks, settings, result.notes.append)
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
