"""Frames that a person should look at, as pose markers of the take's actions.

Pose markers belong to the action: they show in its Action Editor; the scene's own markers stay the user's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..estimator.errors import InputError
from .animation import read_curves
from .take_properties import CONFIDENCE_PROPERTY
from .take_record import take_objects

Array = NDArray[np.float64]

_OF_USUAL = 0.75
"""Share of the clip's usual confidence below which a frame is doubtful. Detectors differ in what they call
certain, so most of it is relative."""
_NEVER_TRUSTED = 0.25
"""Confidence below which a frame is doubtful in any clip."""
_SAME_STRETCH = 10
"""Frames; doubtful ones nearer to each other than this are looked at together."""
_NAME = "Doubtful"


@dataclass(frozen=True)
class Stretch:
    """Doubtful frames of the scene in a row, both ends included.

    Attributes:
        lowest: the least confidence in it.
    """

    first: int
    last: int
    lowest: float


def doubtful_stretches(frames: Array, confidence: Array) -> list[Stretch]:
    """Stretches whose confidence is low for the clip, near ones joined, in their order.

    Args:
        frames: (N,) scene frames, increasing.
        confidence: (N,) 0..1.
    """
    doubtful = np.flatnonzero(confidence < max(_OF_USUAL * float(np.median(confidence)), _NEVER_TRUSTED))
    if not len(doubtful):
        return []
    ends = np.flatnonzero(np.diff(frames[doubtful]) > _SAME_STRETCH)
    return [
        Stretch(int(frames[rows[0]]), int(frames[rows[-1]]), float(confidence[rows].min()))
        for rows in np.split(doubtful, ends + 1)
    ]


def mark_doubtful_frames(person: bpy.types.Object) -> int:
    """Marks the doubtful stretches in the action of a take's armature; returns how many there are."""
    path = f'["{CONFIDENCE_PROPERTY}"]'
    curve = next((curve for curve in read_curves(person) if curve.data_path == path), None)
    if curve is None:
        return 0
    stretches = doubtful_stretches(curve.frames, curve.values)
    for stretch in stretches:
        frames = stretch.last - stretch.first + 1
        marker = person.animation_data.action.pose_markers.new(
            f"{_NAME}: {frames} {'frame' if frames == 1 else 'frames'}, down to {stretch.lowest:.0%}"
        )
        marker.frame = stretch.first
    return len(stretches)


def marked_frames(empty: bpy.types.Object) -> list[tuple[int, str]]:
    """Scene frames and names of a take's markers, in their order."""
    found = [
        (int(marker.frame), f"{person.name}, {marker.name[:1].lower()}{marker.name[1:]}")
        for person in _people(empty)
        for marker in person.animation_data.action.pose_markers
        if _is_ours(marker)
    ]
    return sorted(found)


def keep_own_markers(earlier: bpy.types.Action, new: bpy.types.Action) -> None:
    """Gives an action the markers that the user has put into the one before it."""
    for marker in earlier.pose_markers:
        if not _is_ours(marker):
            new.pose_markers.new(marker.name).frame = marker.frame


def next_frame(frames: Sequence[int], current: int, *, backwards: bool = False) -> int:
    """The marked frame after (or before) the present one; from the last on to the first."""
    if backwards:
        return max((frame for frame in frames if frame < current), default=max(frames))
    return min((frame for frame in frames if frame > current), default=min(frames))


def remove_markers(empty: bpy.types.Object) -> int:
    """Removes the markers of a take's actions that Kinelift made; returns how many there were.

    Raises:
        InputError: an action is another file's, as an override of a take keeps it.
    """
    actions = [person.animation_data.action for person in _people(empty)]
    for action in actions:
        if action.library is not None:
            raise InputError(f"{action.name}: is linked from another file; make it local first")
    removed = 0
    for action in actions:
        for marker in [marker for marker in action.pose_markers if _is_ours(marker)]:
            action.pose_markers.remove(marker)
            removed += 1
    return removed


def _is_ours(marker: bpy.types.TimelineMarker) -> bool:
    return bool(marker.name.startswith(_NAME))


def _people(empty: bpy.types.Object) -> list[bpy.types.Object]:
    return [
        one
        for one in take_objects(empty)
        if one.type == "ARMATURE" and one.animation_data is not None and one.animation_data.action is not None
    ]
