"""A pose from the first keys of curves, set on bones without making keys."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from ..animation import Curve


def show_pose(target: bpy.types.Object, curves: Sequence[Curve]) -> None:
    """Sets every property that the curves would animate to its first key's value."""
    for curve in curves:
        owner_path, _, name = curve.data_path.rpartition('["')
        if curve.data_path.endswith('"]') and owner_path:  # a custom property
            owner = target.path_resolve(owner_path)
            key = bpy.utils.unescape_identifier(name[:-2])
            owner[key] = type(owner[key])(curve.values[0])
        else:
            target.path_resolve(curve.data_path)[curve.index] = curve.values[0]
    target.update_tag()
