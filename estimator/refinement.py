"""Refines a take on its own keypoints, starting from the network's answer.

The network only makes its best guess; all keypoints of the clip together say more about this one person.
After Tung et al. (2017), who adapt to the clip at hand by its own keypoints, the take is moved onto them by
gradient descent, as far as is plausible:

- keypoints: distance from each line of sight, weighted by confidence, robust against false detections;
- the network's answer: every joint may turn and the root may move, but far is improbable;
- time: what is added to the network's motion changes smoothly, so that keypoints' jitter doesn't come in;
- contacts: what stands still keeps standing still;
- ground, where known: feet that stand near it are on it, and none is below it;
- joints: knees and elbows bend one way only;
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

from .generator import HINGE_JOINTS, HINGES
from .ground import Ground
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
_SHIFT = 0.08
"""Metres, spread of the error of the root's path."""
_LENGTH = 0.06
"""Spread of the error of each log length."""
_RAY = 0.03
"""Metres, spread of a detection about the line of sight to where an average detector marks the point."""
_OUTLIER = 0.12
"""Metres off, from which on a detection counts for less and less."""
_FIRST_OUTLIER = 0.6
"""Metres; the same in the first steps."""
_WIDE_UNTIL, _NARROW_FROM = 0.3, 0.8
"""Shares of the steps between which the one goes over into the other."""
_MEMORY = 0.15
"""Of its own spread, how far a correction bends from one frame to the next."""
_FAST = 0.05
"""Radians a frame; where the network turns a joint this fast, its correction may bend twice as much."""
_STANDING = 0.005
"""Metres a frame, that a standing point seems to move."""
_ON_GROUND = 0.02
"""Metres, spread of the height of a foot that stands on the ground."""
_OFF_GROUND = 0.1
"""Metres above the ground, from which on a foot more likely stands on something else."""
_SUNK = 0.3
"""Metres below the ground, from which on somebody more likely went downstairs."""
_HINGE_RANGE = (-0.05, 2.6)
"""Radians that elbows and knees bend."""
_HINGE_GIVE = 0.05
"""Radians, spread beyond that."""
_FAINT = 0.01
"""Gradients below this, per standard deviation, move nothing: else rounding would, where nothing is known."""
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


def _turning_speed(rotations: Tensor) -> Tensor:
    """Radians a frame (B, T-2, 22) around all but the first and last frame, of (B, T, 22, 3, 3)."""
    chord = (rotations[:, 1:] - rotations[:, :-1]).flatten(-2).norm(dim=-1) / 2**0.5
    speed: Tensor = (chord[:, 1:] + chord[:, :-1]) / 2
    return speed


class _Window:
    """Some frames of the take, and the corrections to them: B stretches of T frames each."""

    def __init__(
        self,
        evidence: Evidence,
        centre: Tensor,
        lifted: Lifted,
        root: Tensor,
        ground: Ground | None,
        frames: Tensor,
    ) -> None:
        self.rays = evidence.rays[0][frames]
        self.weight = evidence.confidence[0][frames]
        self.centre, self.root = centre[frames], root[frames]
        quaternions = torch.from_numpy(lifted.rotations)[frames]
        self.rotations = roma.unitquat_to_rotmat(roma.quat_wxyz_to_xyzw(quaternions))
        still = torch.from_numpy(lifted.still)[frames].float()
        self.still, self.standing = still, (still[:, 1:] * still[:, :-1]) ** 2
        self.ground = ground
        error = torch.from_numpy(lifted.error)[frames].float()
        self.room = (error / _USUAL_ERROR).clamp(0.5, 3.0)[..., None]
        self.turn = torch.zeros(*frames.shape, J, 3, requires_grad=True)
        self.shift = torch.zeros(*frames.shape, 3, requires_grad=True)
        self.turn_spread = _turn_spread()
        self.memory = _MEMORY * (1 + _turning_speed(self.rotations) / _FAST)

    def corrections(self) -> tuple[Tensor, Tensor]:
        """Rotation vectors (B, T, 22, 3) in radians and shifts (B, T, 3) in metres."""
        return self.turn * self.turn_spread * self.room[..., None], _SHIFT * self.shift * self.room

    def energy(self, lengths: Tensor, outlier: float) -> Tensor:
        """Improbability of the corrected take, summed over frames.

        Args:
            lengths: (10,) metres, of the person.
            outlier: metres off, from which on a detection counts for less and less.
        """
        turn, shift = self.corrections()
        rotations = self.rotations @ roma.rotvec_to_rotmat(turn)
        pose = forward_kinematics(rotations, rest_offsets_from_lengths(lengths), self.root + shift)
        marks = torch.einsum("l,ljc->jc", lengths, torch.as_tensor(KEYPOINT_BASIS, dtype=torch.float32))
        seen = attached_points(pose, KEYPOINT_JOINTS, marks) - self.centre[..., None, :]
        off = seen - (seen * self.rays).sum(dim=-1, keepdim=True) * self.rays
        square = off.square().sum(dim=-1)
        # Geman and McClure's: quadratic near by, level far off.
        keypoints = self.weight * square / (1 + square / outlier**2) / _RAY**2

        feet = torch.einsum("l,ljc->jc", lengths, torch.as_tensor(END_POINT_BASIS, dtype=torch.float32))
        ends = attached_points(pose, END_POINT_JOINTS, feet)[..., list(CONTACT_END_POINTS), :]
        slide = (ends[:, 1:] - ends[:, :-1]).square().sum(dim=-1) * self.standing / _STANDING**2

        improbable = [
            keypoints.sum(),
            slide.clamp(max=100.0).sum(),
            self._off_the_ground(ends).sum(),
            _overbent(rotations).sum(),
        ]
        for change, memory in ((self.turn, self.memory[..., None]), (self.shift, _MEMORY)):
            bend = (change[:, 2:] - 2 * change[:, 1:-1] + change[:, :-2]) / memory
            improbable += [change.square().sum(), bend.square().sum()]
        total: Tensor = torch.stack(improbable).sum()
        return total

    def _off_the_ground(self, contacts: Tensor) -> Tensor:
        """Improbability (B, T, 4) of the heights of contact points (B, T, 4, 3)."""
        if self.ground is None:
            return contacts.new_zeros(())
        height = contacts @ torch.from_numpy(self.ground.up).float() - self.ground.level
        stands = self.still**2 * height**2 / (1 + (height / _OFF_GROUND) ** 2)
        sunk = height.clamp(max=0.0) ** 2 / (1 + (height / _SUNK) ** 2)
        return self.ground.certainty * torch.maximum(stands, sunk) / _ON_GROUND**2


def _overbent(rotations: Tensor) -> Tensor:
    """Improbability (..., 4) of how far elbows and knees bend; local rotations (..., 22, 3, 3)."""
    bends = []
    for joint, (axis, sign) in zip(HINGE_JOINTS, HINGES.values(), strict=True):
        one, other = (axis + 1) % 3, (axis + 2) % 3
        turned = rotations[..., joint, :, :]
        bends.append(sign * torch.atan2(turned[..., other, one], turned[..., one, one]))
    bend = torch.stack(bends, dim=-1)
    beyond: Tensor = (bend - bend.clamp(*_HINGE_RANGE)) / _HINGE_GIVE
    return beyond.square()


def _stretches(frames: int) -> list[slice]:
    """Overlapping windows that cover a clip."""
    if frames <= WINDOW:
        return [slice(0, frames)]
    count = -(-(frames - OVERLAP) // (WINDOW - OVERLAP))
    starts = np.linspace(0, frames - WINDOW, count).astype(int)
    return [slice(int(start), int(start) + WINDOW) for start in starts]


def _descend(
    window: _Window,
    lengths: Callable[[], Tensor],
    progress: Callable[[float], None],
    extra: tuple[Tensor, ...] = (),
    prior: Callable[[], Tensor] = lambda: torch.zeros(()),
) -> None:
    """Gradient descent on a window's corrections and on what else is to be found."""
    optimiser = torch.optim.Adam(
        [window.turn, window.shift, *extra], lr=STEP_SIZE, betas=(0.8, 0.95), eps=_FAINT
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS, eta_min=STEP_SIZE / 20)
    for step in range(STEPS):
        optimiser.zero_grad()
        # At first nothing is an outlier: a whole person may be off together, or a whole leg.
        narrowed = (step / STEPS - _WIDE_UNTIL) / (_NARROW_FROM - _WIDE_UNTIL)
        outlier = _FIRST_OUTLIER * (_OUTLIER / _FIRST_OUTLIER) ** min(max(narrowed, 0.0), 1.0)
        (window.energy(lengths(), outlier) + prior()).backward()
        optimiser.step()
        schedule.step()
        progress((step + 1) / STEPS)


def _find_lengths(
    evidence: Evidence,
    centre: Tensor,
    lifted: Lifted,
    root: Tensor,
    ground: Ground | None,
    progress: Callable[[float], None],
) -> Tensor:
    """(10,) metres: the lengths that suit stretches from all over the clip."""
    frames = len(root)
    long = min(frames, WINDOW // 4)
    starts = torch.linspace(0, frames - long, max(min(frames // long, 4), 1)).long()
    window = _Window(evidence, centre, lifted, root, ground, starts[:, None] + torch.arange(long))
    guess = torch.from_numpy(lifted.lengths).float()
    change = torch.zeros(L, requires_grad=True)

    def lengths() -> Tensor:
        changed = guess * (_LENGTH * change).exp()
        # The camera can't tell a taller person from a nearer one, so the stature is not for it to say.
        return changed * (stature_from_lengths(guess) / stature_from_lengths(changed))

    # Frames err alike, so what they say of the lengths together counts as much as twenty of them.
    frames_seen = window.root.shape[0] * window.root.shape[1]
    _descend(window, lengths, progress, (change,), lambda: change.square().sum() * frames_seen / 20)
    return lengths().detach()


def refine(
    evidence: Evidence,
    centre: Array,
    lifted: Lifted,
    root: Array,
    progress: Callable[[float], None] = lambda fraction: None,
    ground: Ground | None = None,
) -> tuple[Lifted, Array]:
    """A take moved onto its own keypoints.

    Args:
        evidence: of one clip (B = 1), at the network's rate.
        centre: (T, 3) metres, the camera's place in the solving axes.
        lifted: the network's answer.
        root: (T, 3) metres, the path of Hips in the solving axes.
        progress: told the fraction done; may raise to end the work.
        ground: in the solving axes; None if unknown.

    Returns:
        The answer with other rotations and lengths, and the path.
    """
    start, camera = torch.from_numpy(root).float(), torch.from_numpy(centre).float()
    stretches = _stretches(len(root))

    def within(part: int) -> Callable[[float], None]:
        """Progress of one part of the work: the lengths first, then stretch after stretch."""
        return lambda fraction: progress((part + fraction) / (len(stretches) + 1))

    lengths = _find_lengths(evidence, camera, lifted, start, ground, within(0))
    rotations, path = np.empty_like(lifted.rotations), np.empty_like(root)
    ends = [stretch.start for stretch in stretches[1:]] + [len(root)]
    carried = torch.zeros(0, 3 * J + 4)
    for count, (stretch, end) in enumerate(zip(stretches, ends, strict=True), start=1):
        frames = torch.arange(stretch.start, stretch.stop)[None]
        window = _Window(evidence, camera, lifted, start, ground, frames)
        _descend(window, lambda: lengths, within(count))
        # Windows go over into each other where they overlap; what the next doesn't reach is done.
        long = stretch.stop - stretch.start
        ramp = torch.minimum(torch.arange(long) + 1.0, torch.arange(long, 0, -1.0)).clamp(max=OVERLAP)
        turn, shift = (value.detach()[0] for value in window.corrections())
        weighted = torch.cat([turn.flatten(1), shift, torch.ones(long, 1)], dim=1) * ramp[:, None]
        weighted[: len(carried)] += carried
        done, carried = weighted.tensor_split([end - stretch.start])
        turn, shift = (done[:, :-1] / done[:, -1:]).split([3 * J, 3], dim=1)
        rows = slice(stretch.start, end)
        rotations[rows] = _turned(lifted.rotations[rows], turn.unflatten(1, (J, 3)))
        path[rows] = root[rows] + shift.double().numpy()
    return replace(lifted, rotations=rotations, lengths=lengths.double().numpy()), path


def _turned(quaternions: NDArray[np.float32], turn: Tensor) -> Tensor:
    """Quaternions (T, 22, 4), w first, turned by rotation vectors (T, 22, 3)."""
    old = roma.quat_wxyz_to_xyzw(torch.from_numpy(quaternions))
    new: Tensor = roma.quat_xyzw_to_wxyz(roma.quat_product(old, roma.rotvec_to_unitquat(turn)))
    return new
