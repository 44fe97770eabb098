"""Turns an earlier take into a new one without making new objects.

What the user built on the earlier take stays: whatever points to its objects, hangs on them or constrains
them, how they are shown, the user's own markers, and where the take stands. Only take those whose
``take_record.is_unedited``.
"""

from __future__ import annotations

import bpy

from .animation import move_action
from .blender_camera import LENGTHS, copy_view
from .doubtful_frames import keep_own_markers
from .take_record import (
    SOURCE_KEY,
    VERSION_KEY,
    person_or_kind,
    stands_where_written,
    take_objects,
    written_size,
)

_SAME_SIZE = 1e-4
"""As a share of it."""


def take_over(earlier: bpy.types.Object, new: bpy.types.Object) -> bpy.types.Object:
    """Moves what a new take is made of into an earlier one's objects, and removes what is left of the new.

    Args:
        earlier, new: empties of takes of the same people.

    Returns:
        The earlier one.
    """
    # Other than 1 where the scene's units have been changed since.
    larger = new.scale.x / written_size(earlier)
    if stands_where_written(earlier):
        earlier.matrix_basis = new.matrix_basis
    elif max(abs(size / written_size(earlier) - 1.0) for size in earlier.scale) < _SAME_SIZE:
        earlier.scale = new.scale
    earlier[VERSION_KEY] = new[VERSION_KEY]
    counterparts = {person_or_kind(one): one for one in take_objects(earlier)}
    emptied, blocks = [new], []
    renamed: list[tuple[bpy.types.ID, str]] = []
    for made in take_objects(new):
        kept = counterparts.get(person_or_kind(made))
        if kept is None:
            made.parent = earlier
            renamed += [(made, made.name), (made.data, made.name)]
            continue
        for old, fresh in _exchange(kept, made, larger):
            if old is not None:
                blocks.append(old)
            if fresh is not None:
                renamed.append((fresh, old.name if old is not None else kept.name))
        emptied.append(made)
    bpy.data.batch_remove(emptied)
    bpy.data.batch_remove([block for block in blocks if block.users == 0])
    for block, name in renamed:
        block.name = name
    return earlier


def _exchange(
    kept: bpy.types.Object, made: bpy.types.Object, larger: float
) -> list[tuple[bpy.types.ID | None, bpy.types.ID | None]]:
    """Moves data, action and place of ``made`` to ``kept``; returns pairs of earlier block and new."""
    old_data, made_data, old_action = kept.data, made.data, move_action(made, kept)
    kept.data = _shown_as_before(made_data, old_data, larger)
    made.data = old_data
    kept.rotation_mode = made.rotation_mode
    kept.matrix_basis = made.matrix_basis
    for key in (VERSION_KEY, SOURCE_KEY):
        if key in made:
            kept[key] = made[key]
    new_action = kept.animation_data.action if kept.animation_data is not None else None
    if old_action is not None and new_action is not None:
        keep_own_markers(old_action, new_action)
    pairs = [(old_data, kept.data), (old_action, new_action)]
    return pairs if made_data == kept.data else [*pairs, (made_data, None)]


def _shown_as_before(new: bpy.types.ID, old: bpy.types.ID, larger: float) -> bpy.types.ID:
    """The data of a new object, with what the user has set for an earlier one's."""
    if isinstance(new, bpy.types.Camera):
        # Most of a camera is how it shows the footage and renders.
        camera = old.copy()
        copy_view(new, camera)
        if abs(larger - 1.0) > _SAME_SIZE:
            for name in LENGTHS:
                setattr(camera, name, getattr(old, name) * larger)
        return camera
    if isinstance(new, bpy.types.Armature):
        for name, prop in new.bl_rna.properties.items():
            if name.startswith(("show_", "display_")) and not prop.is_readonly:
                setattr(new, name, getattr(old, name))
    return new
