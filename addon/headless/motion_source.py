"""Motions that others have made, as animated armatures: files of Kinelift and of motion capture."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...estimator.camera import pinhole
from ...estimator.command_line.stopping import check_stopped
from ...estimator.errors import InputError
from ...estimator.motion_npz import load_motion
from ..animation import fcurves_of
from ..retarget.export_operators import exporter
from ..scene_units import metres_per_unit
from .clip_scene import write_scene
from .quiet import without_errors

MOTION_ENDINGS = (".npz", ".bvh", ".fbx")


def load_source(path: Path, *, quiet: bool = True) -> bpy.types.Object:
    """The armature in a file, with its motion, in a scene of the file's frame rate.

    Args:
        quiet: whether what Blender says about a broken file is kept away from the user.

    Raises:
        InputError: the file can't be read, or there is no armature that moves in it.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    match path.suffix.lower():
        case ".npz":
            return _from_npz(path)
        case ".bvh":
            options = {"update_scene_fps": True, "update_scene_duration": True, "rotate_mode": "QUATERNION"}
            options["global_scale"] = 1 / metres_per_unit(bpy.context.scene)
            return _imported(path, "import_anim.bvh", options, quiet)
        case ".fbx":
            return _imported(path, "import_scene.fbx", {}, quiet)
        case _:
            raise InputError(f"{path}: is none of {', '.join(MOTION_ENDINGS)}; give files with motions")


def _from_npz(path: Path) -> bpy.types.Object:
    motion = load_motion(path)
    across, down = motion.intrinsics[0, 2], motion.intrinsics[1, 2]
    camera = pinhole(max(round(2 * across), 1), max(round(2 * down), 1), float(motion.intrinsics[0, 0]))
    return write_scene(path.stem, [motion], camera, "HIPS", None).armatures[0]


def _imported(path: Path, operator: str, options: dict[str, object], quiet: bool) -> bpy.types.Object:
    before = set(bpy.data.objects)
    try:
        with without_errors(quiet):
            exporter(operator)(filepath=str(path.resolve()), **options)
    except InputError:
        raise
    except Exception as error:  # importers fail with anything on files that are broken
        check_stopped()
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise InputError(f"{path}: can't be read ({reason}); export it again") from error
    made = [one for one in bpy.data.objects if one not in before and one.type == "ARMATURE"]
    moving = [one for one in made if fcurves_of(one)]
    if not moving:
        raise InputError(f"{path}: no armature moves in it; export it with its animation")
    source = max(moving, key=lambda one: len(one.data.bones))
    scene = bpy.context.scene
    ranges = [curve.range() for curve in fcurves_of(source)]
    scene.frame_start = round(min(first for first, _ in ranges))
    scene.frame_end = round(max(last for _, last in ranges))
    return source
