"""Habekost's setting with capture alone: 2D projections of some people, 3D motion of quite other people.

No person is in both groups, and of the first group's motion nothing but keypoints is used.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import InputError
from ..metrics import EVALUATED_JOINTS, p_mpjpe
from ..observation import Evidence, mirrored_evidence, sightings, virtual_camera
from ..skeleton import JOINT_INDEX, REFERENCE_STATURE
from . import measure
from .cameras import random_cameras
from .capture import CaptureClip
from .library import MotionLibrary
from .measure import JointPredictor, TestClip, evaluation_clips, mean_by_class
from .synthetic import SyntheticSettings, observe_motion
from .tracks import TrackBatch

Array = NDArray[np.float64]

PAIRS = tuple(
    (JOINT_INDEX[f"Left{joint}"], JOINT_INDEX[f"Right{joint}"])
    for joint in ("Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot")
)
"""Joints of which one is nearer to the camera than the other."""
CLEARLY_NEARER = 0.1
"""Metres by which it must be, to count."""
VIEWS = 4
"""Cameras that see each clip, as in Human3.6M."""


def known_cameras(settings: SyntheticSettings) -> SyntheticSettings:
    """Cameras that stand still and are known: focal length, tilt and height over the ground."""
    return replace(
        settings,
        cameras=replace(settings.cameras, moving=0.0),
        known_gravity=1.0,
        known_camera_height=1.0,
        known_person_height=0.0,
        wrong_focal=0.0,
    )


EVALUATION = known_cameras(measure.EVALUATION)


def split_people(clips: list[CaptureClip]) -> tuple[list[CaptureClip], list[CaptureClip]]:
    """Capture for the adversary, and capture to be seen as keypoints only; no person in both.

    Person by person, the one who is drawn most often first, to the group that has less so far.

    Raises:
        InputError: there is one person only.
    """
    odds = MotionLibrary(clips).odds.tolist()
    share: dict[str, float] = {}
    for clip, chance in zip(clips, odds, strict=True):
        share[clip.person] = share.get(clip.person, 0.0) + chance
    if len(share) < 2:
        raise InputError("unpaired training needs capture of two people or more; add some, or give --tracks")
    groups: tuple[set[str], set[str]] = (set(), set())
    filled = [0.0, 0.0]
    for person in sorted(share, key=lambda person: (-share[person], person)):
        least = int(filled[1] < filled[0])
        groups[least].add(person)
        filled[least] += share[person]
    motion, seen = ([clip for clip in clips if clip.person in group] for group in groups)
    return motion, seen


class ProjectedTracks:
    """Endless windows of keypoints of capture, as a collection of videos has them; half of them mirrored.

    Every clip is seen by ``VIEWS`` known cameras and the noisy detector, once and for all; whatever could
    only be done to the motion itself, such as other limbs, builds or ever new cameras, isn't done.

    Args:
        clips: whose 3D nobody gets to see.
        settings: cameras and detector.
        seed: of cameras, detector and windows.
    """

    def __init__(self, clips: list[CaptureClip], settings: SyntheticSettings, seed: int) -> None:
        self.random = torch.Generator().manual_seed(seed)
        library = MotionLibrary(clips)
        self._videos = [_videos(library, index, settings, self.random) for index in range(len(clips))]
        self._odds = library.odds

    def batch(self, size: int, frames: int) -> TrackBatch:
        """As ``TrackSource.batch``; clips as often as ``MotionLibrary`` draws them."""
        chosen = torch.multinomial(self._odds, size, replacement=True, generator=self.random).tolist()
        evidence = _joined([self._window(self._videos[clip], frames) for clip in chosen])
        view = virtual_camera(sightings(evidence.rays, evidence.confidence), evidence.in_clip)
        return TrackBatch(evidence, view)

    def _window(self, videos: Evidence, frames: int) -> Evidence:
        """(B = 1) a part of one of a clip's videos, padded by its last frame."""
        views, length = videos.in_clip.shape
        view = int(torch.randint(views, (), generator=self.random))
        start = int(torch.randint(max(length - frames, 0) + 1, (), generator=self.random))
        frame = start + torch.arange(frames)
        within = frame < length
        frame = frame.clamp(max=length - 1)
        part = Evidence(
            rays=videos.rays[view, frame][None],
            confidence=(videos.confidence[view, frame] * within[:, None])[None],
            in_clip=within[None],
            down=videos.down[view, frame][None],
            camera_height=videos.camera_height[view, None],
            person_height=videos.person_height[view, None],
        )
        mirrored = torch.rand((), generator=self.random) < 0.5
        return mirrored_evidence(part) if mirrored else part


def _videos(
    library: MotionLibrary, clip: int, settings: SyntheticSettings, random: torch.Generator
) -> Evidence:
    """(B = VIEWS) a whole clip as its cameras see it."""
    motion = library.clip_window(clip)
    in_clip = torch.ones(1, motion.root.shape[1], dtype=torch.bool)
    seen = []
    for _ in range(VIEWS):
        cameras = random_cameras(motion.root, in_clip, settings.cameras, random)
        seen.append(observe_motion(motion, in_clip, cameras, settings, random).evidence)
    return _joined(seen)


def _joined(parts: list[Evidence]) -> Evidence:
    """One after the other along B."""
    return Evidence(
        **{field.name: torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Evidence)}
    )


def known_camera_clips(clips: list[CaptureClip], views: int = 2) -> list[TestClip]:
    """Every clip through ``views`` known cameras and the noisy detector; the same every time."""
    return evaluation_clips(clips, views, EVALUATION)


def mean_pose(clips: list[TestClip]) -> Array:
    """(14, 3) mean of the evaluated joints in the axes of Hips, for a person of 1.7 m."""
    total, frames = np.zeros((len(EVALUATED_JOINTS), 3)), 0
    for clip in clips:
        truth = clip.sample.truth
        hips = truth.rotations[0, :, 0]
        pose = torch.einsum("tji,tnj->tni", hips, _joints(clip)[:, list(EVALUATED_JOINTS)])
        total += pose.double().numpy().sum(axis=0)
        frames += len(pose)
    return total / max(frames, 1)


def _joints(clip: TestClip) -> Tensor:
    """(T, 22, 3) true joints relative to Hips, for a person of 1.7 m."""
    truth = clip.sample.truth
    return (truth.joints[0] - truth.joints[0, :, :1]) * (REFERENCE_STATURE / float(truth.stature[0]))


@dataclass(frozen=True)
class UnpairedFigures:
    """What unpaired training is judged by, by class of action.

    Attributes:
        p_mpjpe, mean_pose: millimetres, of the network and of one pose for all frames.
        flips: share of pairs of left and right joints, one clearly nearer, that are the wrong way round.
    """

    p_mpjpe: dict[str, float]
    mean_pose: dict[str, float]
    flips: dict[str, float]


def unpaired_figures(predict: JointPredictor, clips: list[TestClip], pose: Array) -> UnpairedFigures:
    """Measures a network; ``pose`` (14, 3) is what it is compared with, see ``mean_pose``."""
    joints = list(EVALUATED_JOINTS)
    rows: dict[str, list[tuple[str, float]]] = {"p_mpjpe": [], "mean_pose": [], "flips": []}
    for clip in clips:
        true, predicted = _joints(clip), predict(clip.sample)[0]
        target = true[:, joints].double().numpy()
        errors = p_mpjpe(predicted[:, joints].double().numpy(), target)
        rows["p_mpjpe"].append((clip.action_class, 1000 * float(errors.mean())))
        still = p_mpjpe(np.broadcast_to(pose, target.shape), target)
        rows["mean_pose"].append((clip.action_class, 1000 * float(still.mean())))
        rows["flips"].append((clip.action_class, depth_flips(predicted, true)))
    return UnpairedFigures(**{name: mean_by_class(values) for name, values in rows.items()})


def depth_flips(predicted: Tensor, true: Tensor) -> float:
    """Share of pairs of ``PAIRS`` whose order in depth is reversed; 0 if none differs clearly.

    Args:
        predicted, true: (T, 22, 3) in the virtual camera, z forward, metres.
    """
    left, right = (list(side) for side in zip(*PAIRS, strict=True))
    order = true[:, left, 2] - true[:, right, 2]
    answered = predicted[:, left, 2] - predicted[:, right, 2]
    clear = order.abs() > CLEARLY_NEARER
    if not bool(clear.any()):
        return 0.0
    return float((order * answered < 0)[clear].float().mean())
