"""The yardstick: Pavllo et al.'s pose and trajectory networks (CVPR 2019), written from the paper.

Two networks of the same layout, on 243 frames each: one answers joints relative to the root, the other the
root's place, with its error weighted by one over the distance. Inputs are 2D keypoints alone; joints that are
missing are interpolated over time, as users of that method do. No skeleton, no rotations, no contacts.

Where cameras differ it is put on equal terms with the generator: both look through the virtual camera that
is turned to the person, the pose network at the person's own size. The trajectory network sees how large the
person is, which is all that says how far away. That it isn't told where in the picture the person is, as the
generator is, made no difference in a short training: docs/results.md has the figures.
"""

from __future__ import annotations

import pickle
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..generator import GeneratorConfig, write_torch
from ..keypoint_set import K
from ..observation import Evidence, VirtualCamera, fill_gaps
from ..skeleton import J
from .supervision import masked_mean
from .synthetic import Sample

DROPOUT = 0.25
_NEAREST = 0.5
"""Metres from which on nearness stops adding weight to the trajectory's error."""
_USUAL_SIZE = 0.15
"""Spread of a person's keypoints about their middle, x/z, some metres away: brings inputs to about one."""


class TemporalNetwork(nn.Module):
    """(B, T, C) to (B, T, O): each answer from the frames around it; clips are continued by their end frames.

    An input convolution over three frames, blocks of a dilated convolution and one over single frames with a
    skip connection, an output layer; batch normalisation, ReLU and dropout after each but the last.
    """

    def __init__(self, inputs: int, outputs: int, config: GeneratorConfig) -> None:
        super().__init__()
        channels, self.config = config.channels, config
        self.expand = nn.Conv1d(inputs, channels, 3, bias=False)
        self.expand_norm = nn.BatchNorm1d(channels)
        self.temporal = nn.ModuleList(
            nn.Conv1d(channels, channels, 3, dilation=dilation, bias=False) for dilation in config.dilations
        )
        self.pointwise = nn.ModuleList(nn.Conv1d(channels, channels, 1, bias=False) for _ in config.dilations)
        self.norms = nn.ModuleList(nn.BatchNorm1d(channels) for _ in range(2 * len(config.dilations)))
        self.dropout = nn.Dropout(DROPOUT)
        self.shrink = nn.Conv1d(channels, outputs, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """See the class."""
        margin = self.config.margin
        wide = nn.functional.pad(inputs.transpose(1, 2), (margin, margin), mode="replicate")
        # In full precision even under autocast, as in the generator: the first layer and the last.
        with torch.autocast(inputs.device.type, enabled=False):
            hidden = self.expand(wide)
        hidden = self.dropout(torch.relu(self.expand_norm(hidden)))
        for block, dilation in enumerate(self.config.dilations):
            skipped = hidden[:, :, dilation:-dilation]
            inner = self.dropout(torch.relu(self.norms[2 * block](self.temporal[block](hidden))))
            inner = self.dropout(torch.relu(self.norms[2 * block + 1](self.pointwise[block](inner))))
            hidden = skipped + inner
        with torch.autocast(inputs.device.type, enabled=False):
            answer: Tensor = self.shrink(hidden.float()).transpose(1, 2)
        return answer


class Yardstick(nn.Module):
    """Both networks; ``config.channels`` is 1024 in the paper, 17 million parameters each."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.pose = TemporalNetwork(2 * K, 3 * J, config)
        self.trajectory = TemporalNetwork(2 * K, 3, config)

    def forward(self, evidence: Evidence, view: VirtualCamera) -> tuple[Tensor, Tensor]:
        """What the networks answer to keypoints; everything else in the evidence is left aside.

        Returns:
            Joints (B, T, 22, 3) relative to Hips, and Hips (B, T, 3), in the virtual camera's axes, metres.
        """
        # Under autocast products would be rounded to bfloat16: keypoints carry more than its three digits.
        with torch.autocast(evidence.rays.device.type, enabled=False):
            points = _picture(evidence, view)
        joints = self.pose((points / view.size[..., None, None]).clamp(-8, 8).flatten(2))
        joints = joints.unflatten(-1, (J, 3))
        hips = self.trajectory((points / _USUAL_SIZE).clamp(-8, 8).flatten(2))
        return joints - joints[:, :, :1], hips

    def joints(self, sample: Sample) -> Tensor:
        """(B, T, 22, 3) for ``measure.joint_errors``; of a person as large as the network takes them for."""
        joints: Tensor = self(sample.evidence, sample.view)[0]
        return joints


def _picture(evidence: Evidence, view: VirtualCamera) -> Tensor:
    """(B, T, 26, 2) keypoints in the virtual camera, x/z and y/z, without gaps; 0 if never seen."""
    turned = torch.einsum("btij,btkj->btki", view.from_camera, evidence.rays)
    points = turned[..., :2] / turned[..., 2:].clamp(min=0.1)
    present = (evidence.confidence > 0) & evidence.in_clip[..., None]
    points = torch.where(present[..., None], points, 0.0)
    batch, frames = present.shape[:2]
    rows = points.transpose(1, 2).reshape(batch * K, frames, 2)
    seen = present.transpose(1, 2).reshape(batch * K, frames)
    return fill_gaps(rows, seen).view(batch, K, frames, 2).transpose(1, 2)


def yardstick_losses(network: Yardstick, sample: Sample) -> dict[str, Tensor]:
    """Joint error, and error of the root over its distance; the paper's two terms, of equal weight there.

    Each trains a network of its own, so their weights against each other matter little.
    """
    truth = sample.truth
    joints, hips = network(sample.evidence, sample.view)
    true_hips = truth.joints[:, :, 0]
    error = (joints - (truth.joints - truth.joints[:, :, :1])).norm(dim=-1)
    weight = 1.0 / true_hips[..., 2].clamp(min=_NEAREST)
    return {
        "joints": masked_mean(error, truth.position_labelled),
        "distance": masked_mean((hips - true_hips).norm(dim=-1) * weight, sample.evidence.in_clip),
    }


def save_yardstick(path: Path, network: Yardstick, note: dict[str, object]) -> None:
    """Writes half-precision weights and the networks' size, as ``generator.save_weights`` does."""
    weights = {name: value.half() for name, value in network.state_dict().items()}
    write_torch({"config": asdict(network.config), "weights": weights, "note": note}, path)


def load_yardstick(path: Path) -> Yardstick:
    """What ``save_yardstick`` wrote, ready for inference; executes nothing from the file.

    Raises:
        InputError: for a file that isn't such weights.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        config = GeneratorConfig(saved["config"]["channels"], tuple(saved["config"]["dilations"]))
        network = Yardstick(config)
        network.load_state_dict({name: value.float() for name, value in saved["weights"].items()})
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such file of weights; train them with python -m estimator train --yardstick"
        ) from error
    except (
        OSError,
        RuntimeError,
        KeyError,
        TypeError,
        ValueError,
        EOFError,
        pickle.UnpicklingError,
    ) as error:
        raise InputError(f"{path}: not weights of the yardstick ({type(error).__name__})") from error
    return network.eval().requires_grad_(False)
