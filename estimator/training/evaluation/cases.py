"""The clips of a split under a condition of the protocol, with their truth; deterministic."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...camera import Camera
from ...errors import InputError
from ...skeleton import stature
from ...track import KeypointTrack
from ..capture_clip import CaptureClip
from .detector import detect
from .long_walk import long_walk
from .protocol import FPS, SEED, CameraDraw, Condition
from .scene import TrueMotion, draw_camera, true_motion

Array = NDArray[np.float64]

LONG_WALKS = 2
_LONG_ENOUGH = 60
"""Frames of a walk from which a step cycle can be cut."""
NO_WALK = "no clip of the split is a walk of two seconds on level ground"


@dataclass(frozen=True)
class Truth:
    """What is known of a case, at 30 frames a second.

    Attributes:
        joints: (T, 22, 3) world, metres; NaN where a reference lacks the joint.
        labelled: (22,) which joints count.
        world_from_camera: (4, 4) of a camera that stands still.
        motion: the rest, of motion capture; None for a reference that only has joints.
        ends: (T, 7, 3) world, of motion capture.
    """

    joints: Array
    labelled: NDArray[np.bool_]
    world_from_camera: Array
    motion: TrueMotion | None = None
    ends: Array | None = None

    def in_camera(self) -> Array:
        """(T, 22, 3) joints in camera axes."""
        return np.asarray((self.joints - self.world_from_camera[:3, 3]) @ self.world_from_camera[:3, :3])


@dataclass(frozen=True)
class Case:
    """One clip seen by one camera.

    Attributes:
        name: of clip and view.
        action_class: that figures are reported by.
        track, camera: what the estimator is given.
        person_height: metres, told to the estimator; None if it isn't.
        truth: None for detections of real videos without reference.
    """

    name: str
    action_class: str
    track: KeypointTrack
    camera: Camera
    person_height: float | None
    truth: Truth | None

    @property
    def stride(self) -> int:
        """Frames of the track per frame of the truth."""
        return max(round((self.track.fps or FPS) / FPS), 1)

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.track) / (self.track.fps or FPS)


def _seen(
    name: str, action_class: str, motion: TrueMotion, condition: Condition, random: np.random.Generator
) -> Case:
    """A motion through a camera and a detector that are drawn."""
    camera = draw_camera(motion.root, CameraDraw(), random)
    world_from_camera = camera.world_from_camera
    assert world_from_camera is not None
    keypoints, confidence = detect(
        motion.pose, motion.lengths, camera, world_from_camera, condition.detector, condition.sparse, random
    )
    track = KeypointTrack(
        1, keypoints, confidence, width=camera.width, height=camera.height, fps=FPS, source=name
    )
    return Case(
        name=name,
        action_class=action_class,
        track=track,
        camera=camera if condition.known else replace(camera, world_from_camera=None),
        person_height=float(stature(motion.lengths)) if condition.known else None,
        truth=Truth(
            motion.pose.joints.numpy(), motion.position_labelled, world_from_camera, motion, motion.ends
        ),
    )


def long_enough_walks(clips: list[CaptureClip]) -> list[CaptureClip]:
    """The longest walk on level ground of each person, at most ``LONG_WALKS`` of them."""
    longest: dict[str, CaptureClip] = {}
    for clip in clips:
        walks = clip.action_class == "walk_run" and "walk" in clip.action.lower()
        if walks and clip.ground_known and len(clip) / clip.fps * FPS >= _LONG_ENOUGH:
            known = longest.get(clip.subject)
            if known is None or len(clip) / clip.fps > len(known) / known.fps:
                longest[clip.subject] = clip
    return list(longest.values())[:LONG_WALKS]


def condition_cases(clips: list[CaptureClip], condition: Condition) -> Iterator[Case]:
    """Every clip through the condition's cameras; the same whatever else is evaluated.

    Raises:
        InputError: the condition needs a walk and there is none.
    """
    if condition.long_walk:
        walks = long_enough_walks(clips)
        if not walks:
            raise InputError(f"long-walk: {NO_WALK}; leave the condition out with --conditions")
        for clip in walks:
            walk = long_walk(true_motion(clip))
            yield _seen(f"{clip.name}*", "walk_run", walk, condition, _random(clip, 0))
        return
    for clip in clips:
        motion = true_motion(clip)
        for view in range(condition.views):
            random = _random(clip, view)
            yield _seen(f"{clip.name}/{view}", clip.action_class, motion, condition, random)


def _random(clip: CaptureClip, view: int) -> np.random.Generator:
    """The same for a clip of this name in whatever company, and the same camera in every condition."""
    return np.random.default_rng([SEED, zlib.crc32(clip.name.encode()), view])
