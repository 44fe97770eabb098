"""The vocabulary of human bones: what presets, maps and the transfer call the parts of a body."""

from __future__ import annotations

SIDES: tuple[str, ...] = ("left", "right")
SPINE: tuple[str, ...] = tuple(f"spine_{number}" for number in range(1, 6))
"""From the hips up; the last one that a rig has carries the shoulders."""
NECK: tuple[str, ...] = tuple(f"neck_{number}" for number in range(1, 4))
LIMB_PARTS: tuple[str, ...] = (
    "shoulder",
    "upper_arm",
    "forearm",
    "hand",
    "thigh",
    "shin",
    "foot",
    "toes",
)
FINGERS: tuple[str, ...] = ("thumb", "index", "middle", "ring", "pinky")
_FINGER_JOINTS = 3


def _of_side(side: str) -> tuple[str, ...]:
    fingers = (f"{finger}_{joint}" for finger in FINGERS for joint in range(1, _FINGER_JOINTS + 1))
    return tuple(f"{side}_{part}" for part in (*LIMB_PARTS, *fingers))


HUMAN_BONES: tuple[str, ...] = (
    "root",
    "hips",
    "pelvis",
    *SPINE,
    *NECK,
    "head",
    *_of_side("left"),
    *_of_side("right"),
)
"""All of them, parents before children. ``root`` lies on the ground. ``pelvis`` is a bone besides ``hips``
that turns like it and carries the legs, in rigs where the whole body's control is another one."""

REQUIRED: tuple[str, ...] = (
    "hips",
    "spine_1",
    *(f"{side}_{part}" for part in ("upper_arm", "forearm", "thigh", "shin", "foot") for side in SIDES),
)
"""What nothing can be retargeted without."""

_PART_PARENTS = {
    "upper_arm": "shoulder",
    "forearm": "upper_arm",
    "hand": "forearm",
    "shin": "thigh",
    "foot": "shin",
    "toes": "foot",
}


def label(human_bone: str) -> str:
    """A name for the user: ``left_upper_arm`` → ``Left Upper Arm``."""
    return human_bone.replace("_", " ").title()


def other_side(human_bone: str) -> str:
    """The bone's mirror image; the bone itself in the middle."""
    side, _, part = human_bone.partition("_")
    if side not in SIDES:
        return human_bone
    return f"{SIDES[1 - SIDES.index(side)]}_{part}"


def parent_candidates(human_bone: str) -> tuple[str, ...]:
    """The bones that this one may hang on in a body, nearest first; those that a rig lacks are skipped."""
    found: tuple[str, ...]
    side, _, part = human_bone.partition("_")
    trunk = ("root", "hips", *SPINE, *NECK, "head")
    if human_bone in trunk:
        found = tuple(reversed(trunk[: trunk.index(human_bone)]))
    elif human_bone == "pelvis":
        found = ("hips",)
    elif part == "shoulder":
        found = (*reversed(SPINE), "hips")
    elif part == "thigh":
        found = ("pelvis", "hips")
    else:
        if part in _PART_PARENTS:
            above = _PART_PARENTS[part]
        else:
            finger, _, joint = part.rpartition("_")
            above = "hand" if int(joint) == 1 else f"{finger}_{int(joint) - 1}"
        found = (f"{side}_{above}", *parent_candidates(f"{side}_{above}"))
    return found
