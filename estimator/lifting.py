"""Runs the generator over a whole clip, chunk by chunk, and turns its answers out of the virtual cameras.

A chunk is computed with as many frames on each side as the network sees, so chunking changes nothing, and
memory doesn't grow with the clip beyond the answer itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
import roma
import torch
from numpy.typing import NDArray
from torch import Tensor

from .generator import REFERENCE_STATURE, Generator, Prediction
from .kinematics import (
    end_points,
    forward_kinematics,
    keypoints,
    rest_offsets_from_lengths,
    stature_from_lengths,
)
from .observation import NETWORK_FPS, Evidence, VirtualCamera, observe, sightings, virtual_camera
from .root_solve import RootEvidence
from .skeleton import CONTACT_END_POINTS, L

CHUNK_FRAMES = 1024
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Lifted:
    """One person in 3D at the network's rate, in the axes of the evidence; T frames.

    Attributes:
        rotations: (T, 22, 4) local quaternions w, x, y, z; joint 0 from rest axes to the evidence's axes.
        lengths: (10,) metres.
        keypoint_offsets: (T, 26, 3), contact_offsets: (T, 4, 3): metres from Hips.
        distance: (T,) metres from the camera to Hips.
        velocity: (T, 3) metres per second of Hips.
        down: (T, 3) gravity; its length says how sure the network is.
        still: (T, 4) probability of standing still, in the order of ``skeleton.CONTACT_NAMES``.
        error: (T,) metres, the mean joint error that the network expects of itself.
    """

    rotations: Array
    lengths: Array
    keypoint_offsets: Array
    contact_offsets: Array
    distance: Array
    velocity: Array
    down: Array
    still: Array
    error: Array


def chunks(frames: int) -> Iterator[slice]:
    """Slices of ``CHUNK_FRAMES`` frames that cover a clip."""
    for start in range(0, frames, CHUNK_FRAMES):
        yield slice(start, min(start + CHUNK_FRAMES, frames))


def _part(evidence: Evidence, frames: slice) -> Evidence:
    """Some frames of it; what holds for the whole clip stays."""
    per_clip = ("camera_height", "person_height")
    return Evidence(
        **{
            field.name: getattr(evidence, field.name)
            if field.name in per_clip
            else getattr(evidence, field.name)[:, frames]
            for field in fields(Evidence)
        }
    )


def predict_clip(
    generator: Generator, evidence: Evidence, view: VirtualCamera
) -> Iterator[tuple[slice, Prediction]]:
    """The network's answer for one clip (B = 1), chunk by chunk, as if it had been computed in one piece."""
    frames, margin = evidence.in_clip.shape[1], generator.config.margin
    for chunk in chunks(frames):
        # One frame more than the network sees: features hold differences to the next frame.
        wide = slice(max(chunk.start - margin, 0), min(chunk.stop + margin + 1, frames))
        part = _part(evidence, wide)
        features = observe(part, VirtualCamera(view.from_camera[:, wide], view.size[:, wide]))
        prediction = generator(features, part.in_clip)
        inner = slice(chunk.start - wide.start, chunk.stop - wide.start)
        yield chunk, Prediction(*(value[:, inner] for value in prediction))


@torch.inference_mode()
def lift(
    generator: Generator,
    evidence: Evidence,
    person_height: float | None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Lifted:
    """The generator's answer for a whole clip (B = 1).

    Args:
        person_height: metres, sole to crown; the skeleton is scaled to it, or to the network's guess if None.
        progress: told the fraction done; may raise to end the work.
    """
    frames = evidence.in_clip.shape[1]
    device = next(generator.parameters()).device
    evidence = Evidence(
        **{field.name: getattr(evidence, field.name).to(device) for field in fields(Evidence)}
    )
    sighted = torch.cat(
        [sightings(evidence.rays[:, c], evidence.confidence[:, c]) for c in chunks(frames)], dim=1
    )
    view = virtual_camera(sighted, evidence.in_clip)

    log_lengths = torch.zeros(1, L, device=device)
    kept: list[tuple[Tensor, ...]] = []
    for chunk, answer in predict_clip(generator, evidence, view):
        log_lengths += answer.log_lengths.sum(dim=1) / frames
        to_axes = view.from_camera[:, chunk].transpose(-1, -2)
        rotations = torch.cat(
            [to_axes[:, :, None] @ answer.rotations[:, :, :1], answer.rotations[:, :, 1:]], dim=2
        )
        kept.append(
            (
                roma.quat_xyzw_to_wxyz(roma.rotmat_to_unitquat(rotations))[0],
                answer.log_distance[0],
                answer.velocity[0],
                (to_axes @ answer.down[..., None])[0, ..., 0],
                answer.still_logits[0].sigmoid(),
                answer.log_uncertainty[0].exp(),
            )
        )
        progress(chunk.stop / frames)
    quaternions, log_distance, velocity, down, still, error = (
        torch.cat(parts) for parts in zip(*kept, strict=True)
    )

    lengths = log_lengths[0].exp()
    stature = stature_from_lengths(lengths)
    if person_height is not None:
        lengths, stature = lengths * (person_height / stature), stature.new_tensor(person_height)
    marks, contacts = body_points(quaternions, lengths)
    hips = roma.unitquat_to_rotmat(roma.quat_wxyz_to_xyzw(quaternions[:, 0]))
    return Lifted(
        rotations=_array(torch.nn.functional.normalize(quaternions.double(), dim=-1)),
        lengths=_array(lengths),
        keypoint_offsets=_array(marks),
        contact_offsets=_array(contacts),
        distance=_array(log_distance.exp() * stature / view.size[0]),
        velocity=_array((hips @ velocity[..., None])[..., 0] * stature),
        down=_array(down),
        still=_array(still),
        error=_array(error * stature / REFERENCE_STATURE),
    )


def _array(tensor: Tensor) -> Array:
    return np.asarray(tensor.cpu().double().numpy())


def body_points(quaternions: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Keypoints (T, 26, 3) and contact points (T, 4, 3) relative to Hips, metres.

    Args:
        quaternions: (T, 22, 4) local, w, x, y, z.
        lengths: (10,) metres.
    """
    marks, contacts = [], []
    offsets = rest_offsets_from_lengths(lengths)
    for chunk in chunks(len(quaternions)):
        rotations = roma.unitquat_to_rotmat(roma.quat_wxyz_to_xyzw(quaternions[chunk]))
        pose = forward_kinematics(rotations, offsets, torch.zeros_like(rotations[:, 0, 0]))
        marks.append(keypoints(pose, lengths))
        contacts.append(end_points(pose, lengths)[:, list(CONTACT_END_POINTS)])
    return torch.cat(marks), torch.cat(contacts)


def root_evidence(evidence: Evidence, centre: Array, lifted: Lifted) -> RootEvidence:
    """What ``solve_root`` needs to know.

    Args:
        evidence: of one clip (B = 1).
        centre: (T, 3) metres, the camera's place in the evidence's axes.
        lifted: the network's answer to it.
    """
    return RootEvidence(
        directions=_array(evidence.rays[0]),
        weights=_array(evidence.confidence[0]),
        offsets=lifted.keypoint_offsets,
        centre=centre,
        distance=lifted.distance,
        velocity=lifted.velocity,
        still=lifted.still,
        contact_offsets=lifted.contact_offsets,
        fps=NETWORK_FPS,
    )
