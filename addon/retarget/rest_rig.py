"""An armature at rest, read once: names, hierarchy, places. Everything that maps bones goes by it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ...estimator.errors import InputError
from .rotations import from_matrices

Array = NDArray[np.float64]

_UNEVEN = 0.01
_MIN_LENGTH = 1e-7


@dataclass(frozen=True)
class RestRig:
    """Bones of an armature object at rest, with the object's place in the world.

    Attributes:
        name: of the object.
        bones: names; parents come before their children.
        parents: (B,) index of each bone's parent, -1 without one.
        matrices: (B, 4, 4) rest pose in the armature's space.
        lengths: (B,) in the armature's units.
        world: (4, 4) of the object; even scale, not mirrored.
    """

    name: str
    bones: tuple[str, ...]
    parents: NDArray[np.intp]
    matrices: Array
    lengths: Array
    world: Array

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of each bone."""
        return {bone: row for row, bone in enumerate(self.bones)}

    @cached_property
    def scale(self) -> float:
        """World units per unit of the armature."""
        return float(np.linalg.norm(self.world[:3, 0]))

    @cached_property
    def world_rotation(self) -> Array:
        """(4,) of the object."""
        return from_matrices(self.world[:3, :3])

    @cached_property
    def heads(self) -> Array:
        """(B, 3) in the world."""
        return np.asarray(self.matrices[:, :3, 3] @ self.world[:3, :3].T + self.world[:3, 3])

    @cached_property
    def tails(self) -> Array:
        """(B, 3) in the world."""
        along = self.matrices[:, :3, 1] * self.lengths[:, None]
        return np.asarray((self.matrices[:, :3, 3] + along) @ self.world[:3, :3].T + self.world[:3, 3])

    @cached_property
    def rotations(self) -> Array:
        """(B, 4) of the bones at rest in the world."""
        return from_matrices(self.world[:3, :3] @ self.matrices[:, :3, :3])

    def is_below(self, bone: str, above: str) -> bool:
        """Whether ``bone`` hangs on ``above``, over any number of others."""
        row, end = int(self.parents[self.index[bone]]), self.index[above]
        while row >= 0:
            if row == end:
                return True
            row = int(self.parents[row])
        return False


def with_pose_scales(rig: RestRig, poses: Array) -> RestRig:
    """The rig in the sizes that its bones have in the pose.

    Args:
        poses: (B, 4, 4) in the armature's space, with nothing but the bones' scales in it.
    """
    sizes = np.linalg.norm(poses[:, :3, :3], axis=1)
    matrices = rig.matrices.copy()
    matrices[:, :3, 3] = poses[:, :3, 3]
    return replace(rig, matrices=matrices, lengths=rig.lengths * sizes[:, 1])


def read_rest_rig(armature_object: bpy.types.Object, world: Matrix | None = None) -> RestRig:
    """Reads an armature object.

    Args:
        world: of the object where its evaluated place is known; else as its properties say.

    Raises:
        InputError: it is no armature, has no bones, or is scaled in a way that leaves no rotations.
    """
    name = armature_object.name
    if armature_object.type != "ARMATURE" or armature_object.data is None:
        raise InputError(f"{name}: is no armature; choose an armature object")
    bones = armature_object.data.bones
    if not len(bones):
        raise InputError(f"{name}: the armature has no bones; choose another one")
    place = np.array(armature_object.matrix_world if world is None else world, dtype=np.float64)
    sizes = np.linalg.norm(place[:3, :3], axis=0)
    if np.linalg.det(place[:3, :3]) < 0 or any(value < 0 for value in armature_object.scale):
        raise InputError(f"{name}: the object's scale is negative; apply the scale (Ctrl A) first")
    if sizes.min() <= 0 or sizes.max() / sizes.min() > 1 + _UNEVEN:
        raise InputError(f"{name}: the object's scale is uneven; apply the scale (Ctrl A) first")
    ordered: list[bpy.types.Bone] = []
    waiting = [bone for bone in bones if bone.parent is None]
    while waiting:
        bone = waiting.pop(0)
        ordered.append(bone)
        waiting.extend(bone.children)
    index = {bone.name: row for row, bone in enumerate(ordered)}
    lengths = np.array([bone.length for bone in ordered])
    if (lengths < _MIN_LENGTH).any():
        short = ordered[int(lengths.argmin())].name
        raise InputError(f"{name}: bone {short} has no length; give it one in Edit Mode")
    return RestRig(
        name,
        tuple(bone.name for bone in ordered),
        np.array([index[bone.parent.name] if bone.parent else -1 for bone in ordered], dtype=np.intp),
        np.array([bone.matrix_local for bone in ordered], dtype=np.float64),
        lengths,
        place,
    )
