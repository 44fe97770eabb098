"""Training in several processes that work as one: each on its share of every batch.

``torchrun --nproc-per-node 2 -m estimator train …`` starts them; without it there is one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from ..errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_MINUTES_TO_WAIT = 60
"""For each other: one validates and saves while the others wait."""


class Processes:
    """The one process of a training, or this one of several.

    Attributes:
        rank: number of this process, from 0.
        count: how many there are.
        device: of this process, where network and losses are computed.
    """

    def __init__(self, fabric: Fabric | None = None, device: torch.device = torch.device("cpu")) -> None:
        self._fabric = fabric
        self.rank = fabric.global_rank if fabric else 0
        self.count = fabric.world_size if fabric else 1
        self.device = fabric.device if fabric else device

    @property
    def first(self) -> bool:
        """Whether this is the one that logs, validates and saves."""
        return self.rank == 0

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Gives every process the mean of all processes' gradients; all must have the same ones."""
        if self._fabric is None:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if not gradients:
            return
        together = torch.cat([gradient.flatten() for gradient in gradients])
        mean = cast(Tensor, self._fabric.all_reduce(together, reduce_op="mean"))
        for gradient, values in zip(gradients, mean.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(values.view_as(gradient))

    def longest(self, seconds: float) -> float:
        """The greatest of all processes' numbers, so that they agree how far the training is."""
        if self._fabric is None:
            return seconds
        return float(self.gathered(torch.tensor(seconds, dtype=torch.float64)).max())

    def gathered(self, state: Tensor) -> Tensor:
        """(count, …) a tensor of every process, of equal shape."""
        if self._fabric is None:
            return state[None]
        every = cast(Tensor, self._fabric.all_gather(state.to(self.device)))
        return every.cpu().view(self.count, *state.shape)


@contextmanager
def started_processes(device: str = "auto") -> Iterator[Processes]:
    """The processes that torchrun started, for as long as the block runs; one without it.

    Args:
        device: ``cpu``, ``cuda``, or ``auto``: a graphics card for every process if there are as many.

    Raises:
        InputError: there are fewer graphics cards.
        MissingDependencyError: several processes, without lightning-fabric.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    cards = torch.cuda.device_count()
    if device == "cuda" and cards < here:
        raise InputError(f"--device cuda: {cards} graphics cards for {here} processes; use --device cpu")
    accelerator = "cuda" if device != "cpu" and cards >= here else "cpu"
    if count == 1:
        yield Processes(device=torch.device(accelerator))
        return
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.strategies.ddp import DDPStrategy
    except ImportError as error:
        raise MissingDependencyError(
            "training in several processes needs lightning-fabric: pip install lightning-fabric"
        ) from error

    fabric = Fabric(
        accelerator=accelerator,
        devices=here,
        num_nodes=count // here,
        strategy=DDPStrategy(timeout=timedelta(minutes=_MINUTES_TO_WAIT)),
    )
    fabric.launch()
    try:
        yield Processes(fabric)
        fabric.barrier()
    finally:
        # Here, where all are still there: at the interpreter's end its threads crash at times.
        torch.distributed.destroy_process_group()
