"""Runs the generator over a whole clip, chunk by chunk, and turns its answers out of the virtual cameras.

A chunk is computed with as many frames on each side as the network sees, so chunking changes nothing, and
memory doesn't grow with the clip beyond the answer itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import roma
import torch
from numpy.typing import NDArray
from torch import Tensor

from .chunks import CHUNK_FRAMES, chunks
from .generator import CONTACTS, Generator, Prediction
from .keypoint_set import K
from .kinematics import (
    end_points,
    forward_kinematics,
    keypoints,
    rest_offsets_from_lengths,
    stature_from_lengths,
)
from .observation import NETWORK_FPS, Evidence, VirtualCamera, observe, sightings, virtual_camera
from .progress import Progress
from .root_solve import RootEvidence
from .skeleton import CONTACT_END_POINTS, REFERENCE_STATURE, J, L

Array = NDArray[np.float64]
Single = NDArray[np.float32]

TRUSTED_ERROR = 0.1
"""Metres: a frame whose joints the network expects to be this far off on average is trusted half."""


@dataclass(frozen=True)
class Lifted:
    """One person in 3D at the network's rate, in the axes of the evidence; T frames.

    Attributes:
        rotations: (T, 22, 4) local quaternions w, x, y, z; joint 0 from rest axes to the evidence's axes.
            In single precision, because on a long clip they are by far the largest.
        lengths: (10,) metres.
        distance: (T,) metres from the camera to Hips.
        velocity: (T, 3) metres per second of Hips.
        down: (T, 3) gravity; its length says how sure the network is.
        still: (T, 4) probability of standing still, in the order of ``skeleton.CONTACT_NAMES``.
        error: (T,) metres, the mean joint error that the network expects of itself.
    """

    rotations: Single
    lengths: Array
    distance: Array
    velocity: Array
    down: Array
    still: Array
    error: Array

    @property
    def trust(self) -> Array:
        """(T,) 0..1, how far to trust each frame."""
        return np.asarray(0.5 ** (self.error / TRUSTED_ERROR))


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
    for chunk in chunks(frames, CHUNK_FRAMES):
        # One frame more than the network sees: features hold differences to the next frame.
        wide = slice(max(chunk.start - margin, 0), min(chunk.stop + margin + 1, frames))
        part = _part(evidence, wide)
        features = observe(part, VirtualCamera(view.from_camera[:, wide], view.size[:, wide]))
        prediction = generator.symmetric(features, part.in_clip)
        inner = slice(chunk.start - wide.start, chunk.stop - wide.start)
        yield chunk, Prediction(*(value[:, inner] for value in prediction))


@torch.inference_mode()
def lift(
    generator: Generator,
    evidence: Evidence,
    person_height: float | None,
    progress: Progress = lambda fraction: None,
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
    pieces = chunks(frames, CHUNK_FRAMES)
    sighted = torch.cat([sightings(evidence.rays[:, c], evidence.confidence[:, c]) for c in pieces], dim=1)
    view = virtual_camera(sighted, evidence.in_clip)

    log_lengths = torch.zeros(1, L, device=device)
    quaternions = torch.empty(frames, J, 4)
    log_distance, log_error = torch.empty(frames, device=device), torch.empty(frames, device=device)
    velocity, down = torch.empty(frames, 3, device=device), torch.empty(frames, 3, device=device)
    still = torch.empty(frames, CONTACTS, device=device)
    for chunk, answer in predict_clip(generator, evidence, view):
        log_lengths += answer.log_lengths.sum(dim=1) / frames
        to_axes = view.from_camera[0, chunk].transpose(-1, -2)
        hips = to_axes @ answer.rotations[0, :, 0]
        local = torch.cat([hips[:, None], answer.rotations[0, :, 1:]], dim=1)
        quaternions[chunk] = roma.quat_xyzw_to_wxyz(roma.rotmat_to_unitquat(local)).cpu()
        log_distance[chunk] = answer.log_distance[0]
        velocity[chunk] = (hips @ answer.velocity[0, ..., None])[..., 0]
        down[chunk] = (to_axes @ answer.down[0, ..., None])[..., 0]
        still[chunk] = answer.still_logits[0].sigmoid()
        log_error[chunk] = answer.log_uncertainty[0]
        progress(chunk.stop / frames)

    lengths = log_lengths[0].exp()
    stature = stature_from_lengths(lengths)
    if person_height is not None:
        lengths, stature = lengths * (person_height / stature), stature.new_tensor(person_height)
    return Lifted(
        rotations=quaternions.numpy(),
        lengths=_array(lengths),
        distance=_array(log_distance.exp() * stature / view.size[0]),
        velocity=_array(velocity * stature),
        down=_array(down),
        still=_array(still),
        error=_array(log_error.exp() * stature / REFERENCE_STATURE),
    )


def _array(tensor: Tensor) -> Array:
    return np.asarray(tensor.cpu().double().numpy())


def body_points(rotations: Single, lengths: Array) -> tuple[Single, Single]:
    """Keypoints (T, 26, 3) and contact points (T, 4, 3) relative to Hips, metres.

    Args:
        rotations: (T, 22, 4) local quaternions w, x, y, z.
        lengths: (10,) metres.
    """
    size = torch.from_numpy(lengths).float()
    rest_offsets = rest_offsets_from_lengths(size)
    marks = np.empty((len(rotations), K, 3), np.float32)
    contacts = np.empty((len(rotations), CONTACTS, 3), np.float32)
    for chunk in chunks(len(rotations), CHUNK_FRAMES):
        local = roma.unitquat_to_rotmat(roma.quat_wxyz_to_xyzw(torch.from_numpy(rotations[chunk])))
        pose = forward_kinematics(local, rest_offsets, torch.zeros_like(local[:, 0, 0]))
        marks[chunk] = keypoints(pose, size)
        contacts[chunk] = end_points(pose, size)[:, list(CONTACT_END_POINTS)]
    return marks, contacts


def root_evidence(evidence: Evidence, centre: Array, lifted: Lifted) -> RootEvidence:
    """What ``solve_root`` needs to know.

    Args:
        evidence: of one clip (B = 1).
        centre: (T, 3) metres, the camera's place in the evidence's axes.
        lifted: the network's answer to it.
    """
    marks, contacts = body_points(lifted.rotations, lifted.lengths)
    return RootEvidence(
        directions=evidence.rays[0].cpu().numpy(),
        weights=evidence.confidence[0].cpu().numpy(),
        offsets=marks,
        centre=centre,
        distance=lifted.distance,
        velocity=lifted.velocity,
        still=lifted.still,
        contact_offsets=contacts.astype(np.float64),
        fps=NETWORK_FPS,
    )
