"""Motion capture as it comes: one BVH file to world positions and orientations in Kinelift's axes.

Read with pymotion. The files are Y up, in metres or centimetres, and face +Z at rest (a T-pose whose joint
frames are the world axes); Kinelift is Z up and faces -Y: (x, y, z) becomes (x, -z, y).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pymotion.io.bvh import BVH
from pymotion.ops import skeleton as pymotion_skeleton
from pymotion.rotations import quat

from ..errors import InputError
from .capture_names import kinelift_names
from .rotation_geometry import Array
from .takes import Take

_AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Kinelift's world axes from those of BVH."""

_REST_DIRECTIONS = {
    "LeftArm": ("LeftForeArm", (1.0, 0.0, 0.0)),
    "RightArm": ("RightForeArm", (-1.0, 0.0, 0.0)),
    "LeftUpLeg": ("LeftLeg", (0.0, 0.0, -1.0)),
    "RightUpLeg": ("RightLeg", (0.0, 0.0, -1.0)),
}
_REST_TOLERANCE = np.cos(np.radians(20.0))
_LEG = (0.3, 1.5)
"""Metres that a leg may be long."""


@dataclass(frozen=True)
class SourceClip:
    """One captured take on its own skeleton: N joints, T frames, metres, Z up, facing -Y at rest."""

    take: Take
    fps: float
    names: tuple[str, ...]
    parents: tuple[int, ...]
    """-1 for the root"""
    rest_joints: Array
    """(N, 3) of the T-pose, root at the origin"""
    joints: Array
    """(T, N, 3) world"""
    rotations: Array
    """(T, N, 3, 3) from rest axes to the world"""
    toe_ends: dict[str, Array]
    """Offset (3,) of the end site from ``LeftToeBase`` and ``RightToeBase``, where there is one"""

    def __len__(self) -> int:
        return len(self.joints)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def at(self, name: str) -> Array:
        """(T, 3) positions of a joint."""
        return np.asarray(self.joints[:, self.names.index(name)])

    def turn(self, name: str) -> Array:
        """(T, 3, 3) world orientation of a joint."""
        return np.asarray(self.rotations[:, self.names.index(name)])

    def rest(self, name: str) -> Array:
        """(3,) position of a joint in the T-pose."""
        return np.asarray(self.rest_joints[self.names.index(name)])

    def thorax(self) -> str:
        """The joint that carries neck and shoulders."""
        return next(name for name in ("Spine2", "Spine1", "Spine") if name in self)

    def local_rotations(self) -> Array:
        """(T, N, 3, 3) relative to the parent."""
        local = self.rotations.copy()
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                local[:, joint] = self.rotations[:, parent].transpose(0, 2, 1) @ self.rotations[:, joint]
        return local

    def piece(self, start: int, stop: int) -> SourceClip:
        """Frames ``start`` to ``stop`` (exclusive) alone."""
        return replace(self, joints=self.joints[start:stop], rotations=self.rotations[start:stop])


def read_capture_bvh(take: Take) -> SourceClip:
    """One BVH file on the capture convention (Y up, T-pose facing +Z at rest), joints under Kinelift's names.

    Raises:
        InputError: the file is no complete BVH, or its skeleton can't be mapped to the canonical one.
    """
    path = take.file
    data = _parse(path)
    names, missing = kinelift_names([str(name) for name in data["names"]])
    if missing:
        raise InputError(
            f"{path}: skeleton can't be mapped: no joint named {', '.join(missing)}; rename the joints"
        )
    parents = np.asarray(data["parents"])
    offsets = np.asarray(data["offsets"], dtype=np.float64)
    unit = _metres(path, names, offsets)
    angles = np.radians(np.asarray(data["rotations"], dtype=np.float64))
    order = np.tile(data["rot_order"], (len(angles), 1, 1))
    local = _moving_offsets(names, parents, offsets, np.asarray(data["positions"], dtype=np.float64))
    positions, rotations = pymotion_skeleton.fk(
        quat.from_euler(angles, order=order), local[:, 0], local, parents
    )
    joints = unit * np.asarray(positions, dtype=np.float64) @ _AXES.T
    turned = _AXES @ np.asarray(rotations, dtype=np.float64) @ _AXES.T
    if not (np.isfinite(joints).all() and np.isfinite(turned).all()):
        frame = int(np.argmin(np.isfinite(joints).all(axis=(1, 2))))
        raise InputError(f"{path}: frame {frame + 1}: not a finite number; repair or leave out the file")

    rest = np.zeros_like(offsets)
    for joint in range(1, len(names)):
        rest[joint] = rest[parents[joint]] + offsets[joint]
    ends = {
        names[parent]: unit * np.asarray(end, dtype=np.float64) @ _AXES.T
        for parent, end in zip(data["end_sites_parents"], data["end_sites"], strict=True)
        if names[parent].endswith("ToeBase")
    }
    clip = SourceClip(
        take,
        1.0 / float(data["frame_time"]),
        tuple(names),
        (-1, *(int(parent) for parent in parents[1:])),
        unit * rest @ _AXES.T,
        joints,
        turned,
        ends,
    )
    _check_rest_pose(clip)
    return clip


def _parse(path: Path) -> dict[str, Any]:
    """pymotion's dictionary, of a file that holds as many frames as it says."""
    try:
        header, _, motion = path.read_text(encoding="utf-8").partition("Frame Time")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read as text ({error.__class__.__name__})") from error
    lines = [line for line in motion.splitlines()[1:] if line.strip()]
    promised = re.search(r"Frames:\s*(\d+)", header)
    if promised is None or len(lines) < 2:
        raise InputError(f"{path}: not a BVH file with motion; export it again")
    numbers = [len(line.split()) for line in lines]
    channels = sum(int(count) for count in re.findall(r"CHANNELS\s+(\d+)", header))
    if int(promised[1]) != len(lines) or numbers[-1] < channels:
        raise InputError(
            f"{path}: the header says {promised[1]} frames, the file ends in frame {len(lines)}; "
            "export it again"
        )
    if uneven := [frame for frame, count in enumerate(numbers, 1) if count != channels]:
        raise InputError(
            f"{path}: frame {uneven[0]}: {numbers[uneven[0] - 1]} numbers for {channels} channels; "
            "export it again"
        )
    bvh = BVH()
    try:
        bvh.load(str(path))
    except Exception as error:  # pymotion meets malformed text with whatever it stumbles over
        raise InputError(f"{path}: not a BVH file ({error.__class__.__name__}); export it again") from error
    data: dict[str, Any] = bvh.data
    if not 0.0 < data["frame_time"] < 1.0:
        raise InputError(f"{path}: Frame Time is {data['frame_time']} s; set it to that of the capture")
    return data


def _moving_offsets(names: list[str], parents: Array, offsets: Array, positions: Array) -> Array:
    """(T, N, 3) of each joint from its parent: as captured down to Hips, beyond it the bones' own offsets.

    Game engines and some recorders carry a person by a bone above the hips, or leave that one at the origin
    and move the hips below it. Channels of position beyond Hips would stretch bones.

    Args:
        positions: (T, N, 3) of the file's channels, the offset where a joint has none.
    """
    moving = np.tile(offsets, (len(positions), 1, 1))
    joint = names.index("Hips")
    while True:
        moving[:, joint] = positions[:, joint]
        if joint == 0:
            return moving
        joint = int(parents[joint])


def _metres(path: Path, names: list[str], offsets: Array) -> float:
    """Length of the file's unit in metres, by the legs: metres or centimetres."""
    leg = sum(np.linalg.norm(offsets[names.index(joint)]) for joint in ("LeftLeg", "LeftFoot"))
    for unit in (1.0, 0.01):
        if _LEG[0] < unit * leg < _LEG[1]:
            return unit
    raise InputError(f"{path}: legs {leg:.3g} long; the unit must be metres or centimetres")


def _check_rest_pose(clip: SourceClip) -> None:
    for joint, (child, direction) in _REST_DIRECTIONS.items():
        bone = clip.rest(child) - clip.rest(joint)
        if not bone @ np.array(direction) > _REST_TOLERANCE * np.linalg.norm(bone):
            raise InputError(
                f"{clip.take.file}: {joint} at rest is not that of a T-pose facing +Z; change the rest pose"
            )
