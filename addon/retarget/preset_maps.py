"""Known rigs: one JSON file each in ``presets/``, with the names that their makers gave the bones.

In a file ``{side}`` stands for the rig's mark of a side; lists are joints along a chain, from the body
outwards, and a rig may lack some of them; for the root they are names of which a rig has one. ``controls``
marks rigs that an animator moves by controls, ``switches`` what must be set for these controls to move the
rig, ``ik`` what moves the limbs instead, ``followers`` which bones turn as another one does.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from .bone_map import BoneMap, IkControls
from .human_bones import FINGERS, NECK, REQUIRED, SIDES, SPINE

_FOLDER = Path(__file__).parent / "presets"
_BETWEEN = re.compile(r"[ ._-]+")
_NUMBER = re.compile(r"_\d+$")


@dataclass(frozen=True)
class Preset:
    """Names of a known rig's bones.

    Attributes:
        name: of its file.
        title: for the user.
        bones: human bone → name, without any prefix that a file may give all names.
        other_roots: further names that the root may have.
        followers: human bone → names of bones that turn as it does.
    """

    name: str
    title: str
    bones: dict[str, str]
    switches: dict[str, dict[str, float]]
    controls: bool
    ik: IkControls | None = None
    other_roots: tuple[str, ...] = ()
    followers: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class PresetMatch:
    """How a rig's names fit a preset.

    Attributes:
        complete: whether all required bones are there.
        share: of the preset's names that are in the rig.
    """

    preset: Preset
    bone_map: BoneMap
    complete: bool
    share: float


@cache
def presets() -> tuple[Preset, ...]:
    """All of them, by name."""
    return tuple(
        _from_file(path.stem, json.loads(path.read_text("utf-8"))) for path in sorted(_FOLDER.glob("*.json"))
    )


def match_preset(preset: Preset, bone_names: Sequence[str]) -> PresetMatch:
    """Looks for a preset's names among a rig's, whatever prefix they all carry, in whatever case, and with
    whatever sign between the words. Numbers that all names end with, as Sketchfab's do, don't count."""
    numbered = all(_NUMBER.search(name) for name in bone_names)
    by_name = {_plain(_NUMBER.sub("", name) if numbered else name): name for name in reversed(bone_names)}
    prefix = _common_prefix(preset, tuple(by_name))

    def found(name: str) -> str | None:
        return by_name.get(prefix + _plain(name))

    bones = {human: bone for human, name in preset.bones.items() if (bone := found(name)) is not None}
    for name in preset.other_roots:
        if "root" not in bones and (root := found(name)) is not None:
            bones["root"] = root
    bones = _from_one_on(bones)
    switches = {bone: values for name, values in preset.switches.items() if (bone := found(name)) is not None}
    complete = all(human in bones for human in REQUIRED)
    followers = {
        human: tuple(bone for name in names if (bone := found(name)) is not None)
        for human, names in preset.followers.items()
        if human in bones
    }
    bone_map = BoneMap(bones, switches, preset.controls, _found_ik(preset, found), followers)
    return PresetMatch(preset, bone_map, complete, len(bones) / len(preset.bones))


def _found_ik(preset: Preset, found: Callable[[str], str | None]) -> IkControls | None:
    """The preset's IK controls by the names that they have in the rig; None if it lacks one."""
    if preset.ik is None:
        return None
    ik = preset.ik
    names = {name: found(name) for name in (*ik.bones.values(), *ik.poles.values(), *ik.switches)}
    if None in names.values():
        return None
    present = {name: bone for name, bone in names.items() if bone is not None}
    return IkControls(
        {human: present[name] for human, name in ik.bones.items()},
        {human: present[name] for human, name in ik.poles.items()},
        {present[name]: values for name, values in ik.switches.items()},
    )


def _plain(name: str) -> str:
    return _BETWEEN.sub("_", name.casefold())


def _common_prefix(preset: Preset, plain: Sequence[str]) -> str:
    """What stands before most of the preset's names in the rig."""
    wanted = [_plain(name) for name in preset.bones.values()]
    votes: Counter[str] = Counter()
    for name in set(wanted):
        votes.update(bone[: -len(name)] for bone in plain if bone.endswith(name))
    # Of equally frequent ones the shortest: no prefix at all before any other.
    return max(votes, key=lambda prefix: (votes[prefix], -len(prefix), prefix), default="")


def _from_one_on(bones: dict[str, str]) -> dict[str, str]:
    """Chains numbered without holes: a spine whose first bone is missing starts with the next."""
    found = dict(bones)
    for chain in (SPINE, NECK):
        present = [bones[name] for name in chain if name in bones]
        for name in chain:
            found.pop(name, None)
        found.update(zip(chain, present, strict=False))
    return found


def _from_file(name: str, content: dict[str, Any]) -> Preset:
    marks = dict(zip(SIDES, (content["left"], content["right"]), strict=True))
    bones: dict[str, str] = {}
    other_roots: tuple[str, ...] = ()
    for part, entry in content["bones"].items():
        if part == "root" and not isinstance(entry, str):
            bones[part], *others = entry
            other_roots = tuple(others)
        elif part in ("spine", "neck"):
            bones.update(zip(SPINE if part == "spine" else NECK, entry, strict=False))
        elif isinstance(entry, str) and "{side}" not in entry:
            bones[part] = entry
        else:
            for side, mark in marks.items():
                names = [entry] if isinstance(entry, str) else entry
                for joint, template in enumerate(names, start=1):
                    human = f"{side}_{part}_{joint}" if part in FINGERS else f"{side}_{part}"
                    bones[human] = template.replace("{side}", mark)
    ik = None
    if "ik" in content:
        controls, poles = (
            {
                f"{side}_{part}": bone.replace("{side}", mark)
                for part, bone in content["ik"][key].items()
                for side, mark in marks.items()
            }
            for key in ("bones", "poles")
        )
        ik = IkControls(controls, poles, _switches(content["ik"], marks))
    controlled = content.get("controls", False)
    followers = {
        f"{side}_{part}": tuple(bone.replace("{side}", mark) for bone in names)
        for part, names in content.get("followers", {}).items()
        for side, mark in marks.items()
    }
    return Preset(
        name, content["title"], bones, _switches(content, marks), controlled, ik, other_roots, followers
    )


def _switches(content: dict[str, Any], marks: dict[str, str]) -> dict[str, dict[str, float]]:
    return {
        bone.replace("{side}", mark): values
        for bone, values in content.get("switches", {}).items()
        for mark in marks.values()
    }
