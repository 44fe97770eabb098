"""What refinement starts from, in double precision and for the frames that are asked for."""

from __future__ import annotations

import numpy as np
import roma
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..lifting import Lifted
from ..observation import Evidence
from .body import Body
from .terms import NetworkAnswer, Sightings

Array = NDArray[np.float64]


def sightings_on(frames: Tensor, evidence: Evidence, centre: Array) -> Sightings:
    """What the camera saw on some frames (N,) of one clip (B = 1).

    Args:
        centre: (T, 3) metres, the camera's place in the solving axes.
    """
    confidence = evidence.confidence[0].cpu()[frames].double()
    rays = torch.where(confidence[..., None] > 0, evidence.rays[0].cpu()[frames].double(), 0.0)
    return Sightings(rays, confidence, torch.from_numpy(centre)[frames])


def answer_on(frames: Tensor, lifted: Lifted, root: Array, centre: Array, lengths: Array) -> NetworkAnswer:
    """The network's answer on some frames (N,), of a body with other lengths (10,) in metres.

    Args:
        root, centre: (T, 3) metres, of Hips and of the camera in the solving axes.
    """
    rows = frames.numpy()
    body = Body(matrices(lifted.rotations[rows]), torch.from_numpy(root[rows]), torch.from_numpy(lengths))
    return NetworkAnswer(body, torch.from_numpy(lifted.error[rows]), torch.from_numpy(centre[rows]))


def matrices(quaternions: NDArray[np.float32]) -> Tensor:
    """(T, 22, 3, 3) from quaternions (T, 22, 4), w first."""
    unit = torch.nn.functional.normalize(torch.from_numpy(quaternions).double(), dim=-1)
    rotations: Tensor = roma.unitquat_to_rotmat(roma.quat_wxyz_to_xyzw(unit))
    return rotations
