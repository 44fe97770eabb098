"""A clip's keypoints, in the pixels and at the rate of its footage where there is any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import bpy

from ...estimator.command_line import clip_people
from ...estimator.command_line.clips import Clip
from ...estimator.command_line.settings import Settings
from ...estimator.errors import InputError
from ...estimator.progress import Progress
from ...estimator.track import KeypointTrack
from ..blender_camera import is_readable
from ..estimate_request import clip_rate
from ..keypoint_store import KeypointRequest, forget_all, read_tracks
from ..picture_check import fitted_to_clip, keypoint_picture, picture_warning


def load_footage(clip: Clip) -> bpy.types.MovieClip | None:
    """The clip's video in Blender's file; None where there is none.

    Raises:
        InputError: it can't be read, or there is nothing but the video.
    """
    if clip.footage is None:
        return None
    try:
        footage = bpy.data.movieclips.load(str(clip.footage.resolve()))
    except RuntimeError:
        footage = None
    if footage is None or not is_readable(footage):
        raise InputError(
            f"{clip.footage}: the video can't be read; convert it to H.264, or move it elsewhere"
        )
    if clip.path == clip.footage:
        raise InputError(
            f"{clip.path}: no keypoints lie beside this video under its name, such as {clip.name}.json or "
            f"{clip.name}_keypoints/; put them there, or give the keypoints themselves"
        )
    return footage


def read_people(
    clip: Clip,
    footage: bpy.types.MovieClip | None,
    settings: Settings,
    progress: Progress,
    note: Callable[[str], None],
) -> tuple[list[KeypointTrack], Settings]:
    """All people of a clip, and the settings with what the footage says about picture and rate.

    Raises:
        InputError: see ``read_keypoints``.
    """
    if footage is None:
        return clip_people.read_people(clip, settings, progress, note), settings
    size = (int(footage.size[0]), int(footage.size[1]))
    read = read_tracks(KeypointRequest(clip.path.resolve(), settings.keypoint_format, size), progress)
    forget_all()  # the memory for an interactive session is of no use here
    if warning := picture_warning(keypoint_picture(read), size):
        note(f"{clip.path}: {warning}")
    fitted = [fitted_to_clip(track, size) for track in read]
    return fitted, replace(settings, size=size, fps=settings.fps or clip_rate(footage))
