"""Several people seen by one camera share it, the ground, and how large things are.

One by one, each person says anew which way is down, how high the camera is, and how tall they are: of two
people side by side one may then stand behind the other and half a metre lower. Together they know more.
Whoever is taken for too tall is taken for too far away, and so stands too low on a ground that slopes down
with the picture; that all stand on one level ground tells gravity, the camera's height, and how large they
are beside each other. A known height fixes the size of all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from .ground import Ground, supporting
from .motion import Motion
from .resample import hemisphere_continuous
from .skeleton import CONTACT_END_POINTS
from .world import upright_axes, world_from_ground

Array = NDArray[np.float64]

TILT_ERROR = np.radians([3.0, 6.0])
"""Of one person's gravity, sideways (roll) and ahead (pitch), after all that the one person tells of it."""

SIZE_ERROR = 0.1
"""Of the guessed height of a person, as a fraction."""

KNOWN_SIZE_ERROR = 0.01
"""Of a height that was given."""

LARGEST_RESIZING = 0.22
"""Log of the most that a person is made larger or smaller; who needs more stands on something else."""

ON_THE_SPOT = 0.2
"""Metres, spread of the feet of somebody who stays where they are, which shows nothing of a slope."""

STANDING_HEIGHT_ERROR = 0.04
"""Metres that the feet of a step's worth of standing are above or below the ground, from the pose's error."""

FRAMES_PER_STEP = 30.0
"""Contact points over frames (a heel and a toe, half a second) that tell no more than one of them."""

MOST_STEPS = 20.0
"""The most steps that somebody's feet count for: the pose errs alike in all of them."""


@dataclass(frozen=True)
class _Standing:
    """Where one person stands, in camera axes, as if they had been alone.

    Attributes:
        up: (3,) unit vector.
        height: metres of the camera over their ground.
        place: (3,) metres, the middle of where they stand.
        steps: that tell so.
        walked: (3, 3) square metres, how far about they were on their feet; that much surer is ``up``.
        size_error: of their height, as a fraction.
    """

    up: Array
    height: float
    place: Array
    steps: float
    walked: Array
    size_error: float


def in_one_world(
    motions: Sequence[Motion], heights_known: Collection[int] = (), camera_height: float | None = None
) -> list[Motion]:
    """People whose motions were estimated one by one, put onto one ground before one camera.

    Does nothing to people whose camera was known, as these are in its world already.

    Args:
        motions: of one clip and camera.
        heights_known: ``person_id`` of those whose heights were given; they keep their size.
        camera_height: metres over the ground, where it was given.

    Returns:
        The same people in the same order. ``world_from_camera`` is now the same for all; its origin lies
        below the first person's first confident Hips. Where people lie in the picture doesn't change.
    """
    cameras = [motion.world_from_camera for motion in motions]
    if len(motions) < 2 or any(camera.ndim != 2 for camera in cameras):
        return list(motions)
    if all(np.array_equal(camera, cameras[0]) for camera in cameras[1:]):
        return list(motions)
    people = [_standing(motion, motion.person_id in heights_known) for motion in motions]
    ground, sizes = _common_ground(people, camera_height)
    first = motions[0]
    world_from_camera = world_from_ground(
        ground, sizes[0] * first.joints_camera[:, 0], first.frame_confidence
    )
    return [
        _moved(motion, float(size), world_from_camera) for motion, size in zip(motions, sizes, strict=True)
    ]


def _standing(motion: Motion, height_known: bool) -> _Standing:
    feet = motion.end_points[:, list(CONTACT_END_POINTS)]
    weights = supporting(feet[..., 2], motion.contacts, motion.frame_confidence).reshape(-1)
    share = weights / max(weights.sum(), 1e-12)
    turn, shift = motion.world_from_camera[:3, :3], motion.world_from_camera[:3, 3]
    feet = feet.reshape(-1, 3)
    place = share @ feet
    spread, along = np.linalg.eigh((share[:, None] * (feet - place)).T @ (feet - place))
    walked = along * np.maximum(spread - ON_THE_SPOT**2, 0.0) @ along.T
    return _Standing(
        up=turn[2],
        height=float(shift[2]),
        place=(place * [1.0, 1.0, 0.0] - shift) @ turn,
        steps=min(weights.sum() / FRAMES_PER_STEP, MOST_STEPS),
        walked=turn.T @ walked @ turn,
        size_error=KNOWN_SIZE_ERROR if height_known else SIZE_ERROR,
    )


def _common_ground(people: Sequence[_Standing], camera_height: float | None) -> tuple[Ground, Array]:
    """The ground in camera axes, and (N,) the factors by which people are larger than they were taken for.

    Unknown are the tilt (2) against the mean of all, the log of the camera's height, and of each size.
    """
    mean = np.sum([person.up for person in people], axis=0)
    right, ahead, up = upright_axes(-mean)
    sure = np.array([person.size_error for person in people]) ** -2
    heights = np.log([max(person.height, 0.05) for person in people])

    # All see the same picture, so they err alike: together they are no surer than one of them.
    alike = TILT_ERROR * np.sqrt(len(people))
    level_axes = np.stack([right, ahead])
    roots = [
        cholesky(
            np.diag(alike**-2)
            + person.steps / STANDING_HEIGHT_ERROR**2 * level_axes @ person.walked @ level_axes.T
        )
        for person in people
    ]

    def direction(tilt: Array) -> Array:
        tilted = up + tilt[0] * right + tilt[1] * ahead
        return np.asarray(tilted / np.linalg.norm(tilted))

    def improbable(unknown: Array) -> Array:
        found, level = direction(unknown[:2]), -np.exp(unknown[2])
        parts = []
        if camera_height is not None:
            parts.append(np.atleast_1d(np.log(-level / camera_height) / KNOWN_SIZE_ERROR))
        for person, log_size, surer in zip(people, unknown[3:], roots, strict=True):
            off = np.exp(log_size) * (person.place @ found) - level
            tilt = level_axes @ (found - person.up)
            parts.append(
                np.r_[
                    np.sqrt(person.steps) * off / STANDING_HEIGHT_ERROR,
                    surer @ tilt,
                    log_size / person.size_error,
                ]
            )
        return np.concatenate(parts)

    start = np.r_[0.0, 0.0, (sure * heights).sum() / sure.sum(), np.zeros(len(people))]
    found = least_squares(improbable, start, loss="soft_l1").x
    sizes = np.where(np.abs(found[3:]) <= LARGEST_RESIZING, np.exp(found[3:]), 1.0)
    return Ground(direction(found[:2]), -float(np.exp(found[2]))), sizes


def _moved(motion: Motion, size: float, world_from_camera: Array) -> Motion:
    """The motion in another world, everything ``size`` times as large and as far from the camera."""
    old_turn, old_shift = motion.world_from_camera[:3, :3], motion.world_from_camera[:3, 3]
    turn, shift = world_from_camera[:3, :3], world_from_camera[:3, 3]

    def moved(points: Array) -> Array:
        return np.asarray(size * ((points - old_shift) @ old_turn) @ turn.T + shift)

    rotations = motion.rotations.copy()
    turned = Rotation.from_matrix(turn @ old_turn.T) * Rotation.from_quat(rotations[:, 0], scalar_first=True)
    rotations[:, 0] = turned.as_quat(scalar_first=True)
    return replace(
        motion,
        rest_offsets=size * motion.rest_offsets,
        root_translation=moved(motion.root_translation),
        rotations=hemisphere_continuous(rotations),
        joints_world=moved(motion.joints_world),
        joints_camera=size * motion.joints_camera,
        end_points=moved(motion.end_points),
        world_from_camera=world_from_camera,
    )
