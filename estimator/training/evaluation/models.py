"""What is measured: the product as users run it, networks to compare it with, and the truth itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...cleaning import clean_track
from ...estimate import EstimateOptions, estimate_motion
from ...evidence import gather_evidence, solving_axes
from ...generator import load_weights
from ...kinematics import forward_kinematics
from ...mirror import VECTOR
from ...motion import Motion
from ...observation import Evidence, VirtualCamera, mirrored_evidence, sightings, virtual_camera
from ...resample import hemisphere_continuous
from ...skeleton import JOINT_MIRROR, MEAN_LENGTHS, J, rest_offsets
from ..capture_clip import CaptureClip
from ..library import rotation_matrices
from ..position_baseline import PositionNetwork
from ..yardstick import load_yardstick
from .cases import Case

Array = NDArray[np.float64]

_MIRRORED = torch.tensor(VECTOR)
_PER_FRAME = (
    "root_translation",
    "rotations",
    "joints_world",
    "joints_camera",
    "end_points",
    "contacts",
    "keypoints",
    "confidence",
    "frame_confidence",
)


@dataclass(frozen=True)
class Answer:
    """A person in 3D, 30 times a second.

    Attributes:
        joints: (T, 22, 3) metres in the camera's axes; relative to Hips where not ``placed``.
        placed: whether it says where the person is.
        motion: the whole answer where it is one with rotations, in the world.
    """

    joints: Array
    placed: bool
    motion: Motion | None


class Model(Protocol):
    """Something that answers cases."""

    def __call__(self, case: Case) -> Answer:
        """The answer to a case."""


def _thinned(motion: Motion, stride: int) -> Motion:
    """Every ``stride``-th frame of a motion seen by a static camera."""
    rows = {name: getattr(motion, name)[::stride] for name in _PER_FRAME}
    rows["rotations"] = hemisphere_continuous(rows["rotations"])
    return replace(motion, fps=motion.fps / stride, **rows)


@dataclass(frozen=True)
class Entrant:
    """A model in an evaluation.

    Attributes:
        model: that answers.
        about: what the report says of it.
        whole: whether it answers with a motion in the world, of which something can be said without truth.
        timed: whether its speed is worth telling.
    """

    model: Model
    about: str
    whole: bool = False
    timed: bool = True


def check_weights(weights: Path) -> None:
    """Loads weights once, so that a wrong file is told before anything is measured.

    Raises:
        InputError: no such file, or not weights of a generator.
    """
    load_weights(weights, torch.device("cpu"))


def product(weights: Path, *, refined: bool) -> Model:
    """The estimator as users run it, from the track to the motion in the world."""

    def answer(case: Case) -> Answer:
        options = EstimateOptions(
            person_height=case.person_height, refine=refined, device="cpu", weights=weights
        )
        motion = _thinned(estimate_motion(case.track, case.camera, options), case.stride)
        return Answer(motion.joints_camera, True, motion)

    return answer


def truth(case: Case) -> Answer:
    """The true motion as an answer: what a perfect estimator would score, and what measures make of it."""
    assert case.truth is not None
    true, motion = case.truth, case.truth.motion
    if motion is None or true.ends is None:
        return Answer(true.in_camera(), True, None)
    whole = Motion(
        person_id=1,
        source=case.name,
        fps=case.track.fps or 0.0,
        frame_start=0,
        rest_offsets=rest_offsets(motion.lengths),
        root_translation=motion.root,
        rotations=motion.rotations,
        joints_world=true.joints,
        joints_camera=true.in_camera(),
        intrinsics=case.camera.intrinsics,
        world_from_camera=true.world_from_camera,
        end_points=true.ends,
        contacts=motion.still.astype(np.float64),
        keypoints=case.track.keypoints,
        confidence=case.track.confidence,
        frame_confidence=np.ones(len(motion.root)),
    )
    return Answer(true.in_camera(), True, whole)


NetworkAnswer = Callable[[Evidence, VirtualCamera], tuple[Tensor, Tensor | None]]
"""From evidence (B = 1) to joints (1, T, 22, 3) relative to Hips, and Hips (1, T, 3) if it says where, in the
virtual camera's axes, metres."""


def _network(predict: NetworkAnswer) -> Model:
    """A network without rotations, given the evidence that the product gathers, of a track put right."""

    @torch.inference_mode()
    def answer(case: Case) -> Answer:
        assert case.track.fps is not None
        # In the camera's own axes, with nothing told but its lens.
        axes = solving_axes(None, len(case.track))
        track = clean_track(case.track, case.track.fps).track
        evidence, _ = gather_evidence(track, case.track.fps, case.camera, axes, None)
        # Averaged with the answer to the mirrored picture, as the generator's is.
        seen, placed = _in_camera(predict, evidence)
        mirrored, _ = _in_camera(predict, mirrored_evidence(evidence))
        joints = (seen + mirrored[..., JOINT_MIRROR, :] * _MIRRORED) / 2
        return Answer(joints[0].double().numpy(), placed, None)

    return answer


def _in_camera(predict: NetworkAnswer, evidence: Evidence) -> tuple[Tensor, bool]:
    """(1, T, 22, 3) in the evidence's axes, and whether they are placed."""
    view = virtual_camera(sightings(evidence.rays, evidence.confidence), evidence.in_clip)
    joints, hips = predict(evidence, view)
    placed = joints if hips is None else joints + hips[:, :, None]
    return torch.einsum("btji,btkj->btki", view.from_camera, placed), hips is not None


def position_network(weights: Path) -> Model:
    """The network that answers positions; it doesn't say where the person is, nor how large."""
    network = load_weights(weights, torch.device("cpu"), PositionNetwork)
    assert isinstance(network, PositionNetwork)
    return _network(lambda evidence, view: (network.joints_from(evidence, view), None))


def yardstick(weights: Path) -> Model:
    """Pavllo et al.'s pose and trajectory networks."""
    network = load_yardstick(weights)
    return _network(network)


def mean_pose(clips: list[CaptureClip]) -> Model:
    """The mean pose of the clips, facing the camera, whatever the keypoints are.

    Mean of the joints' places in the axes of Hips, over all frames: nearer to other people than means of
    rotations, or of classes of motion.
    """
    few = [clip.rotations[:: max(round(clip.fps / 3), 1)] for clip in clips]
    joints = _in_hips_axes(np.concatenate(few)).mean(dim=0)
    # World axes at rest to camera axes, of a person who faces the camera.
    facing = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]).double()
    still = (joints @ facing.T).numpy()

    def answer(case: Case) -> Answer:
        frames = -(-len(case.track) // case.stride)
        return Answer(np.broadcast_to(still, (frames, J, 3)), False, None)

    return answer


def _in_hips_axes(rotations: NDArray[np.float32]) -> Tensor:
    """(T, 22, 3) metres from Hips, of somebody of average build, from local quaternions (T, 22, 4)."""
    local = rotation_matrices(torch.as_tensor(rotations, dtype=torch.float64))
    local = torch.cat([torch.eye(3).double().expand(len(local), 1, 3, 3), local[:, 1:]], dim=1)
    offsets = torch.from_numpy(rest_offsets(MEAN_LENGTHS))
    return forward_kinematics(local, offsets, torch.zeros(len(local), 3).double()).joints
