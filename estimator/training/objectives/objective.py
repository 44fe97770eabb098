"""The interface of all objectives, and what they may ask for in a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...generator import Generator, Prediction
from ...observation import observe
from ..library import MotionBatch
from ..processes import Processes
from ..synthetic import Sample
from ..track_source import TrackBatch


class Need(Enum):
    """Kinds of data that a step can bring."""

    SYNTHETIC = "synthetic"
    """motion capture seen by random cameras, with its answers"""
    TRACKS = "tracks"
    """2D keypoints alone"""
    MOTION = "motion"
    """motion capture alone, paired with no keypoints"""


@dataclass
class Batch:
    """The data of one step; what no objective needs is None.

    Objectives that look at the same windows share one pass of the network.
    """

    synthetic: Sample | None = None
    tracks: TrackBatch | None = None
    motion: MotionBatch | None = None
    _answers: dict[Need, Prediction] = field(default_factory=dict, init=False)

    def answer(self, network: Generator, need: Need) -> Prediction:
        """The network's answer to ``SYNTHETIC`` or ``TRACKS``, computed once a step."""
        if need not in self._answers:
            seen = self.labelled if need is Need.SYNTHETIC else self.unlabelled
            self._answers[need] = answered(network, seen)
        return self._answers[need]

    @property
    def labelled(self) -> Sample:
        """The synthetic sample that an objective asked for."""
        assert self.synthetic is not None
        return self.synthetic

    @property
    def unlabelled(self) -> TrackBatch:
        """The tracks that an objective asked for."""
        assert self.tracks is not None
        return self.tracks

    @property
    def captured(self) -> MotionBatch:
        """The motion that an objective asked for."""
        assert self.motion is not None
        return self.motion


def answered(network: Generator, seen: Sample | TrackBatch) -> Prediction:
    """The network's answer to any windows, also such as an objective makes itself."""
    with torch.autocast(seen.evidence.rays.device.type, dtype=torch.bfloat16):
        prediction: Prediction = network(observe(seen.evidence, seen.view), seen.evidence.in_clip)
    return prediction


class Objective(ABC):
    """Something to be minimised, with whatever it must learn itself for that.

    Attributes:
        name: on the command line and in the log.
        default_weight: factor on the sum of the weighted terms, unless the user says otherwise.
        term_weights: of each term that ``losses`` gives; also fixes the columns of the log.
        needs: what ``losses`` reads from its batch.
        shortest_window: frames a window must have.
    """

    name: ClassVar[str]
    default_weight: ClassVar[float] = 1.0
    term_weights: ClassVar[Mapping[str, float]]
    needs: ClassVar[frozenset[Need]]
    shortest_window: ClassVar[int] = 3

    def join(self, processes: Processes) -> None:  # noqa: B027  (most learn nothing themselves)
        """Told before the first step among which processes it works, and on which device.

        An objective that learns itself must average its gradients among them.
        """

    @abstractmethod
    def losses(self, network: Generator, batch: Batch) -> dict[str, Tensor]:
        """One scalar per term, unweighted; an adversary takes its own step first.

        Args:
            network: being trained.
            batch: holds what ``needs`` names.
        """

    def state_dict(self) -> dict[str, Any]:
        """What must be kept to go on later: own parameters and optimisers. Nothing by default."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027  (most have no state)
        """Takes over what ``state_dict`` gave."""
