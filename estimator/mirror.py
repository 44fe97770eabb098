"""Left and right swapped in rows of numbers, as a reflection in the plane x = 0 does it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Mirror:
    """Swaps sides and changes signs of the last axis; applied twice it changes nothing.

    Args:
        parts: of the last axis, in its order. Each holds equal blocks: which block comes to each one's place,
            and the sign of every number in a block.
    """

    def __init__(self, *parts: tuple[Sequence[int], Sequence[float]]) -> None:
        places: list[int] = []
        signs: list[float] = []
        for blocks, block_signs in parts:
            begin, size = len(places), len(block_signs)
            for block in blocks:
                places += range(begin + block * size, begin + (block + 1) * size)
                signs += block_signs
        self._places, self._signs = torch.tensor(places), torch.tensor(signs)

    def __len__(self) -> int:
        """Numbers on the last axis."""
        return len(self._places)

    def __call__(self, values: Tensor) -> Tensor:
        """(..., C) to (..., C)."""
        return values[..., self._places.to(values.device)] * self._signs.to(values)


NOT_MIRRORED = (1.0,)
VECTOR = (-1.0, 1.0, 1.0)
COLUMNS = (1.0, -1.0, -1.0, 1.0, -1.0, 1.0)
"""Two columns (3, 2) of a rotation, both of whose axes are mirrored."""
