"""One take: everything that an estimate puts into the file, made in one step on the main thread.

A take is an empty that holds the people's armatures, the camera and a grid on the ground together, in a
collection of Kinelift's own. Making a take never touches an earlier one, unless it is told to update that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..estimator import __version__
from ..estimator.camera import Camera
from ..estimator.errors import InputError
from ..estimator.motion import Motion
from .action import ActionSettings, write_action
from .armature import create_armature
from .blender_camera import animate_camera, create_camera, pixel_aspect
from .doubtful_frames import mark_doubtful_frames
from .ground_grid import create_ground_grid
from .object_place import world_of
from .scene_units import metres_per_unit
from .take_record import (
    PERSON_KEY,
    SOURCE_KEY,
    VERSION_KEY,
    TakeIdentity,
    is_own,
    record_take,
    take_objects,
)
from .take_update import take_over

__all__ = ["PERSON_KEY", "Take", "TakeSettings", "remove_take", "write_take"]

Array = NDArray[np.float64]

_OTHER_SHAPE = 0.01
"""Difference in aspect ratio, as a share, from which on it is seen."""


@dataclass(frozen=True)
class TakeSettings:
    """What a take is made of.

    Attributes:
        action: how the motions become keys.
        name: of the take's empty; armatures, actions and camera are named after it.
        make_camera: whether a camera that matches the clip is made.
        make_ground: whether a grid shows where the ground is.
        ground_height: metres over the world's origin of the take's ground; the empty is put there.
        identity: what is estimated, for finding the take when it is estimated again; None for never.
        collection: name of the collection that takes go into, made where missing.
    """

    action: ActionSettings
    name: str = "Take"
    make_camera: bool = True
    make_ground: bool = True
    ground_height: float = 0.0
    identity: TakeIdentity | None = None
    collection: str = "Kinelift"


@dataclass(frozen=True)
class Take:
    """The data-blocks of a take. Valid until the next undo; keep names, not this, for longer.

    Attributes:
        empty: holds camera and people together.
        armatures: one per motion, in their order, each with its action.
        camera: None if none was asked for.
        collection: that the take lies in.
        doubtful: how many stretches of frames are marked as ones that a person should look at.
        notes: lines for the user about what was done beyond the plain case.
    """

    empty: bpy.types.Object
    armatures: tuple[bpy.types.Object, ...]
    camera: bpy.types.Object | None
    collection: bpy.types.Collection
    doubtful: int
    notes: tuple[str, ...]


def write_take(
    context: bpy.types.Context,
    motions: Sequence[Motion],
    camera: Camera,
    settings: TakeSettings,
    clip: bpy.types.MovieClip | None = None,
    earlier: bpy.types.Object | None = None,
) -> Take:
    """Makes a take of one or more people in the context's scene.

    Mode, selection and active object stay as they are. If anything fails, all that was made is removed.

    Args:
        motions: of one clip, at least one. People with different worlds (each estimated by itself from a
            camera that stood at an unknown place) are brought to the first one's by their common camera.
        camera: that filmed them; without ``world_from_camera`` it stands where the first motion says.
        clip: for the camera's background.
        earlier: empty of the take that is to become this one, see ``take_update``; None for a new take.

    Raises:
        InputError: there is no motion, or one can't be written.
    """
    if not motions:
        raise InputError("No person to make a take of; pick one first")
    notes: list[str] = []
    # What an earlier take has is not taken away from it.
    had = {one.type for one in take_objects(earlier)} if earlier is not None else set()
    with ExitStack() as undo:
        collection = _open_collection(context, settings.collection, undo, notes)
        empty = bpy.data.objects.new(settings.name, None)
        undo.callback(bpy.data.objects.remove, empty)
        empty.empty_display_type, empty.empty_display_size = "ARROWS", 0.5
        # All that hangs on it is in metres.
        size = 1 / metres_per_unit(context.scene)
        empty.location.z, empty.scale = settings.ground_height * size, (size, size, size)
        empty[VERSION_KEY] = __version__
        collection.objects.link(empty)

        world_from_camera = _camera_path(motions, camera)
        people, doubtful = [], 0
        for motion in motions:
            person = _make_person(motion, settings, undo)
            _hold(person, empty, collection)
            person.matrix_basis = _to_common_world(motion, world_from_camera, notes)
            doubtful += mark_doubtful_frames(person)
            people.append(person)
        if settings.make_ground or "MESH" in had:
            ground = create_ground_grid(f"{settings.name} Ground", _paths(motions, people))
            undo.callback(bpy.data.meshes.remove, ground.data)
            _hold(ground, empty, collection)
        camera_object = None
        if settings.make_camera or "CAMERA" in had:
            camera_object = _make_camera(
                context.scene, motions, camera, world_from_camera, settings, clip, undo
            )
            _hold(camera_object, empty, collection)
            _note_shape(context.scene, camera, notes)
        _note_range(context.scene, people, notes)
        undo.pop_all()
    # Nothing fails from here on.
    place = empty.matrix_basis.copy()
    if earlier is not None:
        empty = take_over(earlier, empty)
    objects = take_objects(empty)
    camera_object = next((one for one in objects if one.type == "CAMERA"), None)
    if camera_object is not None and context.scene.camera is None:
        context.scene.camera = camera_object
        notes.insert(0, f"{context.scene.name} had no camera; {camera_object.name} is its camera now")
    record_take(empty, settings.identity, place)
    by_id = {one[PERSON_KEY]: one for one in objects if one.type == "ARMATURE"}
    armatures = tuple(by_id[motion.person_id] for motion in motions)
    return Take(empty, armatures, camera_object, collection, doubtful, tuple(notes))


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


def _open_collection(
    context: bpy.types.Context, name: str, undo: ExitStack, notes: list[str]
) -> bpy.types.Collection:
    """The collection for takes, visible in the context's view layer."""
    children = context.scene.collection.children_recursive
    found = [child for child in children if VERSION_KEY in child and is_own(child)]
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


def _make_person(motion: Motion, settings: TakeSettings, undo: ExitStack) -> bpy.types.Object:
    """An armature with its action."""
    name = f"{settings.name} Person {motion.person_id}"
    person = create_armature(name, motion.rest_offsets, root_bone=settings.action.root_mode == "ROOT_BONE")
    undo.callback(bpy.data.armatures.remove, person.data)
    person[SOURCE_KEY], person[PERSON_KEY] = motion.source, motion.person_id
    undo.callback(bpy.data.actions.remove, write_action(person, motion, settings.action, name))
    return person


def _make_camera(
    scene: bpy.types.Scene,
    motions: Sequence[Motion],
    camera: Camera,
    world_from_camera: Array,
    settings: TakeSettings,
    clip: bpy.types.MovieClip | None,
    undo: ExitStack,
) -> bpy.types.Object:
    """A camera that sees the people as the clip does, with an action if it moves."""
    name = f"{settings.name} Camera"
    start = world_from_camera if world_from_camera.ndim == 2 else world_from_camera[0]
    camera_object = create_camera(name, camera, start, scene=scene, clip=clip)
    undo.callback(bpy.data.cameras.remove, camera_object.data)
    if world_from_camera.ndim == 3:
        first, _ = _frames(motions)
        times = settings.action.key_times(motions[0].fps, first, len(world_from_camera))
        undo.callback(bpy.data.actions.remove, animate_camera(camera_object, name, times, world_from_camera))
    return camera_object


def _hold(
    blender_object: bpy.types.Object, empty: bpy.types.Object, collection: bpy.types.Collection
) -> None:
    blender_object[VERSION_KEY] = __version__
    blender_object.parent = empty
    collection.objects.link(blender_object)


def _paths(motions: Sequence[Motion], people: Sequence[bpy.types.Object]) -> Array:
    """(N, 3) where the Hips of all people go, in the take's world."""
    places = [np.array(person.matrix_basis) for person in people]
    return np.concatenate(
        [
            motion.root_translation @ place[:3, :3].T + place[:3, 3]
            for motion, place in zip(motions, places, strict=True)
        ]
    )


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


def _note_shape(scene: bpy.types.Scene, camera: Camera, notes: list[str]) -> None:
    """Notes a frame of another shape than the pictures, through which more or less than they show is seen."""
    wanted, render = pixel_aspect(camera), scene.render
    present = (render.pixel_aspect_x, render.pixel_aspect_y)
    across, down = render.resolution_x, render.resolution_y
    if abs(wanted[0] / wanted[1] / (present[0] / present[1]) - 1) > 1e-3:
        notes.append(
            f"The clip's pixel aspect is {wanted[0] / wanted[1]:.3f}, the scene's "
            f"{present[0] / present[1]:.3f}; the overlay needs Match Scene to Clip"
        )
    elif abs(camera.width / camera.height / (across / down) - 1) > _OTHER_SHAPE:
        notes.append(
            f"The pictures are {camera.width} × {camera.height}, {scene.name} renders {across} × {down}; "
            "set its resolution to theirs to see what they show"
        )
