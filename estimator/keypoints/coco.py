"""COCO result lists: ``[{"image_id": 7, "category_id": 1, "keypoints": [x, y, c, …], "score": …}, …]``.

Detectron2 and many others write it. Annotation files in COCO's layout (``{"images": …, "annotations": …}``)
are read too; there the images' file names give the frame numbers and their sizes the picture's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import InputError
from ..progress import Progress
from .detections import DetectedClip, Detection, first_picture, layout_of_count, points_from_flat
from .layouts import COCO17, WHOLEBODY133, KeypointLayout
from .source import Source, frame_number

LAYOUTS = (COCO17, WHOLEBODY133)


def is_result_list(document: Any) -> bool:
    """A list of objects with ``image_id`` and ``keypoints``, or the same as annotations."""
    entries = document.get("annotations") if isinstance(document, dict) else document
    return (
        isinstance(entries, list)
        and bool(entries)
        and all(
            isinstance(entry, dict) and "image_id" in entry and "keypoints" in entry
            for entry in entries[:100]
        )
    )


def matches_coco(source: Source) -> bool:
    """A COCO list whose ``image_id`` are numbers; AlphaPose's are names of pictures."""
    document = source.document
    if not is_result_list(document):
        return False
    if isinstance(document, dict):
        return True
    return all(isinstance(entry["image_id"], int) and "idx" not in entry for entry in document[:100])


def frame_of_image(image_id: Any, where: str) -> int:
    """The frame number of an ``image_id``: the number itself, or the last digits of a picture's name.

    Raises:
        InputError: there is no number in it.
    """
    frame = frame_number(image_id) if isinstance(image_id, str) else image_id
    if not isinstance(frame, int) or isinstance(frame, bool):
        raise InputError(
            f"{where}: image_id {str(image_id)[:60]!r} holds no frame number; name pictures by number"
        )
    return frame


def read_result_entries(
    entries: Sequence[Any], layouts: Sequence[KeypointLayout], label: str, progress: Progress | None
) -> list[Detection]:
    """Reads COCO-style entries; ``track_id`` or ``idx`` is the person's identity.

    Raises:
        InputError: naming entry and frame, for keypoints of another number than in the first entry.
    """
    detections: list[Detection] = []
    layout = None
    for index, entry in enumerate(entries):
        if progress is not None and index % 1000 == 0:
            progress(index / len(entries))
        if not isinstance(entry, dict) or "image_id" not in entry or "keypoints" not in entry:
            raise InputError(f"{label}: entry {index} has no image_id and keypoints; export the file again")
        frame = frame_of_image(entry["image_id"], f"{label}, entry {index}")
        where = f"{label}, entry {index} (frame {frame})"
        values = entry["keypoints"]
        if not isinstance(values, list):
            raise InputError(f"{where}: keypoints are not a list of numbers; export the file again")
        if layout is None:
            layout = layout_of_count(len(values) // 3, layouts, where)
        points = points_from_flat(values, layout, where)
        detections.append(Detection(frame, points, identity_of(entry.get("track_id", entry.get("idx")))))
    return detections


def identity_of(value: Any) -> int | str | None:
    """An identity as trackers write it: a number (also as float, also in nested lists) or a name."""
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def read_coco(source: Source, progress: Progress | None = None) -> tuple[DetectedClip]:
    """Reads a COCO result list or annotation file.

    Raises:
        InputError: naming entry and frame.
    """
    document = source.document
    if not is_result_list(document):
        raise InputError(
            f"{source.label}: no COCO list of objects with image_id and keypoints; choose another format"
        )
    if not isinstance(document, dict):
        return (DetectedClip(read_result_entries(document, LAYOUTS, source.label, progress)),)
    listed = document.get("images")
    images = {
        image["id"]: image
        for image in (listed if isinstance(listed, list) else [])
        if isinstance(image, dict) and isinstance(image.get("id"), int | str)
    }
    entries = [
        {**entry, "image_id": _frame_reference(images, entry["image_id"])}
        if isinstance(entry, dict) and "image_id" in entry
        else entry
        for entry in document["annotations"]
    ]
    detections = read_result_entries(entries, LAYOUTS, source.label, progress)
    width, height = (
        _common_size([image.get(side) for image in images.values()]) for side in ("width", "height")
    )
    numbers = {detection.frame for detection in detections} | _numbers_of_images(images)
    return (DetectedClip(detections, width, height, first_picture=first_picture(numbers)),)


def _numbers_of_images(images: dict[int | str, Any]) -> set[int]:
    """Frame numbers of all pictures that are listed, also of those that nobody is on."""
    references = [_frame_reference(images, image_id) for image_id in images]
    numbers = [frame_number(one) if isinstance(one, str) else one for one in references]
    return {number for number in numbers if isinstance(number, int)}


def _common_size(sizes: list[Any]) -> int | None:
    """The size that all pictures have; None where they differ or don't say."""
    same = bool(sizes) and all(size == sizes[0] for size in sizes)
    return sizes[0] if same and isinstance(sizes[0], int) and sizes[0] > 0 else None


def _frame_reference(images: dict[int | str, Any], image_id: Any) -> Any:
    """The picture's file name if it has digits, else the ``image_id`` itself."""
    image = images.get(image_id) if isinstance(image_id, int | str) else None
    name = image.get("file_name") if image is not None else None
    return name if isinstance(name, str) and frame_number(name) is not None else image_id
