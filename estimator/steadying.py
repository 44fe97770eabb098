"""Takes out of the network's rotations what trembles with the detector, and leads what it doesn't see.

A smoothing spline over time, weighted by confidence: what is seen loses only changes faster than people
make, what is hidden for a while is led from what was seen before to what is seen after it, instead of as the
network guesses anew on each frame.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from .keypoint_set import KEYPOINT_INDEX
from .resample import hemisphere_continuous
from .skeleton import JOINT_INDEX, J

Array = NDArray[np.float64]
Single = NDArray[np.float32]

_LIMBS = {
    ("elbow", "wrist"): ("Arm", "ForeArm", "Hand"),
    ("knee", "ankle"): ("UpLeg", "Leg", "Foot", "ToeBase"),
}
"""Keypoints whose lesser confidence says how well these joints are seen."""
_TRUNK = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
"""Keypoints whose mean confidence says so for all other joints."""
STIFFNESS = 0.03
"""Of the spline, in frames at the network's rate to the fourth: passes 5 Hz where confidence is 1."""
_HIDDEN = 1e-3
"""Weight of a frame on which nothing of the limb is seen: passes 1 Hz."""


def steadied(rotations: Single, confidence: Array) -> Single:
    """Rotations without tremble, hidden limbs led through time.

    Args:
        rotations: (T, 22, 4) local unit quaternions at the network's rate.
        confidence: (T, 26) of the keypoints, 0 where missing.
    """
    if len(rotations) < 3:
        return rotations
    steady = hemisphere_continuous(rotations)
    for joints, seen in _seen(confidence):
        weight = np.maximum(seen.astype(np.float64) ** 2, _HIDDEN)
        bands = _spline(weight)
        for joint in joints:
            smooth = solveh_banded(bands, weight[:, None] * steady[:, joint], lower=True)
            steady[:, joint] = smooth / np.linalg.norm(smooth, axis=1, keepdims=True)
    return steady


def _seen(confidence: Array) -> Iterator[tuple[list[int], Array]]:
    """Joints, and (T,) how well the detector sees them."""
    trunk = set(range(J))
    for keypoints, names in _LIMBS.items():
        for side in ("Left", "Right"):
            joints = [JOINT_INDEX[side + name] for name in names]
            trunk.difference_update(joints)
            columns = [KEYPOINT_INDEX[f"{side.lower()}_{name}"] for name in keypoints]
            yield joints, confidence[:, columns].min(axis=1)
    yield sorted(trunk), confidence[:, [KEYPOINT_INDEX[name] for name in _TRUNK]].mean(axis=1)


def _spline(weight: Array) -> Array:
    """(3, T) lower bands of ``diag(weight) + STIFFNESS DᵀD``, D the second difference."""
    bands = np.zeros((3, len(weight)))
    bands[0] = weight
    difference = (1.0, -2.0, 1.0)
    for column in range(3):
        for below in range(3 - column):
            product = difference[column] * difference[column + below]
            bands[below, column : len(weight) - 2 + column] += STIFFNESS * product
    return bands
