"""What a take was made of, so that estimating again can tell whether it is the same one, and unedited.

The take's empty says which clip, people and frames the take shows. Each of its objects carries a checksum of
what was written into it. Where the object has another one now, somebody has edited it.

Where the whole take stands, its empty's transform, isn't part of that: an update leaves it as it is. Neither
are other things that an update keeps: constraints, custom shapes, visibility, all of a camera but its view,
markers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from .animation import curves_digest
from .blender_camera import VIEW

VERSION_KEY = "kinelift_version"
"""Custom property that every object of a take carries: the version that made it."""
SOURCE_KEY = "kinelift_source"
PERSON_KEY = "kinelift_person"

_IDENTITY_KEY = "kinelift_identity"
_WRITTEN_KEY = "kinelift_written"
_PLACE_KEY = "kinelift_place"

_DIGITS = 5
"""Of a transform; what Blender rounds when it takes one apart is no edit."""


@dataclass(frozen=True)
class TakeIdentity:
    """Which take it is: estimating the same again updates it, with whatever settings.

    Attributes:
        clip: path of the clip's file; empty without one.
        keypoints: path of what was read.
        people: ids, sorted.
        frames: first and last frame of the clip that were asked for; None for all.
        frame_offset: added to the keypoints' frame numbers.
    """

    clip: str
    keypoints: str
    people: tuple[int, ...]
    frames: tuple[int, int] | None
    frame_offset: int

    def text(self) -> str:
        """As the empty keeps it."""
        return json.dumps(
            [self.clip, self.keypoints, list(self.people), self.frames, self.frame_offset], ensure_ascii=False
        )


def take_objects(empty: bpy.types.Object) -> list[bpy.types.Object]:
    """What hangs on a take's empty and was made with it: armatures, camera, ground."""
    return [child for child in empty.children if VERSION_KEY in child and child.type != "EMPTY"]


def person_or_kind(one: bpy.types.Object) -> int | str:
    """What stands for an object within its take: the person's number, "CAMERA", or "MESH" for the ground."""
    return int(one[PERSON_KEY]) if one.type == "ARMATURE" else str(one.type)


def is_take(blender_object: bpy.types.Object) -> bool:
    """Whether this is the empty that holds a take together."""
    return blender_object.type == "EMPTY" and VERSION_KEY in blender_object


def is_own(block: bpy.types.ID) -> bool:
    """Whether a data-block is this file's: neither linked from a library nor an override of such a one."""
    return block.library is None and block.override_library is None


def record_take(empty: bpy.types.Object, identity: TakeIdentity | None, place: Matrix) -> None:
    """Notes what the take is and what was written, once all of it is there.

    Args:
        place: where the take as a whole was written, or would have been, had nobody moved it.
    """
    if identity is not None:
        empty[_IDENTITY_KEY] = identity.text()
    empty[_PLACE_KEY] = _rounded(place)
    for written in (empty, *take_objects(empty)):
        written[_WRITTEN_KEY] = _state(written)


def takes_of(scene: bpy.types.Scene, identity: TakeIdentity) -> list[bpy.types.Object]:
    """The empties of the takes that show the same people on the same frames of the same clip."""
    wanted = identity.text()
    return [one for one in scene.objects if is_take(one) and is_own(one) and one.get(_IDENTITY_KEY) == wanted]


def is_unedited(empty: bpy.types.Object) -> bool:
    """Whether everything that is left of a take is as it was written; its place may be another."""
    objects = take_objects(empty)
    return (
        any(one.type == "ARMATURE" for one in objects)
        and all(one.mode != "EDIT" for one in objects)
        and all(_is_as_written(one) for one in (empty, *objects))
    )


def stands_where_written(empty: bpy.types.Object) -> bool:
    """Whether the take as a whole was never moved."""
    return list(empty.get(_PLACE_KEY, ())) == _rounded(empty.matrix_basis)


def written_size(empty: bpy.types.Object) -> float:
    """Units of the scene that a metre of the take was written as."""
    place = empty.get(_PLACE_KEY)
    return float(np.linalg.norm(np.reshape(place, (4, 4))[:3, 0])) if place is not None else 1.0


def _is_as_written(one: bpy.types.Object) -> bool:
    return bool(one.get(_WRITTEN_KEY) == _state(one))


def _state(one: bpy.types.Object) -> str:
    """A checksum of what an update would overwrite."""
    parts: list[Any] = [one.name]
    if one.type != "EMPTY":
        animation = one.animation_data
        action = animation.action if animation is not None else None
        parts += [one.data.name, _data_state(one.data), action and action.name, curves_digest(one)]
        parts.append(len(animation.nla_tracks) if animation is not None else 0)
        if action is None or one.type == "ARMATURE":
            # A moving camera's transform follows from its keys and the present frame.
            parts.append(_rounded(one.matrix_basis))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _data_state(data: bpy.types.ID) -> list[Any]:
    if isinstance(data, bpy.types.Armature):
        return [
            (
                bone.name,
                bone.parent and bone.parent.name,
                _rounded(bone.matrix_local),
                _plain(bone.length),
                bone.use_deform,
                bone.color.palette,
                [group.name for group in bone.collections],
            )
            for bone in data.bones
        ]
    if isinstance(data, bpy.types.Mesh):
        return [len(data.vertices), len(data.edges), len(data.polygons)]
    return [(name, _plain(getattr(data, name))) for name in VIEW]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS)
    return list(value) if hasattr(value, "__len__") and not isinstance(value, str) else value


def _rounded(matrix: Sequence[Sequence[float]]) -> list[float]:
    # Adding 0 makes -0 and 0 alike.
    return [float(value) + 0.0 for value in np.round(np.array(matrix, dtype=np.float64), _DIGITS).ravel()]
