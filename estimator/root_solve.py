"""Where the person is: one least-squares solve for the path of ``Hips`` over the whole clip.

Lines of sight fix where in the picture a person is, but say little about how far away: at 5 m a pose error
of 6 cm makes a single frame's depth wrong by decimetres. Depth comes from fusing frames: the predicted
velocity and the feet that stand still tie each frame to the next, the predicted distance and the person's
size in the picture are averaged over seconds. All terms are linear in the path (or made so around the last
round's), hence one symmetric, banded, positive definite system per round, in time linear in the clip.

The errors of rays, velocities and contacts last about as long as each other (half a second), so they are
weighed against each other frame by frame, and the answer doesn't depend on the frame rate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from .chunks import chunks
from .errors import InputError

Array = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]

POSE_ERROR = 0.06
"""Metres that a predicted keypoint is off from the line of sight to it: the network's pose error."""

INDEPENDENT_KEYPOINTS = 8.0
"""The most that the keypoints of a frame count for: a leaning trunk moves a dozen of them together."""

ENOUGH_KEYPOINTS = 4.0
"""Sum of confidences from which on the network is believed as much as it ever is."""

KEYPOINT_OUTLIER = 0.15
"""Metres off, with the frame's other keypoints as the measure, that make a false detection more likely."""

FRAME_OUTLIER = 0.5
"""Metres that all of a frame's keypoints are off together: another person's, if not the velocity is wrong."""

DISTANCE_ERROR = 0.08
"""Of the predicted distance, as a fraction: it inherits the error of the person's guessed size."""

DISTANCE_MEMORY = 8.0
"""The distance's error lasts seconds, this many times longer than the others', so a frame of it counts
this many times less: its average over the clip decides, its wobble doesn't."""

DISTANCE_OUTLIER = 0.25
"""Fraction of the distance; as far as a child's size is from an adult's."""

VELOCITY_ERROR = 0.15
"""Metres a second, of the predicted velocity."""

VELOCITY_OUTLIER = 0.5
"""Metres a second; a velocity this wrong belongs to a motion that the network doesn't understand."""

VELOCITY_DRIFT = 3.0
"""Metres a second squared: the velocity's error comes and goes slowly. Without this the path would jerk
whenever a foot begins or ends to stand."""

CONTACT_ERROR = 0.04
"""Metres a second that a standing foot seems to move, as the error of the pose changes."""

CONTACT_OUTLIER = 0.3
"""Metres a second: a foot found faster than this was not standing, whatever was predicted."""

GAP_TRUST = 0.1
"""Weight of velocities and contacts in frames without keypoints, which the network had to guess."""

GAP_ACCELERATION = 3.0
"""Metres a second squared: where keypoints are missing, the path bends no more than walking people do."""

START_TRUST = 0.04
"""Weight of the rays in the first round. With loose rays a burst of false ones cannot pull the path along,
so that the later rounds recognise it by its distance from the path."""

ROUNDS = 4


@dataclass(frozen=True)
class RootEvidence:
    """What is known about the path of ``Hips`` over T frames, all in one solving frame.

    The solving frame doesn't move with respect to the scene: the camera's axes for a static camera, the
    world's for a known moving one. What there is per keypoint may be in single precision.
    """

    directions: Floats
    """(T, K, 3) unit vectors from the camera to the keypoints; not used where missing"""
    weights: Floats
    """(T, K) 0..1, 0 where missing"""
    offsets: Floats
    """(T, K, 3) metres from Hips to where the pose has the keypoints"""
    centre: Array
    """(T, 3) metres, where the camera is; zeros for a static camera's own axes"""
    distance: Array
    """(T,) metres from the camera to Hips; used in frames with keypoints"""
    velocity: Array
    """(T, 3) metres a second, mean velocity of Hips from this frame to the next; the last is not used"""
    still: Array
    """(T, 4) probability that the contact point stands still"""
    contact_offsets: Array
    """(T, 4, 3) metres from Hips to the contact points"""
    fps: float

    def __post_init__(self) -> None:
        frames, points = self.weights.shape
        expected = {
            "directions": (frames, points, 3),
            "offsets": (frames, points, 3),
            "centre": (frames, 3),
            "distance": (frames,),
            "velocity": (frames, 3),
            "still": (frames, 4),
            "contact_offsets": (frames, 4, 3),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} is {getattr(self, name).shape}, not {shape}")

    def __len__(self) -> int:
        return len(self.weights)


def solve_root(evidence: RootEvidence) -> Array:
    """The path of ``Hips`` that agrees best with all evidence, robust against false keypoints and contacts.

    Frames without keypoints are bridged, or continued at the clip's ends, by velocity and contacts.

    Returns:
        (T, 3) metres, in the solving frame.

    Raises:
        InputError: if no frame has a keypoint.
    """
    seen = _share_seen(evidence)
    if not seen.any():
        raise InputError("no frame has a keypoint with a confidence above 0: there is nobody to place")
    origin: Array = evidence.centre[0]
    evidence = replace(evidence, centre=evidence.centre - origin)  # a far-off origin would cost digits
    path = _first_guess(evidence)
    steps = evidence.velocity[:-1] / evidence.fps
    for round_ in range(ROUNDS):
        system = _System(len(evidence))
        _add_lines_of_sight(system, evidence, path if round_ else None)
        _add_distance(system, evidence, seen, path)
        _add_steps(system, evidence, seen, steps)
        _add_gap_smoothness(system, evidence, seen)
        path = system.solve()
        steps = np.diff(path, axis=0)
    return path + origin


class _System:
    """Normal equations of the path: a 3x3 block for each frame; between frames multiples of the identity."""

    def __init__(self, frames: int) -> None:
        self.blocks = np.zeros((frames, 3, 3))
        self.right = np.zeros((frames, 3))
        self.coupling = np.zeros(frames)
        """of all directions alike, on the diagonal"""
        self.to_next = np.zeros(max(frames - 1, 0))
        self.to_after_next = np.zeros(max(frames - 2, 0))

    def add_steps(self, weight: Array, step: Array) -> None:
        """Adds ``weight |p[t+1] - p[t] - step|²``; weight (T-1,), step (T-1, 3)."""
        weighted = weight[:, None] * step
        self.coupling[:-1] += weight
        self.coupling[1:] += weight
        self.to_next -= weight
        self.right[:-1] -= weighted
        self.right[1:] += weighted

    def add_bends(self, weight: Array, bend: Array) -> None:
        """Adds ``weight |p[t] - 2 p[t+1] + p[t+2] - bend|²``; weight (T-2,), bend (T-2, 3)."""
        weighted = weight[:, None] * bend
        self.right[:-2] += weighted
        self.right[1:-1] -= 2.0 * weighted
        self.right[2:] += weighted
        self.coupling[:-2] += weight
        self.coupling[1:-1] += 4.0 * weight
        self.coupling[2:] += weight
        self.to_next[:-1] -= 2.0 * weight
        self.to_next[1:] -= 2.0 * weight
        self.to_after_next += weight

    def solve(self) -> Array:
        """(T, 3). Unknowns are frame by frame x, y, z; row 6 - d of the bands is the d-th upper diagonal."""
        frames = len(self.right)
        bands = np.zeros((7, frames, 3))
        bands[6] = np.einsum("tii->ti", self.blocks) + self.coupling[:, None]
        bands[5, :, 1] = self.blocks[:, 0, 1]
        bands[5, :, 2] = self.blocks[:, 1, 2]
        bands[4, :, 2] = self.blocks[:, 0, 2]
        bands[3, 1:] = self.to_next[:, None]
        bands[0, 2:] = self.to_after_next[:, None]
        path: Array = solveh_banded(bands.reshape(7, -1), self.right.reshape(-1), overwrite_ab=True)
        return path.reshape(frames, 3)


def _share_seen(evidence: RootEvidence) -> Array:
    """(T,) how much of a frame's keypoints there is, 1 from ``ENOUGH_KEYPOINTS`` certain ones on."""
    share: Array = np.minimum(evidence.weights.sum(axis=1, dtype=np.float64) / ENOUGH_KEYPOINTS, 1.0)
    return share


def _robust(residual: Array, outlier: float) -> Array:
    """Weight of a residual under Geman and McClure's loss: 1 at 0, 1/4 at ``outlier``, then soon 0."""
    return np.asarray(1.0 / (1.0 + np.square(residual / outlier)) ** 2)


def _geometric_median(points: Array, weights: Array) -> Array:
    """(T, 3) the point with the least sum of weighted distances to points (T, K, 3); weights (T, K).

    A few rounds of Weiszfeld's algorithm, enough to leave a minority of far-off points behind. Unlike medians
    by coordinate it turns with its input.
    """
    median = np.zeros((len(points), 3))
    pull = weights
    for _ in range(5):
        total = np.maximum(pull.sum(axis=1, keepdims=True), 1e-12)
        median = np.einsum("tk,tkc->tc", pull, points) / total
        pull = weights / np.maximum(np.linalg.norm(points - median[:, None], axis=-1), 0.01)
    return median


def _first_guess(evidence: RootEvidence) -> Array:
    """(T, 3) from the mean ray and the predicted distance; only its direction from the camera is used."""
    guess = evidence.centre.copy()
    for part in chunks(len(evidence)):
        weights = evidence.weights[part]
        ray = np.where(weights[..., None] > 0, evidence.directions[part], 0.0)
        reach = np.where(weights.any(axis=1), evidence.distance[part], 0.0)
        towards = np.einsum("tk,tkc->tc", weights, reach[:, None, None] * ray - evidence.offsets[part])
        guess[part] += towards / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return guess


def _add_lines_of_sight(system: _System, evidence: RootEvidence, path: Array | None) -> None:
    """Each keypoint lies on the ray to it: ``(I - d dᵀ) (p + offset - centre) = 0``.

    Args:
        path: of the last round, against which outliers are recognised; None in the first round.
    """
    for part in chunks(len(evidence)):
        weights = evidence.weights[part].astype(np.float64)  # depth is in the last digits of float32
        ray = np.where(weights[..., None] > 0, evidence.directions[part], 0.0).astype(np.float64)
        count = np.maximum(weights.sum(axis=1, keepdims=True), INDEPENDENT_KEYPOINTS)
        weights = weights * (INDEPENDENT_KEYPOINTS / count / POSE_ERROR**2)
        seen_from = evidence.centre[part, None] - evidence.offsets[part]
        if path is None:
            weights = weights * START_TRUST
        else:
            beside = path[part, None] - seen_from
            beside -= np.einsum("tkc,tkc->tk", beside, ray)[..., None] * ray
            common = _geometric_median(beside, weights)
            weights = weights * _robust(np.linalg.norm(beside - common[:, None], axis=-1), KEYPOINT_OUTLIER)
            weights = weights * _robust(np.linalg.norm(common, axis=-1), FRAME_OUTLIER)[:, None]
        along = np.einsum("tkc,tkc->tk", seen_from, ray)
        weighted = weights[..., None] * ray
        system.blocks[part] += (
            weights.sum(axis=1)[:, None, None] * np.eye(3) - weighted.transpose(0, 2, 1) @ ray
        )
        system.right[part] += np.einsum("tk,tkc->tc", weights, seen_from)
        system.right[part] -= np.einsum("tkc,tk->tc", weighted, along)


def _add_distance(system: _System, evidence: RootEvidence, seen: Array, path: Array) -> None:
    """The logarithm of the distance is as predicted, to first order around ``path``.

    The logarithm, because the error is a factor: metres would favour the nearer of two guesses.
    """
    from_camera = path - evidence.centre
    reach = np.maximum(np.linalg.norm(from_camera, axis=1), 1e-3)
    direction = from_camera / reach[:, None]
    error = np.log(np.where(seen > 0, evidence.distance, reach) / reach)
    weight = seen * _robust(error, DISTANCE_OUTLIER) / (DISTANCE_MEMORY * np.square(DISTANCE_ERROR * reach))
    target = reach * (1.0 + error) + np.einsum("tc,tc->t", direction, evidence.centre)
    weighted = weight[:, None] * direction
    system.blocks += weighted[:, :, None] * direction[:, None, :]
    system.right += weighted * target[:, None]


def _add_steps(system: _System, evidence: RootEvidence, seen: Array, steps: Array) -> None:
    """``Hips`` moves with the predicted velocity, and so that the contact points stand still.

    Args:
        steps: (T-1, 3) metres, of the last round, against which false velocities and contacts are recognised.
    """
    fps = evidence.fps
    trust = np.maximum(np.minimum(seen[:-1], seen[1:]), GAP_TRUST)
    predicted = evidence.velocity[:-1] / fps
    surprise = np.linalg.norm(steps - predicted, axis=1) * fps
    believed = trust * _robust(surprise, VELOCITY_OUTLIER)
    system.add_steps(believed * (fps / VELOCITY_ERROR) ** 2, predicted)
    both = np.minimum(believed[:-1], believed[1:])
    system.add_bends(both * (fps**2 / VELOCITY_DRIFT) ** 2, np.diff(predicted, axis=0))
    for point in range(evidence.still.shape[1]):
        still = evidence.still[:-1, point] * evidence.still[1:, point]
        stance_step = -np.diff(evidence.contact_offsets[:, point], axis=0)
        slide = np.linalg.norm(steps - stance_step, axis=1) * fps
        weight = trust * still * _robust(slide, CONTACT_OUTLIER) * (fps / CONTACT_ERROR) ** 2
        system.add_steps(weight, stance_step)


def _add_gap_smoothness(system: _System, evidence: RootEvidence, seen: Array) -> None:
    """Where keypoints are missing, the path's acceleration is about 0."""
    least = np.minimum(np.minimum(seen[:-2], seen[1:-1]), seen[2:])
    system.add_bends((1.0 - least) * (evidence.fps**2 / GAP_ACCELERATION) ** 2, np.zeros((len(least), 3)))
