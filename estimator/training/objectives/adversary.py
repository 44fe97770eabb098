"""A temporal discriminator on egocentric motion, and how it is trained."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..processes import Processes
from ..supervision import masked_mean
from .egocentric import AHEAD, EGOCENTRIC_SIZE, POSE_SIZE

_KERNEL, _STRIDE, _LAYERS = 5, 2, 3
WINDOW = 1 + (_KERNEL - 1) * sum(_STRIDE**layer for layer in range(_LAYERS))
"""Frames that one score of the motion part depends on: one second at the network's rate."""
_JUMP = _STRIDE**_LAYERS
_SLOPE = 0.2
_BLUR = 0.05
"""Leg lengths of noise on all that the discriminator learns from: without, it sees small faults before large
ones, and the generator learns nothing from it."""


Gan = Literal["least squares", "hinge"]


class Discriminator(nn.Module):
    """Scores, high for capture: poses one by one, and a second of motion at a time."""

    def __init__(self, channels: int = 128) -> None:
        super().__init__()
        self.pose = nn.Sequential(
            nn.Linear(POSE_SIZE, channels),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(channels, channels),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(channels, 1),
        )
        layers: list[nn.Module] = []
        width = EGOCENTRIC_SIZE
        for _ in range(_LAYERS):
            layers += [nn.Conv1d(width, channels, _KERNEL, _STRIDE), nn.LeakyReLU(_SLOPE)]
            width = channels
        self.motion = nn.Sequential(*layers, nn.Conv1d(channels, 1, 1))

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, EGOCENTRIC_SIZE) to scores (B, T) of poses and (B, N) of seconds."""
        return self.pose(seen[..., :POSE_SIZE])[..., 0], self.motion(seen.transpose(1, 2))[:, 0]


def whole_windows(in_clip: Tensor) -> Tensor:
    """(B, N) True for the seconds of ``Discriminator.forward`` that depend on frames in the clip (B, T) only.

    Rates at a clip's ends depend on frames beyond it. Where the window ends with the clip there are none.
    """
    outside = (~in_clip)[:, None].float()
    outside = nn.functional.max_pool1d(nn.functional.pad(outside, (AHEAD - 1, AHEAD)), 2 * AHEAD, 1)
    return nn.functional.max_pool1d(outside, WINDOW, _JUMP)[:, 0] == 0


class Adversary:
    """The discriminator with its optimiser, and how many ``steps`` it has learned for.

    By default least squares (Mao et al. 2017): capture is to score 1, the generator's motion 0, and the
    generator wants 1. With the hinge loss (Lim and Ye 2017) capture is to score over 1, the generator's
    motion under -1, and the generator wants as much as it gets. With either comes a gradient penalty on
    capture (R1, Mescheder et al. 2018), which keeps the discriminator's slope, and so the push on the
    generator, in bounds. It counts the slope of what a window scores, which is a mean over its frames: a
    single pose weighs one over the window's length in it.

    Least squares was chosen by unpaired trainings with either: docs/results.md has both.
    """

    def __init__(
        self, loss: Gan = "least squares", learning_rate: float = 2e-4, penalty: float = 1.0
    ) -> None:
        self.discriminator = Discriminator()
        self.hinge = loss == "hinge"
        self.penalty = penalty
        self.optimiser = torch.optim.Adam(self.discriminator.parameters(), lr=learning_rate, betas=(0.5, 0.9))
        self.steps = 0
        self._processes = Processes()

    def join(self, processes: Processes) -> None:
        """From now on it learns together with those of other processes, on their device."""
        self._processes = processes
        self.discriminator.to(processes.device)

    def learn(self, real: Tensor, real_in_clip: Tensor, made: Tensor, made_in_clip: Tensor) -> Tensor:
        """One step of the discriminator; returns its loss.

        Args:
            real, made: (B, T, EGOCENTRIC_SIZE).
            real_in_clip, made_in_clip: (B, T).
        """
        real = _blurred(real.detach()).requires_grad_(True)
        loss = torch.zeros(())
        score_sum = torch.zeros(())
        for part, mask in self._scores(real, real_in_clip):
            loss = loss + masked_mean((1 - part).relu() if self.hinge else (part - 1).square(), mask)
            score_sum = score_sum + masked_mean(part, mask) * len(real)
        for part, mask in self._scores(_blurred(made.detach()), made_in_clip):
            loss = loss + masked_mean((1 + part).relu() if self.hinge else part.square(), mask)
        (slope,) = torch.autograd.grad(score_sum, real, create_graph=True)
        total = loss + self.penalty * slope.square().sum(dim=(1, 2)).mean()
        self.optimiser.zero_grad()
        total.backward()
        self._processes.average_gradients(self.discriminator.parameters())
        self.optimiser.step()
        self.steps += 1
        return loss.detach()

    def verdict(self, made: Tensor, in_clip: Tensor) -> Tensor:
        """What the generator is to minimise: how far its motion is from scoring like capture.

        Only the generator's own gradient flows.
        """
        self.discriminator.requires_grad_(False)
        loss = torch.zeros(())
        for part, mask in self._scores(made, in_clip):
            loss = loss + masked_mean(-part if self.hinge else (part - 1).square(), mask)
        self.discriminator.requires_grad_(True)
        return loss

    def _scores(self, seen: Tensor, in_clip: Tensor) -> list[tuple[Tensor, Tensor]]:
        # What lies beyond a clip may be anything; as no number it would spoil the slope of a score of 0.
        poses, seconds = self.discriminator(torch.where(in_clip[..., None], seen, 0.0))
        return [(poses, in_clip), (seconds, whole_windows(in_clip))]

    def state_dict(self) -> dict[str, Any]:
        """Of discriminator and optimiser, and how many steps it took."""
        return {
            "discriminator": self.discriminator.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "steps": self.steps,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over what ``state_dict`` gave."""
        self.discriminator.load_state_dict(state["discriminator"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps = state["steps"]


def _blurred(seen: Tensor) -> Tensor:
    return seen + _BLUR * torch.randn_like(seen)
