"""The body in motion, and how its points move when the take is changed a little."""

from __future__ import annotations

from functools import cached_property

import roma
import torch
from torch import Tensor

from ..kinematics import Pose, attached_points, forward_kinematics, rest_offsets_from_lengths
from ..skeleton import HINGES, JOINT_NAMES, PARENTS, J


def _freedoms() -> tuple[list[int], list[int]]:
    """Joint and axis of every turn; hinges have one, all other joints three."""
    joints, axes = [], []
    for joint, name in enumerate(JOINT_NAMES):
        for axis in (HINGES[name][0],) if name in HINGES else (0, 1, 2):
            joints.append(joint)
            axes.append(axis)
    return joints, axes


TURN_JOINTS, TURN_AXES = _freedoms()
"""Of each turn the joint, and the axis 0, 1 or 2 of that joint's own frame."""
TURNS = len(TURN_JOINTS)
FREEDOMS = TURNS + 3
"""Of a frame: the turns, then Hips along x, y and z."""


def _carried() -> Tensor:
    """(22, TURNS) 1 where a turn carries along what is fixed to a joint."""
    carried = torch.zeros(J, TURNS, dtype=torch.float64)
    for joint in range(J):
        above = joint
        while above >= 0:
            carried[joint, [turn for turn in range(TURNS) if TURN_JOINTS[turn] == above]] = 1.0
            above = PARENTS[above]
    return carried


_CARRIED = _carried()


def offsets_of(lengths: Tensor, basis: Tensor) -> Tensor:
    """(P, 3) metres from joints to points fixed to them.

    Args:
        lengths: (10,) metres.
        basis: (10, P, 3) metres of offset in the joint's frame per metre of length.
    """
    return torch.einsum("l,ljc->jc", lengths, basis)


class Body:
    """T frames of a take in the solving axes, in double precision.

    Args:
        rotations: (T, 22, 3, 3) local.
        root: (T, 3) metres, of Hips.
        lengths: (10,) metres.
    """

    def __init__(self, rotations: Tensor, root: Tensor, lengths: Tensor) -> None:
        self.rotations, self.root, self.lengths = rotations, root, lengths

    def __len__(self) -> int:
        return len(self.root)

    @cached_property
    def pose(self) -> Pose:
        """Joints and their orientations in the solving axes."""
        return forward_kinematics(self.rotations, rest_offsets_from_lengths(self.lengths), self.root)

    @cached_property
    def _pivots(self) -> tuple[Tensor, Tensor]:
        """Axes and places (3, T, TURNS) of all turns, x, y and z first."""
        axes = self.pose.rotations.permute(2, 0, 1, 3)[:, :, TURN_JOINTS, TURN_AXES]
        return axes, self.pose.joints[:, TURN_JOINTS].movedim(-1, 0).contiguous()

    def points(self, joints: tuple[int, ...], offsets: Tensor) -> tuple[Tensor, Tensor]:
        """Points fixed to bones, and how they move with each freedom.

        Args:
            joints: (P,) that the points are fixed to.
            offsets: (P, 3) metres from those joints, in their frames.

        Returns:
            (T, P, 3) metres, and (T, P, 3, FREEDOMS) metres per radian or metre.
        """
        places = attached_points(self.pose, joints, offsets)
        axes, pivots = self._pivots
        carried = _CARRIED[list(joints)]
        # axis × arm, written out: several times faster than torch's own on this layout.
        arm = [(places[:, :, None, c] - pivots[c, :, None]) * carried for c in range(3)]
        moves = places.new_zeros(*places.shape, FREEDOMS)
        for c in range(3):
            one, other = (c + 1) % 3, (c + 2) % 3
            moves[:, :, c, :TURNS] = axes[one, :, None] * arm[other] - axes[other, :, None] * arm[one]
            moves[:, :, c, TURNS + c] = 1.0
        return places, moves

    @cached_property
    def steps(self) -> Tensor:
        """(T - 1, FREEDOMS) radians and metres from each frame to the next."""
        turned = roma.rotmat_to_rotvec(self.rotations[:-1].mT @ self.rotations[1:])
        return torch.cat([turned[:, TURN_JOINTS, TURN_AXES], self.root.diff(dim=0)], dim=1)

    def away_from(self, other: Body) -> Tensor:
        """(T, FREEDOMS) radians and metres by which this body differs from another."""
        turned = roma.rotmat_to_rotvec(other.rotations.mT @ self.rotations)
        return torch.cat([turned[:, TURN_JOINTS, TURN_AXES], self.root - other.root], dim=1)

    def changed(self, change: Tensor, lengths: Tensor | None = None) -> Body:
        """The body after a change (T, FREEDOMS), and with other lengths (10,) if given."""
        turn = change.new_zeros(len(self), J, 3)
        turn[:, TURN_JOINTS, TURN_AXES] = change[:, :TURNS]
        return Body(
            self.rotations @ roma.rotvec_to_rotmat(turn),
            self.root + change[:, TURNS:],
            self.lengths if lengths is None else lengths,
        )

    def __getitem__(self, frames: slice | Tensor) -> Body:
        """Some of the frames."""
        return Body(self.rotations[frames], self.root[frames], self.lengths)
