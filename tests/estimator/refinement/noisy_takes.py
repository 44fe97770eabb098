"""True motions, what a noisy detector sees of them, and a network's trembling answer to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from estimator import kinematics
from estimator.camera import Camera
from estimator.evidence import SolvingAxes, gather_evidence, solving_axes
from estimator.ground import Ground
from estimator.lifting import Lifted
from estimator.motion import Motion
from estimator.observation import Evidence
from estimator.placement import place
from estimator.refinement import refine
from estimator.skeleton import J, lengths_from_rest_offsets
from estimator.track import KeypointTrack

Array = NDArray[np.float64]

TREMBLE = 2.0
"""Degrees, from frame to frame, of the network's rotations."""
WANDER = 4.0
"""Degrees; the same, over a quarter of a second."""
DEPTH = 0.02
"""Metres that the path trembles by along the line of sight."""


@dataclass(frozen=True)
class Take:
    """What refinement is given, and the truth."""

    truth: Motion
    track: KeypointTrack
    camera: Camera
    axes: SolvingAxes
    evidence: Evidence
    centre: Array
    lifted: Lifted
    root: Array

    @property
    def ground(self) -> Ground:
        """z = 0 in the solving axes."""
        axes = self.axes.world_from_axes
        assert axes is not None
        return Ground(axes[2, :3], -float(axes[2, 3]))

    def placed(self, lifted: Lifted, root: Array) -> Motion:
        """A person in the solving axes as a motion in the world."""
        assert self.axes.world_from_axes is not None
        return place(self.track, 30.0, self.camera, self.axes.world_from_axes, lifted, root)

    def before(self) -> Motion:
        """The network's answer."""
        return self.placed(self.lifted, self.root)

    def refined(self, *, contact_strength: float = 1.0, on_ground: bool = True) -> Motion:
        """The refined take."""
        ground = self.ground if on_ground else None
        return self.placed(
            *refine(
                self.evidence,
                self.centre,
                self.lifted,
                self.root,
                ground=ground,
                contact_strength=contact_strength,
            )
        )


def noisy_take(truth: Motion, camera: Camera, *, liveliness: float = 1.0, jitter: float = 2.0) -> Take:
    """A take of a motion at 30 frames a second before a known camera that stands still.

    Args:
        truth: its keypoints and confidence are what was detected.
        liveliness: share of the motion about its mean that the network answers.
        jitter: pixels of white noise, added to the keypoints.
    """
    random = np.random.default_rng(5)
    frames = len(truth)
    seen = truth.keypoints + jitter * random.normal(size=truth.keypoints.shape)
    track = KeypointTrack(1, seen, truth.confidence, 0, camera.width, camera.height, 30.0, "made-up")
    axes = solving_axes(camera.extrinsics(0, frames), frames)
    evidence, centre = gather_evidence(track, 30.0, camera, axes, None)
    assert axes.world_from_axes is not None
    to_axes = Rotation.from_matrix(axes.world_from_axes[:3, :3]).inv()

    noise = TREMBLE * random.normal(size=(frames, J, 3)) + WANDER * _wander(random, frames, J, 3)
    local = Rotation.from_quat(truth.rotations.reshape(-1, 4), scalar_first=True)
    if liveliness != 1:
        mean = Rotation.from_quat(
            np.repeat(truth.rotations[:1], frames, axis=0).reshape(-1, 4), scalar_first=True
        )
        local = mean * Rotation.from_rotvec(liveliness * (mean.inv() * local).as_rotvec())
    turned = local.as_quat(scalar_first=True).reshape(frames, J, 4)
    tremble = Rotation.from_rotvec(np.radians(noise[:, 1:]).reshape(-1, 3))
    balls = Rotation.from_quat(turned[:, 1:].reshape(-1, 4), scalar_first=True) * tremble
    turned[:, 1:] = _hinged(balls.as_quat(scalar_first=True).reshape(frames, J - 1, 4))
    turned[:, 0] = (
        to_axes
        * Rotation.from_quat(turned[:, 0], scalar_first=True)
        * Rotation.from_rotvec(np.radians(noise[:, 0]))
    ).as_quat(scalar_first=True)

    root = to_axes.apply(truth.root_translation - axes.world_from_axes[:3, 3])
    ray = root / np.linalg.norm(root, axis=1, keepdims=True)
    root = root + DEPTH * (_wander(random, frames, 1) + 0.3 * random.normal(size=(frames, 1))) * ray
    lifted = Lifted(
        rotations=turned.astype(np.float32),
        lengths=lengths_from_rest_offsets(truth.rest_offsets),
        distance=np.linalg.norm(root, axis=1),
        velocity=np.gradient(root, 1 / 30, axis=0),
        down=np.tile([0.0, 1.0, 0.0], (frames, 1)),
        still=np.where(truth.contacts > 0.5, 0.95, 0.05),
        error=np.full(frames, 0.06),
    )
    return Take(truth, track, camera, axes, evidence, centre, lifted, root)


def _wander(random: np.random.Generator, *shape: int) -> Array:
    """Noise of unit spread that lasts four frames."""
    smooth = gaussian_filter1d(random.normal(size=shape), 4.0, axis=0)
    return np.asarray(smooth / smooth.std())


def _hinged(quaternions: Array) -> Array:
    """Rotations (T, 21, 4) of all joints but Hips with elbows and knees bent about their own axes only."""
    from estimator.generator import HINGE_JOINTS
    from estimator.skeleton import HINGES

    for joint, (axis, _) in zip(HINGE_JOINTS, HINGES.values(), strict=True):
        kept = np.zeros_like(quaternions[:, 0])
        kept[:, [0, 1 + axis]] = quaternions[:, joint - 1][:, [0, 1 + axis]]
        quaternions[:, joint - 1] = kept / np.linalg.norm(kept, axis=1, keepdims=True)
    return quaternions


def with_rotations(like: Motion, camera: Camera, rotations: Array, root: Array, contacts: Array) -> Motion:
    """A motion with these rotations (T, 22, 4) and Hips at root (T, 3), seen without noise."""
    lengths = torch.from_numpy(lengths_from_rest_offsets(like.rest_offsets))
    matrices = Rotation.from_quat(rotations.reshape(-1, 4), scalar_first=True).as_matrix()
    pose = kinematics.forward_kinematics(
        torch.from_numpy(matrices.reshape(*rotations.shape[:2], 3, 3)),
        torch.from_numpy(like.rest_offsets),
        torch.from_numpy(root),
    )
    world_from_camera = camera.world_from_camera
    assert world_from_camera is not None

    def seen(points: Array) -> Array:
        return np.asarray((points - world_from_camera[:3, 3]) @ world_from_camera[:3, :3])

    frames = len(root)
    return replace(
        like,
        root_translation=root,
        rotations=rotations,
        joints_world=pose.joints.numpy(),
        joints_camera=seen(pose.joints.numpy()),
        world_from_camera=world_from_camera,
        end_points=kinematics.end_points(pose, lengths).numpy(),
        contacts=contacts,
        keypoints=camera.project(seen(kinematics.keypoints(pose, lengths).numpy())),
        confidence=np.full((frames, 26), 0.9),
        frame_confidence=np.ones(frames),
    )
