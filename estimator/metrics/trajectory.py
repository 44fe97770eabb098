"""Errors of the way through the world; both answer and truth in axes that stand still in the scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .alignment import aligned, similarity
from .pose import mpjpe

Array = NDArray[np.float64]

CHUNK = 100
"""Frames; at 30 a second about three seconds (Shin et al., WHAM, CVPR 2024)."""
ANCHOR = 2
"""Frames at a chunk's start on which W-MPJPE fits its alignment."""
SHORTEST_PATH = 1.0
"""Metres; errors in per cent of shorter paths say nothing."""


def _chunk_errors(predicted: Array, truth: Array, anchor: int, scaled: bool) -> Array:
    starts = list(range(0, len(predicted), CHUNK))
    if len(starts) > 1 and len(predicted) - starts[-1] < ANCHOR:
        starts.pop()  # a single frame left over belongs to the chunk before it
    errors = []
    for start, stop in zip(starts, [*starts[1:], len(predicted)], strict=True):
        part, true = predicted[start:stop], truth[start:stop]
        transform = similarity(part[:anchor].reshape(-1, 3), true[:anchor].reshape(-1, 3), scaled=scaled)
        errors.append(mpjpe(aligned(part.reshape(-1, 3), transform).reshape(part.shape), true))
    return np.concatenate(errors)


def w_mpjpe(predicted: Array, truth: Array, *, scaled: bool = True) -> Array:
    """World error: chunks of 100 frames, each aligned by its first two frames only.

    What goes wrong within a chunk adds up to its end, as it does for somebody who places the start of a take
    in a scene. Ye et al. (SLAHMR, CVPR 2023); a shorter rest is a chunk of its own.

    Args:
        predicted, truth: (T, N, 3) metres.
        scaled: whether the alignment may change the size; without it (rigid) the answer must be metric.

    Returns:
        (T,) metres.
    """
    return _chunk_errors(predicted, truth, ANCHOR, scaled)


def wa_mpjpe(predicted: Array, truth: Array, *, scaled: bool = True) -> Array:
    """As ``w_mpjpe``, but each chunk is aligned as a whole."""
    return _chunk_errors(predicted, truth, len(predicted), scaled)


@dataclass(frozen=True)
class RootError:
    """Error of the root's whole path after rigid alignment.

    Attributes:
        metres: mean over frames.
        path: length of the true path, metres.
        percent: ``metres`` in per cent of ``path``; None where the path is shorter than a metre.
    """

    metres: float
    path: float
    percent: float | None


def root_error(predicted: Array, truth: Array) -> RootError:
    """Root translation error (RTE): Shin et al. (WHAM, CVPR 2024).

    Args:
        predicted, truth: (T, 3) metres.
    """
    moved = aligned(predicted, similarity(predicted, truth, scaled=False))
    error = float(np.linalg.norm(moved - truth, axis=-1).mean())
    path = float(np.linalg.norm(np.diff(truth, axis=0), axis=-1).sum())
    return RootError(error, path, 100 * error / path if path > SHORTEST_PATH else None)


def depth_error(predicted: Array, truth: Array) -> Array:
    """How much too far away an answer is along the ray to the true place.

    Args:
        predicted, truth: (T, 3) in camera axes, metres from the camera.

    Returns:
        (T,) metres; negative where it is too near.
    """
    ray = truth / np.linalg.norm(truth, axis=-1, keepdims=True)
    return np.asarray(((predicted - truth) * ray).sum(-1))


def drift(predicted: Array, truth: Array, frames: int = 30) -> float:
    """How far off a long take ends: mean error of its last frames when its first ones lie on the truth.

    Args:
        predicted, truth: (T, N, 3) metres; T at least twice ``frames``.
        frames: at either end.

    Returns:
        Metres; the alignment is rigid.
    """
    start = similarity(predicted[:frames].reshape(-1, 3), truth[:frames].reshape(-1, 3), scaled=False)
    last = aligned(predicted[-frames:].reshape(-1, 3), start).reshape(frames, -1, 3)
    return float(mpjpe(last, truth[-frames:]).mean())
