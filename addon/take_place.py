"""Moves a take as a whole: its empty, which people, camera and ground hang on."""

from __future__ import annotations

import math

import bpy
from mathutils import Matrix, Vector

from ..estimator.errors import InputError
from .action import hips_at_start
from .object_place import parent_world, world_of
from .take_record import PERSON_KEY


def place_at_cursor(empty: bpy.types.Object, cursor: Vector) -> None:
    """Moves a take so that its first person starts above the cursor, the take's ground at its height.

    Raises:
        InputError: the take holds no person.
    """
    hips = _first_hips(empty).translation
    ground = world_of(empty).translation.z
    _move(empty, Matrix.Translation((cursor.x - hips.x, cursor.y - hips.y, cursor.z - ground)))


def face_minus_y(empty: bpy.types.Object) -> None:
    """Turns a take about the vertical through its first person, who then starts facing -Y.

    Raises:
        InputError: the take holds no person.
    """
    person = _first_person(empty)
    hips = _first_hips(empty)
    rest = person.data.bones["Hips"].matrix_local
    turned = (hips @ rest.inverted()).to_3x3()
    left = turned @ Vector((1.0, 0.0, 0.0))
    # A person who lies on a side has no sideways axis to go by; then the way the belly points counts.
    angle = math.atan2(left.y, left.x)
    if math.hypot(left.x, left.y) < 0.3 * left.length:
        front = turned @ Vector((0.0, -1.0, 0.0))
        angle = math.atan2(front.y, front.x) + math.pi / 2
    pivot = Matrix.Translation(hips.translation)
    _move(empty, pivot @ Matrix.Rotation(-angle, 4, "Z") @ pivot.inverted())


def _first_person(empty: bpy.types.Object) -> bpy.types.Object:
    people = [child for child in empty.children if PERSON_KEY in child and child.type == "ARMATURE"]
    if not people:
        raise InputError(f"{empty.name}: holds no person of a take; select a take's empty")
    return min(people, key=lambda person: (person[PERSON_KEY], person.name))


def _first_hips(empty: bpy.types.Object) -> Matrix:
    person = _first_person(empty)
    return world_of(person) @ hips_at_start(person)


def _move(blender_object: bpy.types.Object, transform: Matrix) -> None:
    """Applies a transform of the world to an object, whatever it hangs on."""
    parent = parent_world(blender_object)
    blender_object.matrix_basis = parent.inverted_safe() @ transform @ world_of(blender_object)
