"""From a keypoint track and a camera to what the network is told, in axes that stand still in the scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .camera import Camera
from .chunks import chunks
from .keypoint_set import K
from .observation import NETWORK_FPS, Evidence
from .resample import frame_positions, frames_around, resample_curve, resample_points, resampled_length
from .track import KeypointTrack

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SolvingAxes:
    """The axes in which everything is solved.

    A static camera's own axes where nothing is known of it; else axes at the first camera's place with y
    down that look where the first camera looks: turning the scene about the vertical changes nothing.

    Attributes:
        from_camera: (T, 3, 3) rotation of each frame's camera axes to these.
        centre: (T, 3) metres, the camera's place in them.
        world_from_axes: (4, 4), None where the camera's place is unknown.
        camera_height: metres over the ground, where nothing else is known of the camera's place; else None.
    """

    from_camera: Array
    centre: Array
    world_from_axes: Array | None
    camera_height: float | None = None


def solving_axes(world_from_camera: Array | None, frames: int) -> SolvingAxes:
    """Chooses the axes for a camera at ``world_from_camera`` ((4, 4), (frames, 4, 4) or None if unknown)."""
    if world_from_camera is None:
        return SolvingAxes(np.broadcast_to(np.eye(3), (frames, 3, 3)), np.zeros((frames, 3)), None)
    per_frame = np.broadcast_to(world_from_camera, (frames, 4, 4))
    first = per_frame[0]
    ahead = first[:3, 2] * [1.0, 1.0, 0.0]
    if np.linalg.norm(ahead) < 1e-3:
        # A camera that looks straight up or down has the top of its picture ahead.
        ahead = -first[:3, 1] * [1.0, 1.0, 0.0]
    ahead /= np.linalg.norm(ahead)
    down = np.array([0.0, 0.0, -1.0])
    world_from_axes = np.eye(4)
    world_from_axes[:3, :3] = np.stack([np.cross(down, ahead), down, ahead], axis=1)
    world_from_axes[:3, 3] = first[:3, 3]
    axes_from_world = world_from_axes[:3, :3].T
    return SolvingAxes(
        from_camera=axes_from_world @ per_frame[:, :3, :3],
        centre=(per_frame[:, :3, 3] - first[:3, 3]) @ axes_from_world.T,
        world_from_axes=world_from_axes,
    )


def gather_evidence(
    track: KeypointTrack, fps: float, camera: Camera, axes: SolvingAxes, person_height: float | None
) -> tuple[Evidence, Array]:
    """What is known of one person, at the network's rate.

    Args:
        fps: of the track.
        person_height: metres; None if unknown.

    Returns:
        The evidence (B = 1), and the camera's place (T, 3) in the solving axes at the same rate.
    """
    frames = resampled_length(len(track), fps, NETWORK_FPS)
    position, stride = frame_positions(len(track), fps, NETWORK_FPS, frames), fps / NETWORK_FPS
    rays, confidence = torch.empty(1, frames, K, 3), torch.empty(1, frames, K)
    for chunk in chunks(frames):
        source = frames_around(position[chunk], stride, len(track))
        seen = _rays(track, camera, axes, source)
        directions, certain = resample_points(*seen, position[chunk] - source.start, stride)
        rays[0, chunk] = torch.from_numpy(np.nan_to_num(_normalised(directions)))
        confidence[0, chunk] = torch.from_numpy(certain)
    centre = resample_curve(axes.centre, fps, NETWORK_FPS, frames)

    camera_height, down = np.nan, 0.0
    if axes.world_from_axes is not None:
        camera_height, down = axes.world_from_axes[2, 3] - centre[:, 1].mean(), 1.0
    evidence = Evidence(
        rays=rays,
        confidence=confidence,
        in_clip=torch.ones(1, frames, dtype=torch.bool),
        down=torch.tensor([0.0, down, 0.0]).expand(1, frames, 3),
        # A camera below the ground is one whose world was never set to the ground.
        camera_height=torch.tensor([camera_height if camera_height > 0 else np.nan], dtype=torch.float32),
        person_height=torch.tensor([np.nan if person_height is None else person_height], dtype=torch.float32),
    )
    return evidence, centre


def _rays(track: KeypointTrack, camera: Camera, axes: SolvingAxes, frames: slice) -> tuple[Array, Array]:
    """Unit vectors (N, 26, 3) to the keypoints in the solving axes, NaN where missing; confidence (N, 26)."""
    flat = camera.rays(track.keypoints[frames])
    rays = _normalised(np.concatenate([flat, np.ones_like(flat[..., :1])], axis=-1))
    rays = np.einsum("tij,tkj->tki", axes.from_camera[frames], rays)
    # Points so far out that the lens model can't be inverted there are as good as missing.
    return rays, np.where(np.isfinite(rays).all(axis=-1), track.confidence[frames], 0.0)


def _normalised(vectors: Array) -> Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
