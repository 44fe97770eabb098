"""Finds out which bone is which: by a known rig's names, else by the words in names, else by shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .bone_map import BoneMap
from .bone_names import map_by_names
from .bone_structure import map_by_structure
from .human_bones import HUMAN_BONES, REQUIRED, SIDES, SPINE, other_side, parent_candidates
from .preset_maps import PresetMatch, match_preset, presets
from .rest_rig import RestRig

Role = Literal["SOURCE", "TARGET"]

_ENOUGH = 0.75
_LONG_CHAINS = ("spine", "neck")


@dataclass(frozen=True)
class FoundMap:
    """A map that was found.

    Attributes:
        how: where it comes from, for the user.
        score: 0..1, how far it is what a body must be.
    """

    bone_map: BoneMap
    how: str
    score: float


def find_map(rig: RestRig, role: Role) -> FoundMap:
    """The best map for a rig.

    Args:
        role: a target with controls is moved by these; a source is read where its mesh hangs.
    """
    matches = [match_preset(preset, rig.bones) for preset in presets()]
    matches = [match for match in matches if match.complete]
    if matches:
        match = max(matches, key=lambda match: _rank(match, role))
        score = map_score(rig, match.bone_map)
        if score >= _ENOUGH:
            return FoundMap(match.bone_map, match.preset.title, score)
    candidates = []
    by_names, by_structure = map_by_names(rig.bones), map_by_structure(rig)
    for how, bones in (
        ("names", by_names),
        ("names and shape", _joined(by_names, by_structure)),
        ("shape", by_structure),
    ):
        bone_map = BoneMap({human: bones[human] for human in HUMAN_BONES if human in bones})
        candidates.append(FoundMap(bone_map, f"by {how}", map_score(rig, bone_map)))
    return max(candidates, key=lambda found: found.score)


def map_score(rig: RestRig, bone_map: BoneMap) -> float:
    """0..1: whether a map holds what is required and whether it looks like a body.

    Checked are the required bones (half of the score), that limbs hang together, that they have length, and
    that left and right mirror each other.
    """
    bones = {human: rig.index[bone] for human, bone in bone_map.bones.items() if bone in rig.index}
    required = sum(human in bones for human in REQUIRED) / len(REQUIRED)
    checks: list[bool] = []
    if not bone_map.controls:
        for human in bones:
            parent = next((above for above in parent_candidates(human) if above in bones), None)
            if parent is not None:
                checks.append(rig.is_below(rig.bones[bones[human]], rig.bones[bones[parent]]))
    size = float(np.ptp(rig.heads, axis=0).max()) or 1.0
    if all(f"{side}_thigh" in bones for side in SIDES):
        left, right = (rig.heads[bones[f"{side}_thigh"]] for side in SIDES)
        across, middle = left - right, (left + right) / 2
        width = float(np.linalg.norm(across))
        checks.append(width > 1e-4 * size)
        for human in (name for name in bones if name.startswith("left_")):
            other = bones.get(other_side(human))
            checks.append(other is not None)
            if other is None or width < 1e-4 * size:
                continue
            normal = across / width
            here, there = rig.heads[bones[human]] - middle, rig.heads[other] - middle
            mirrored = here - 2 * (here @ normal) * normal
            checks.append(float(here @ normal) > float(there @ normal))
            checks.append(float(np.linalg.norm(mirrored - there)) < 0.08 * size)
    for human in ("upper_arm", "forearm", "thigh", "shin"):
        for side in SIDES:
            following = {"upper_arm": "forearm", "forearm": "hand", "thigh": "shin", "shin": "foot"}[human]
            pair = [bones.get(f"{side}_{part}") for part in (human, following)]
            if pair[0] is not None and pair[1] is not None:
                checks.append(float(np.linalg.norm(rig.heads[pair[0]] - rig.heads[pair[1]])) > 0.05 * size)
    passed = float(np.mean(checks)) if checks else 0.0
    return 0.5 * required + 0.5 * passed * required


def _rank(match: PresetMatch, role: Role) -> tuple[bool, int, float]:
    return (match.preset.controls == (role == "TARGET"), len(match.bone_map.bones), match.share)


def _joined(by_names: dict[str, str], by_structure: dict[str, str]) -> dict[str, str]:
    """Names first, then whatever the shape says about bones that names leave open; chains are kept whole."""
    found = dict(by_names)
    for human, bone in by_structure.items():
        chain = human.rpartition("_")[0]
        if chain in _LONG_CHAINS and f"{chain}_1" in by_names:
            continue
        if human not in found and bone not in found.values():
            found[human] = bone
    if by_structure and all(bone in by_structure for bone in (SPINE[0], "hips")) and "hips" not in by_names:
        found["hips"] = by_structure["hips"]
    return found
