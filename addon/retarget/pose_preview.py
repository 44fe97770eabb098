"""A pose from the first keys of curves, set on bones without making keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

from ..animation import Curve


def show_pose(target: bpy.types.Object, curves: Sequence[Curve]) -> None:
    """Sets every property that the curves would animate to its first key's value."""
    for curve in curves:
        set_channel(target, curve.data_path, curve.index, float(curve.values[0]))
    target.update_tag()


def channel_value(target: bpy.types.Object, data_path: str, index: int) -> float:
    """Present value of what a curve would animate."""
    owner, key = _custom(target, data_path)
    return float(owner[key] if owner is not None else target.path_resolve(data_path)[index])


def set_channel(target: bpy.types.Object, data_path: str, index: int, value: float) -> None:
    """Sets what a curve would animate; custom properties keep their type."""
    owner, key = _custom(target, data_path)
    if owner is not None:
        owner[key] = type(owner[key])(value)
    else:
        target.path_resolve(data_path)[index] = value


def _custom(target: bpy.types.Object, data_path: str) -> tuple[Any, str]:
    """Owner and name of a custom property; None where the path isn't one's."""
    owner_path, _, name = data_path.rpartition('["')
    if not data_path.endswith('"]') or not owner_path:
        return None, ""
    return target.path_resolve(owner_path), bpy.utils.unescape_identifier(name[:-2])
