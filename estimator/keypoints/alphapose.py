"""AlphaPose's ``alphapose-results.json`` in its three forms, and its ``sep-json`` folders.

- default: a COCO-style list whose ``image_id`` is the picture's name (``"12.jpg"``), with ``idx`` where
  people were tracked; COCO-17, Halpe-26 or Halpe-136 points;
- ``--format open`` and ``--format cmu``: an object of frames by picture name, each with ``people`` /
  ``pose_keypoints_2d`` or ``bodies`` / ``joints`` in OpenPose's COCO-18 order; ``sep-json`` holds the same
  frames as files (those of the *open* form are plain OpenPose folders).
"""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from ..progress import Progress
from .coco import frame_of_image, is_result_list, read_result_entries
from .detections import DetectedClip, Detection, first_picture, points_from_flat
from .layouts import COCO17, COCO18, HALPE26, HALPE136, WHOLEBODY133
from .openpose import common_point_count, people_of
from .source import Source

LAYOUTS = (COCO17, HALPE26, HALPE136, WHOLEBODY133)


def bodies_of(document: Any) -> list[Any] | None:
    """The keypoint lists of a frame in the *cmu* or the *open* form; None for anything else."""
    bodies = document.get("bodies") if isinstance(document, dict) else None
    if not isinstance(bodies, list):
        return people_of(document)
    if not all(isinstance(body, dict) and "joints" in body for body in bodies):
        return None
    return [body["joints"] for body in bodies]


def _is_frames_by_picture(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and bool(document)
        and all(bodies_of(frame) is not None for frame in list(document.values())[:100])
    )


def matches_alphapose(source: Source) -> bool:
    """One of the three forms; a list counts as AlphaPose's by names in ``image_id`` or by ``idx``."""
    document = source.document
    if source.kind == "json folder":
        return any(isinstance(frame, dict) and "bodies" in frame for frame in source.sample_documents) and (
            common_point_count(source.sample_documents, bodies_of) in (COCO18.count, None)
        )
    if isinstance(document, list) and is_result_list(document):
        return any(isinstance(entry["image_id"], str) or "idx" in entry for entry in document[:100])
    return _is_frames_by_picture(document)


def read_alphapose(source: Source, progress: Progress | None = None) -> tuple[DetectedClip]:
    """Reads AlphaPose's results.

    Raises:
        InputError: naming the entry or file and the frame.
    """
    document = source.document
    if source.kind == "json folder":
        frames = source.frame_documents(progress)
        detections = [found for frame in frames for found in _read_frame(*frame)]
        return (DetectedClip(detections, first_picture=first_picture(source.frame_numbers)),)
    if isinstance(document, list) and is_result_list(document):
        return (
            DetectedClip(
                _with_real_identities(read_result_entries(document, LAYOUTS, source.label, progress))
            ),
        )
    if not _is_frames_by_picture(document):
        raise InputError(f"{source.label}: none of AlphaPose's three forms of results; choose another format")
    detections, numbers = [], []
    for picture, content in document.items():
        number = frame_of_image(picture, source.label)
        numbers.append(number)
        detections += _read_frame(number, f"{source.label} (frame {number})", content)
    return (DetectedClip(detections, first_picture=first_picture(numbers)),)


def _read_frame(frame: int, where: str, document: Any) -> list[Detection]:
    bodies = bodies_of(document)
    if bodies is None:
        raise InputError(f"{where}: no list 'people' or 'bodies' as AlphaPose writes it; remove this frame")
    return [Detection(frame, points_from_flat(values, COCO18, where)) for values in bodies]


def _with_real_identities(detections: list[Detection]) -> list[Detection]:
    """Without tracking, AlphaPose writes ``idx`` 0 for everybody: that is no identity."""
    if {detection.identity for detection in detections} != {0}:
        return detections
    return [detection._replace(identity=None) for detection in detections]
