"""Which bone is which human bone by the skeleton's shape alone: hierarchy, symmetry, lengths, places.

For rigs whose names say nothing. The rig stands in one of the six directions of its armature's axes; each is
tried, and the one with the best score is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from .human_bones import NECK, SPINE
from .rest_rig import RestRig

Array = NDArray[np.float64]

_MIDDLE = 0.02
"""Of the body's height: how far from the middle a bone of the trunk may lie."""
_LEAST_HEIGHT = 0.5
"""Of the largest extent: how tall a body must be; seen along its depth, faces and arms look like anything."""
_HEAD_OVER_SHOULDERS = 0.35
"""Height of the head's joint over the arms', of their height over the hips."""
_UPPER_OVER_FOREARM = 1.08
_SHOULDER_WIDTH = 0.1
"""Of the body's height: from the middle to the shoulder's joint."""
_SAME = 0.012
"""Of the body's height: bones that are nearer to each other are one joint."""


def map_by_structure(rig: RestRig) -> dict[str, str]:
    """Human bone → bone; empty where the skeleton doesn't look like a person's."""
    best: dict[str, str] = {}
    most = 0
    centre = rig.matrices[:, :3, 3].astype(np.float64)
    tails = centre + rig.matrices[:, :3, 1] * rig.lengths[:, None]
    extents = np.ptp(centre, axis=0)
    for up, across in permutations(range(3), 2):
        if extents[up] < _LEAST_HEIGHT * extents.max():
            continue
        for sign in (1.0, -1.0):
            axes = np.zeros((3, 3))
            axes[0, across], axes[2, up] = 1.0, sign
            axes[1] = np.cross(axes[2], axes[0])
            found = _Skeleton(rig, centre @ axes.T, tails @ axes.T).human_bones()
            if len(found) > most:
                best, most = found, len(found)
    return best


class _Skeleton:
    """A skeleton under the assumption that x is across, z is up."""

    def __init__(self, rig: RestRig, heads: Array, tails: Array) -> None:
        self._names = rig.bones
        self._parents = rig.parents
        self._heads = heads
        self._tails = tails
        self._children: list[list[int]] = [[] for _ in rig.bones]
        for row, parent in enumerate(rig.parents):
            if parent >= 0:
                self._children[parent].append(row)
        self._size = float(np.ptp(heads[:, 2])) or 1.0
        self._middle_x = float(np.median(heads[np.abs(heads[:, 0] - np.median(heads[:, 0])) < self._size, 0]))
        self._x = heads[:, 0] - self._middle_x
        self._hip_height = 0.0

    def human_bones(self) -> dict[str, str]:
        """All that was recognised, or nothing."""
        leaves = [row for row, children in enumerate(self._children) if not children]
        legs = self._pair(leaves, self._leg)
        if legs is None:
            return {}
        self._hip_height = float(self._heads[legs[0]["thigh"], 2])
        arms = self._pair(leaves, self._arm)
        found = self._trunk(legs, arms) if arms is not None else {}
        if arms is None or not found:
            return {}
        forward = sum(self._points_to(leg) for leg in legs)
        # x across, z up: whoever faces -y has the left at +x.
        sides = ("left", "right") if forward < 0 else ("right", "left")
        for side, leg, arm in zip(sides, legs, arms, strict=True):
            found |= {f"{side}_{part}": bone for part, bone in (leg | arm).items()}
        if len(set(found.values())) < len(found):
            return {}
        return {human: self._names[bone] for human, bone in found.items()}

    def _points_to(self, leg: dict[str, int]) -> float:
        """How far along y the foot reaches."""
        foot = self._heads[leg["foot"], 1]
        return float((self._heads[leg["toes"], 1] if "toes" in leg else self._tails[leg["foot"], 1]) - foot)

    def _trunk(
        self, legs: tuple[dict[str, int], dict[str, int]], arms: tuple[dict[str, int], dict[str, int]]
    ) -> dict[str, int]:
        hips = self._common_ancestor([legs[0]["thigh"], legs[1]["thigh"], arms[0]["upper_arm"]])
        chest = self._common_ancestor([arms[0]["upper_arm"], arms[1]["upper_arm"]])
        if hips is None or chest is None or hips == chest or hips not in self._ancestors(chest):
            return {}
        trunk = list(self._path(hips, chest))
        if len(trunk) > len(SPINE) + 1:
            return {}
        found = {"hips": hips, **dict(zip(SPINE, trunk[1:], strict=False))}
        return found | self._neck_and_head(chest, arms, hips)

    def _pair(
        self, leaves: list[int], read: Callable[[int], tuple[dict[str, int] | None, float]]
    ) -> tuple[dict[str, int], dict[str, int]] | None:
        """The limb with the most score at +x, and its mirror image at -x."""
        best, score = None, 0.0
        for leaf in leaves:
            if self._x[leaf] <= _MIDDLE * self._size:
                continue
            limb, value = read(leaf)
            if limb is None or value <= score:
                continue
            other = self._mirrored(limb)
            if other is not None:
                best, score = (limb, other), value
        return best

    def _mirrored(self, limb: dict[str, int]) -> dict[str, int] | None:
        found = {}
        for part, bone in limb.items():
            wanted = self._heads[bone] * [-1.0, 1.0, 1.0] + [2 * self._middle_x, 0.0, 0.0]
            tail = self._tails[bone] * [-1.0, 1.0, 1.0] + [2 * self._middle_x, 0.0, 0.0]
            distance = np.linalg.norm(self._heads - wanted, axis=1) + 0.1 * np.linalg.norm(
                self._tails - tail, axis=1
            )
            nearest = int(distance.argmin())
            if distance[nearest] > 0.05 * self._size or nearest == bone:
                return None
            found[part] = nearest
        return found

    def _chain(self, leaf: int) -> list[int]:
        """From the first bone that is off the middle down to the leaf."""
        chain = [leaf]
        while (parent := int(self._parents[chain[0]])) >= 0 and self._x[parent] > 0.01 * self._size:
            chain.insert(0, parent)
        return chain

    def _leg(self, leaf: int) -> tuple[dict[str, int] | None, float]:
        chain = self._chain(leaf)
        if len(chain) < 3:
            return None, 0.0
        points = self._heads[chain]
        bottom = float(self._heads[:, 2].min())
        drop = points[0, 2] - points[-1, 2]
        if drop < 0.3 * self._size or points[-1, 2] - bottom > 0.12 * self._size:
            return None, 0.0
        height = points[:, 2] - bottom
        # The thigh's bone is the last one that begins near the top of the leg.
        top = max(i for i in range(len(chain)) if height[i] > height[0] - 0.15 * drop and i < len(chain) - 2)
        below = [i for i in range(top + 1, len(chain)) if height[i] < height[top] * 0.25]
        if not below:
            return None, 0.0
        foot = below[0]
        middle = (height[top] + height[foot]) / 2
        between = list(range(top + 1, foot))
        if not between:
            return None, 0.0
        first_top = self._first_near(chain, top, drop)
        knee = min(between, key=lambda i: abs(height[i] - middle))
        limb = {"thigh": chain[first_top], "shin": chain[knee], "foot": chain[foot]}
        beyond = [
            i for i in range(foot + 1, len(chain)) if abs(points[i, 1] - points[foot, 1]) > 0.03 * self._size
        ]
        if beyond:
            limb["toes"] = chain[beyond[0]]
        # Toes of one foot compete: the chain through the big middle reaches far and is the shortest way.
        reach = abs(points[-1, 1] - points[foot, 1])
        return limb, float(drop + reach - 0.01 * len(chain) * self._size)

    def _first_near(self, chain: list[int], last: int, drop: float) -> int:
        """Of the bones that lie near the hip joint, the one whose end goes down."""
        for i in range(last + 1):
            following = self._heads[chain[i + 1], 2]
            if self._heads[chain[i], 2] - following > 0.1 * drop or i == last:
                return i
        return last

    def _arm(self, leaf: int) -> tuple[dict[str, int] | None, float]:
        chain = self._chain(leaf)
        if len(chain) < 3 or self._heads[chain[0], 2] < self._hip_height + 0.1 * self._size:
            return None, 0.0
        points = self._heads[chain]
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        along = np.concatenate([[0.0], np.cumsum(steps)])
        fingered = [i for i, bone in enumerate(chain) if i >= 2 and self._has_fingers(bone)]
        best, least = None, np.inf
        for hand in fingered[:1] or range(2, len(chain)):
            for upper, elbow in combinations(range(hand), 2):
                first, second = along[elbow] - along[upper], along[hand] - along[elbow]
                # They are about equal, together most of the chain, and begin at the shoulder.
                cost = (
                    abs(np.log(max(first, 1e-6) / max(second, 1e-6) / _UPPER_OVER_FOREARM))
                    + 0.7 * along[upper] / max(along[hand], 1e-6)
                    + 0.3 * (along[-1] - along[hand]) / max(along[-1], 1e-6)
                    + 0.3 * abs(np.log(max(self._x[chain[upper]] / self._size, 1e-6) / _SHOULDER_WIDTH))
                )
                if cost < least:
                    best, least = (upper, elbow, hand), cost
        if best is None or least > 1.2:
            return None, 0.0
        upper, elbow, hand = best
        length = float(along[hand] - along[upper])
        if length < 0.15 * self._size:
            return None, 0.0
        limb = {"upper_arm": chain[upper], "forearm": chain[elbow], "hand": chain[hand]}
        if upper:
            limb["shoulder"] = chain[upper - 1]
        return limb, length - 0.1 * self._size * float(least) + 0.001 * self._size * (len(chain) - hand)

    def _has_fingers(self, bone: int) -> bool:
        """Whether three or more chains of three bones hang on it; twists and correctives are shorter."""
        return sum(self._depth(child) >= 3 for child in self._children[bone]) >= 3

    def _depth(self, bone: int) -> int:
        return 1 + max((self._depth(child) for child in self._children[bone]), default=0)

    def _neck_and_head(
        self, chest: int, arms: tuple[dict[str, int], dict[str, int]], hips: int
    ) -> dict[str, int]:
        of_arms = {bone for arm in arms for bone in arm.values()}
        chain: list[int] = []
        bone = chest
        while True:
            above = [
                child
                for child in self._children[bone]
                if child not in of_arms
                and abs(self._x[child]) < _MIDDLE * self._size
                and self._heads[child, 2] >= self._heads[chest, 2] - 1e-6
            ]
            if not above:
                break
            bone = max(above, key=self._top)
            chain.append(bone)
        if not chain:
            return {}
        shoulder, hip = self._heads[arms[0]["upper_arm"], 2], self._heads[hips, 2]
        wanted = shoulder + _HEAD_OVER_SHOULDERS * (shoulder - hip)
        crowded = next((i for i, row in enumerate(chain) if len(self._children[row]) >= 3), len(chain) - 1)
        at = int(np.abs(self._heads[chain[: crowded + 1], 2] - wanted).argmin())
        # Faces have a bone of their own where the head's is.
        while at and np.linalg.norm(self._heads[chain[at]] - self._heads[chain[at - 1]]) < _SAME * self._size:
            at -= 1
        found = {"head": chain[at]}
        if 0 < at <= len(NECK):
            found |= dict(zip(NECK, chain[:at], strict=False))
        return found

    def _top(self, bone: int) -> float:
        return max([float(self._tails[bone, 2]), *(self._top(child) for child in self._children[bone])])

    def _ancestors(self, bone: int) -> Iterator[int]:
        while bone >= 0:
            yield bone
            bone = int(self._parents[bone])

    def _common_ancestor(self, bones: list[int]) -> int | None:
        others = [set(self._ancestors(bone)) for bone in bones[1:]]
        return next((a for a in self._ancestors(bones[0]) if all(a in other for other in others)), None)

    def _path(self, top: int, bottom: int) -> Iterator[int]:
        chain = []
        for bone in self._ancestors(bottom):
            chain.append(bone)
            if bone == top:
                break
        yield from reversed(chain)
