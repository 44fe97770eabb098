"""Long clips a piece at a time, so that the memory for temporary arrays doesn't grow with the clip."""

from __future__ import annotations

from collections.abc import Iterator

CHUNK_FRAMES = 1024


def chunks(frames: int, size: int = CHUNK_FRAMES) -> Iterator[slice]:
    """Slices of ``size`` frames that cover a clip, the last one shorter."""
    for start in range(0, frames, size):
        yield slice(start, min(start + size, frames))
