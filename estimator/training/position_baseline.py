"""A network of the same trunk that answers joint positions instead of rotations.

It has no use in Blender; it says what the skeleton at the generator's end costs in accuracy.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..generator import Generator, GeneratorConfig
from ..observation import NETWORK_FPS, Evidence, VirtualCamera, observe
from ..skeleton import REFERENCE_STATURE, J
from .supervision import masked_mean, paced
from .synthetic import Sample


class PositionNetwork(Generator):
    """The generator with its head exchanged: joints (B, T, 22, 3) relative to Hips, for a person of 1.7 m."""

    def __init__(self, config: GeneratorConfig = GeneratorConfig()) -> None:
        super().__init__(config)
        self.head = nn.Linear(config.channels, 3 * J)

    def joints(self, sample: Sample) -> Tensor:
        """(B, T, 22, 3) in the virtual camera's axes, metres."""
        return self.joints_from(sample.evidence, sample.view)

    def joints_from(self, evidence: Evidence, view: VirtualCamera) -> Tensor:
        """As ``joints``, where there is no truth."""
        features = observe(evidence, view)
        out = self.answer(self.hidden(features, evidence.in_clip)).unflatten(-1, (J, 3))
        joints: Tensor = out - out[:, :, :1]
        return joints


def position_losses(joints: Tensor, sample: Sample) -> dict[str, Tensor]:
    """Joint error and joint velocity error, as in the supervision of the generator."""
    truth = sample.truth
    scale = (REFERENCE_STATURE / truth.stature)[:, None, None, None]
    true = (truth.joints - truth.joints[:, :, :1]) * scale
    labelled = truth.position_labelled
    both = labelled[:, 1:] & labelled[:, :-1] & paced(truth)
    moved = (joints[:, 1:] - joints[:, :-1]) - (true[:, 1:] - true[:, :-1])
    return {
        "joints": masked_mean((joints - true).norm(dim=-1), labelled),
        "joint_velocity": masked_mean(moved.norm(dim=-1) * NETWORK_FPS, both),
    }


@torch.no_grad()
def predict_positions(network: PositionNetwork, sample: Sample) -> Tensor:
    """For ``measure.joint_errors``."""
    return network.joints(sample)
