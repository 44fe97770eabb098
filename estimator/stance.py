"""How somebody stands: what a clip says about which way is down, and where the ground is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .gravity import average_gravity, level_gravity, upright_gravity, uprightness
from .ground import Ground, ground_below
from .lifting import Lifted
from .refinement import FittedFrames
from .root_solve import RootEvidence

Array = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Stance:
    """A person's poses on N frames, for T frames of a clip; in the solving axes.

    Attributes:
        keypoints: (N, 26, 3) metres from Hips.
        contact_offsets: (N, 4, 3) metres from Hips.
        root: (N, 3) metres, of Hips.
        down: (N, 3) gravity as the network answers it; its length says how sure it is.
        still: (N, 4) probability that a contact point stands still.
        trust: (N,) 0..1.
        lengths: (10,) metres.
        nearest: (T,) for each frame of the clip, the row here that is nearest in time.
    """

    keypoints: Floats
    contact_offsets: Array
    root: Array
    down: Array
    still: Array
    trust: Array
    lengths: Array
    nearest: NDArray[np.int64]

    def gravity(self) -> Array:
        """(3,) unit vector down, for a camera that stands still."""
        upright = uprightness(self.keypoints, self.contact_offsets, self.lengths)
        network = average_gravity(self.down * upright[:, None])
        down = upright_gravity(
            network, self.keypoints, self.contact_offsets, self.still, self.trust * upright
        )
        return level_gravity(down, *self.feet())

    def feet(self) -> tuple[Array, Array, Array]:
        """Contact points (T, 4, 3), metres, their ``still`` (T, 4) and ``trust`` (T,), of the whole clip."""
        points = self.root[:, None] + self.contact_offsets
        return points[self.nearest], self.still[self.nearest], self.trust[self.nearest]

    def ground(self, up: Array) -> Ground:
        """The ground under the feet where up (3,) is known."""
        return ground_below(up, *self.feet())


def answered_stance(lifted: Lifted, seen: RootEvidence, root: Array) -> Stance:
    """From all frames, as the network answers them.

    Args:
        root: (T, 3) metres, of Hips.
    """
    return Stance(
        seen.offsets,
        seen.contact_offsets,
        root,
        lifted.down,
        lifted.still,
        lifted.trust,
        lifted.lengths,
        np.arange(len(root)),
    )


def fitted_stance(lifted: Lifted, fitted: FittedFrames) -> Stance:
    """From the frames that were fitted to their keypoints: they tell more than the network's answer."""
    rows = fitted.frames
    middles = (rows[:-1] + rows[1:]) / 2
    return Stance(
        fitted.keypoints,
        fitted.contact_offsets,
        fitted.root,
        lifted.down[rows],
        lifted.still[rows],
        lifted.trust[rows],
        fitted.physique.lengths.numpy(),
        np.searchsorted(middles, np.arange(len(lifted.still))),
    )
