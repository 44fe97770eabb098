"""MMPose's predictions: instances with ``keypoints`` [[x, y], …] and ``keypoint_scores`` [c, …].

Frames come as ``{"meta_info": …, "instance_info": [{"frame_id", "instances"}, …]}`` (its demo scripts), as
the bare list of those (``MMPoseInferencer`` on a video), as ``{"predictions": [[instance, …], …]}`` (the
inferencer's own return value), or as a folder with a list of instances per picture. A ``track_id`` is the
identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..progress import Progress
from .coco import identity_of
from .detections import DetectedClip, Detection, first_picture, layout_of_count, number_array
from .layouts import COCO17, HALPE26, HALPE136, WHOLEBODY133, KeypointLayout
from .source import Source

LAYOUTS = (COCO17, HALPE26, WHOLEBODY133, HALPE136)

Frame = tuple[int, str, list[Any]]
"""Frame number, place for messages, instances."""


def _is_instances(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and isinstance(one.get("keypoints"), list) and "image_id" not in one
        for one in value
    )


def _is_frame(value: Any) -> bool:
    return isinstance(value, dict) and "frame_id" in value and _is_instances(value.get("instances"))


def _frame_list(document: Any) -> list[Any] | None:
    """The list of frames in a document, of either kind; None if it is no MMPose document."""
    frames = document
    if isinstance(document, dict):
        frames = document.get("instance_info", document.get("predictions"))
    if not isinstance(frames, list) or not frames:
        return None
    if all(_is_frame(frame) for frame in frames[:100]):
        return frames
    nested = isinstance(document, dict) and all(_is_instances(frame) for frame in frames[:100])
    return frames if nested else None


def matches_mmpose(source: Source) -> bool:
    """A document with frames of instances, or a folder with a list of instances in each file."""
    if source.kind == "json folder":
        documents = source.sample_documents
        return any(documents) and all(_is_instances(document) for document in documents)
    return _frame_list(source.document) is not None


def _frames(source: Source, progress: Progress | None) -> Iterator[Frame]:
    if source.kind == "json folder":
        yield from source.frame_documents(progress)
        return
    frames = _frame_list(source.document)
    if frames is None:
        raise InputError(
            f"{source.label}: no MMPose predictions with frame_id and instances; choose another format"
        )
    for index, frame in enumerate(frames):
        if progress is not None and index % 200 == 0:
            progress(index / len(frames))
        number = frame.get("frame_id") if isinstance(frame, dict) else index
        if not isinstance(number, int):
            raise InputError(
                f"{source.label}, entry {index}: frame_id {str(number)[:40]!r} is no whole number"
            )
        yield (
            number,
            f"{source.label} (frame {number})",
            frame["instances"] if isinstance(frame, dict) else frame,
        )


def read_mmpose(source: Source, progress: Progress | None = None) -> tuple[DetectedClip]:
    """Reads the predictions; the layout follows from the number of points, the same in all frames.

    Raises:
        InputError: naming the frame.
    """
    numbers: set[int] = set()
    detections = list(_detections(_frames(source, progress), numbers))
    return (DetectedClip(detections, first_picture=first_picture(numbers)),)


def _detections(frames: Iterable[Frame], numbers: set[int]) -> Iterator[Detection]:
    """The people on all frames; ``numbers`` gets every frame's number, also where nobody is."""
    layout: KeypointLayout | None = None
    for number, where, instances in frames:
        numbers.add(number)
        if not _is_instances(instances):
            raise InputError(f"{where}: no list of instances with keypoints; export the file again")
        for instance in instances:
            points = _points(instance, where)
            layout = layout or layout_of_count(len(points), LAYOUTS, where)
            if len(points) != layout.count:
                raise InputError(
                    f"{where}: {len(points)} keypoints where the frames before have {layout.count}"
                )
            yield Detection(number, layout.to_canonical(points), identity_of(instance.get("track_id")))


def _points(instance: dict[str, Any], where: str) -> NDArray[np.float64]:
    """(count, 3) of an instance; confidence 1 where the file has none."""
    points = number_array(instance["keypoints"], where)
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise InputError(
            f"{where}: keypoints of shape {points.shape} instead of a list of [x, y]; export the file again"
        )
    scores = instance.get("keypoint_scores")
    if scores is None:
        confidence = points[:, 2] if points.shape[1] == 3 else np.ones(len(points))
    else:
        confidence = number_array(scores, where)
        if confidence.shape != (len(points),):
            raise InputError(f"{where}: {confidence.size} keypoint_scores for {len(points)} keypoints")
    return np.column_stack((points[:, :2], confidence))
