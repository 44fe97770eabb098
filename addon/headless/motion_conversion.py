"""One motion onto a character, in an empty file of its own."""

from __future__ import annotations

import time
from functools import partial

import bpy

from ...estimator import __version__
from ...estimator.atomic_write import deliver, workshop
from ...estimator.command_line.clips import Clip
from ...estimator.command_line.outputs import Outputs, content_digest
from ...estimator.command_line.result import ClipResult, PersonResult, Status, attempt
from ...estimator.progress import Progress, part_of
from .character import put_on_character
from .clip_outputs import made_with
from .clip_scene import save_file, start_empty_file
from .file_exports import export_all
from .file_formats import BLEND, IS_WHOLE
from .motion_source import load_source
from .quiet import without_output
from .settings import BatchSettings

_READING, _RETARGETING = 0.2, 0.7
"""Fractions of the time at which these are done."""


def retarget_motion(
    clip: Clip, settings: BatchSettings, progress: Progress = lambda fraction: None
) -> ClipResult:
    """From reading a motion to the character's last file. Raises nothing; the present file is given up."""
    with without_output(settings.quiet):
        return attempt(clip, lambda result: _retarget(clip, settings, progress, result))


def _retarget(clip: Clip, settings: BatchSettings, progress: Progress, result: ClipResult) -> None:
    started = time.perf_counter()
    assert settings.character is not None
    out = settings.estimate.out
    outputs = Outputs(
        {ending: out / f"{clip.name}.{ending}" for ending in settings.endings},
        out / f".{clip.name}.retarget.made_from.json",
        {"Kinelift's version": __version__, "motion": content_digest(clip.path), **made_with(settings)},
        IS_WHOLE,
    )
    start_empty_file(settings.metres_per_unit)
    source = load_source(clip.path, quiet=settings.quiet)
    scene = bpy.context.scene
    progress(_READING)

    def add(status: Status) -> None:
        frames = scene.frame_end - scene.frame_start + 1
        paths = tuple(map(str, outputs.paths.values()))
        seconds = time.perf_counter() - started
        result.people.append(PersonResult(1, status, scene.frame_start, frames, 1.0, paths, seconds))

    if settings.estimate.resume:
        reason = outputs.outdated()
        if reason is None:
            add("skipped")
            return
        if outputs.any_there():
            result.notes.append(f"{clip.path} is put on the character again, because {reason}")
    retargeting = part_of(progress, _READING, _RETARGETING)
    target, notes = put_on_character(source, settings.character, settings.root_motion, retargeting)
    result.notes.extend(notes)
    with workshop(out / clip.name) as folder:
        wanted = {ending: folder / outputs.paths[ending].name for ending in settings.exported}
        made = export_all(target, clip.path, settings, wanted, result.notes.append)
        if settings.blend:
            made[BLEND] = folder / f"{clip.name}.{BLEND}"
            save_file(made[BLEND])
        outputs.write_with({ending: partial(deliver, path) for ending, path in made.items()})
    add("converted")
