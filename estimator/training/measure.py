"""How good a network is while it trains: fixed cameras, fixed noise, every clip of a split.

Quick, and through what training uses; ``evaluation`` measures what comes out of training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..generator import Generator
from ..metrics import EVALUATED_JOINTS, mpjpe, p_mpjpe
from ..observation import observe
from ..skeleton import REFERENCE_STATURE
from .augment import AugmentSettings
from .cameras import CameraSettings, random_cameras
from .capture_clip import CaptureClip
from .library import MotionBatch, MotionLibrary
from .supervision import pooled_log_lengths, predicted_pose
from .synthetic import Sample, SyntheticSettings, observe_motion

MAX_FRAMES = 900
"""Of a clip that are looked at: half a minute."""
EVALUATION = SyntheticSettings(
    augment=AugmentSettings(
        swap=0, perturb=0, arms=0, legs=0, trunk=0, crouch=0, mirror=0, stature_spread=0, length_spread=0
    ),
    cameras=CameraSettings(
        distance=(2.0, 12.0),
        nearest=0.8,
        pitch=(5.0, 18.0),
        roll_spread=5.0,
        focal_mm=(24.0, 70.0),
        aim_spread=0.25,
        moving=0.0,
    ),
    known_gravity=0.0,
    known_camera_height=0.0,
    known_person_height=0.0,
    wrong_focal=0.0,
    cropped=0.0,
    picture_edge=0.0,
)
"""Nothing but the keypoints is known, the camera stands still, and its focal length is right.

The numbers are written out so that training's defaults may change without changing what it is measured by;
the detector's tables are training's. ``evaluation`` has its own.
"""


@dataclass(frozen=True)
class TestClip:
    """One clip seen by one camera."""

    __test__ = False  # not a test case, whatever pytest thinks of its name

    name: str
    action_class: str
    sample: Sample


def evaluation_clips(
    clips: list[CaptureClip],
    views: int = 2,
    settings: SyntheticSettings = EVALUATION,
    seed: int = 20260101,
) -> list[TestClip]:
    """Every clip through ``views`` cameras; the same whatever else was drawn before."""
    library = MotionLibrary(clips)
    seen = []
    for index, clip in enumerate(clips):
        motion = library.clip_window(index)
        frames = min(motion.root.shape[1], MAX_FRAMES)
        motion = _first(motion, frames)
        in_clip = torch.ones(1, frames, dtype=torch.bool)
        for view in range(views):
            random = torch.Generator().manual_seed(seed + 1000 * index + view)
            cameras = random_cameras(motion.root, in_clip, settings.cameras, random)
            sample = observe_motion(motion, in_clip, cameras, settings, random)
            seen.append(TestClip(f"{clip.name}/{view}", clip.action_class, sample))
    return seen


def _first(motion: MotionBatch, frames: int) -> MotionBatch:
    per_clip = ("lengths", "ground_known")
    return replace(
        motion,
        **{
            name: getattr(motion, name)[:, :frames]
            for name in MotionBatch.__dataclass_fields__
            if name not in per_clip
        },
    )


JointPredictor = Callable[[Sample], Tensor]
"""From a sample to joints (1, T, 22, 3) relative to Hips in the virtual camera, for a person of 1.7 m."""


def generator_joints(generator: Generator) -> JointPredictor:
    """The generator's joints by forward kinematics."""

    @torch.no_grad()
    def predict(sample: Sample) -> Tensor:
        prediction = generator(observe(sample.evidence, sample.view), sample.evidence.in_clip)
        log_lengths = pooled_log_lengths(prediction.log_lengths, sample.evidence.in_clip)
        return predicted_pose(prediction, log_lengths).joints

    return predict


def mean_by_class(clips: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Mean over the clips of each class, and the mean of those means under ``balanced``.

    People who stand idle don't count in that, unless there are no others.
    """
    values: dict[str, list[float]] = {}
    for action_class, value in clips:
        values.setdefault(action_class, []).append(value)
    means = {name: float(np.mean(group)) for name, group in sorted(values.items())}
    moving = [value for name, value in means.items() if name != "idle"]
    means["balanced"] = float(np.mean(moving or list(means.values())))
    return means


@dataclass(frozen=True)
class ClipErrors:
    """Of one clip, mean over its frames; millimetres."""

    name: str
    action_class: str
    p_mpjpe: float
    mpjpe: float


def clip_errors(predict: JointPredictor, clips: list[TestClip]) -> list[ClipErrors]:
    """P-MPJPE and root-relative MPJPE of every clip, for a person of 1.7 m."""
    joints = list(EVALUATED_JOINTS)
    rows = []
    for clip in clips:
        truth = clip.sample.truth
        scale = REFERENCE_STATURE / float(truth.stature[0])
        predicted = _array(predict(clip.sample)[0, :, joints])
        true = _array((truth.joints[0, :, joints] - truth.joints[0, :, :1]) * scale)
        rows.append(
            ClipErrors(
                clip.name,
                clip.action_class,
                1000 * float(p_mpjpe(predicted, true).mean()),
                1000 * float(mpjpe(predicted, true).mean()),
            )
        )
    return rows


def joint_errors(predict: JointPredictor, clips: list[TestClip]) -> dict[str, dict[str, float]]:
    """``clip_errors`` by class, averaged over clips."""
    rows = clip_errors(predict, clips)
    return {
        "p_mpjpe": mean_by_class((row.action_class, row.p_mpjpe) for row in rows),
        "mpjpe": mean_by_class((row.action_class, row.mpjpe) for row in rows),
    }


def _array(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.double().numpy()
