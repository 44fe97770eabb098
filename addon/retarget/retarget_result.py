"""Writes what retargets have found into the file."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from ..animation import write_curves
from .retargeting import Retargeted


def write_results(results: Sequence[Retargeted]) -> list[bpy.types.Action]:
    """Makes an action for each result, or, if one can't be written, none. Earlier actions are kept."""
    made: list[tuple[bpy.types.Object, bpy.types.Action, object, object]] = []
    try:
        for result in results:
            target = bpy.data.objects[result.target]
            data = target.animation_data
            before = data.action if data is not None else None
            slot = getattr(data, "action_slot", None)
            action = write_curves(target, result.action, result.curves)
            made.append((target, action, before, slot))
    except BaseException:
        for target, action, before, slot in made:
            bpy.data.actions.remove(action)
            target.animation_data.action = before
            if before is not None and slot is not None:
                target.animation_data.action_slot = slot
        raise
    for (target, action, _, _), result in zip(made, results, strict=True):
        if result.fill_strip:
            _push_down(target, action)
        target.update_tag()
    return [action for _, action, _, _ in made]


def _push_down(target: bpy.types.Object, action: bpy.types.Action) -> None:
    data = target.animation_data
    slot = getattr(data, "action_slot", None)
    track = data.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, round(action.frame_range[0]), action)
    if slot is not None:
        strip.action_slot = slot
    data.action = None
