"""Which of a rig's bones is which human bone; as data, as JSON, and whether it will do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...estimator.atomic_write import written_whole
from ...estimator.errors import InputError
from .human_bones import HUMAN_BONES, REQUIRED, label

_KIND = "kinelift bone map"


@dataclass(frozen=True)
class IkControls:
    """Controls of a rig's own inverse kinematics.

    Attributes:
        bones: by human bone (hands, feet, toes), the control.
        poles: by human bone (forearms, shins), the control that the elbow or knee points to.
        switches: bone → custom property → value with which these controls move the limbs.
    """

    bones: Mapping[str, str]
    poles: Mapping[str, str]
    switches: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class BoneMap:
    """Bones of a rig by human bone.

    Attributes:
        bones: human bone → the rig's bone; what is not there is not mapped.
        switches: bone → custom property → value that the action has to set, so that these bones move the rig.
        controls: whether the bones are an animator's controls, whose hierarchy may be any.
        ik: what moves the limbs instead where the user wants IK; None where the rig has or needs none.
        followers: human bone → further bones that turn as it does, like the small toes beside the big one.
    """

    bones: Mapping[str, str]
    switches: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    controls: bool = False
    ik: IkControls | None = None
    followers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __contains__(self, human_bone: str) -> bool:
        return human_bone in self.bones

    def chain(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the human bones that are mapped, in the given order."""
        return tuple(name for name in names if name in self.bones)


def check_map(bone_map: BoneMap, rig_name: str, bones: Iterable[str]) -> None:
    """Raises InputError where a required bone is missing, a bone isn't in the rig, or one occurs twice."""
    missing = [label(bone) for bone in REQUIRED if not bone_map.bones.get(bone)]
    if missing:
        raise InputError(
            f"{rig_name}: no bone is chosen for {', '.join(missing)}; choose them in the bone map"
        )
    present = set(bones)
    used: dict[str, str] = {}
    for human, bone in bone_map.bones.items():
        if bone not in present:
            raise InputError(f"{rig_name}: has no bone {bone}, the map's {label(human)}; choose another one")
        if bone in used:
            raise InputError(
                f"{rig_name}: bone {bone} is chosen for {label(used[bone])} and for {label(human)}; "
                "clear one of them"
            )
        used[bone] = human


def save_map(path: Path, bone_map: BoneMap) -> None:
    """Writes a map as JSON, whole or not at all."""
    content: dict[str, Any] = {"kind": _KIND, "controls": bone_map.controls, "bones": dict(bone_map.bones)}
    if bone_map.switches:
        content["switches"] = {bone: dict(values) for bone, values in bone_map.switches.items()}
    if bone_map.ik is not None:
        content["ik"] = ik_content(bone_map.ik)
    if bone_map.followers:
        content["followers"] = {human: list(bones) for human, bones in bone_map.followers.items()}
    with written_whole(path) as beside:
        beside.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load_map(path: Path) -> BoneMap:
    """Reads a map that ``save_map`` wrote.

    Raises:
        InputError: the file can't be read, is no bone map, or names an unknown human bone.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}); choose another file") from error
    except ValueError as error:
        raise InputError(f"{path}: is no JSON ({error}); choose a bone map that Kinelift saved") from error
    if not isinstance(content, dict) or content.get("kind") != _KIND:
        raise InputError(f'{path}: has no "kind": "{_KIND}"; choose a bone map that Kinelift saved')
    bones = content.get("bones")
    if not isinstance(bones, dict) or not all(isinstance(bone, str) and bone for bone in bones.values()):
        raise InputError(f'{path}: "bones" must give a bone\'s name for each human bone')
    unknown = [human for human in bones if human not in HUMAN_BONES]
    if unknown:
        raise InputError(
            f"{path}: {unknown[0]!r} is no human bone; they are called {', '.join(HUMAN_BONES[:8])}, …"
        )
    switches = _switches(path, content.get("switches", {}))
    ik = content.get("ik")
    return BoneMap(
        bones,
        switches,
        bool(content.get("controls")),
        None if ik is None else read_ik(str(path), ik),
        read_followers(str(path), content.get("followers", {})),
    )


def read_followers(where: str, content: Any) -> dict[str, tuple[str, ...]]:
    """Followers as JSON holds them.

    Raises:
        InputError: the content is something else.
    """
    lists = content.values() if isinstance(content, dict) else [None]
    if not all(isinstance(bones, list) and all(isinstance(bone, str) for bone in bones) for bones in lists):
        raise InputError(f'{where}: "followers" must give a list of bones by human bone')
    if unknown := [human for human in content if human not in HUMAN_BONES]:
        raise InputError(f'{where}: {unknown[0]!r} in "followers" is no human bone')
    return {human: tuple(bones) for human, bones in content.items()}


def ik_content(ik: IkControls) -> dict[str, Any]:
    """As JSON holds it."""
    switches = {bone: dict(values) for bone, values in ik.switches.items()}
    return {"bones": dict(ik.bones), "poles": dict(ik.poles), "switches": switches}


def read_ik(where: str, content: Any) -> IkControls:
    """The reverse of ``ik_content``.

    Raises:
        InputError: the content is something else.
    """
    if not isinstance(content, dict):
        raise InputError(f'{where}: "ik" must hold "bones", "poles" and "switches"')
    bones, poles = content.get("bones"), content.get("poles")
    for part in (bones, poles):
        if not isinstance(part, dict) or not all(isinstance(bone, str) for bone in part.values()):
            raise InputError(f'{where}: "ik" must give "bones" and "poles" by human bone, and "switches"')
        if unknown := [human for human in part if human not in HUMAN_BONES]:
            raise InputError(f'{where}: {unknown[0]!r} in "ik" is no human bone')
    assert isinstance(bones, dict) and isinstance(poles, dict)
    return IkControls(bones, poles, _switches(where, content.get("switches", {})))


def _switches(path: Path | str, content: object) -> dict[str, dict[str, float]]:
    try:
        return {
            str(bone): {str(name): float(value) for name, value in values.items()}
            for bone, values in content.items()  # type: ignore[attr-defined]
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f'{path}: "switches" must give numbers by bone and property') from error
