"""Draws what the objectives of a step need: labelled samples, keypoint tracks, motion to compare with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from .augment import AugmentSettings, mirror, vary_proportions
from .library import MotionBatch, MotionLibrary, stacked
from .objectives.objective import Batch, Need
from .synthetic import SyntheticSource
from .track_source import TrackSource

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


Data = TypeVar("Data", bound="DataclassInstance")


def moved(data: Data, device: torch.device) -> Data:
    """A copy of a dataclass whose tensors, and those of dataclasses within, are on another device."""
    there: dict[str, Any] = {}
    for name, part in vars(data).items():
        if isinstance(part, torch.Tensor):
            there[name] = part.to(device)
        elif is_dataclass(part) and not isinstance(part, type):
            there[name] = moved(part, device)
    return replace(data, **there)


class MotionSource:
    """Endless batches of capture as it is, but for mirroring and proportions."""

    def __init__(self, library: MotionLibrary, augment: AugmentSettings, max_speed: float, seed: int) -> None:
        self.library, self.augment, self.max_speed = library, augment, max_speed
        self.random = torch.Generator().manual_seed(seed)

    def batch(self, size: int, frames: int) -> MotionBatch:
        """``size`` full windows, clips chained; swapped parts and turned joints would be no real motion.

        Nor are the cross-fades between clips, where ``rates_labelled`` is False.
        """
        windows = [self.library.window(frames, self.random, max_speed=self.max_speed) for _ in range(size)]
        motion, _ = stacked(windows, frames)
        return vary_proportions(mirror(motion, self.augment, self.random), self.augment, self.random)


class BatchSource:
    """All sources of a run; each draws from its own random numbers, so that none disturbs another."""

    def __init__(self, synthetic: SyntheticSource, motion: MotionSource, tracks: TrackSource | None) -> None:
        self.synthetic, self.motion, self.tracks = synthetic, motion, tracks

    def batch(self, needs: Collection[Need], size: int, frames: int, noise: float = 1.0) -> Batch:
        """One step's data of the kinds that are needed; ``noise`` as for ``SyntheticSource.batch``."""
        batch = Batch()
        if Need.SYNTHETIC in needs:
            batch.synthetic = self.synthetic.batch(size, frames, noise=noise)
        if Need.TRACKS in needs:
            assert self.tracks is not None
            batch.tracks = self.tracks.batch(size, frames)
        if Need.MOTION in needs:
            batch.motion = self.motion.batch(size, frames)
        return batch

    def state_dict(self) -> dict[str, Any]:
        """Where the random numbers are."""
        state = {"synthetic": self.synthetic.random.get_state(), "motion": self.motion.random.get_state()}
        return state if self.tracks is None else state | {"tracks": self.tracks.random.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over what ``state_dict`` gave."""
        self.synthetic.random.set_state(state["synthetic"])
        self.motion.random.set_state(state["motion"])
        if self.tracks is not None:
            self.tracks.random.set_state(state["tracks"])
