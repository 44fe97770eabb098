"""One clip from keypoints to the files asked for, in an empty file of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import bpy

from ...estimator.atomic_write import deliver, workshop
from ...estimator.camera import Camera
from ...estimator.command_line.clip_people import camera_for, people_to_estimate, whose_height
from ...estimator.command_line.clips import Clip
from ...estimator.command_line.outputs import Outputs, PersonOutputs
from ...estimator.command_line.result import ClipResult, PersonResult, Status, attempt, naming
from ...estimator.errors import InputError
from ...estimator.estimate import EstimateOptions, estimate_motion
from ...estimator.motion import Motion
from ...estimator.progress import Progress, part_of
from ...estimator.track import KeypointTrack
from .character import put_on_character
from .clip_keypoints import load_footage, read_people
from .clip_outputs import outputs_of
from .clip_scene import save_scene, start_empty_file, write_scene
from .file_exports import export_all
from .file_formats import BLEND
from .quiet import without_output
from .settings import BatchSettings

_READING, _ESTIMATING = 0.1, 0.8
"""Fractions of a clip's time at which these are done; writing takes the rest."""


def convert_clip(
    clip: Clip, settings: BatchSettings, progress: Progress = lambda fraction: None
) -> ClipResult:
    """Everything from reading a clip to its last file. Raises nothing; the present file is given up."""
    with without_output(settings.quiet):
        return attempt(clip, lambda result: _Conversion(clip, settings, progress, result).run())


@dataclass
class _Person:
    """Somebody who is being converted."""

    track: KeypointTrack
    outputs: PersonOutputs
    motion: Motion | None = None
    status: Status = "skipped"
    seconds: float = 0.0

    def result(self) -> PersonResult:
        files = self.outputs.paths.values() if self.status != "failed" else ()
        return PersonResult(
            self.track.person_id,
            self.status,
            self.track.frame_start,
            len(self.track),
            self.track.mean_confidence,
            tuple(map(str, files)),
            self.seconds,
        )


class _Conversion:
    """The steps, and what they share."""

    def __init__(self, clip: Clip, settings: BatchSettings, progress: Progress, result: ClipResult) -> None:
        self._clip, self._settings, self._result = clip, settings, result
        self._reading = part_of(progress, 0.0, _READING)
        self._estimating = part_of(progress, _READING, _ESTIMATING)
        self._writing = part_of(progress, _ESTIMATING, 1.0)

    def run(self) -> None:
        """Reads, estimates, writes."""
        clip, result = self._clip, self._result
        start_empty_file(self._settings.metres_per_unit)
        footage = load_footage(clip)
        tracks, own = read_people(clip, footage, self._settings.estimate, self._reading, result.notes.append)
        chosen = people_to_estimate(tracks, own, result.notes.append)
        camera = camera_for(chosen[0], own)
        files, together = outputs_of(clip, chosen, camera, self._settings)
        people = [_Person(track, outputs) for track, outputs in zip(chosen, files, strict=True)]
        if not (own.resume and self._all_done(people, together)):
            measured = whose_height(tracks, own)
            moving = list(self._estimated(people, camera, own.options, measured))
            self._bring_together(moving, measured, own.options)
            if moving and self._settings.needs_scene:
                self._write_with_blender(moving, together, camera, footage, tracks)
            else:
                for person in moving:
                    with self._told(person):
                        self._deliver(person, camera, {})
        else:
            result.outputs.extend(map(str, together.paths.values()))
        result.people.extend(person.result() for person in people)

    def _all_done(self, people: Sequence[_Person], together: Outputs) -> bool:
        """Whether nothing is left to do; a note says why files are made again."""
        for person in people:
            reason = person.outputs.outdated()
            if reason is not None:
                if person.outputs.any_there():
                    who = f"{person.track.source}: person {person.track.person_id}"
                    self._result.notes.append(f"{who} is made again, because {reason}")
                return False
        reason = together.outdated() if together.paths else None
        if reason is not None and together.any_there():
            self._result.notes.append(f"{people[0].track.source} is made again, because {reason}")
        return reason is None

    def _estimated(
        self, people: Sequence[_Person], camera: Camera, options: EstimateOptions, measured: int
    ) -> Iterator[_Person]:
        """Those who move now; the height is that of the person whose number is ``measured``."""
        for number, person in enumerate(people):
            progress = part_of(self._estimating, number / len(people), (number + 1) / len(people))
            own = options if person.track.person_id == measured else replace(options, person_height=None)
            with self._told(person):
                person.motion = estimate_motion(person.track, camera, own, progress)
            if person.motion is not None:
                yield person

    def _bring_together(self, people: Sequence[_Person], measured: int, options: EstimateOptions) -> None:
        """One by one, each was estimated in a world of their own."""
        from ...estimator.people import in_one_world  # needs scipy, without which the commands still explain

        motions = [person.motion for person in people if person.motion is not None]
        known = [measured] if options.person_height is not None else []
        together = in_one_world(motions, known, options.camera_height)
        for person, motion in zip(people, together, strict=True):
            person.motion = motion

    def _write_with_blender(
        self,
        people: Sequence[_Person],
        together: Outputs,
        camera: Camera,
        footage: bpy.types.MovieClip | None,
        tracks: Sequence[KeypointTrack],
    ) -> None:
        clip, settings = self._clip, self._settings
        with workshop(settings.estimate.out / clip.name) as folder:
            motions = [person.motion for person in people if person.motion is not None]
            take = write_scene(clip.name, motions, camera, settings.take_root_motion, footage)
            for number, (person, armature) in enumerate(zip(people, take.armatures, strict=True)):
                progress = part_of(self._writing, number / len(people), (number + 1) / len(people))
                with self._told(person):
                    self._deliver(person, camera, self._export(armature, person, folder, progress))
            if settings.blend:
                path = folder / f"{clip.name}.{BLEND}"
                moved = [person.track.person_id for person in people]
                save_scene(path, clip, footage, tracks, moved, settings)
                together.write_with({BLEND: partial(deliver, path)})
                self._result.outputs.extend(map(str, together.paths.values()))

    def _export(
        self, armature: bpy.types.Object, person: _Person, folder: Path, progress: Progress
    ) -> dict[str, Path]:
        """What Blender writes of a person or of the character that moves like them, by ending."""
        settings = self._settings
        if settings.character is not None:
            armature, notes = put_on_character(armature, settings.character, settings.root_motion, progress)
            self._result.notes.extend(notes)
        wanted = {ending: folder / person.outputs.paths[ending].name for ending in settings.exported}
        return export_all(armature, self._clip.path, settings, wanted, self._result.notes.append)

    def _deliver(self, person: _Person, camera: Camera, made: Mapping[str, Path]) -> None:
        """Writes a person's files, those that Blender made among them."""
        assert person.motion is not None
        writers = {ending: partial(deliver, path) for ending, path in made.items()}
        person.outputs.write(person.motion, camera, writers)
        person.status = "converted"

    @contextmanager
    def _told(self, person: _Person) -> Iterator[None]:
        """If the input is to blame for what goes wrong, the other people of the clip may be fine."""
        started = time.perf_counter()
        try:
            yield
        except InputError as error:
            self._result.errors.append(naming(self._clip.path, error))
            person.status = "failed"
        person.seconds += time.perf_counter() - started
