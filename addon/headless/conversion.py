"""What becomes of one input, whatever it is."""

from __future__ import annotations

from ...estimator.command_line.clips import Clip
from ...estimator.command_line.result import ClipResult
from ...estimator.progress import Progress
from .clip_conversion import convert_clip
from .motion_conversion import retarget_motion
from .settings import BatchSettings


def convert(clip: Clip, settings: BatchSettings, progress: Progress) -> ClipResult:
    """Converts a clip, or puts a motion on the character. Raises nothing; the present file is given up."""
    return (retarget_motion if settings.motions else convert_clip)(clip, settings, progress)
