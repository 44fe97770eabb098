"""A character from another .blend: appended, and given a person's motion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import bpy

from ...estimator.errors import InputError
from ...estimator.progress import Progress
from ..retarget.automatic_map import find_map
from ..retarget.bone_map import BoneMap, check_map, load_map
from ..retarget.plan import RetargetSettings
from ..retarget.rest_rig import read_rest_rig
from ..retarget.retarget_result import write_results
from ..retarget.retargeting import Retargeted, retarget
from ..retarget.root_motion import RootMode
from ..scene_units import metres_per_unit
from .clip_scene import start_empty_file
from .settings import Character

_GOOD_SCORE = 0.75
_NAMES_SHOWN = 5


def parse_character(text: str, bone_map: Path | None) -> Character:
    """``FILE.blend:Armature``, or a file alone where it holds one armature. Leaves an empty file behind.

    Raises:
        InputError: the file can't be read, has no such armature, or its bones can't be told.
    """
    path, name = _split(text)
    start_empty_file()  # nothing can be appended from the file that is open
    loaded = _append_all(path)
    armatures = [own for own, one in loaded.items() if one.type == "ARMATURE"]
    if not armatures:
        raise InputError(f"{path}: there is no armature in it; choose the character's file")
    if not name and len(armatures) > 1:
        raise InputError(f"{path}: holds the armatures {_listed(armatures)}; write {path}:{armatures[0]}")
    if name and name not in armatures:
        raise InputError(f"{path}: there is no armature {name!r} in it, but {_listed(armatures)}")
    character = Character(path, name or armatures[0], bone_map, _metres_per_unit(path, name or armatures[0]))
    map_of(loaded[character.armature], character)
    start_empty_file()
    return character


def append_character(character: Character) -> bpy.types.Object:
    """Brings the armature, what it carries and what carries it from its file into the scene.

    Raises:
        InputError: the file can't be read any more.
    """
    loaded = _append_all(character.path)
    if character.armature not in loaded:
        raise InputError(f"{character.path}: there is no armature {character.armature!r} in it any more")
    armature = loaded[character.armature]
    wanted = {armature, *_ancestors(armature), *_carried(armature, list(loaded.values()))}
    scene = bpy.context.scene
    for one in wanted:
        scene.collection.objects.link(one)
    bpy.data.batch_remove([one for one in loaded.values() if not one.users])
    armature.hide_viewport = armature.hide_select = False
    return armature


def map_of(armature: bpy.types.Object, character: Character) -> BoneMap:
    """Which of the character's bones is which.

    Raises:
        InputError: the given map doesn't fit, or no map is found.
    """
    where = f"{character.path}: armature {character.armature}"
    rig = read_rest_rig(armature)
    if character.bone_map is not None:
        bone_map = load_map(character.bone_map)
    else:
        found = find_map(rig, "TARGET")
        if found.score < _GOOD_SCORE:
            raise InputError(
                f"{where}: its bones aren't recognised; choose them in Blender's Retarget panel, save the "
                "map there, and give it with --bone-map"
            )
        bone_map = found.bone_map
    check_map(bone_map, where, rig.bones)
    return bone_map


def put_on_character(
    source: bpy.types.Object, character: Character, root_motion: RootMode, progress: Progress
) -> tuple[bpy.types.Object, list[str]]:
    """A new copy of the character in the scene, moved as ``source`` is; and lines for the user.

    Raises:
        InputError: the character can't be used.
    """
    target = append_character(character)
    source_map = find_map(read_rest_rig(source), "SOURCE").bone_map
    target_map = map_of(target, character)
    settings = RetargetSettings(root_mode=root_motion)
    for step in retarget(bpy.context.scene, source, source_map, target, target_map, settings):
        if isinstance(step, Retargeted):
            write_results([step])
            return target, step.notes
        progress(step)
    raise AssertionError("a retarget ends with its result")


def _split(text: str) -> tuple[Path, str]:
    """File and name; a colon may belong to the path, as in ``C:\\rigs\\hero.blend``."""
    before, colon, after = text.rpartition(":")
    if Path(text).is_file() or not colon:
        path, name = Path(text), ""
    else:
        path, name = Path(before), after
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; give --retarget character.blend:Armature")
    return path, name


def _append_all(path: Path) -> dict[str, bpy.types.Object]:
    """All objects of a .blend, by their names in it, in no collection yet."""
    try:
        with bpy.data.libraries.load(str(path.resolve()), link=False) as (there, here):
            names = list(there.objects)
            here.objects = list(names)
    except (OSError, RuntimeError):
        raise InputError(
            f"{path}: can't be read as a .blend of this Blender or an older one; save it anew"
        ) from None
    return {name: one for name, one in zip(names, here.objects, strict=True) if one is not None}


def _metres_per_unit(path: Path, armature: str) -> float:
    """Of the scene that an object is in, the first by name; of the file's first where it is in none."""
    with bpy.data.libraries.load(str(path.resolve()), link=True) as (there, here):
        here.scenes = list(there.scenes)
    scenes = [one for one in here.scenes if one is not None]
    scenes.sort(key=lambda one: (armature not in one.objects, one.name))
    return metres_per_unit(scenes[0]) if scenes else 1.0


def _ancestors(blender_object: bpy.types.Object) -> Iterator[bpy.types.Object]:
    while blender_object.parent is not None:
        blender_object = blender_object.parent
        yield blender_object


def _carried(armature: bpy.types.Object, loaded: Sequence[bpy.types.Object]) -> Iterator[bpy.types.Object]:
    """What hangs on the armature or is deformed by it."""
    for one in loaded:
        if any(
            m.type == "ARMATURE" and m.object == armature for m in one.modifiers
        ) or armature in _ancestors(one):
            yield one


def _listed(names: list[str]) -> str:
    more = ["…"] if len(names) > _NAMES_SHOWN else []
    return ", ".join([*names[:_NAMES_SHOWN], *more])
