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
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .chunks import chunks
from .errors import InputError
from .ground import Ground
from .path_system import PathSystem
from .robust import geometric_median, robust

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

LASTING_ACROSS = 1.0
"""Seconds; over so long the pictures say whether the velocity across them is off throughout."""

LASTING_ALONG = 4.0
"""The same along the line of sight, where the distance wobbles by a tenth."""

LASTING_ERROR = 0.4
"""Metres a second; a velocity off by more than this for so long is put right beforehand."""

CONTACT_ERROR = 0.04
"""Metres a second that a standing foot seems to move, as the error of the pose changes."""

CONTACT_OUTLIER = 0.3
"""Metres a second: a foot found faster than this was not standing, whatever was predicted."""

GROUND_ERROR = 0.05
"""Metres that a standing foot is above or below the ground, from the error of the pose."""

GROUND_OUTLIER = 0.12
"""Metres above the ground; a foot that stands higher stands on something else."""

SUNK_OUTLIER = 0.4
"""Metres below the ground; whoever gets lower has found a way down."""

GAP_TRUST = 0.1
"""Weight of velocities and contacts in frames without keypoints, which the network had to guess."""

GAP_ACCELERATION = 3.0
"""Metres a second squared: where keypoints are missing, the path bends no more than walking people do."""

START_TRUST = 0.04
"""Weight of the rays in the first round. With loose rays a burst of false ones cannot pull the path along,
so that the later rounds recognise it by its distance from the path."""

CORRECTIONS = 2
"""Of velocities that the pictures contradict, before anything is held for an outlier."""

ROUNDS = 4


@dataclass(frozen=True)
class RootEvidence:
    """What is known about the path of ``Hips`` over T frames, all in the solving axes.

    These stand still in the scene, see ``evidence.SolvingAxes``: a camera of which nothing is known has its
    own axes; where its place is known they are upright, from where it is at first. What there is per keypoint
    may be in single precision.
    """

    directions: Floats
    """(T, K, 3) unit vectors from the camera to the keypoints; not used where missing"""
    weights: Floats
    """(T, K) 0..1, 0 where missing"""
    offsets: Floats
    """(T, K, 3) metres from Hips to where the pose has the keypoints"""
    centre: Array
    """(T, 3) metres, where the camera is; zeros for a static camera"""
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


def solve_root(evidence: RootEvidence, ground: Ground | None = None) -> Array:
    """The path of ``Hips`` that agrees best with all evidence, robust against false keypoints and contacts.

    Frames without keypoints are bridged, or continued at the clip's ends, by velocity and contacts.

    Args:
        ground: in the solving axes, on which feet near it stand and below which none gets; None if unknown.

    Returns:
        (T, 3) metres, in the solving axes.

    Raises:
        InputError: if no frame has a keypoint.
    """
    seen = _share_seen(evidence)
    if not seen.any():
        raise InputError("no frame has a keypoint with a confidence above 0: there is nobody to place")
    origin: Array = evidence.centre[0]
    evidence = replace(evidence, centre=evidence.centre - origin)  # a far-off origin would cost digits
    if ground is not None:
        ground = replace(ground, level=ground.level - float(ground.up @ origin))
    guess = _first_guess(evidence)
    predicted = evidence

    def loose_path() -> Array:
        return _solve_round(evidence, seen, guess, evidence.velocity[:-1] / evidence.fps, START_TRUST)

    path = loose_path()
    for _ in range(CORRECTIONS):
        # Each time from what was predicted: metres a second depend on how far away the path is.
        evidence = replace(evidence, velocity=_without_lasting_error(predicted, seen, path))
        path = loose_path()
    for _ in range(ROUNDS - 1):
        path = _solve_round(evidence, seen, path, np.diff(path, axis=0), ground=ground)
    return path + origin


def _solve_round(
    evidence: RootEvidence,
    seen: Array,
    path: Array,
    steps: Array,
    loose: float | None = None,
    ground: Ground | None = None,
) -> Array:
    """The path (T, 3) with outliers recognised by the last round's.

    Args:
        seen: (T,) from ``_share_seen``.
        path: (T, 3) metres, of the last round.
        steps: (T-1, 3) metres, likewise.
        loose: weight of all rays, outliers or not, in a first round.
        ground: see ``solve_root``.
    """
    system = PathSystem(len(evidence))
    _add_lines_of_sight(system, evidence, path, loose)
    _add_distance(system, evidence, seen, path)
    _add_steps(system, evidence, seen, steps)
    _add_gap_smoothness(system, evidence, seen)
    if ground is not None:
        _add_ground(system, evidence, ground, path)
    return system.solve()


def _share_seen(evidence: RootEvidence) -> Array:
    """(T,) how much of a frame's keypoints there is, 1 from ``ENOUGH_KEYPOINTS`` certain ones on."""
    share: Array = np.minimum(evidence.weights.sum(axis=1, dtype=np.float64) / ENOUGH_KEYPOINTS, 1.0)
    return share


def _first_guess(evidence: RootEvidence) -> Array:
    """(T, 3) from the mean ray and the predicted distance: right across the picture, rough along the ray."""
    guess = evidence.centre.copy()
    for part in chunks(len(evidence)):
        weights = evidence.weights[part]
        ray = np.where(weights[..., None] > 0, evidence.directions[part], 0.0)
        reach = np.where(weights.any(axis=1), evidence.distance[part], 0.0)
        towards = np.einsum("tk,tkc->tc", weights, reach[:, None, None] * ray - evidence.offsets[part])
        guess[part] += towards / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return guess


def _without_lasting_error(evidence: RootEvidence, seen: Array, path: Array) -> Array:
    """The predicted velocity (T, 3), corrected where the pictures contradict it for long.

    Somebody may run faster than anybody in the training, or a camera that is said to stand still may follow
    or zoom. The path would then be pulled so far from its rays that these look like another person's. Medians
    over time give bursts of false rays no say, and errors that don't matter are left alone.

    Args:
        path: (T, 3) metres, of a first round; only its distance from the camera is used.
    """
    velocity = evidence.velocity.copy()
    both = (seen[:-1] >= 1) & (seen[1:] >= 1)
    if not both.any():
        return velocity
    towards = _first_guess(evidence) - evidence.centre
    towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-9)
    reach = np.linalg.norm(path - evidence.centre, axis=1)[:-1, None]
    receding = np.diff(np.log(np.where(seen >= 1, evidence.distance, 1.0)))[:, None]
    step = np.diff(evidence.centre, axis=0) + reach * (np.diff(towards, axis=0) + receding * towards[:-1])
    off = np.where(both[:, None], step * evidence.fps - velocity[:-1], 0.0)
    along = (off * towards[:-1]).sum(axis=1)
    across = _running_median(off - along[:, None] * towards[:-1], LASTING_ACROSS * evidence.fps)
    lasting = _running_median(along[:, None], LASTING_ALONG * evidence.fps)
    for error in (across, lasting * towards[:-1]):
        size = np.maximum(np.linalg.norm(error, axis=1, keepdims=True), LASTING_ERROR)
        velocity[:-1] += both[:, None] * error * (1.0 - (LASTING_ERROR / size) ** 4)
    return velocity


def _running_median(values: Array, frames: float) -> Array:
    """(T, C) the geometric median of values (T, C) over a window, mirrored at the clip's ends."""
    half = min(round(frames / 2), len(values) - 1)
    windows = sliding_window_view(np.pad(values, ((half, half), (0, 0)), "reflect"), 2 * half + 1, axis=0)
    median = np.empty_like(values)
    for part in chunks(len(values)):
        points = np.moveaxis(windows[part], 1, 2)
        median[part] = geometric_median(points, np.ones(points.shape[:2]))
    return median


def _add_lines_of_sight(system: PathSystem, evidence: RootEvidence, path: Array, loose: float | None) -> None:
    """Each keypoint lies on the ray to it: ``(I - d dᵀ) (p + offset - centre) = 0``.

    Args:
        path: of the last round, against which outliers are recognised.
        loose: weight of all rays alike, instead.
    """
    for part in chunks(len(evidence)):
        weights = evidence.weights[part].astype(np.float64)  # depth is in the last digits of float32
        ray = np.where(weights[..., None] > 0, evidence.directions[part], 0.0).astype(np.float64)
        count = np.maximum(weights.sum(axis=1, keepdims=True), INDEPENDENT_KEYPOINTS)
        weights = weights * (INDEPENDENT_KEYPOINTS / count / POSE_ERROR**2)
        seen_from = evidence.centre[part, None] - evidence.offsets[part]
        if loose is not None:
            weights = weights * loose
        else:
            beside = path[part, None] - seen_from
            beside -= np.einsum("tkc,tkc->tk", beside, ray)[..., None] * ray
            common = geometric_median(beside, weights)
            weights = weights * robust(np.linalg.norm(beside - common[:, None], axis=-1), KEYPOINT_OUTLIER)
            weights = weights * robust(np.linalg.norm(common, axis=-1), FRAME_OUTLIER)[:, None]
        along = np.einsum("tkc,tkc->tk", seen_from, ray)
        weighted = weights[..., None] * ray
        system.blocks[part] += (
            weights.sum(axis=1)[:, None, None] * np.eye(3) - weighted.transpose(0, 2, 1) @ ray
        )
        system.right[part] += np.einsum("tk,tkc->tc", weights, seen_from)
        system.right[part] -= np.einsum("tkc,tk->tc", weighted, along)


def _add_distance(system: PathSystem, evidence: RootEvidence, seen: Array, path: Array) -> None:
    """The logarithm of the distance is as predicted, to first order around ``path``.

    The logarithm, because the error is a factor: metres would favour the nearer of two guesses.
    """
    from_camera = path - evidence.centre
    reach = np.maximum(np.linalg.norm(from_camera, axis=1), 1e-3)
    direction = from_camera / reach[:, None]
    error = np.log(np.where(seen > 0, evidence.distance, reach) / reach)
    weight = seen * robust(error, DISTANCE_OUTLIER) / (DISTANCE_MEMORY * np.square(DISTANCE_ERROR * reach))
    target = reach * (1.0 + error) + np.einsum("tc,tc->t", direction, evidence.centre)
    weighted = weight[:, None] * direction
    system.blocks += weighted[:, :, None] * direction[:, None, :]
    system.right += weighted * target[:, None]


def _add_steps(system: PathSystem, evidence: RootEvidence, seen: Array, steps: Array) -> None:
    """``Hips`` moves with the predicted velocity, and so that the contact points stand still.

    Args:
        steps: (T-1, 3) metres, of the last round, against which false velocities and contacts are recognised.
    """
    fps = evidence.fps
    trust = np.maximum(np.minimum(seen[:-1], seen[1:]), GAP_TRUST)
    predicted = evidence.velocity[:-1] / fps
    surprise = np.linalg.norm(steps - predicted, axis=1) * fps
    believed = trust * robust(surprise, VELOCITY_OUTLIER)
    system.add_steps(believed * (fps / VELOCITY_ERROR) ** 2, predicted)
    both = np.minimum(believed[:-1], believed[1:])
    system.add_bends(both * (fps**2 / VELOCITY_DRIFT) ** 2, np.diff(predicted, axis=0))
    for point in range(evidence.still.shape[1]):
        still = evidence.still[:-1, point] * evidence.still[1:, point]
        stance_step = -np.diff(evidence.contact_offsets[:, point], axis=0)
        slide = np.linalg.norm(steps - stance_step, axis=1) * fps
        weight = trust * still * robust(slide, CONTACT_OUTLIER) * (fps / CONTACT_ERROR) ** 2
        system.add_steps(weight, stance_step)


def _add_gap_smoothness(system: PathSystem, evidence: RootEvidence, seen: Array) -> None:
    """Where keypoints are missing, the path's acceleration is about 0."""
    least = np.minimum(np.minimum(seen[:-2], seen[1:-1]), seen[2:])
    system.add_bends((1.0 - least) * (evidence.fps**2 / GAP_ACCELERATION) ** 2, np.zeros((len(least), 3)))


def _add_ground(system: PathSystem, evidence: RootEvidence, ground: Ground, path: Array) -> None:
    """Contact points that stand near the ground are on it, and none is below it."""
    for point in range(evidence.still.shape[1]):
        offset = evidence.contact_offsets[:, point]
        height = ground.heights(path + offset)
        stands = np.square(evidence.still[:, point]) * robust(height, GROUND_OUTLIER)
        sunk = np.clip(-height / GROUND_ERROR, 0.0, 1.0) * robust(height, SUNK_OUTLIER)
        weight = ground.certainty * np.maximum(stands, sunk) / GROUND_ERROR**2
        system.blocks += weight[:, None, None] * np.outer(ground.up, ground.up)
        system.right += (-weight * ground.heights(offset))[:, None] * ground.up
