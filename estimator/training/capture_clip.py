"""A clip of motion capture that training draws from and evaluation measures on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .takes import person_of

SLOWEST_FPS = 20.0
"""Below this the differences between frames don't show velocities."""


@dataclass(frozen=True)
class CaptureClip:
    """One clip of motion capture on the canonical skeleton: T frames, world Z up, metres."""

    name: str
    set: str
    subject: str
    action: str
    action_class: str
    """one of ``takes.ACTION_CLASSES``"""
    split: str
    """one of ``takes.SPLITS``; no person is in two of them"""
    fps: float
    lengths: NDArray[np.float64]
    """(10,) metres"""
    root_translation: NDArray[np.float32]
    """(T, 3) of Hips; z = 0 is the sole on the floor where ``ground_known``"""
    rotations: NDArray[np.float32]
    """(T, 22, 4) local unit quaternions w, x, y, z, consecutive frames in one hemisphere"""
    rotation_labelled: NDArray[np.bool_]
    """(22,) False where the source doesn't know the joint's rotation"""
    position_labelled: NDArray[np.bool_]
    """(22,) False where the source doesn't have the joint"""
    still: NDArray[np.bool_]
    """(T, 4) in the order of ``skeleton.CONTACT_NAMES``: moves under 0.15 m/s in the world, at any height"""
    ground_known: bool
    velocity_labelled: bool
    licence: str = ""
    """in the words of the index; empty where it says none"""

    def __len__(self) -> int:
        return len(self.root_translation)

    @property
    def person(self) -> str:
        """Who was captured, as ``set/subject``; see ``takes.person_of``."""
        return "/".join(person_of(self.set, self.subject))
