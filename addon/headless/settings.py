"""What the user asked for, the same for all clips; crosses from one Blender to another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...estimator.command_line.settings import Settings
from ..action import RootMode as TakeRootMode
from ..retarget.root_motion import RootMode
from .file_formats import BLEND, BVH, EXPORTED


@dataclass(frozen=True)
class Character:
    """A rig that gets the motions.

    Attributes:
        path: of the .blend file.
        armature: name of the object in it.
        bone_map: file with a bone map; None to find out.
        metres_per_unit: unit scale of its scene.
    """

    path: Path
    armature: str
    bone_map: Path | None = None
    metres_per_unit: float = 1.0


@dataclass(frozen=True)
class BatchSettings:
    """Attributes:
    estimate: what the estimator goes by; its ``save`` holds the endings of a person's files.
    blend: whether each clip is saved as a .blend.
    character: None to export the person's own armature.
    fbx_for: program that FBX files are for, of ``FBX_PROGRAMS``.
    root_motion: what carries the motion through the scene.
    motions: whether the inputs are motions for the character, not keypoints.
    quiet: whether what Blender and its exporters print is kept away from the user.
    """

    estimate: Settings
    blend: bool = False
    character: Character | None = None
    fbx_for: str = "unity"
    root_motion: RootMode = "HIPS"
    motions: bool = False
    quiet: bool = True

    @property
    def exported(self) -> tuple[str, ...]:
        """Endings that Blender writes; the person's own BVH is the estimator's."""
        mine = (*EXPORTED, BVH) if self.character is not None else EXPORTED
        return tuple(ending for ending in self.estimate.save if ending in mine)

    @property
    def take_root_motion(self) -> TakeRootMode:
        """Of the person's own armature: a character takes the motion from its hips."""
        own = self.root_motion
        return own if self.character is None and own != "OBJECT" else "HIPS"

    @property
    def metres_per_unit(self) -> float:
        """Unit scale of the scenes that clips are converted in: what the character was built in."""
        return self.character.metres_per_unit if self.character is not None else 1.0

    @property
    def needs_scene(self) -> bool:
        """Whether there is anything to do for Blender."""
        return bool(self.blend or self.exported)

    @property
    def endings(self) -> tuple[str, ...]:
        """Of all outputs."""
        return (BLEND, *self.estimate.save) if self.blend else self.estimate.save
