"""Habekost's setting with capture alone: 2D projections of some people, 3D motion of quite other people.

No person is in both groups, and of the first group's motion nothing but keypoints is used.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..errors import InputError
from ..observation import Evidence
from .cameras import random_cameras
from .capture_clip import CaptureClip
from .library import MotionLibrary
from .synthetic import SyntheticSettings, observe_motion
from .track_source import joined

VIEWS = 4
"""Cameras that see each clip, as in Human3.6M."""
LOWEST_CAMERA = 0.3
"""Metres over the floor: a known height is that of a camera that can stand there."""


def known_cameras(settings: SyntheticSettings) -> SyntheticSettings:
    """Cameras that stand still and are known: focal length, tilt, and height where the floor is known."""
    return replace(
        settings,
        cameras=replace(settings.cameras, moving=0.0, lowest=LOWEST_CAMERA),
        known_gravity=1.0,
        known_camera_height=1.0,
        known_person_height=0.0,
        wrong_focal=0.0,
    )


def split_people(clips: list[CaptureClip]) -> tuple[list[CaptureClip], list[CaptureClip]]:
    """Capture for the adversary, and capture to be seen as keypoints only; no person in both.

    Person by person, the one who is drawn most often first, to the group that has less so far.

    Raises:
        InputError: there is one person only.
    """
    odds = MotionLibrary(clips).odds.tolist()
    share: dict[str, float] = {}
    for clip, chance in zip(clips, odds, strict=True):
        share[clip.person] = share.get(clip.person, 0.0) + chance
    if len(share) < 2:
        raise InputError(
            "--unpaired needs capture of two people or more to train on; add some, or give --tracks instead"
        )
    groups: tuple[set[str], set[str]] = (set(), set())
    filled = [0.0, 0.0]
    for person in sorted(share, key=lambda person: (-share[person], person)):
        least = int(filled[1] < filled[0])
        groups[least].add(person)
        filled[least] += share[person]
    motion, seen = ([clip for clip in clips if clip.person in group] for group in groups)
    return motion, seen


def projected_videos(
    clips: list[CaptureClip], settings: SyntheticSettings, seed: int
) -> tuple[list[Evidence], Tensor]:
    """For ``TrackSource``: capture as a collection of videos has it, as often as ``MotionLibrary`` draws it.

    Every clip is seen by ``VIEWS`` known cameras and the noisy detector, once and for all. Whatever could
    only be done to the motion itself, such as other limbs, builds, speeds or ever new cameras, isn't done:
    of the augmentations those of the detector and mirroring are left.

    Args:
        clips: whose 3D nobody gets to see.
        settings: cameras and detector.
        seed: of cameras and detector.
    """
    random = torch.Generator().manual_seed(seed)
    library = MotionLibrary(clips)
    return [_videos(library, index, settings, random) for index in range(len(clips))], library.odds


def _videos(
    library: MotionLibrary, clip: int, settings: SyntheticSettings, random: torch.Generator
) -> Evidence:
    """(B = VIEWS) a whole clip as its cameras see it."""
    motion = library.clip_window(clip)
    in_clip = torch.ones(1, motion.root.shape[1], dtype=torch.bool)
    seen = []
    for _ in range(VIEWS):
        cameras = random_cameras(motion.root, in_clip, settings.cameras, random)
        seen.append(observe_motion(motion, in_clip, cameras, settings, random).evidence)
    return joined(seen)
