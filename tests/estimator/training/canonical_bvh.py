"""Motions that are exactly ones of the canonical skeleton, written as captures of another convention."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pymotion.io.bvh import BVH
from scipy.spatial.transform import Rotation

from estimator.kinematics import forward_kinematics
from estimator.skeleton import JOINT_INDEX, JOINT_NAMES, LENGTH_NAMES, MEAN_LENGTHS, PARENTS, J, rest_offsets

Array = NDArray[np.float64]

_TO_BVH = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


@dataclass(frozen=True)
class CanonicalMotion:
    """A motion that is exactly one of the canonical skeleton: what a re-fit has to find again."""

    lengths: Array
    root_translation: Array
    rotations: Array
    """(T, 22, 3, 3) local"""
    fps: float

    def pose(self) -> tuple[Array, Array]:
        """Joints (T, 22, 3) and orientations (T, 22, 3, 3) in the world."""
        offsets = torch.from_numpy(rest_offsets(self.lengths))
        pose = forward_kinematics(
            torch.from_numpy(self.rotations), offsets, torch.from_numpy(self.root_translation)
        )
        return pose.joints.numpy(), pose.rotations.numpy()


def canonical_lengths() -> Array:
    """(10,) with neck and head where the re-fit puts them, so that nothing moves."""
    lengths = dict(zip(LENGTH_NAMES, MEAN_LENGTHS, strict=True))
    trunk = lengths["trunk"]
    # Neck 0.045 and Head 0.35 heights of the arms over mid-hip under and over the arms.
    rise = (0.26 + 0.045 * 0.74) / (1.0 - 0.045) * trunk
    torso = 0.74 * trunk + rise
    lengths |= {"shoulder_rise": rise, "neck": rise - 0.26 * trunk + 0.35 * torso}
    return np.array([lengths[name] for name in LENGTH_NAMES])


def moving_person(seed: int, frames: int = 240, fps: float = 60.0) -> CanonicalMotion:
    """Swings of all joints over whole periods: limbs bent and straight, a trunk straight on average."""
    random = np.random.default_rng(seed)
    time = np.arange(frames) / frames * 2.0 * np.pi

    def wave(amplitude: float) -> Array:
        return np.radians(amplitude) * np.sin(random.integers(1, 4) * time + random.uniform(0.0, 6.0))

    vectors = np.zeros((frames, J, 3))
    vectors[:, JOINT_INDEX["Hips"]] = np.stack([wave(5.0), wave(5.0), wave(40.0)], axis=-1)
    bend = np.stack([wave(8.0), wave(5.0), wave(6.0)], axis=-1)
    for name in ("Spine", "Spine1", "Spine2"):
        vectors[:, JOINT_INDEX[name]] = bend
    vectors[:, JOINT_INDEX["Head"]] = np.stack([np.radians(8.0) + wave(5.0), 0 * time, 0 * time], axis=-1)
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        bent = np.radians(70.0) + wave(60.0)
        vectors[:, JOINT_INDEX[f"{side}ForeArm"], 2] = -sign * bent
        vectors[:, JOINT_INDEX[f"{side}Leg"], 0] = np.radians(50.0) + wave(45.0)
        vectors[:, JOINT_INDEX[f"{side}Arm"]] = np.stack(
            [wave(40.0), sign * np.radians(60.0) + wave(25.0), wave(25.0)], axis=-1
        )
        vectors[:, JOINT_INDEX[f"{side}UpLeg"]] = np.stack([wave(30.0), wave(10.0), wave(10.0)], axis=-1)
        for name in ("Hand", "Foot"):
            vectors[:, JOINT_INDEX[f"{side}{name}"]] = np.stack([wave(20.0), wave(15.0), wave(10.0)], axis=-1)
        vectors[:, JOINT_INDEX[f"{side}ToeBase"], 0] = wave(15.0)
    rotations = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(frames, J, 3, 3)
    root = np.stack([0.02 * np.arange(frames), wave(10.0), 0.95 + wave(3.0)], axis=-1)
    return CanonicalMotion(canonical_lengths(), root, rotations, fps)


def write_capture(
    path: Path,
    motion: CanonicalMotion,
    *,
    twist: dict[str, float] | None = None,
    hips_rise: float = 0.0,
    names: Callable[[str], str] = str,
) -> None:
    """Writes a motion as a BVH capture whose frames follow another convention.

    Args:
        path: to write.
        motion: what the person does.
        twist: degrees about its own bone by which a joint's source frame differs.
        hips_rise: metres by which the source's Hips lies over the middle of the hip joints.
        names: what the source calls a joint.
    """
    joints, turns = motion.pose()
    offsets = rest_offsets(motion.lengths)
    rise = np.array([0.0, 0.0, hips_rise])
    root = joints[:, 0] + turns[:, 0] @ rise
    for name in ("LeftUpLeg", "RightUpLeg", "Spine"):
        offsets[JOINT_INDEX[name]] -= rise
    turns = turns.copy()
    for name, degrees in (twist or {}).items():
        along = np.array([1.0, 0.0, 0.0]) if "Arm" in name else np.array([0.0, 0.0, -1.0])
        turns[:, JOINT_INDEX[name]] @= Rotation.from_rotvec(np.radians(degrees) * along).as_matrix()
    local = turns.copy()
    local[:, 1:] = turns[:, list(PARENTS[1:])].swapaxes(-1, -2) @ turns[:, 1:]
    local = _TO_BVH @ local @ _TO_BVH.T
    angles = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_euler("ZYX", degrees=True)
    frames = len(local)
    positions = np.tile(offsets @ _TO_BVH.T, (frames, 1, 1))
    positions[:, 0] = root @ _TO_BVH.T
    bvh = BVH()
    bvh.data = {
        "names": np.array([names(name) for name in JOINT_NAMES]),
        "offsets": offsets @ _TO_BVH.T,
        "parents": np.array([0, *PARENTS[1:]]),
        "rot_order": np.tile(np.array(["z", "y", "x"]), (J, 1)),
        "channels": np.array([6] + [3] * (J - 1)),
        "positions": positions,
        "rotations": angles.reshape(frames, J, 3),
        "end_sites": np.zeros((0, 3)),
        "end_sites_parents": np.zeros(0, dtype=int),
        "frame_time": 1.0 / motion.fps,
    }
    bvh.save(str(path))
