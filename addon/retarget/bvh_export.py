"""Any armature's motion as BVH: Y up, facing +Z, metres, as Kinelift's other BVH files are.

Blender's own exporter writes the armature's axes and units instead and leaves out where the object stands, so
that a character that came in by FBX lies on its back and is a hundred metres tall.
"""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ...estimator.atomic_write import written_whole
from ...estimator.errors import InputError, MissingDependencyError
from ..quaternions import conjugate, multiply, rotate
from ..scene_units import metres_per_unit
from ..timing import scene_rate
from .automatic_map import find_map
from .evaluation import stage
from .human_bones import parent_candidates
from .rest_rig import RestRig, read_rest_rig
from .rotations import from_matrices, to_matrices

Array = NDArray[np.float64]

_ORDER = "yxz"
_SURE = 0.75
_MOVES = 1e-3
"""Metres against its parent's pose: what a joint's place may be off without channels of its own."""


def save_armature_bvh(
    path: Path, armature: bpy.types.Object, scene: bpy.types.Scene, frames: tuple[int, int]
) -> None:
    """Writes what the armature does, constraints and all, whole or not at all.

    A plain armature is written with all bones; of an animator's rig with controls and mechanisms the
    person's bones are. Joints that move against their parent get channels for that, as hips do under a root
    bone. Spaces in names become underscores, because many readers take them for the end of the name.

    Args:
        frames: first and last, of the scene.

    Raises:
        InputError: the armature can't be used, or the file can't be written.
        MissingDependencyError: pymotion or its scipy can't be imported.
    """
    try:
        from pymotion.io.bvh import BVH

        from ...estimator.motion_bvh import continuous_euler_angles, y_up
    except ImportError as error:
        raise MissingDependencyError(
            f"writing BVH needs the Python package {error.name}; install Kinelift's full zip"
        ) from error
    every = np.arange(frames[0], frames[1] + 1)
    with stage(armature, scene) as own:
        start = own.go_to(float(every[0])).matrix_world.copy()
        rig = read_rest_rig(armature, start)
        names, parents = _joints(rig)
        turns = np.empty((len(every), len(names), 4))
        places = np.empty((len(every), len(names), 3))
        for row, frame in enumerate(every):
            evaluated = own.go_to(float(frame))
            posed = np.array([evaluated.pose.bones[name].matrix for name in names])
            matrices = np.array(evaluated.matrix_world) @ posed
            turns[row], places[row] = from_matrices(matrices[:, :3, :3]), matrices[:, :3, 3]
    rows, unit = [rig.index[name] for name in names], metres_per_unit(scene)
    places *= unit
    heads, tails = unit * rig.heads[rows], unit * rig.tails[rows]
    turns = multiply(turns, conjugate(rig.rotations[rows]))  # from rest, about the world's axes
    local, offsets, positions = turns.copy(), heads.copy(), places.copy()
    for joint, parent in enumerate(parents[1:], start=1):
        back = conjugate(turns[:, parent])
        local[:, joint] = multiply(back, turns[:, joint])
        offsets[joint] = heads[joint] - heads[parent]
        positions[:, joint] = rotate(back, places[:, joint] - places[:, parent])
    moves = np.linalg.norm(positions - offsets, axis=-1).max(axis=0) > _MOVES
    moves[0] = True
    leaves = [joint for joint in range(len(names)) if joint not in parents]
    matrices = to_matrices(np.concatenate([local[..., :1], y_up(local[..., 1:])], axis=-1))
    bvh = BVH()
    bvh.data = {
        "names": np.array([name.replace(" ", "_") for name in names]),
        "offsets": y_up(offsets),
        "parents": np.array(parents),
        "end_sites": y_up(tails[leaves] - heads[leaves]),
        "end_sites_parents": np.array(leaves),
        "rot_order": np.tile(list(_ORDER), (len(names), 1)),
        "channels": np.where(moves, 6, 3),
        "positions": y_up(positions),
        "rotations": np.degrees(continuous_euler_angles(matrices)),
        "frame_time": 1.0 / scene_rate(scene),
    }
    with written_whole(path) as beside:
        bvh.save(str(beside))


def _joints(rig: RestRig) -> tuple[list[str], list[int]]:
    """Names, parents first, and the index of each one's parent; the first one's is itself."""
    found = find_map(rig, "TARGET")
    if found.bone_map.controls:
        return _human_joints(rig)
    roots = [row for row, parent in enumerate(rig.parents) if parent < 0]
    if len(roots) == 1:
        rows = list(range(len(rig.bones)))
    else:  # BVH has one tree; the person is the one that the thighs hang on
        if found.score < _SURE:
            raise InputError(
                f"{rig.name}: has {len(roots)} bones without a parent; give them one, as BVH has one root"
            )
        body = found.bone_map.bones["left_thigh"]
        root = next(row for row in roots if rig.is_below(body, rig.bones[row]))
        rows = [
            row
            for row in range(len(rig.bones))
            if row == root or rig.is_below(rig.bones[row], rig.bones[root])
        ]
    # Depth first, as the file nests them.
    ordered: list[int] = []
    waiting = [rows[0]]
    children = {row: [other for other in rows if rig.parents[other] == row] for row in rows}
    while waiting:
        row = waiting.pop()
        ordered.append(row)
        waiting.extend(reversed(children[row]))
    at = {row: index for index, row in enumerate(ordered)}
    return [rig.bones[row] for row in ordered], [at.get(int(rig.parents[row]), 0) for row in ordered]


def _human_joints(rig: RestRig) -> tuple[list[str], list[int]]:
    """The bones that the person's joints are, hanging on each other as in a body."""
    human = dict(find_map(rig, "SOURCE").bone_map.bones)
    human.pop("root", None)
    human.pop("pelvis", None)
    above = {
        name: next((parent for parent in parent_candidates(name) if parent in human), name) for name in human
    }
    ordered: list[str] = []
    waiting = ["hips"]
    while waiting:
        name = waiting.pop()
        ordered.append(name)
        waiting.extend(reversed([other for other in human if above[other] == name and other != name]))
    return [human[name] for name in ordered], [ordered.index(above[name]) for name in ordered]
