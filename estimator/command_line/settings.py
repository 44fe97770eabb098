"""What the user asked for, the same for all clips."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..camera import Camera
from ..estimate import EstimateOptions

ALL_PEOPLE, LARGEST_PERSON = "all", "largest"


@dataclass(frozen=True)
class Settings:
    """The options of one run.

    Attributes:
        out: folder of the outputs.
        save: which of ``OUTPUT_ENDINGS`` to write.
        resume: keep outputs that are there, can be read, and are what would be made now.
        keypoint_format: a format's name or "auto".
        size: width and height of the picture in pixels, None if not given; likewise the following.
        fps: frames per second.
        focal_px: focal length in pixels.
        camera: from a camera file; not together with ``focal_px``.
        person: "all", "largest" or a person's number.
        frames: first and last frame, both included, counted from 0, the clip's first picture.
        options: of the estimator.
    """

    out: Path
    save: tuple[str, ...] = ("npz",)
    resume: bool = False
    keypoint_format: str = "auto"
    size: tuple[int, int] | None = None
    fps: float | None = None
    focal_px: float | None = None
    camera: Camera | None = None
    person: str = ALL_PEOPLE
    frames: tuple[int, int] | None = None
    options: EstimateOptions = field(default_factory=EstimateOptions)
