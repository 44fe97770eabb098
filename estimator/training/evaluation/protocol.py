"""How the evaluation looks at motion capture: cameras, detectors, conditions, all numbers in one place.

Nothing here is taken from what training uses, so that figures stay comparable when training changes.
Whoever changes a number, or how it is used, gives the protocol a new name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

PROTOCOL = "kinelift-evaluation-2"
FPS = 30.0
MAX_FRAMES = 900
"""Of a clip that are looked at: half a minute."""
SEED = 20261120
WALK_SECONDS = 60.0
WALK_RADIUS = 6.0
"""Metres of the circle that the long walk goes round, so that one camera sees all of it."""


@dataclass(frozen=True)
class CameraDraw:
    """How cameras that stand still are drawn: after Shin et al. (WHAM, CVPR 2024).

    Attributes:
        distance: metres to the middle of the path, uniform; more if ``nearest`` asks for it.
        nearest: metres from Hips.
        pitch: degrees of looking down, mean and spread, within ``steepest``.
        roll: degrees, spread.
        focal_mm: on a sensor 36 mm wide, uniform.
        aim: spread of the person off the middle of the picture, in half widths and half heights.
        pictures: widths and heights in pixels, one of them by lot. Points beyond the edge are still seen.
    """

    distance: tuple[float, float] = (2.0, 12.0)
    nearest: float = 1.4
    pitch: tuple[float, float] = (5.0, 22.5)
    steepest: tuple[float, float] = (-60.0, 70.0)
    roll: float = 7.5
    focal_mm: tuple[float, float] = (24.0, 70.0)
    aim: float = 0.25
    pictures: tuple[tuple[int, int], ...] = ((1920, 1080), (1440, 1080), (1080, 1920))


Parts = tuple[float, float, float, float, float, float, float]
"""Numbers for face, shoulders, elbows, wrists, hips, knees, and ankles with feet."""


@dataclass(frozen=True)
class DetectorModel:
    """What a detector makes of keypoints; centimetres on a person of 1.7 m, before projection.

    A burst is a stretch of frames, at most one per series; it comes with a chance and a range of lengths.

    Attributes:
        bias: spread of where this person's marks are off the average ones, fixed to the bones.
        offsets: of the marks from the average ones, the same on everybody; x to the left, y backwards, z up
            in the bone's axes at rest; right-hand points are mirrored.
        jitter: spread per frame, made of ``white`` noise and ``slow`` noise that lasts ``slow_frames``.
        tail: degrees of freedom of Student's t of the white noise; infinite is Gaussian.
        level: spread of the log of the jitter's strength from clip to clip, and its mean.
        peak, peak_share: spread of gross errors, and the share of frames that have one.
        guessed: burst per keypoint that is guessed at, ``guess`` off.
        picture: spread in per cent of the person's height in the picture, from rounding on a heat map.
        whole_legs, whole_person, whole_point: bursts in which these are not found.
        never_legs, never_face: chances that they are never found.
        point: share of single points that are not found.
        layouts: chances of layouts that lack some points, by name of ``detector.LACKING``.
        swapped, swapped_legs: bursts in which left and right are taken for each other.
        honest: confidence of a perfect point, and what a metre of error takes from it.
        mute: chance that all confidences are 1; ``vague`` chance that they say nothing.
    """

    bias: Parts
    jitter: Parts
    peak: Parts
    peak_share: Parts
    offsets: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    white: float = 0.6
    slow: float = 0.8
    slow_frames: float = 4.0
    tail: float = math.inf
    level: tuple[float, float] = (0.5, -0.3)
    guessed: tuple[float, int, int] = (0.06, 4, 30)
    guess: float = 15.0
    picture: float = 0.0
    whole_legs: tuple[float, int, int] = (0.08, 30, 90)
    whole_person: tuple[float, int, int] = (0.10, 3, 40)
    whole_point: tuple[float, int, int] = (0.10, 3, 40)
    never_legs: float = 0.03
    never_face: float = 0.05
    point: float = 0.02
    layouts: tuple[tuple[str, float], ...] = (
        ("coco17", 0.25),
        ("body25", 0.25),
        ("coco18", 0.12),
        ("no_feet", 0.08),
    )
    swapped: tuple[float, int, int] = (0.08, 1, 15)
    swapped_legs: tuple[float, int, int] = (0.10, 1, 20)
    honest: tuple[float, float] = (0.95, 4.0)
    mute: float = 0.2
    vague: float = 0.0


_NEVER = (0.0, 1, 1)

USUAL = DetectorModel(
    bias=(2.5, 1.5, 2.0, 2.5, 2.5, 1.5, 2.0),
    jitter=(0.7, 1.5, 1.0, 0.8, 2.0, 1.0, 0.7),
    peak=(2.4, 4.5, 7.5, 12.0, 2.4, 9.0, 12.0),
    peak_share=(0.10, 0.05, 0.025, 0.017, 0.05, 0.025, 0.017),
)
"""The numbers of training as it was at first, see ``detections``."""

OTHER = DetectorModel(
    bias=(1.0, 2.5, 1.0, 1.5, 1.5, 2.5, 1.5),
    jitter=(1.2, 0.8, 1.4, 1.8, 1.2, 1.2, 1.6),
    peak=(1.0, 2.0, 15.0, 20.0, 2.0, 4.0, 8.0),
    peak_share=(0.02, 0.01, 0.02, 0.03, 0.01, 0.02, 0.03),
    offsets={
        "nose": (0.0, 1.5, -1.5),
        "head_top": (0.0, 1.0, -3.0),
        "neck": (0.0, -2.5, -2.0),
        "pelvis": (0.0, -1.0, 3.0),
        "left_eye": (0.5, 1.0, -1.0),
        "left_ear": (-1.0, -1.0, 1.0),
        "left_shoulder": (-1.5, 0.0, -2.0),
        "left_elbow": (0.0, 1.5, 0.0),
        "left_wrist": (-1.5, 0.0, 0.0),
        "left_hip": (2.5, 0.0, 3.0),
        "left_knee": (0.0, -2.0, 1.5),
        "left_ankle": (1.0, 0.0, 2.0),
        "left_big_toe": (0.0, 1.5, 1.0),
        "left_small_toe": (0.0, 1.5, 1.0),
        "left_heel": (0.0, -1.0, 1.5),
    },
    white=0.35,
    slow=0.95,
    slow_frames=9.0,
    tail=3.0,
    level=(0.3, 0.0),
    guessed=(0.12, 2, 12),
    guess=25.0,
    picture=0.4,
    whole_legs=(0.05, 10, 40),
    whole_person=(0.05, 2, 15),
    whole_point=(0.20, 2, 25),
    never_legs=0.0,
    never_face=0.0,
    point=0.05,
    layouts=(("coco17", 0.3), ("coco18", 0.3)),
    swapped=(0.15, 1, 6),
    swapped_legs=(0.2, 1, 8),
    honest=(0.85, 1.5),
    mute=0.0,
    vague=0.5,
)
"""A detector that training doesn't know: marks elsewhere, slow wander with heavy tails, vague confidences."""

NONE = DetectorModel(
    bias=(0.0,) * 7,
    jitter=(0.0,) * 7,
    peak=(0.0,) * 7,
    peak_share=(0.0,) * 7,
    guessed=_NEVER,
    whole_legs=_NEVER,
    whole_person=_NEVER,
    whole_point=_NEVER,
    never_legs=0.0,
    never_face=0.0,
    point=0.0,
    layouts=(),
    swapped=_NEVER,
    swapped_legs=_NEVER,
    mute=1.0,
)
"""Keypoints exactly where an average detector marks them."""

ONLY_COCO17 = replace(
    USUAL,
    layouts=(("coco17", 1.0),),
    whole_legs=_NEVER,
    whole_person=_NEVER,
    whole_point=_NEVER,
    never_legs=0.0,
    never_face=0.0,
    point=0.0,
)


@dataclass(frozen=True)
class Condition:
    """One way of looking at the clips of a split.

    Attributes:
        summary: for the report.
        detector: what makes the keypoints.
        views: cameras per clip.
        sparse: share of the keypoints that are missing besides, in runs of ``SPARSE_RUN`` frames on average.
        long_walk: chained walks in place of the clips.
        known: whether the camera's place and the person's height are told; else only the focal length is.
    """

    summary: str
    detector: DetectorModel = USUAL
    views: int = 1
    sparse: float = 0.0
    long_walk: bool = False
    known: bool = False


SPARSE_RUN = 5.0

CONDITIONS: dict[str, Condition] = {
    "noisy": Condition("fixed random cameras, the usual noisy detector, two views per clip", views=2),
    "clean": Condition("exact keypoints", NONE),
    "other-noise": Condition("a detector of other errors, and other marks on the body", OTHER),
    "coco17-sparse": Condition("COCO's 17 points only, 20 % of them missing", ONLY_COCO17, sparse=0.2),
    "noisy-known": Condition("as noisy, one view; camera pose and person's height known", known=True),
    "long-walk": Condition("walks of 60 s round a circle, seen by one camera", long_walk=True),
}
"""Gravity, camera pose and the person's height are unknown unless a condition says otherwise."""
