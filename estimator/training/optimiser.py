"""What moves a network's parameters: Muon for the matrices within, AdamW for all else."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_OUTER = ("expand", "head", "shrink")
"""First and last layers: Muon is made for matrices between hidden activations (Jordan et al. 2024)."""
_WEIGHT_DECAY = 0.01
_MUON_RATE = 2.0
"""Times the learning rate; 1 left 1 mm more after 7 minutes."""


class Optimiser:
    """Muon (Jordan et al. 2024) and AdamW as one.

    Muon makes every step of a matrix orthogonal, so that rare directions are learned as fast as common ones.
    After 7 minutes of training from scratch it brought 54 mm of joint error where AdamW alone brought 67.

    Args:
        network: whose parameters are moved.
        learning_rate: of AdamW; Muon's steps are scaled to be twice as large in the mean (Liu et al. 2025
            scale them to be as large).
    """

    def __init__(self, network: nn.Module, learning_rate: float) -> None:
        self._network = network
        inner = [
            (name, weight)
            for name, weight in network.named_parameters()
            if weight.ndim >= 2 and not any(part.startswith(_OUTER) for part in name.split("."))
        ]
        names = {name for name, _ in inner}
        others = [weight for name, weight in network.named_parameters() if name not in names]
        # Muon knows matrices only: convolutions are given to it as matrices in the same memory.
        self._matrices = [(weight, nn.Parameter(_as_matrix(weight.detach()))) for _, weight in inner]
        self._parts = {
            "muon": torch.optim.Muon(
                [matrix for _, matrix in self._matrices],
                lr=learning_rate,
                weight_decay=_WEIGHT_DECAY,
                adjust_lr_fn="match_rms_adamw",
            ),
            "adamw": torch.optim.AdamW(others, lr=learning_rate, weight_decay=_WEIGHT_DECAY, fused=True),
        }

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        self._network.zero_grad()

    def step(self, learning_rate: float) -> None:
        """Moves the parameters along their gradients."""
        for weight, matrix in self._matrices:
            matrix.grad = None if weight.grad is None else _as_matrix(weight.grad)
        for name, part in self._parts.items():
            for group in part.param_groups:
                group["lr"] = learning_rate * (_MUON_RATE if name == "muon" else 1.0)
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """What must be kept to go on later."""
        return {name: part.state_dict() for name, part in self._parts.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over what ``state_dict`` gave."""
        for name, part in self._parts.items():
            part.load_state_dict(state[name])


def _as_matrix(weight: Tensor) -> Tensor:
    """(rows, all else) in the same memory."""
    return weight.view(len(weight), -1)
