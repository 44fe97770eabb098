"""Which human bone a name means, by the words in it; for rigs that no preset knows."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from .human_bones import NECK, SPINE

_SIDES = {"left": "left", "l": "left", "lft": "left", "lt": "left"} | {
    "right": "right",
    "r": "right",
    "rgt": "right",
    "rt": "right",
}
_NOT_BODY = frozenset(
    (
        "twist",
        "roll",
        "ik",
        "pole",
        "target",
        "tgt",
        "eye",
        "jaw",
        "breast",
        "brow",
        "lid",
        "lip",
        "cheek",
        "ear",
        "tongue",
        "teeth",
        "nub",
        "end",
        "helper",
        "aim",
        "ctrl",
        "tip",
        "tail",
        "hair",
        "skirt",
        "cloth",
        "bend",
        "stretch",
        "corrective",
        "pectoral",
        "metacarpal",
        "palm",
        "carpal",
        "heel",
        "socket",
        "prop",
        "weapon",
        "site",
        "toptip",
        "nose",
        "face",
        "lash",
        "pupil",
        "iris",
        "bust",
        "butt",
        "glute",
        "mch",
        "org",
        "vis",
        "wgt",
        "mechanism",
    )
)
_FILLERS = frozenset(
    ("bone", "bones", "jnt", "joint", "bip", "def", "deform", "skin", "char", "character", "body", "b", "j")
)
_MIDDLE = {
    "hips": ("hips", "hip", "pelvis"),
    "head": ("head",),
    "root": ("root", "master", "traj", "reference"),
}
_SPINE_WORDS = ("spine", "abdomen", "waist", "torso", "chest", "thorax", "lowerback", "upperback", "back")
_NECK_WORDS = ("neck",)
_PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("shoulder", ("clavicle", "collar", "collarbone", "scapula", "shoulder")),
    ("upper_arm", ("upperarm", "uparm", "armupper", "humerus", "shldr", "bicep", "arm", "shoulder")),
    ("forearm", ("forearm", "lowerarm", "loarm", "armlower", "elbow", "radius", "ulna")),
    ("hand", ("hand", "wrist")),
    ("thigh", ("thigh", "upperleg", "upleg", "legupper", "femur", "hip", "leg")),
    ("shin", ("shin", "calf", "lowerleg", "loleg", "leglower", "knee", "tibia", "leg")),
    ("foot", ("foot", "ankle", "feet")),
    ("toes", ("toes", "toebase", "toe", "ball")),
)
"""Words by bone, the clearest first; a word under two bones is used for whichever is still open."""
_FINGER_WORDS = {
    "thumb": "thumb",
    "index": "index",
    "pointer": "index",
    "mid": "middle",
    "middle": "middle",
    "ring": "ring",
    "pinky": "pinky",
    "little": "pinky",
}

Take = Callable[[str, str], None]


def words_of(name: str) -> tuple[str, list[str], str]:
    """Side ("left", "right" or ""), words in lower case, and digits of a bone's name, prefix taken off."""
    plain = re.split(r"[:|]", name)[-1]
    plain = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", plain)
    plain = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", plain)
    plain = re.sub(r"([A-Za-z])(\d)", r"\1 \2", re.sub(r"(\d)([A-Za-z])", r"\1 \2", plain))
    pieces = [piece.lower() for piece in re.split(r"[^A-Za-z0-9]+", plain) if piece]
    digits = "".join(piece for piece in pieces if piece.isdigit())
    words = [piece for piece in pieces if not piece.isdigit() and piece not in _FILLERS]
    side = ""
    for word in words:
        if word in _SIDES:
            side = _SIDES[word]
            words = [other for other in words if other != word]
            break
    return side, words, digits


def map_by_names(bone_names: Sequence[str]) -> dict[str, str]:
    """Human bone → bone, as far as the names say; parents come before their children in ``bone_names``."""
    read = [(name, *words_of(name)[:2]) for name in bone_names]
    counts = Counter(word for _, _, words in read for word in set(words))
    shared = {word for word, count in counts.items() if count > 0.7 * len(read)}  # the character's name
    read = [(name, side, [word for word in words if word not in shared]) for name, side, words in read]
    plain = [
        (name, side, words, "".join(words)) for name, side, words in read if not _NOT_BODY.intersection(words)
    ]
    found: dict[str, str] = {}

    def take(human: str, name: str) -> None:
        if name not in found.values():
            found.setdefault(human, name)

    for human, wanted in _MIDDLE.items():
        for word in wanted:
            for name, side, words, joined in plain:
                if not side and (joined == word or (words and words[-1] == word)):
                    take(human, name)
    if "hips" not in found and "root" in found:
        found["hips"] = found.pop("root")

    for chain, wanted in ((SPINE, _SPINE_WORDS), (NECK, _NECK_WORDS)):
        members = [
            name
            for name, side, words, joined in plain
            if not side and any(word in joined for word in wanted) and name not in found.values()
        ]
        for human, name in zip(chain, members, strict=False):
            take(human, name)

    by_side: dict[str, list[tuple[str, list[str], str]]] = defaultdict(list)
    for name, side, words, joined in plain:
        if side:
            by_side[side].append((name, words, joined))
    for side, entries in by_side.items():
        _limbs(side, entries, take)
        _fingers(side, entries, take)
    return found


def _limbs(side: str, entries: list[tuple[str, list[str], str]], take: Take) -> None:
    chosen: dict[str, str] = {}
    fingers = set(_FINGER_WORDS)
    limbs = [(name, words, joined) for name, words, joined in entries if not fingers.intersection(words)]
    exact = {joined: name for name, _, joined in reversed(limbs)}
    last = {words[-1]: name for name, words, _ in reversed(limbs) if words}
    clear = Counter(word for _, wanted in _PARTS for word in wanted)
    # First the words that mean one bone, then what is left for those that mean two.
    for certain in (True, False):
        for part, wanted in _PARTS:
            if part in chosen:
                continue
            for word in wanted:
                name = exact.get(word) or last.get(word)
                if (clear[word] == 1) == certain and name is not None and name not in chosen.values():
                    chosen[part] = name
                    break
    if "upper_arm" not in chosen and "shoulder" in chosen:
        chosen["upper_arm"] = chosen.pop("shoulder")
    if "thigh" in chosen and "shin" not in chosen and chosen["thigh"] == exact.get("leg"):
        del chosen["thigh"]
    for part, name in chosen.items():
        take(f"{side}_{part}", name)


def _fingers(side: str, entries: list[tuple[str, list[str], str]], take: Take) -> None:
    joints: dict[str, list[str]] = defaultdict(list)
    for name, words, _ in entries:
        for word in words:
            if word in _FINGER_WORDS and "toe" not in words:
                joints[_FINGER_WORDS[word]].append(name)
                break
    for finger, names in joints.items():
        for joint, name in enumerate(names[:3], start=1):
            take(f"{side}_{finger}_{joint}", name)
