"""One take: everything that an estimate puts into the file, made in one step on the main thread.

A take is an empty that holds the people's armatures and the camera together, in a collection of Kinelift's
own. Making a take never touches an earlier one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from ..estimator import __version__
from ..estimator.camera import Camera
from ..estimator.errors import InputError
from ..estimator.motion import Motion
from .action import ActionSettings, hips_at_start, write_action
from .armature import create_armature
from .blender_camera import animate_camera, create_camera, pixel_aspect
from .object_place import parent_world, world_of

Array = NDArray[np.float64]

VERSION_KEY = "kinelift_version"
"""Custom property that every object of a take carries: the version that made it."""
SOURCE_KEY = "kinelift_source"
PERSON_KEY = "kinelift_person"


@dataclass(frozen=True)
class TakeSettings:
    """What a take is made of.

    Attributes:
        action: how the motions become keys.
        name: of the take's empty; armatures, actions and camera are named after it.
        make_camera: whether a camera that matches the clip is made.
        collection: name of the collection that takes go into, made where missing.
    """

    action: ActionSettings
    name: str = "Take"
    make_camera: bool = True
    collection: str = "Kinelift"


@dataclass(frozen=True)
class Take:
    """The data-blocks of a take. Valid until the next undo; keep names, not this, for longer.

    Attributes:
        empty: holds camera and people together.
        armatures: one per motion, in their order, each with its action.
        camera: None if none was asked for.
        collection: that the take lies in.
        notes: lines for the user about what was done beyond the plain case.
    """

    empty: bpy.types.Object
    armatures: tuple[bpy.types.Object, ...]
    camera: bpy.types.Object | None
    collection: bpy.types.Collection
    notes: tuple[str, ...]


def write_take(
    context: bpy.types.Context,
    motions: Sequence[Motion],
    camera: Camera,
    settings: TakeSettings,
    clip: bpy.types.MovieClip | None = None,
) -> Take:
    """Makes a new take of one or more people in the context's scene.

    Mode, selection and active object stay as they are. If anything fails, all that was made is removed.

    Args:
        motions: of one clip, at least one. People with different worlds (each estimated by itself from a
            camera that stood at an unknown place) are brought to the first one's by their common camera.
        camera: that filmed them; without ``world_from_camera`` it stands where the first motion says.
        clip: for the camera's background.

    Raises:
        InputError: there is no motion, or one can't be written.
    """
    if not motions:
        raise InputError("No person to make a take of; pick one first")
    notes: list[str] = []
    with ExitStack() as undo:
        collection = _open_collection(context, settings.collection, undo, notes)
        empty = bpy.data.objects.new(settings.name, None)
        undo.callback(bpy.data.objects.remove, empty)
        empty.empty_display_type, empty.empty_display_size = "ARROWS", 0.5
        empty[VERSION_KEY] = __version__
        collection.objects.link(empty)

        world_from_camera = _camera_path(motions, camera)
        armatures = []
        for motion in motions:
            name = f"{settings.name} Person {motion.person_id}"
            root_bone = settings.action.root_mode == "ROOT_BONE"
            person = create_armature(name, motion.rest_offsets, root_bone=root_bone)
            undo.callback(bpy.data.armatures.remove, person.data)
            _hold(person, empty, collection)
            person[SOURCE_KEY], person[PERSON_KEY] = motion.source, motion.person_id
            person.matrix_basis = _to_common_world(motion, world_from_camera, notes)
            undo.callback(bpy.data.actions.remove, write_action(person, motion, settings.action, name))
            armatures.append(person)

        camera_object = None
        if settings.make_camera:
            name = f"{settings.name} Camera"
            start = world_from_camera if world_from_camera.ndim == 2 else world_from_camera[0]
            camera_object = create_camera(name, camera, start, scene=context.scene, clip=clip)
            undo.callback(bpy.data.cameras.remove, camera_object.data)
            _hold(camera_object, empty, collection)
            if world_from_camera.ndim == 3:
                first, _ = _frames(motions)
                times = settings.action.key_times(motions[0].fps, first, len(world_from_camera))
                action = animate_camera(camera_object, name, times, world_from_camera)
                undo.callback(bpy.data.actions.remove, action)
            if context.scene.camera is None:
                context.scene.camera = camera_object
                notes.append(f"{context.scene.name} had no camera; {camera_object.name} is its camera now")
            _note_pixel_aspect(context.scene, camera, notes)
        _note_range(context.scene, armatures, notes)
        undo.pop_all()
    return Take(empty, tuple(armatures), camera_object, collection, tuple(notes))


def remove_take(empty: bpy.types.Object) -> None:
    """Removes a take with its armatures, camera, and the actions that nothing else uses.

    What the user has hung on it stays, unparented, where it is.
    """
    collections = empty.users_collection
    ours = [empty, *(child for child in empty.children_recursive if VERSION_KEY in child)]
    for child in empty.children_recursive:
        if VERSION_KEY not in child and child.parent in ours:
            place = world_of(child)
            child.parent = None
            child.matrix_basis = place
    actions = [ob.animation_data.action for ob in ours if ob.animation_data is not None]
    blocks = [block for block in (*(ob.data for ob in ours), *actions) if block is not None]
    bpy.data.batch_remove(ours)
    bpy.data.batch_remove([block for block in blocks if block.users == 0])
    for collection in collections:
        if VERSION_KEY in collection and not collection.all_objects and not collection.children:
            bpy.data.collections.remove(collection)


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


def _open_collection(
    context: bpy.types.Context, name: str, undo: ExitStack, notes: list[str]
) -> bpy.types.Collection:
    """The collection for takes, visible in the context's view layer."""
    children = context.scene.collection.children_recursive
    found = [child for child in children if VERSION_KEY in child and child.library is None]
    if not found:
        collection = bpy.data.collections.new(name)
        undo.callback(bpy.data.collections.remove, collection)
        collection[VERSION_KEY] = __version__
        context.scene.collection.children.link(collection)
        return collection
    collection = found[0]
    for layer in _layers_of(context.view_layer.layer_collection, collection):
        for owner, switch in ((layer, "exclude"), (layer, "hide_viewport"), (collection, "hide_viewport")):
            if getattr(owner, switch):
                setattr(owner, switch, False)
                undo.callback(setattr, owner, switch, True)
                notes.append(f"Collection {collection.name} was hidden or excluded; it is shown again")
    return collection


def _layers_of(
    layer: bpy.types.LayerCollection, collection: bpy.types.Collection
) -> Iterator[bpy.types.LayerCollection]:
    if layer.collection == collection:
        yield layer
    for child in layer.children:
        yield from _layers_of(child, collection)


def _hold(
    blender_object: bpy.types.Object, empty: bpy.types.Object, collection: bpy.types.Collection
) -> None:
    blender_object[VERSION_KEY] = __version__
    blender_object.parent = empty
    collection.objects.link(blender_object)


def _frames(motions: Sequence[Motion]) -> tuple[int, int]:
    """First frame of the clip that any motion covers, and how many from there to the last."""
    first = min(motion.frame_start for motion in motions)
    return first, max(motion.frame_start + len(motion) for motion in motions) - first


def _camera_path(motions: Sequence[Motion], camera: Camera) -> Array:
    """(4, 4), or (N, 4, 4) over the frames of all motions."""
    known = camera.extrinsics(*_frames(motions))
    if known is not None:
        return known
    longest = max(motions, key=len)
    if motions[0].world_from_camera.ndim == 2:
        return motions[0].world_from_camera
    first, frames = _frames(motions)
    rows = np.arange(first, first + frames) - longest.frame_start
    return longest.world_from_camera[np.clip(rows, 0, len(longest) - 1)]


def _to_common_world(motion: Motion, world_from_camera: Array, notes: list[str]) -> Matrix:
    """From a person's own world to the take's."""
    if motion.world_from_camera.ndim == 3 or world_from_camera.ndim == 3:
        return Matrix()
    common = world_from_camera @ np.linalg.inv(motion.world_from_camera)
    if np.abs(common - np.eye(4)).max() < 1e-6:
        return Matrix()
    tilt = math.degrees(math.acos(min(max(common[2, 2], -1.0), 1.0)))
    notes.append(
        f"Person {motion.person_id} was estimated in another world; brought to the take's camera, "
        f"its ground is tilted by {tilt:.1f}° there"
    )
    return Matrix(common)


def _note_range(scene: bpy.types.Scene, people: Sequence[bpy.types.Object], notes: list[str]) -> None:
    last = max(int(person.animation_data.action.frame_range[1]) for person in people)
    if last > scene.frame_end:
        notes.append(f"The take reaches frame {last}, {scene.name} ends at {scene.frame_end}")


def _note_pixel_aspect(scene: bpy.types.Scene, camera: Camera, notes: list[str]) -> None:
    wanted = pixel_aspect(camera)
    present = (scene.render.pixel_aspect_x, scene.render.pixel_aspect_y)
    if abs(wanted[0] / wanted[1] / (present[0] / present[1]) - 1) > 1e-3:
        notes.append(
            f"The clip's pixel aspect is {wanted[0] / wanted[1]:.3f}, the scene's "
            f"{present[0] / present[1]:.3f}; the overlay needs Match Scene to Clip"
        )


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
