"""Rigs with all the bones of published ones, not just those that presets know: twists, toes, faces, IK bones.

The files in ``published/`` give each rig's tree by indentation. ``{side}`` stands for the two marks of the
first line; ``= thigh`` says which human bone a bone is, ``~ toes`` as which one it turns. The names and the
trees are the rigs' own, the places are those of ``rigs``, with the bones in between and beside put where they
would be.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from tests.addon.retarget.rigs import Build, build_tree, joint_places

Array = NDArray[np.float64]

_FOLDER = Path(__file__).parent / "published"
PUBLISHED: tuple[str, ...] = tuple(sorted(path.stem for path in _FOLDER.glob("*.txt")))
_SIDES = ("left", "right")


@dataclass(frozen=True)
class PublishedBone:
    """A bone of a published rig: its name, its parent's, which human bone it is or follows, and what both
    sides' are called in the file."""

    name: str
    parent: str
    human: str
    template: str
    side: str
    follows: str = ""


@cache
def published_bones(rig: str) -> tuple[PublishedBone, ...]:
    """All of a rig, parents before children."""
    lines = (_FOLDER / f"{rig}.txt").read_text("utf-8").splitlines()
    marks = re.search(r"left (\S+), right (\S+)$", lines[0])
    assert marks is not None, rig
    found: list[PublishedBone] = []
    above: list[str] = []
    for line in lines[1:]:
        depth = (len(line) - len(line.lstrip())) // 2
        template, _, follows = line.strip().partition(" ~ ")
        template, _, human = template.partition(" = ")
        above[depth:] = [template]
        # Once a bone has a side, all that hangs on it has the same.
        sided = any("{side}" in name for name in above)
        for side, mark in zip(_SIDES, marks.groups(), strict=True):
            name = template.replace("{side}", mark)
            parent = above[depth - 1].replace("{side}", mark) if depth else ""
            own = f"{side}_{human}" if sided and human else human
            if not any(bone.name == name for bone in found):
                other = f"{side}_{follows}" if follows else ""
                found.append(PublishedBone(name, parent, own, template, side if sided else "", other))
    return tuple(found)


def human_bones_of(rig: str) -> dict[str, str]:
    """Human bone → the rig's bone, as an animator would map it."""
    return {bone.human: bone.name for bone in published_bones(rig) if bone.human}


def followers_of(rig: str) -> dict[str, str]:
    """Bone → human bone as which it turns."""
    return {bone.name: bone.follows for bone in published_bones(rig) if bone.follows}


def build_published(
    rig: str,
    build: Build = Build(),
    renamed: Callable[[str], str] = lambda name: name,
    shuffled: int | None = None,
) -> bpy.types.Object:
    """A published rig, its bones renamed, and where wanted made in another order, siblings too."""
    bones = published_bones(rig)
    places = _places(bones, build)
    order = list(bones)
    if shuffled is not None:
        order = _shuffled(bones, random.Random(shuffled))
    return build_tree(
        [(renamed(bone.name), renamed(bone.parent) if bone.parent else "", bone.human) for bone in order],
        {renamed(name): place for name, place in places.items()},
        {human: renamed(name) for human, name in human_bones_of(rig).items()},
        build,
        rig,
    )


def _shuffled(bones: tuple[PublishedBone, ...], generator: random.Random) -> list[PublishedBone]:
    order: list[PublishedBone] = []
    ready = [bone for bone in bones if not bone.parent]
    while ready:
        bone = ready.pop(generator.randrange(len(ready)))
        order.append(bone)
        ready += [child for child in bones if child.parent == bone.name]
    return order


def _places(bones: tuple[PublishedBone, ...], build: Build) -> dict[str, Array]:
    """Where each bone begins: between its parent and what hangs on it, or else beside its parent."""
    human = joint_places(build, {bone.human for bone in bones if bone.human})
    found: dict[str, Array] = {}
    for bone in bones:
        if bone.human:
            found[bone.name] = human[bone.human]
            continue
        at = found.get(bone.parent, np.zeros(3))
        below = _mapped_below(bone.name, bones)
        if below:
            goal = np.mean([human[name] for name in below], axis=0)
            found[bone.name] = at + 0.4 * (goal - at)
            continue
        found[bone.name] = at + _aside(bone, bones, human, at)
    return found


def _aside(
    bone: PublishedBone, bones: tuple[PublishedBone, ...], human: dict[str, Array], at: Array
) -> Array:
    """From its parent to a bone that carries nothing: twists along the limb, the rest near by."""
    parent = next((other for other in bones if other.name == bone.parent), None)
    has_children = any(other.parent == bone.name for other in bones)
    if parent is not None and parent.human == "head" and not bone.side:
        return np.array([0.0, -0.01, 0.01]) if has_children else np.array([0.0, 0.0, 0.18])
    generator = random.Random(bone.template)
    offset = np.array([generator.uniform(-1, 1) for _ in range(3)]) * 0.04
    sides = {"left": 1.0, "right": -1.0, "": 0.0}
    offset[0] = abs(offset[0]) * sides[bone.side]
    siblings = [other for other in bones if other.parent == bone.parent and other.human]
    along = human[siblings[0].human] - at if siblings else np.zeros(3)
    return np.asarray(generator.uniform(0.2, 0.8) * along + offset)


def _mapped_below(name: str, bones: tuple[PublishedBone, ...]) -> list[str]:
    """The nearest human bones that hang on a bone."""
    found: list[str] = []
    for child in bones:
        if child.parent == name:
            found += [child.human] if child.human else _mapped_below(child.name, bones)
    return found
