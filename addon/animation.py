"""The one module that writes and reads animation, for every generation of Blender's API.

- up to 4.3 an action holds its F-curves itself;
- 4.4 and 4.5: action → slot, layer → strip → channelbag of the slot; an action without a slot moves nothing;
- from 5.0 the old access is gone and curves take their group by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SLOTS = bpy.app.version >= (4, 4, 0)
_GROUP_BY_NAME = bpy.app.version >= (5, 0, 0)


@dataclass(frozen=True)
class Curve:
    """Keys of one animated number.

    Attributes:
        data_path: from the animated data-block, as in ``FCurve.data_path``.
        index: into the property's array; 0 where it is none.
        frames: (N,) scene frames, increasing.
        values: (N,).
        group: heading the curve is listed under; a bone's name for its channels.
        interpolation: of all its keys: "LINEAR", "CONSTANT" or "BEZIER".
    """

    data_path: str
    index: int
    frames: Array
    values: Array
    group: str = ""
    interpolation: str = "LINEAR"


def array_curves(
    data_path: str, frames: Array, values: Array, group: str = "", interpolation: str = "LINEAR"
) -> list[Curve]:
    """One curve per component of ``values`` (N, C), for a property that is an array of C."""
    return [
        Curve(data_path, index, frames, values[:, index], group, interpolation)
        for index in range(values.shape[1])
    ]


def write_curves(animated: bpy.types.ID, action_name: str, curves: Sequence[Curve]) -> bpy.types.Action:
    """Makes a new action with these curves and assigns it.

    An action that was assigned before is kept, with a fake user if nothing else would hold it in the file.

    Args:
        animated: any data-block that can be animated: an object, a scene, a clip's camera data, …

    Raises:
        ValueError: a key isn't finite, or a curve occurs twice; nothing is left behind.
    """
    for curve in curves:
        if not (np.isfinite(curve.frames).all() and np.isfinite(curve.values).all()):
            raise ValueError(
                f"{curve.data_path}[{curve.index}] of {animated.name} has keys that are not finite"
            )
    if len({(curve.data_path, curve.index) for curve in curves}) < len(curves):
        raise ValueError(f"{action_name}: a curve occurs twice")
    action = bpy.data.actions.new(action_name)
    try:
        _fill(action, animated, curves)
        _assign(action, animated)
    except BaseException:
        bpy.data.actions.remove(action)
        raise
    return action


def read_curves(animated: bpy.types.ID) -> list[Curve]:
    """The curves of the action that moves a data-block; empty where there is none.

    A curve's ``interpolation`` is that of its first key.
    """
    return [_read(fcurve) for fcurve in fcurves_of(animated)]


def fcurves_of(animated: bpy.types.ID) -> list[bpy.types.FCurve]:
    """Blender's own F-curves of the action that moves a data-block; empty where there is none."""
    data = animated.animation_data
    if data is None or data.action is None:
        return []
    if not _SLOTS:
        return list(data.action.fcurves)
    if data.action_slot is None:
        return []
    bags = (strip.channelbag(data.action_slot) for layer in data.action.layers for strip in layer.strips)
    return [fcurve for bag in bags if bag is not None for fcurve in bag.fcurves]


def curves_digest(animated: bpy.types.ID) -> str:
    """A checksum of all that the keys of a data-block's action say; another one after any edit."""
    digest = hashlib.sha256()
    for fcurve in fcurves_of(animated):
        keys = fcurve.keyframe_points
        places = np.empty(2 * len(keys), dtype=np.float32)
        kinds = np.empty(len(keys), dtype=np.int32)
        keys.foreach_get("co", places)
        keys.foreach_get("interpolation", kinds)
        rest = (fcurve.mute, fcurve.extrapolation, len(fcurve.modifiers))
        digest.update(repr((fcurve.data_path, fcurve.array_index, *rest)).encode())
        digest.update(places.tobytes())
        digest.update(kinds.tobytes())
    return digest.hexdigest()


def move_action(source: bpy.types.ID, target: bpy.types.ID) -> bpy.types.Action | None:
    """Gives the action that moves one data-block to another instead of the one there, which is returned.

    Where nothing moves the source, nothing moves the target afterwards.
    """
    earlier = target.animation_data.action if target.animation_data is not None else None
    data = source.animation_data
    if data is None or data.action is None:
        if target.animation_data is not None:
            target.animation_data.action = None
        return earlier
    _set_action(target, data.action)
    if _SLOTS:
        data.action.slots[0].name_display = target.name
    data.action = None
    return earlier


def _fill(action: bpy.types.Action, animated: bpy.types.ID, curves: Sequence[Curve]) -> None:
    if not _SLOTS:
        action.id_root = animated.id_type
        for curve in curves:
            _write(action.fcurves.new(curve.data_path, index=curve.index, action_group=curve.group), curve)
        return
    slot = action.slots.new(animated.id_type, animated.name)
    bag = action.layers.new("Layer").strips.new(type="KEYFRAME").channelbag(slot, ensure=True)
    groups: dict[str, Any] = {}
    for curve in curves:
        if _GROUP_BY_NAME:
            fcurve = bag.fcurves.new(curve.data_path, index=curve.index, group_name=curve.group)
        else:
            fcurve = bag.fcurves.new(curve.data_path, index=curve.index)
            if curve.group:
                if curve.group not in groups:
                    groups[curve.group] = bag.groups.new(curve.group)
                fcurve.group = groups[curve.group]
        _write(fcurve, curve)


def _assign(action: bpy.types.Action, animated: bpy.types.ID) -> None:
    data = animated.animation_data
    earlier = data.action if data is not None else None
    _set_action(animated, action)
    if earlier is not None and earlier.users == 0:
        earlier.use_fake_user = True


def _set_action(animated: bpy.types.ID, action: bpy.types.Action) -> None:
    data = animated.animation_data_create()
    data.action = action
    if _SLOTS:
        data.action_slot = action.slots[0]


def _write(fcurve: bpy.types.FCurve, curve: Curve) -> None:
    keys = fcurve.keyframe_points
    keys.add(len(curve.frames))
    keys.foreach_set("co", np.column_stack([curve.frames, curve.values]).astype(np.float32).ravel())
    kinds = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items
    kind = kinds[curve.interpolation].value
    keys.foreach_set("interpolation", np.full(len(keys), kind, dtype=np.int32))
    fcurve.update()


def _read(fcurve: bpy.types.FCurve) -> Curve:
    keys = fcurve.keyframe_points
    flat = np.empty(2 * len(keys), dtype=np.float32)
    keys.foreach_get("co", flat)
    co = flat.astype(np.float64).reshape(-1, 2)
    return Curve(
        fcurve.data_path,
        fcurve.array_index,
        co[:, 0],
        co[:, 1],
        fcurve.group.name if fcurve.group is not None else "",
        keys[0].interpolation if len(keys) else "LINEAR",
    )
