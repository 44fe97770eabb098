"""Where an object stands in the world, as its properties say now: ``matrix_world`` lags behind them."""

from __future__ import annotations

import bpy
from mathutils import Matrix


def world_of(blender_object: bpy.types.Object) -> Matrix:
    """From the object's axes to the world."""
    return parent_world(blender_object) @ blender_object.matrix_basis


def parent_world(blender_object: bpy.types.Object) -> Matrix:
    """What ``matrix_basis`` counts from."""
    parent = blender_object.parent
    if parent is None:
        return Matrix()
    if blender_object.parent_type == "OBJECT":
        return world_of(parent) @ blender_object.matrix_parent_inverse
    return blender_object.matrix_world @ blender_object.matrix_basis.inverted_safe()
