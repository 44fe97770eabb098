"""Motion capture seen by random cameras through a noisy detector: inputs with their answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..kinematics import (
    attached_points,
    end_points,
    forward_kinematics,
    rest_offsets_from_lengths,
    stature_from_lengths,
)
from ..observation import Evidence, VirtualCamera, sightings, virtual_camera
from ..skeleton import KEYPOINT_BASIS, KEYPOINT_JOINTS, REFERENCE_STATURE
from .augment import AugmentSettings, augment
from .cameras import CameraPath, CameraSettings, axes_looking_along, random_cameras
from .detections import (
    DetectorSettings,
    detector_noise,
    keypoint_bias,
    missing_points,
    swapped_sides,
)
from .library import MotionBatch, MotionLibrary, first_windows, rotation_matrices, stacked

_DOWN = (0.0, 0.0, -1.0)


@dataclass(frozen=True)
class Truth:
    """The answer to an ``Evidence``, in the virtual camera of each frame; metres.

    Attributes:
        rotations: (B, T, 22, 3, 3) local; joint 0 from rest axes to the virtual camera.
        joints: (B, T, 22, 3), ends: (B, T, 7, 3), relative to the virtual camera's centre.
        keypoints: (B, T, 26, 3) where an average detector without noise would mark them.
        lengths: (B, 10), stature: (B,).
        velocity: (B, T, 3) of Hips in the axes of Hips, statures per second; of the way to the next frame.
            It is that of the gait, which a focal length that is guessed wrongly doesn't change, while it
            stretches the way to ``joints`` along the line of sight.
        down: (B, T, 3) gravity.
        still, still_labelled: (B, T, 4).
        rotation_labelled, position_labelled: (B, T, 22); velocity_labelled, rates_labelled: (B, T), as in
            ``MotionBatch``.
        motion: in the world, and axes_from_world (B, T, 3, 3), centre (B, T, 3): how it was looked at.
    """

    rotations: Tensor
    joints: Tensor
    ends: Tensor
    keypoints: Tensor
    lengths: Tensor
    stature: Tensor
    velocity: Tensor
    down: Tensor
    still: Tensor
    rotation_labelled: Tensor
    position_labelled: Tensor
    still_labelled: Tensor
    velocity_labelled: Tensor
    rates_labelled: Tensor
    motion: MotionBatch
    axes_from_world: Tensor
    centre: Tensor


@dataclass(frozen=True)
class Sample:
    """A batch to learn from or to be measured on."""

    evidence: Evidence
    view: VirtualCamera
    truth: Truth


@dataclass(frozen=True)
class SyntheticSettings:
    """Everything that is random about a sample."""

    augment: AugmentSettings = AugmentSettings()
    cameras: CameraSettings = CameraSettings()
    detector: DetectorSettings = DetectorSettings()
    known_gravity: float = 0.5
    known_camera_height: float = 0.5
    known_person_height: float = 0.5
    wrong_focal: float = 0.3
    """Chance that the focal length is only guessed; the log of the error has spread 0.2."""
    max_speed: float = 1.5
    """Windows are played at 1 / this to this times the speed of the capture."""
    cropped: float = 0.4
    """Chance that a window begins or ends within the clip."""
    chained: float = 0.85
    picture_edge: float = 0.3
    """Chance that points outside the picture are missing."""


def _chance(probability: float, batch: int, random: torch.Generator) -> Tensor:
    return torch.rand(batch, generator=random) < probability


def _cropped(in_clip: Tensor, settings: SyntheticSettings, random: torch.Generator) -> Tensor:
    """Cuts off the start or end of some windows, as clips end where they end."""
    batch, frames = in_clip.shape
    # Of what there is: of a short clip something must be left.
    length = in_clip.sum(dim=1, keepdim=True)
    cut = (torch.rand(batch, 2, generator=random) * (length / 3)).long()
    cut = cut * _chance(settings.cropped, 2 * batch, random).view(batch, 2)
    frame = torch.arange(frames)
    return in_clip & (frame >= cut[:, :1]) & (frame < length - cut[:, 1:])


def level_axes(from_world: Tensor) -> Tensor:
    """(B, 3, 3) rotation from the world to axes with y down that look where the camera (B, 3, 3) looks."""
    ahead = from_world[:, 2].clone()
    # A camera that looks straight up or down has the top of its picture ahead.
    steep = (ahead[:, :2].norm(dim=-1) < 1e-3)[:, None]
    ahead = torch.where(steep, -from_world[:, 1], ahead)
    return axes_looking_along(torch.cat([ahead[:, :2], torch.zeros_like(ahead[:, :1])], dim=-1))


def _axes(cameras: CameraPath, known: Tensor) -> Tensor:
    """(B, T, 3, 3) from the world to the axes evidence is given in: level where gravity is known."""
    middle = cameras.from_world.shape[1] // 2
    level = level_axes(cameras.from_world[:, middle])[:, None].expand_as(cameras.from_world)
    return torch.where(known[:, None, None, None], level, cameras.from_world)


def observe_motion(
    motion: MotionBatch,
    in_clip: Tensor,
    cameras: CameraPath,
    settings: SyntheticSettings,
    random: torch.Generator,
) -> Sample:
    """Looks at motion through cameras and a detector."""
    batch, frames, _ = motion.root.shape
    lengths = motion.lengths[:, None]
    pose = forward_kinematics(
        rotation_matrices(motion.rotations), rest_offsets_from_lengths(motion.lengths)[:, None], motion.root
    )
    stature = stature_from_lengths(motion.lengths)
    marks = torch.einsum("bl,ljc->bjc", motion.lengths, torch.as_tensor(KEYPOINT_BASIS, dtype=torch.float32))
    average = attached_points(pose, KEYPOINT_JOINTS, marks[:, None])
    size = (stature / REFERENCE_STATURE)[:, None, None]
    marks = marks + keypoint_bias(batch, settings.detector, random) * size
    marked = attached_points(pose, KEYPOINT_JOINTS, marks[:, None])
    noise, confidence = detector_noise(batch, frames, settings.detector, random)
    index = swapped_sides(batch, frames, settings.detector, random)
    seen = marked.gather(2, index[..., None].expand(-1, -1, -1, 3)) + noise * size[:, None]

    gravity_known = _chance(settings.known_gravity, batch, random)
    axes = _axes(cameras, gravity_known)
    centre = cameras.centre

    # The picture's edge is the real camera's, whatever axes the evidence is given in.
    in_camera = torch.einsum("btij,btkj->btki", cameras.from_world, seen - centre[:, :, None])
    depth = in_camera[..., 2].clamp(min=0.05)
    outside = (in_camera[..., 0] / depth).abs() > cameras.half_width[:, None, None]
    outside |= (in_camera[..., 1] / depth).abs() > cameras.half_height[:, None, None]
    outside &= _chance(settings.picture_edge, batch, random)[:, None, None]
    missing = missing_points(batch, frames, settings.detector, random) | outside | (in_camera[..., 2] < 0.1)
    confidence = torch.where(missing | ~in_clip[..., None], 0.0, confidence)

    # A wrong focal length stretches the picture; the person then seems nearer or further away.
    stretch = torch.exp(
        0.2 * torch.randn(batch, generator=random) * _chance(settings.wrong_focal, batch, random)
    )
    in_camera = torch.cat([in_camera[..., :2] * stretch[:, None, None, None], in_camera[..., 2:]], dim=-1)
    to_axes = axes @ cameras.from_world.transpose(-1, -2)
    rays = torch.nn.functional.normalize(torch.einsum("btij,btkj->btki", to_axes, in_camera), dim=-1)

    down = axes @ motion.root.new_tensor(_DOWN)
    height_known = gravity_known & motion.ground_known & _chance(settings.known_camera_height, batch, random)
    # As for a real camera: one below the ground is one whose world was never set to the ground.
    height_known &= centre[:, :, 2].mean(1) > 0
    person_known = _chance(settings.known_person_height, batch, random)
    unknown = torch.full((batch,), torch.nan)
    evidence = Evidence(
        rays=rays,
        confidence=confidence,
        in_clip=in_clip,
        down=torch.where(gravity_known[:, None, None], down, 0.0),
        camera_height=torch.where(height_known, centre[:, :, 2].mean(1), unknown),
        person_height=torch.where(person_known, stature, unknown),
    )
    view = virtual_camera(sightings(rays, confidence), in_clip)

    from_world = view.from_camera @ axes
    root = torch.einsum("btij,btj->bti", cameras.from_world, motion.root - centre)
    nearer = torch.cat([root[..., :2], root[..., 2:] / stretch[:, None, None]], dim=-1)
    seen_at = torch.einsum("btij,btj->bti", view.from_camera @ to_axes, nearer)

    def viewed(points: Tensor) -> Tensor:
        """World points (B, T, N, 3) in the virtual camera, as far off as the stretched picture says."""
        from_root = torch.einsum("btij,btnj->btni", from_world, points - motion.root[:, :, None])
        return seen_at[:, :, None] + from_root

    rotations = rotation_matrices(motion.rotations)
    step = torch.zeros_like(motion.root)
    step[:, :-1] = (motion.root[:, 1:] - motion.root[:, :-1]) * 30.0
    to_next = torch.cat([in_clip[:, 1:] & in_clip[:, :-1], torch.zeros_like(in_clip[:, :1])], dim=1)
    truth = Truth(
        rotations=torch.cat([(from_world @ rotations[:, :, 0])[:, :, None], rotations[:, :, 1:]], dim=2),
        joints=viewed(pose.joints),
        ends=viewed(end_points(pose, lengths)),
        keypoints=viewed(average),
        lengths=motion.lengths,
        stature=stature,
        velocity=torch.einsum("btji,btj->bti", rotations[:, :, 0], step) / stature[:, None, None],
        down=torch.einsum("btij,btj->bti", view.from_camera, down),
        still=motion.still,
        rotation_labelled=motion.rotation_labelled & in_clip[..., None],
        position_labelled=motion.position_labelled & in_clip[..., None],
        still_labelled=motion.still_labelled & in_clip[..., None],
        velocity_labelled=motion.velocity_labelled & to_next,
        rates_labelled=motion.rates_labelled & in_clip,
        motion=motion,
        axes_from_world=axes,
        centre=centre,
    )
    return Sample(evidence, view, truth)


class SyntheticSource:
    """Endless batches of synthetic samples from a library of motion."""

    def __init__(self, library: MotionLibrary, settings: SyntheticSettings, seed: int) -> None:
        self.library = library
        self.settings = settings
        self.random = torch.Generator().manual_seed(seed)

    def batch(self, size: int, frames: int, noise: float = 1.0) -> Sample:
        """``size`` windows of ``frames`` frames; ``noise`` scales the detector's from none to full."""
        settings = replace(self.settings, detector=self.settings.detector.scaled(noise))
        # A window alone in its process would have none to swap parts with.
        chained = _chance(settings.chained, max(size, 2), self.random).tolist()
        windows = [
            self.library.window(frames, self.random, chained=c, max_speed=settings.max_speed) for c in chained
        ]
        motion, in_clip = stacked(windows, frames)
        motion = first_windows(augment(motion, settings.augment, self.random), size)
        in_clip = _cropped(in_clip[:size], settings, self.random)
        cameras = random_cameras(motion.root, in_clip, settings.cameras, self.random)
        return observe_motion(motion, in_clip, cameras, settings, self.random)
