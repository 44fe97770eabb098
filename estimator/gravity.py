"""Which way is down for a static camera of which nothing is known, from all that a clip says about it.

The network guesses gravity frame by frame, but takes most cameras for level ones. The pose knows more: on
average people hold their trunk upright, and their mass lies over the feet that they stand on. None of the
three is right about everybody, so the one that is far from the others hardly counts. Last, somebody who
walks about shows the ground's slope.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .ground import OFTEN_STANDING, STEP_FRAMES, lowest_level, share_standing, standing, supporting
from .keypoint_set import KEYPOINT_INDEX
from .skeleton import LENGTH_NAMES, hips_height
from .world import upright_axes

Array = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]

NETWORK_ERROR = np.radians([4.0, 10.0])
"""Of the network's average, sideways (roll) and ahead (pitch), over clips of people it hasn't seen."""

TRUNK_ERROR = np.radians([6.0, 12.0])
"""Of the trunk's middle direction: people bend to work, to run, to dance."""

BALANCE_ERROR = np.radians([4.0, 3.5])
"""Of the direction from the supporting feet to the middle of the mass."""

CUE_OUTLIER = math.radians(25.0)
"""From the others, that one of them counts a quarter: of somebody who lies, crawls or leans on something."""

IN_THE_AIR = 0.05
"""Weight as a support of a contact point that doesn't stand: that counts where none stands."""

GRAVITY_ERROR = np.radians([3.0, 6.0])
"""Of the estimate from the three, sideways (roll) and ahead (pitch); measured on unseen people."""

LARGEST_LEVELLING = math.radians(12.0)
"""Feet that stand on a plane tilted more than gravity can be wrong climb stairs or a slope."""

SAME_PLANE = 0.12
"""Metres that standing feet may be off a plane: more than off a level, as the distance is wrong, too."""

ON_ONE_PLANE = 0.8
"""Share of the standing that must be on the plane for it to be the ground, not a mean of several levels."""

UPRIGHT = 0.97
"""Of the height of the neck over the soles, from which on somebody stands upright."""

FOLDED = 0.75
"""Of that height, at which somebody sits or squats."""

STRAIGHT = 0.95
"""Of the length of thigh and shin, how far the ankle of the straighter leg is from the hip, from which on it
carries somebody who stands."""

BENT = 0.8
"""The same of somebody who sits or squats."""

FOLDED_TRUST = 0.03
"""How much a frame of somebody who is that low counts for, beside an upright one: the network takes those
who sit for leaning, and their mass is not over their feet."""

STEP_HEIGHT_ERROR = 0.06
"""Metres that one step's feet are above or below the plane of all steps, from the error of the pose."""

POINTS_PER_STEP = 2.0
"""A heel and a toe that are put down tell no more than one of them, however long they stand."""

_SEGMENTS = (
    ("neck", "pelvis", 0.44, 0.497),
    ("left_ear", "right_ear", 0.5, 0.081),
    *(
        (f"{side}_{start}", f"{side}_{end}", share, mass)
        for side in ("left", "right")
        for start, end, share, mass in (
            ("shoulder", "elbow", 0.436, 0.028),
            ("elbow", "wrist", 0.682, 0.022),
            ("hip", "knee", 0.433, 0.100),
            ("knee", "ankle", 0.606, 0.061),
        )
    ),
)
"""From where to where a part of the body goes, how far along its mass lies, and its share of the whole.

Winter, Biomechanics and Motor Control of Human Movement (2009), table 4.1; hands and feet are counted with
forearms and shanks.
"""


def average_gravity(down: Array) -> Array:
    """One direction of gravity for a static camera, robust against frames that are far off.

    Args:
        down: (T, 3) the network's estimates in camera axes; their lengths are confidences.

    Returns:
        (3,) unit vector.

    Raises:
        ValueError: if all are 0, or cancel.
    """
    confidence = np.linalg.norm(down, axis=1)
    middle = _middle_direction(down, confidence)
    if middle is None:
        raise ValueError("the estimates of gravity cancel: they say nothing about where down is")
    return middle


def uprightness(keypoints: Floats, contact_points: Array, lengths: Array) -> Array:
    """(T,) 0..1, how much each pose says about where down is: much if somebody stands upright.

    Args:
        keypoints: (T, 26, 3) metres, of the body.
        contact_points: (T, 4, 3) metres, in the same axes.
        lengths: (10,) metres.
    """
    neck = keypoints[:, None, KEYPOINT_INDEX["neck"]]
    reach = np.linalg.norm(neck - contact_points, axis=-1).max(axis=1)
    standing = hips_height(lengths) + lengths[LENGTH_NAMES.index("trunk")]
    tall = (reach / standing - FOLDED) / (UPRIGHT - FOLDED)
    straight = (_leg_extension(keypoints) - BENT) / (STRAIGHT - BENT)
    return np.asarray(np.clip(np.minimum(tall, straight), FOLDED_TRUST, 1.0))


def _leg_extension(keypoints: Floats) -> Array:
    """(T,) how far the ankle is from the hip, of the length of thigh and shin; of the straighter leg."""
    extensions = []
    for side in ("left", "right"):
        hip, knee, ankle = (
            keypoints[:, KEYPOINT_INDEX[f"{side}_{name}"]] for name in ("hip", "knee", "ankle")
        )
        length = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
        extensions.append(np.linalg.norm(ankle - hip, axis=-1) / length)
    return np.asarray(np.max(extensions, axis=0), np.float64)


def upright_gravity(
    network: Array, keypoints: Floats, contact_points: Array, still: Array, frame_confidence: Array
) -> Array:
    """Gravity from the network's average, the trunk and the balance of the body together.

    Args:
        network: (3,) unit vector from ``average_gravity``.
        keypoints: (T, 26, 3) metres, of the body; in the axes of ``network``.
        contact_points: (T, 4, 3) metres.
        still: (T, 4) probability that a contact point stands still.
        frame_confidence: (T,) 0..1.

    Returns:
        (3,) unit vector.
    """
    point = KEYPOINT_INDEX
    trunk = keypoints[:, point["pelvis"]] - keypoints[:, point["neck"]]
    supports = standing(still, frame_confidence) + IN_THE_AIR * frame_confidence[:, None]
    support = np.einsum("tp,tpc->tc", supports, contact_points)
    support /= np.maximum(supports.sum(axis=1), 1e-12)[:, None]
    falling = support - _middle_of_mass(keypoints)
    share = share_standing(still, frame_confidence)
    rarely = math.sqrt(max(OFTEN_STANDING / max(share, 1e-3), 1.0))
    cues = [
        (network, NETWORK_ERROR),
        (_middle_direction(trunk, frame_confidence), TRUNK_ERROR),
        (_middle_direction(falling, supports.max(axis=1)), BALANCE_ERROR * rarely),
    ]
    directions = np.stack([cue for cue, _ in cues if cue is not None])
    spreads = np.stack([spread for cue, spread in cues if cue is not None])
    down = network
    for _ in range(10):
        right, ahead, up = upright_axes(down)
        off = np.arccos(np.clip(directions @ down, -1.0, 1.0))
        weights = spreads**-2 / (1.0 + (off[:, None] / CUE_OUTLIER) ** 2) ** 2
        tilt = (weights * (directions @ np.stack([right, ahead], axis=1))).sum(axis=0) / weights.sum(axis=0)
        down = tilt[0] * right + tilt[1] * ahead - up
        down /= np.linalg.norm(down)
    return np.asarray(down)


def level_gravity(
    down_camera: Array, foot_points_camera: Array, still: Array, frame_confidence: Array
) -> Array:
    """Gravity corrected so that the feet of somebody who walks about stand on level ground.

    A few degrees of wrong gravity send a walk of some metres decimetres into the ground. The plane through
    the standing feet is level ground far more often than not, so it is fitted, with the estimate of gravity
    as its prior: a person who stays in one place changes little. A foot on a chair is left out as an outlier;
    on stairs the estimate stays as it is.

    Args:
        down_camera: (3,) unit vector.
        foot_points_camera: (T, 4, 3) metres, contact points.
        still: (T, 4) probability that a contact point stands still.
        frame_confidence: (T,) 0..1.

    Returns:
        (3,) unit vector, at most ``LARGEST_LEVELLING`` from ``down_camera``.
    """
    axes = upright_axes(down_camera)
    points = foot_points_camera @ axes.T
    weights = supporting(points[..., 2], still, frame_confidence).reshape(-1)
    if not weights.any():
        return down_camera
    points = points.reshape(-1, 3)[weights > 0]
    weights = weights[weights > 0] * (_steps(still, frame_confidence) / weights.sum() / STEP_HEIGHT_ERROR**2)
    middle = weights @ points / weights.sum()
    plane = np.column_stack([points[:, :2] - middle[:2], np.ones(len(points))])
    prior = np.array([*GRAVITY_ERROR**-2, 0.0])
    lowest = np.array([0.0, 0.0, lowest_level(points[:, 2], weights)])
    # From the lowest level on, feet on chairs are left out; from all of them, a walk that slopes from its
    # beginning is found.
    fits = [_ground_plane(plane, points[:, 2], weights, prior, start) for start in (lowest, None)]
    slope = min(fits, key=lambda fit: fit[0])[1]
    explained = weights[np.abs(points[:, 2] - plane @ slope) < SAME_PLANE].sum() / weights.sum()
    if explained < ON_ONE_PLANE or math.atan(math.hypot(slope[0], slope[1])) > LARGEST_LEVELLING:
        return down_camera
    down = np.array([slope[0], slope[1], -1.0]) @ axes
    return np.asarray(down / np.linalg.norm(down))


def _steps(still: Array, frame_confidence: Array) -> float:
    """How many steps somebody's feet are seen to make; of those who never stand, runners' are counted."""
    usual = frame_confidence / max(frame_confidence.mean(), 1e-12)
    put_down = np.maximum(np.diff(still, axis=0, prepend=0.0), 0.0)
    stood = (usual[:, None] * put_down).sum() / POINTS_PER_STEP
    rarely = 1.0 - min(share_standing(still, frame_confidence) / OFTEN_STANDING, 1.0)
    return float(stood + rarely * len(still) / STEP_FRAMES)


def _ground_plane(
    plane: Array, heights: Array, weights: Array, prior: Array, start: Array | None
) -> tuple[float, Array]:
    """A plane through most of the points: its improbability, and (3,) its slopes and height.

    Args:
        plane: (N, 3) rows x, y, 1.
        heights: (N,) metres, with weights (N,).
        prior: (3,) inverse variances of slopes and height about 0.
        start: slopes and height to begin with; None to begin with all points.
    """
    slope = start
    for outlier in np.geomspace(3.0 * SAME_PLANE, SAME_PLANE, 12):
        off = np.zeros(len(heights)) if slope is None else heights - plane @ slope
        kept = weights / (1.0 + (off / outlier) ** 2) ** 2
        slope = np.linalg.solve(
            plane.T @ (kept[:, None] * plane) + np.diag(prior), plane.T @ (kept * heights)
        )
    assert slope is not None
    off = np.square(heights - plane @ slope)
    improbable = weights @ (off / (1.0 + off / SAME_PLANE**2)) + prior @ np.square(slope)
    return float(improbable), slope


def _middle_of_mass(keypoints: Floats) -> Array:
    """(T, 3) metres, of a body whose keypoints are at (T, 26, 3)."""
    point, total = KEYPOINT_INDEX, sum(mass for *_, mass in _SEGMENTS)
    middle = np.zeros((len(keypoints), 3))
    for start, end, share, mass in _SEGMENTS:
        middle += (mass / total) * (1.0 - share) * keypoints[:, point[start]]
        middle += (mass / total) * share * keypoints[:, point[end]]
    return middle


def _middle_direction(vectors: Array, confidence: Array) -> Array | None:
    """(3,) unit vector, the geometric median of the directions of vectors (T, 3); None if they cancel.

    By Weiszfeld's algorithm: up to half of the confidence (T,) may be wrong.
    """
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    median = confidence @ directions / max(confidence.sum(), 1e-12)
    for _ in range(50):
        pull = confidence / np.maximum(np.linalg.norm(directions - median, axis=1), 1e-3)
        median = pull @ directions / max(pull.sum(), 1e-12)
    length = np.linalg.norm(median)
    return None if length < 1e-3 else np.asarray(median / length)
