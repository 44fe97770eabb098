"""Random curves without corners."""

from __future__ import annotations

import torch
from torch import Tensor


def smooth_noise(shape: tuple[int, int, int], frames_of_memory: float, random: torch.Generator) -> Tensor:
    """(B, T, C) of unit variance that forgets itself over some frames: white noise through a Gaussian."""
    batch, frames, channels = shape
    radius = max(int(2 * frames_of_memory), 1)
    window = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / max(frames_of_memory, 0.5)) ** 2)
    window = window / window.square().sum().sqrt()
    white = torch.randn(batch * channels, 1, frames + 2 * radius, generator=random)
    out = torch.nn.functional.conv1d(white, window[None, None])
    return out.reshape(batch, channels, frames).transpose(1, 2)
