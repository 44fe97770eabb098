"""OpenPose's ``--write_json`` folders, a file per frame.

Each holds ``{"people": [{"pose_keypoints_2d": [x, y, confidence, …]}]}``.
BODY_25 and the experimental BODY_25B both have 25 points; the body's geometry tells which it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..keypoint_set import KEYPOINT_LIMBS
from ..progress import Progress
from ..track import MAX_PIXEL
from .detections import DetectedClip, Detection, first_picture, person_sizes, points_from_flat
from .layouts import BODY25, BODY25B, COCO18, KeypointLayout
from .source import Source

_LIMB_A, _LIMB_B = np.array(KEYPOINT_LIMBS, dtype=np.intp).T

CLEAR_MARGIN = 1.3
"""The limbs of the wrong layout must be at least this many times as long as the right one's.

On tracks of real people they are 2.5 to 2.8 times as long, 1.75 and more with the legs out of the picture.
"""

PeopleList = Callable[[Any], list[Any] | None]
"""Takes a frame's document to the flat keypoint lists of its people; None if it is no such document."""


def people_of(document: Any) -> list[Any] | None:
    """The keypoint lists of an OpenPose document; the key is ``pose_keypoints`` in files of 2017."""
    people = document.get("people") if isinstance(document, dict) else None
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        return None
    lists = [person.get("pose_keypoints_2d", person.get("pose_keypoints")) for person in people]
    return None if any(values is None for values in lists) else lists


def identities_of(document: Any) -> list[int | None]:
    """OpenPose's ``person_id`` of each of ``people_of(document)``; None for its -1, *not tracked*."""

    def identity(value: Any) -> int | None:
        value = value[0] if isinstance(value, list) and value else value
        return value if isinstance(value, int) and value >= 0 else None

    return [identity(person.get("person_id")) for person in document["people"]]


def common_point_count(documents: Sequence[Any], people: PeopleList = people_of) -> int | None:
    """The number of points that most people in ``documents`` have; None if there is nobody, 0 if unclear."""
    counts = Counter(
        len(values) // 3 if isinstance(values, list) and len(values) % 3 == 0 else 0
        for document in documents
        for values in people(document) or []
        if values
    )
    return counts.most_common(1)[0][0] if counts else None


def limb_length(people: NDArray[np.float64], layout: KeypointLayout) -> float:
    """Median over people of the mean length of their limbs, relative to the person's size, in ``layout``.

    Args:
        people: (N, count, 3) x, y, confidence, 0 where missing.

    Returns:
        NaN if no limb is there.
    """
    points = layout.to_canonical(people)
    xy = np.where(points[..., 2:] > 0, points[..., :2], np.nan)
    size = person_sizes(people[..., :2], people[..., 2] > 0)
    limbs = np.linalg.norm(xy[:, _LIMB_A] - xy[:, _LIMB_B], axis=-1)
    usable = (size > 0) & ~np.isnan(limbs).all(axis=1)
    if not usable.any():
        return float("nan")
    return float(np.median(np.nanmean(limbs[usable], axis=1) / size[usable]))


def layout_of_25(people: NDArray[np.float64], where: str) -> KeypointLayout:
    """Tells BODY_25 from BODY_25B: in the wrong one, limbs run across the body and are far longer.

    Args:
        people: (N, 25, 3) x, y, confidence of some people of the clip.
        where: the folder, for the message.

    Raises:
        InputError: the two come out too close.
    """
    right, left = limb_length(people, BODY25), limb_length(people, BODY25B)
    if right * CLEAR_MARGIN < left:
        return BODY25
    if left * CLEAR_MARGIN < right:
        return BODY25B
    raise InputError(
        f"{where}: 25 keypoints per person, but the poses don't tell whether as BODY_25 or BODY_25B; "
        "choose the format openpose-body25 or openpose-body25b by hand"
    )


def openpose_layout(source: Source) -> KeypointLayout | None:
    """Which of OpenPose's layouts a folder holds; None if it holds something else."""
    count = common_point_count(source.sample_documents)
    if count == COCO18.count:
        return COCO18
    if count != BODY25.count:
        return None
    people = _people_of_25(source.sample_documents)
    if not len(people) and source.file_count > len(source.sample_documents):
        people = _people_of_25(document for _, _, document in source.frame_documents(None))
    # Without a keypoint anywhere, the reader says that there is nobody, or what is wrong with the values.
    return layout_of_25(people, source.label) if len(people) else BODY25


def _people_of_25(documents: Iterable[Any]) -> NDArray[np.float64]:
    """(N, 25, 3) of the people with at least one sound keypoint; unsound ones are 0."""
    people = [
        values
        for document in documents
        for values in people_of(document) or []
        if isinstance(values, list) and len(values) == 3 * BODY25.count and _are_numbers(values)
    ]
    points: NDArray[np.float64] = np.array(people, dtype=np.float64).reshape(-1, BODY25.count, 3)
    points[~(np.abs(points) < MAX_PIXEL).all(axis=-1)] = 0.0
    return np.asarray(points[(points[..., 2] > 0).any(axis=1)])


def _are_numbers(values: list[Any]) -> bool:
    return all(
        isinstance(value, float) or (isinstance(value, int) and abs(value) < MAX_PIXEL) for value in values
    )


def read_openpose(
    source: Source, layout: KeypointLayout, progress: Progress | None = None
) -> tuple[DetectedClip]:
    """Reads a folder of frames, all in ``layout``.

    Raises:
        InputError: naming the file and the frame that is not as the others.
    """
    detections = []
    for frame, where, document in source.frame_documents(progress):
        people = people_of(document)
        if people is None:
            raise InputError(
                f"{where}: no list 'people' with 'pose_keypoints_2d' in it; move it out of the folder"
            )
        for values, identity in zip(people, identities_of(document), strict=True):
            if values:  # OpenPose writes an empty list for a person whose face or hand alone was seen
                detections.append(Detection(frame, points_from_flat(values, layout, where), identity))
    return (DetectedClip(detections, first_picture=first_picture(source.frame_numbers)),)
