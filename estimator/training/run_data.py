"""What a training run draws from, and how one run's data is told from another's."""

from __future__ import annotations

import zlib

import numpy as np

from . import augment, cameras, crouch, detections, library, limbs, synthetic, unpaired
from .batches import BatchSource, MotionSource
from .capture_clip import CaptureClip
from .library import MotionLibrary
from .settings import TrainSettings
from .switches import settings_without
from .synthetic import SyntheticSettings, SyntheticSource
from .track_source import TrackSource
from .tracks import TrackClip, track_videos
from .unpaired import known_cameras, projected_videos


def sources(
    settings: TrainSettings,
    motion_clips: list[CaptureClip],
    seen_clips: list[CaptureClip],
    tracks: list[TrackClip] | None,
    own_seed: int,
) -> BatchSource:
    """All that objectives may ask for.

    Args:
        settings: of the run, the same in all its processes.
        motion_clips: whose motion may be looked at without keypoints.
        seen_clips: who is seen by cameras.
        tracks: of real videos, if any.
        own_seed: of what this process draws.
    """
    drawn = settings_without(settings.without)
    motion = MotionSource(MotionLibrary(motion_clips), drawn.augment, drawn.max_speed, own_seed + 1)
    synthetic = SyntheticSource(MotionLibrary(seen_clips), drawn, own_seed)
    if settings.unpaired:
        # The same videos in all processes.
        videos, odds = projected_videos(seen_clips, known_cameras(drawn), settings.seed)
    elif tracks:
        videos, odds = track_videos(tracks)
    else:
        return BatchSource(synthetic, motion, None)
    return BatchSource(synthetic, motion, TrackSource(videos, odds, drawn.augment.mirror, own_seed + 2))


def augmentation_summary() -> str:
    """Tells one way to make windows from another: by its settings, and its modules' named constants."""
    numbers = [
        (module.__name__, name, repr(value))
        for module in (augment, cameras, crouch, detections, library, limbs, synthetic, unpaired)
        for name, value in sorted(vars(module).items())
        if name.isupper()
    ]
    return f"checksum {zlib.crc32(repr((SyntheticSettings(), numbers)).encode()):08x}"


def summary(clips: list[CaptureClip] | list[TrackClip]) -> str:
    """Tells one collection of data from another, also by what is in it."""
    if not clips:
        return ""
    checksum = 0
    for clip in clips:
        for value in vars(clip).values():
            checksum = zlib.crc32(np.asarray(value).tobytes(), checksum)
    return f"{len(clips)} clips of {sum(len(clip) for clip in clips)} frames, checksum {checksum:08x}"
