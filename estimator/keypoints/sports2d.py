"""Sports2D's and Pose2Sim's JSON folders: OpenPose's structure, RTMPose's points (Halpe-26 by default)."""

from __future__ import annotations

from ..errors import InputError
from ..progress import Progress
from .detections import DetectedClip, layout_of_count
from .layouts import COCO17, HALPE26, HALPE136, WHOLEBODY133
from .openpose import common_point_count, read_openpose
from .source import Source

LAYOUTS = (HALPE26, COCO17, WHOLEBODY133, HALPE136)


def matches_sports2d(source: Source) -> bool:
    """A folder in OpenPose's structure with a number of points that OpenPose never writes."""
    return common_point_count(source.sample_documents) in {layout.count for layout in LAYOUTS}


def read_sports2d(source: Source, progress: Progress | None = None) -> tuple[DetectedClip]:
    """Reads the folder; the layout follows from the number of points, the same in all frames.

    Raises:
        InputError: nobody in it, another number of points, a file that is not as the others.
    """
    count = common_point_count(source.sample_documents)
    if count is None:
        raise InputError(
            f"{source.label}: no person in any of the {source.file_count} files; check the detector's run"
        )
    return read_openpose(source, layout_of_count(count, LAYOUTS, source.label), progress)
