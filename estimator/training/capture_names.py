"""Joint names of the usual BVH skeletons, mapped onto Kinelift's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SIDED = ("Shoulder", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase")
_TRUNK = ("Spine", "Spine1", "Spine2")
_OPTIONAL = ("Shoulder", "ToeBase")


@dataclass(frozen=True)
class Convention:
    """How a family of skeletons names its joints; names without case, spaces, ``_``, ``-`` and prefixes.

    Attributes:
        sides: how left and right are marked, ``{}`` standing for the part.
        parts: the names of ``_SIDED``.
        hips, neck, head: names, any of which may occur.
        trunk: from the lowest up; the first becomes Spine, the last that is there carries neck and shoulders.
    """

    sides: tuple[str, str]
    parts: tuple[str, ...]
    hips: tuple[str, ...]
    trunk: tuple[str, ...]
    neck: tuple[str, ...] = ("neck", "neck1", "neck01")
    head: tuple[str, ...] = ("head",)


_PREFIXED = ("left{}", "right{}")
CONVENTIONS: tuple[Convention, ...] = (
    # Kinelift's own, MotionBuilder's and Mixamo's
    Convention(
        _PREFIXED,
        ("shoulder", "arm", "forearm", "hand", "upleg", "leg", "foot", "toebase|toe"),
        ("hips",),
        ("spine", "spine1", "spine2", "spine3"),
    ),
    # named after the joints themselves: Character Studio's, Xsens's, SMPL's
    Convention(
        _PREFIXED,
        ("collar", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe|foot|toebase"),
        ("hips", "hip", "pelvis"),
        ("spine", "spine1", "spine2", "spine3", "chest", "chest2", "chest3", "chest4"),
    ),
    Convention(
        ("l{}", "r{}"),
        ("collar", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe|foot"),
        ("pelvis", "hips"),
        ("spine1", "spine2", "spine3"),
    ),
    # Poser's and DAZ's
    Convention(
        ("l{}", "r{}"),
        ("collar", "shldr", "forearm", "hand", "thigh", "shin", "foot", "toe"),
        ("hip", "hips"),
        ("abdomen", "chest"),
    ),
    # Unity's humanoid
    Convention(
        ("{}l", "{}r"),
        ("shoulder", "upperarm", "lowerarm", "hand", "upperleg", "lowerleg", "foot", "toes|toe"),
        ("hips",),
        ("spine", "chest", "upperchest"),
    ),
    Convention(
        _PREFIXED,
        ("shoulder", "upperarm", "lowerarm", "hand", "upperleg", "lowerleg", "foot", "toes|toe"),
        ("hips",),
        ("spine", "chest", "upperchest"),
    ),
    # Unreal's mannequin
    Convention(
        ("{}l", "{}r"),
        ("clavicle", "upperarm", "lowerarm", "hand", "thigh", "calf", "foot", "ball"),
        ("pelvis",),
        ("spine01", "spine02", "spine03", "spine04", "spine05"),
    ),
)


def _bare(name: str) -> str:
    """Without namespace (``mixamorig:Hips``), case and separators."""
    return re.sub(r"[\s_.\-]", "", name.rpartition(":")[2]).lower()


def _mapping(convention: Convention, names: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """Row of each of Kinelift's joints among the names, and which of those that are needed have none."""
    index: dict[str, int] = {}
    for row, name in enumerate(names):
        index.setdefault(_bare(name), row)
    wanted: dict[str, list[str]] = {
        "Hips": list(convention.hips),
        "Neck": list(convention.neck),
        "Head": list(convention.head),
    }
    for side, pattern in zip(("Left", "Right"), convention.sides, strict=True):
        for part, names_of_part in zip(_SIDED, convention.parts, strict=True):
            wanted[f"{side}{part}"] = [pattern.format(name) for name in names_of_part.split("|")]
    found = {
        joint: next(index[name] for name in spelled if name in index)
        for joint, spelled in wanted.items()
        if any(name in index for name in spelled)
    }
    trunk = [index[name] for name in convention.trunk if name in index]
    # Of long chains the lowest, the highest, and one between them.
    chosen = trunk if len(trunk) <= len(_TRUNK) else [trunk[0], trunk[len(trunk) // 2], trunk[-1]]
    found |= dict(zip(_TRUNK, chosen, strict=False))
    missing = [joint for joint in wanted if joint not in found and not joint.endswith(_OPTIONAL)]
    return found, missing if trunk else ["Spine", *missing]


def kinelift_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names with those that can be mapped replaced by Kinelift's, and the joints that are missing.

    Of all conventions the one that leaves the fewest joints missing; where some are, the names are of no use.
    """
    best, missing = min(
        (_mapping(convention, names) for convention in CONVENTIONS), key=lambda pair: len(pair[1])
    )
    mapped = {row: joint for joint, row in best.items()}
    # What isn't mapped may bear a name of Kinelift's that means something else there.
    taken = set(mapped.values())
    others = {row: f"{name}?" if name in taken else name for row, name in enumerate(names)}
    return [mapped.get(row, others[row]) for row in range(len(names))], missing
