"""Refines a take on its own keypoints, starting from the network's answer.

The network only makes its best guess; all keypoints of the clip together say more about this one person.
After Tung et al. (2017), who adapt to the clip at hand by its own keypoints, the take is moved onto them by
gradient descent, as far as is plausible:

- keypoints: distance from each line of sight, weighted by confidence, robust against false detections;
- the network's answer: every joint may turn and the root may move, but far is improbable;
- time: what is added to the network's motion changes smoothly, so that keypoints' jitter doesn't come in;
- contacts: what stands still keeps standing still;
- the ten lengths are the person's, the same on every frame.

Variables are counted in standard deviations of what the network gets wrong, so that one step size suits all.
Long clips go through in windows that overlap; memory doesn't grow with the clip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import roma
import torch
from numpy.typing import NDArray
from torch import Tensor

from .chunks import chunks
from .generator import HINGES
from .kinematics import attached_points, forward_kinematics, rest_offsets_from_lengths, stature_from_lengths
from .lifting import Lifted
from .observation import Evidence
from .skeleton import (
    CONTACT_END_POINTS,
    END_POINT_BASIS,
    END_POINT_JOINTS,
    JOINT_INDEX,
    KEYPOINT_BASIS,
    KEYPOINT_JOINTS,
    J,
    L,
)

Array = NDArray[np.float64]

WINDOW = 512
OVERLAP = 64
STEPS = 60
STEP_SIZE = 0.15

_TURN_DEGREES = {
    "Hips": 6.0,
    "Spine": 5.0,
    "Spine1": 4.0,
    "Spine2": 4.0,
    "Neck": 8.0,
    "Head": 10.0,
    "Shoulder": 6.0,
    "Arm": 15.0,
    "ForeArm": 15.0,
    "UpLeg": 10.0,
    "Leg": 10.0,
    "Foot": 12.0,
}
"""Spread of the network's error per joint; those not named (hands, toes) stay as they are."""
_SHIFT = 0.05
"""Metres, spread of the error of the root's path."""
_LENGTH = 0.06
"""Spread of the error of each log length."""
_RAY = 0.03
"""Metres, spread of a detection about the line of sight to where an average detector marks the point."""
_OUTLIER = 0.12
"""Metres off, from which on a detection counts for less and less."""
_MEMORY = 0.15
"""Of its own spread, how far a correction bends from one frame to the next."""
_STANDING = 0.005
"""Metres a frame, that a standing point seems to move."""
_USUAL_ERROR = 0.06
"""Metres; a frame on which the network expects twice this error of itself may be corrected twice as far."""


def _turn_spread() -> Tensor:
    """(22, 3) radians: how far each joint may turn about each axis; hinges about theirs only."""
    spread = torch.zeros(J, 3)
    for name, index in JOINT_INDEX.items():
        bare = name.removeprefix("Left").removeprefix("Right")
        degrees = _TURN_DEGREES.get(bare, 0.0)
        if name in HINGES:
            spread[index, HINGES[name][0]] = degrees
        else:
            spread[index] = degrees
    return torch.deg2rad(spread)


class _Window:
    """Some frames of the take, and the corrections to them: B stretches of T frames each."""

    def __init__(
        self, evidence: Evidence, centre: Tensor, lifted: Lifted, root: Tensor, frames: Tensor
    ) -> None:
        self.rays = evidence.rays[0][frames]
        self.weight = evidence.confidence[0][frames]
        self.centre, self.root = centre[frames], root[frames]
        quaternions = torch.from_numpy(lifted.rotations)[frames]
        self.rotations = roma.unitquat_to_rotmat(roma.quat_wxyz_to_xyzw(quaternions))
        still = torch.from_numpy(lifted.still)[frames].float()
        self.standing = (still[:, 1:] * still[:, :-1]) ** 2
        error = torch.from_numpy(lifted.error)[frames].float()
        self.room = (error / _USUAL_ERROR).clamp(0.5, 3.0)[..., None]
        self.turn = torch.zeros(*frames.shape, J, 3, requires_grad=True)
        self.shift = torch.zeros(*frames.shape, 3, requires_grad=True)
        self.turn_spread = _turn_spread()

    def corrected(self) -> tuple[Tensor, Tensor]:
        """Local rotations (B, T, 22, 3, 3) and path (B, T, 3)."""
        vector = self.turn * self.turn_spread * self.room[..., None]
        return self.rotations @ roma.rotvec_to_rotmat(vector), self.root + _SHIFT * self.shift * self.room

    def energy(self, lengths: Tensor) -> Tensor:
        """Improbability of the corrected take for a person of these lengths (10,), per frame."""
        rotations, root = self.corrected()
        pose = forward_kinematics(rotations, rest_offsets_from_lengths(lengths), root)
        marks = torch.einsum("l,ljc->jc", lengths, torch.as_tensor(KEYPOINT_BASIS, dtype=torch.float32))
        seen = attached_points(pose, KEYPOINT_JOINTS, marks) - self.centre[..., None, :]
        off = seen - (seen * self.rays).sum(dim=-1, keepdim=True) * self.rays
        square = off.square().sum(dim=-1)
        # Geman and McClure's: quadratic near by, level far off.
        keypoints = self.weight * square / (1 + square / _OUTLIER**2) / _RAY**2

        feet = torch.einsum("l,ljc->jc", lengths, torch.as_tensor(END_POINT_BASIS, dtype=torch.float32))
        ends = attached_points(pose, END_POINT_JOINTS, feet)[..., list(CONTACT_END_POINTS), :]
        slide = (ends[:, 1:] - ends[:, :-1]).square().sum(dim=-1) * self.standing / _STANDING**2

        change = torch.cat([self.turn.flatten(-2), self.shift], dim=-1)
        bend = change[:, 2:] - 2 * change[:, 1:-1] + change[:, :-2]
        frames = self.root.shape[0] * self.root.shape[1]
        total: Tensor = (
            keypoints.sum()
            + slide.clamp(max=100.0).sum()
            + change.square().sum()
            + bend.square().sum() / _MEMORY**2
        ) / frames
        return total


def _stretches(frames: int) -> list[slice]:
    """Overlapping windows that cover a clip."""
    if frames <= WINDOW:
        return [slice(0, frames)]
    count = -(-(frames - OVERLAP) // (WINDOW - OVERLAP))
    starts = np.linspace(0, frames - WINDOW, count).astype(int)
    return [slice(int(start), int(start) + WINDOW) for start in starts]


def _descend(
    window: _Window, lengths: Callable[[], Tensor], extra: list[Tensor], prior: Callable[[], Tensor]
) -> None:
    """Gradient descent on a window's corrections and on what else is to be found."""
    optimiser = torch.optim.Adam([window.turn, window.shift, *extra], lr=STEP_SIZE, betas=(0.8, 0.95))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS, eta_min=STEP_SIZE / 20)
    for _ in range(STEPS):
        optimiser.zero_grad()
        (window.energy(lengths()) + prior()).backward()
        optimiser.step()
        schedule.step()


def _nothing() -> Tensor:
    return torch.zeros(())


def _find_lengths(evidence: Evidence, centre: Tensor, lifted: Lifted, root: Tensor) -> Tensor:
    """(10,) metres: the lengths that suit stretches from all over the clip."""
    frames = len(root)
    long = min(frames, WINDOW // 4)
    starts = torch.linspace(0, frames - long, max(min(frames // long, 4), 1)).long()
    window = _Window(evidence, centre, lifted, root, starts[:, None] + torch.arange(long))
    guess = torch.from_numpy(lifted.lengths).float()
    change = torch.zeros(L, requires_grad=True)

    def lengths() -> Tensor:
        changed = guess * (_LENGTH * change).exp()
        # The camera can't tell a taller person from a nearer one, so the stature is not for it to say.
        return changed * (stature_from_lengths(guess) / stature_from_lengths(changed))

    # All frames share the lengths; as many frames as are independent of each other speak for them.
    _descend(window, lengths, [change], lambda: change.square().sum() / 20)
    return lengths().detach()


def refine(
    evidence: Evidence,
    centre: Array,
    lifted: Lifted,
    root: Array,
    progress: Callable[[float], None] = lambda fraction: None,
) -> tuple[Lifted, Array]:
    """A take moved onto its own keypoints.

    Args:
        evidence: of one clip (B = 1), at the network's rate.
        centre: (T, 3) metres, the camera's place in the solving axes.
        lifted: the network's answer.
        root: (T, 3) metres, the path of Hips in the solving axes.
        progress: told the fraction done; may raise to end the work.

    Returns:
        The answer with other rotations and lengths, and the path.
    """
    start, camera = torch.from_numpy(root).float(), torch.from_numpy(centre).float()
    lengths = _find_lengths(evidence, camera, lifted, start)
    progress(0.2)
    total = torch.zeros(len(root), 1)
    turn, shift = torch.zeros(len(root), J, 3), torch.zeros(len(root), 3)
    windows = _stretches(len(root))
    for count, window_frames in enumerate(windows, start=1):
        rows = torch.arange(window_frames.start, window_frames.stop)
        window = _Window(evidence, camera, lifted, start, rows[None])
        _descend(window, lambda: lengths, [], _nothing)
        # Windows go over into each other where they overlap.
        long = window_frames.stop - window_frames.start
        ramp = torch.minimum(torch.arange(long) + 1.0, torch.arange(long, 0, -1.0)).clamp(max=OVERLAP)[
            :, None
        ]
        scaled = (window.turn * window.turn_spread * window.room[..., None]).detach()[0]
        total[window_frames] += ramp
        turn[window_frames] += scaled * ramp[..., None]
        shift[window_frames] += (_SHIFT * window.shift * window.room).detach()[0] * ramp
        progress(0.2 + 0.8 * count / len(windows))
    rotations = np.empty_like(lifted.rotations)
    for chunk in chunks(len(root)):
        old = roma.quat_wxyz_to_xyzw(torch.from_numpy(lifted.rotations[chunk]))
        new = roma.quat_product(old, roma.rotvec_to_unitquat(turn[chunk] / total[chunk, :, None]))
        rotations[chunk] = roma.quat_xyzw_to_wxyz(new)
    refined = replace(lifted, rotations=rotations, lengths=lengths.double().numpy())
    return refined, root + (shift / total).double().numpy()
