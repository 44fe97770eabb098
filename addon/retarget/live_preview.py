"""The target posed on every frame that is shown, without keys, until the preview is switched off.

The whole motion is retargeted once; a handler then sets the pose of each frame. What the target had, its
pose and its action, is kept in the scene's settings, so that it comes back whatever happens in between:
undo, saving, loading, disabling the extension.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

from ..animation import Curve
from .pose_preview import channel_value, set_channel

_shown: dict[str, list[Curve]] = {}
"""Curves by scene, of previews that are on."""


def is_on(scene: bpy.types.Scene) -> bool:
    """Whether a target in the scene is shown as it would be."""
    return bool(scene.kinelift_retarget.previewed)


def begin(scene: bpy.types.Scene, target: bpy.types.Object, curves: Sequence[Curve]) -> None:
    """Shows the target as the curves say, from now on."""
    end(scene)
    data = target.animation_data
    kept: dict[str, Any] = {
        "target": target.name,
        "values": [[c.data_path, c.index, channel_value(target, c.data_path, c.index)] for c in curves],
    }
    if data is not None:
        kept |= {"action": data.action.name if data.action is not None else "", "use_nla": data.use_nla}
        if data.action is not None and hasattr(data, "action_slot") and data.action_slot is not None:
            kept["slot"] = data.action_slot.identifier
        data.action, data.use_nla = None, False
    scene.kinelift_retarget.previewed = json.dumps(kept)
    _shown[scene.name] = list(curves)
    if _show not in bpy.app.handlers.frame_change_post:
        bpy.app.handlers.frame_change_post.append(_show)
    _show(scene)


def end(scene: bpy.types.Scene) -> None:
    """Gives the target its pose and its action back; does nothing where no preview is on."""
    _shown.pop(scene.name, None)
    if not _shown and _show in bpy.app.handlers.frame_change_post:
        bpy.app.handlers.frame_change_post.remove(_show)
    settings = scene.kinelift_retarget
    if not settings.previewed:
        return
    kept = json.loads(settings.previewed)
    settings.previewed = ""
    target = bpy.data.objects.get(kept["target"])
    if target is None:
        return
    data = target.animation_data
    if data is not None and "action" in kept:
        data.use_nla = kept["use_nla"]
        data.action = bpy.data.actions.get(kept["action"])
        if data.action is not None and "slot" in kept:
            slots = {slot.identifier: slot for slot in data.action.slots}
            data.action_slot = slots.get(kept["slot"])
    for path, index, value in kept["values"]:
        set_channel(target, path, index, value)
    target.update_tag()


def end_all(*_: Any) -> None:
    """Before a file is saved or the extension goes away."""
    for scene in bpy.data.scenes:
        end(scene)


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def end_stray(*_: Any) -> None:
    """After undo, redo or loading: a preview that the file says is on, but isn't shown, or the reverse."""
    for scene in bpy.data.scenes:
        if is_on(scene) != (scene.name in _shown):
            end(scene)


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def end_before_saving(*_: Any) -> None:
    """Files never hold a preview."""
    end_all()


def _show(scene: bpy.types.Scene, *_: Any) -> None:
    curves = _shown.get(scene.name)
    if curves is None or not is_on(scene):
        return
    target = bpy.data.objects.get(json.loads(scene.kinelift_retarget.previewed)["target"])
    if target is None:
        end(scene)
        return
    frame = scene.frame_current_final
    for curve in curves:
        set_channel(target, curve.data_path, curve.index, float(np.interp(frame, curve.frames, curve.values)))
    target.update_tag()


def add_handlers() -> None:
    """When the extension is enabled."""
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post, bpy.app.handlers.load_post):
        handlers.append(end_stray)
    bpy.app.handlers.save_pre.append(end_before_saving)


def remove_handlers() -> None:
    """When it is disabled; previews end."""
    end_all()
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post, bpy.app.handlers.load_post):
        handlers.remove(end_stray)
    bpy.app.handlers.save_pre.remove(end_before_saving)
