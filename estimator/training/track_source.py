"""Windows of videos of which nothing but the keypoints is known, and perhaps the camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ..observation import Evidence, VirtualCamera, mirrored_evidence, sightings, virtual_camera


@dataclass(frozen=True)
class TrackBatch:
    """What an unpaired objective sees: keypoints without any 3D."""

    evidence: Evidence
    view: VirtualCamera


class TrackSource:
    """Endless batches of windows of videos.

    Args:
        videos: a clip each, (B, T, …) as its B cameras see it; T may differ from clip to clip.
        odds: of drawing each clip; need not sum to 1.
        mirrored: chance that a window is seen in a mirror.
        seed: of the windows.
    """

    def __init__(self, videos: Sequence[Evidence], odds: Tensor, mirrored: float, seed: int) -> None:
        self.random = torch.Generator().manual_seed(seed)
        self._videos, self._odds, self._mirrored = videos, odds, mirrored

    def batch(self, size: int, frames: int) -> TrackBatch:
        """``size`` windows of ``frames`` frames; shorter clips are padded by frames that show nothing."""
        chosen = torch.multinomial(self._odds, size, replacement=True, generator=self.random).tolist()
        evidence = joined([self._window(self._videos[clip], frames) for clip in chosen])
        view = virtual_camera(sightings(evidence.rays, evidence.confidence), evidence.in_clip)
        return TrackBatch(evidence, view)

    def _window(self, videos: Evidence, frames: int) -> Evidence:
        """(B = 1) a part of one of a clip's videos."""
        views, length = videos.in_clip.shape
        view = int(torch.randint(views, (), generator=self.random))
        start = int(torch.randint(max(length - frames, 0) + 1, (), generator=self.random))
        frame = start + torch.arange(frames)
        within = frame < length
        frame = frame.clamp(max=length - 1)
        part = Evidence(
            rays=videos.rays[view, frame][None],
            confidence=(videos.confidence[view, frame] * within[:, None])[None],
            in_clip=within[None],
            down=videos.down[view, frame][None],
            camera_height=videos.camera_height[view, None],
            person_height=videos.person_height[view, None],
        )
        mirrored = float(torch.rand((), generator=self.random)) < self._mirrored
        return mirrored_evidence(part) if mirrored else part


def joined(parts: Sequence[Evidence]) -> Evidence:
    """One after the other along B."""
    return Evidence(
        **{field.name: torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Evidence)}
    )
