"""The yardstick: a temporal network in the layout of Pavllo et al. (CVPR 2019), 243 frames, dense.

Input layer, four blocks of a dilated convolution and a convolution over single frames with a skip connection,
and an output layer; 1024 channels, batch normalisation, no padding inside. Its weights are random: it
serves for speed only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

RECEPTIVE_FIELD = 243


class PavlloNetwork(nn.Module):
    """(B, C, T + 242) input channels to (B, O, T): one answer per frame from the 243 frames around it."""

    def __init__(self, inputs: int, outputs: int, channels: int = 1024) -> None:
        super().__init__()
        self.expand = nn.Conv1d(inputs, channels, 3, bias=False)
        self.expand_norm = nn.BatchNorm1d(channels)
        self.dilations = (3, 9, 27, 81)
        self.temporal = nn.ModuleList(
            nn.Conv1d(channels, channels, 3, dilation=dilation, bias=False) for dilation in self.dilations
        )
        self.pointwise = nn.ModuleList(nn.Conv1d(channels, channels, 1, bias=False) for _ in self.dilations)
        self.norms = nn.ModuleList(nn.BatchNorm1d(channels) for _ in range(2 * len(self.dilations)))
        self.shrink = nn.Conv1d(channels, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        hidden = torch.relu(self.expand_norm(self.expand(features)))
        for block, dilation in enumerate(self.dilations):
            skipped = hidden[:, :, dilation:-dilation]
            inner = torch.relu(self.norms[2 * block](self.temporal[block](hidden)))
            hidden = skipped + torch.relu(self.norms[2 * block + 1](self.pointwise[block](inner)))
        answer: Tensor = self.shrink(hidden)
        return answer
