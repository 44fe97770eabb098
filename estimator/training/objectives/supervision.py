"""Synthetic supervision: the network's answers beside those of the capture; see ``..supervision``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ...generator import Generator
from ..position_baseline import PositionNetwork, position_losses
from ..supervision import WEIGHTS, supervised_losses
from ..yardstick import Yardstick, yardstick_losses
from .objective import Batch, Need, Objective


class Supervision(Objective):
    """Rotations, joints, root, contacts, gravity and proportions of synthetic samples."""

    name = "supervision"
    term_weights: ClassVar[Mapping[str, float]] = WEIGHTS
    needs = frozenset({Need.SYNTHETIC})

    def losses(self, network: Generator | Yardstick, batch: Batch) -> dict[str, Tensor]:
        """See ``supervised_losses``; the networks to compare with have losses of their own."""
        sample = batch.labelled
        device = sample.evidence.rays.device.type
        if isinstance(network, Yardstick):
            with torch.autocast(device, dtype=torch.bfloat16):
                return yardstick_losses(network, sample)
        if isinstance(network, PositionNetwork):
            with torch.autocast(device, dtype=torch.bfloat16):
                joints = network.joints(sample)
            return position_losses(joints, sample)
        return supervised_losses(batch.answer(network, Need.SYNTHETIC), sample)
