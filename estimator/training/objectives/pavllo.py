"""Back-projection after Pavllo et al. (CVPR 2019): unlabelled tracks beside labelled samples.

The answer to unlabelled keypoints is projected back onto them, the predicted distance doing what their
trajectory network does; and the mean bone lengths of unlabelled people are to be those of labelled ones, so
that depth can't shrink or grow limbs at will.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from ...generator import Generator
from ...observation import NETWORK_FPS
from .global_answer import global_answer, reprojection, root_disagreement
from .objective import Batch, Need, Objective


class Pavllo(Objective):
    """Reprojection on tracks, and the bone lengths of labelled samples."""

    name = "pavllo"
    term_weights: ClassVar[Mapping[str, float]] = {"reprojection": 0.5, "bones": 1.0, "velocity": 0.1}
    needs = frozenset({Need.SYNTHETIC, Need.TRACKS})

    def losses(self, network: Generator, batch: Batch) -> dict[str, Tensor]:
        """``bones`` is the L1 distance between batch means of lengths, metres summed over the ten."""
        tracks = batch.unlabelled
        prediction = batch.answer(network, Need.TRACKS)
        answer = global_answer(prediction, tracks, NETWORK_FPS)
        labelled = batch.labelled.truth.lengths.mean(dim=0)
        return {
            "reprojection": reprojection(answer, tracks),
            "bones": (answer.lengths.mean(dim=0) - labelled).abs().sum(),
            "velocity": root_disagreement(prediction, answer, tracks.evidence.in_clip),
        }
