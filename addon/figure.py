"""A plain body for an armature, so that renders show the person: bones themselves are never rendered.

Each bone carries a rounded, slightly flattened tube. Left is blue, right is orange, the middle is grey, so
that swapped sides are seen at once.
"""

from __future__ import annotations

import math

import bpy
import numpy as np
from numpy.typing import NDArray

from ..estimator import __version__
from .armature import ROOT_BONE
from .take_record import VERSION_KEY

Array = NDArray[np.float64]

_AROUND = 14
_CAP_RINGS = 4
_REFERENCE_HEIGHT = 1.68
"""Metres: stature of the person that the radii are for."""

_RADII: dict[str, tuple[float, float]] = {
    "Hips": (0.15, 0.10),
    "Spine": (0.135, 0.095),
    "Spine1": (0.14, 0.10),
    "Spine2": (0.13, 0.10),
    "Neck": (0.05, 0.055),
    "Head": (0.08, 0.10),
    "Shoulder": (0.055, 0.055),
    "Arm": (0.045, 0.045),
    "ForeArm": (0.037, 0.037),
    "Hand": (0.022, 0.035),
    "UpLeg": (0.075, 0.08),
    "Leg": (0.05, 0.055),
    "Foot": (0.04, 0.036),
    "ToeBase": (0.04, 0.02),
}
"""Of each bone's tube along the bone's X and Z axis, in metres."""
_COLOURS = {
    "Left": (0.16, 0.42, 0.80, 1.0),
    "Right": (0.90, 0.45, 0.12, 1.0),
    "Middle": (0.62, 0.62, 0.60, 1.0),
}


def create_figure(armature_object: bpy.types.Object) -> bpy.types.Object:
    """Makes a mesh that follows the bones of a person's armature, in the armature's collections.

    Args:
        armature_object: made by ``create_armature``; may hold further bones, which stay bare.

    Returns:
        The mesh object, parented to the armature.
    """
    mesh = bpy.data.meshes.new(f"{armature_object.name} Figure")
    figure = bpy.data.objects.new(mesh.name, mesh)
    sides = list(_COLOURS)
    for side in sides:
        mesh.materials.append(_material(side))

    bones = [
        bone for bone in armature_object.data.bones if bone.name != ROOT_BONE and _part(bone.name) in _RADII
    ]
    size = max(bone.tail_local.z for bone in bones) / _REFERENCE_HEIGHT
    vertices: list[Array] = []
    faces: list[tuple[int, ...]] = []
    materials: list[int] = []
    for bone in bones:
        across, deep = (size * radius for radius in _RADII[_part(bone.name)])
        matrix = np.array(bone.matrix_local)
        tube, tube_faces = _tube(bone.length, across, deep)
        first = sum(map(len, vertices))
        vertices.append(tube @ matrix[:3, :3].T + matrix[:3, 3])
        faces += [tuple(first + corner for corner in face) for face in tube_faces]
        materials += [sides.index(_side(bone.name))] * len(tube_faces)
    mesh.from_pydata(np.concatenate(vertices).tolist(), [], faces)
    mesh.polygons.foreach_set("material_index", materials)
    mesh.polygons.foreach_set("use_smooth", [True] * len(faces))
    mesh.update()

    first = 0
    for bone, tube in zip(bones, vertices, strict=True):
        figure.vertex_groups.new(name=bone.name).add(range(first, first + len(tube)), 1.0, "REPLACE")
        first += len(tube)
    figure.modifiers.new("Armature", "ARMATURE").object = armature_object
    figure.parent = armature_object
    figure[VERSION_KEY] = __version__
    for collection in armature_object.users_collection:
        collection.objects.link(figure)
    return figure


def _side(bone_name: str) -> str:
    return next((side for side in ("Left", "Right") if bone_name.startswith(side)), "Middle")


def _part(bone_name: str) -> str:
    return bone_name.removeprefix("Left").removeprefix("Right")


def _material(side: str) -> bpy.types.Material:
    """The material of that side, shared by all figures of the file."""
    name = f"Kinelift {side}"
    found = bpy.data.materials.get(name)
    if found is not None:
        return found
    material = bpy.data.materials.new(name)
    material.diffuse_color = _COLOURS[side]
    return material


def _tube(length: float, across: float, deep: float) -> tuple[Array, list[tuple[int, ...]]]:
    """Vertices (N, 3) and faces of a tube along +Y from 0 to ``length``; its round ends reach beyond."""
    cap = min(across, deep)
    angles = np.linspace(0, math.pi / 2, _CAP_RINGS + 1)[1:]
    start = [(-cap * math.cos(angle), math.sin(angle)) for angle in angles]
    rings = start + [(length - y, width) for y, width in reversed(start)]
    turn = np.arange(_AROUND) * (2 * math.pi / _AROUND)
    vertices = [np.array([[0.0, -cap, 0.0]])]
    vertices += [
        np.column_stack([across * width * np.cos(turn), np.full(_AROUND, y), deep * width * np.sin(turn)])
        for y, width in rings
    ]
    vertices.append(np.array([[0.0, length + cap, 0.0]]))
    last = 1 + len(rings) * _AROUND

    faces: list[tuple[int, ...]] = []
    for step in range(_AROUND):
        beside = (step + 1) % _AROUND
        faces.append((0, 1 + step, 1 + beside))
        for ring in range(len(rings) - 1):
            low, high = 1 + ring * _AROUND, 1 + (ring + 1) * _AROUND
            faces.append((low + step, high + step, high + beside, low + beside))
        faces.append((last, last - _AROUND + beside, last - _AROUND + step))
    return np.concatenate(vertices), faces
