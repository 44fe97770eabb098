"""The keypoint formats that can be read, and how a path's format is recognised: by what is in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..printable import printable
from ..progress import Progress
from .alphapose import matches_alphapose, read_alphapose
from .coco import matches_coco, read_coco
from .detections import DetectedClip
from .layouts import BODY25, BODY25B, COCO18, KeypointLayout
from .mediapipe import matches_mediapipe, read_mediapipe
from .mmpose import matches_mmpose, read_mmpose
from .numpy_pickle import load_arrays
from .openpose import common_point_count, openpose_layout, people_of, read_openpose
from .source import Source
from .sports2d import matches_sports2d, read_sports2d
from .ultralytics import matches_ultralytics, read_ultralytics
from .videopose3d import matches_videopose3d, read_videopose3d

AUTO = "auto"
"""The name that stands for recognising the format."""


@dataclass(frozen=True)
class KeypointFormat:
    """A format of keypoint files.

    Attributes:
        name: for the command line.
        title: for people.
        identified_by: one sentence on what such a file or folder looks like.
        matches: whether a source is one.
        read: the clips in a source; most formats hold one.
    """

    name: str
    title: str
    identified_by: str
    matches: Callable[[Source], bool]
    read: Callable[[Source, Progress | None], tuple[DetectedClip, ...]]


def _openpose(name: str, layout: KeypointLayout, points: str) -> KeypointFormat:
    return KeypointFormat(
        name,
        layout.name,
        f"a folder with a JSON file per frame that has people with pose_keypoints_2d, {points}",
        lambda source: openpose_layout(source) is layout,
        lambda source, progress: read_openpose(source, layout, progress),
    )


FORMATS: tuple[KeypointFormat, ...] = (
    _openpose("openpose-body25", BODY25, "25 points in which the limbs of BODY_25 come out shortest"),
    _openpose("openpose-body25b", BODY25B, "25 points in which the limbs of BODY_25B come out shortest"),
    _openpose("openpose-coco18", COCO18, "18 points"),
    KeypointFormat(
        "sports2d",
        "Sports2D / Pose2Sim",
        "a folder with a JSON file per frame as OpenPose writes it, but with 26, 17, 133 or 136 points",
        matches_sports2d,
        read_sports2d,
    ),
    KeypointFormat(
        "coco",
        "COCO results (Detectron2 and others)",
        "a JSON list of objects with a numeric image_id and 17 or 133 keypoints as x, y, score",
        matches_coco,
        read_coco,
    ),
    KeypointFormat(
        "alphapose",
        "AlphaPose",
        "a JSON list like COCO's with pictures' names as image_id or with idx, or frames by picture name",
        matches_alphapose,
        read_alphapose,
    ),
    KeypointFormat(
        "mmpose",
        "MMPose",
        "JSON with instances of keypoints and keypoint_scores, for each frame_id or in a file per picture",
        matches_mmpose,
        read_mmpose,
    ),
    KeypointFormat(
        "mediapipe",
        "MediaPipe Pose",
        "JSON with frames of 33 landmarks, or CSV with their x and y in a row per frame or per landmark",
        matches_mediapipe,
        read_mediapipe,
    ),
    KeypointFormat(
        "videopose3d",
        "VideoPose3D custom data set",
        "an .npz with positions_2d (and metadata)",
        matches_videopose3d,
        read_videopose3d,
    ),
    KeypointFormat(
        "ultralytics",
        "Ultralytics YOLO-pose labels",
        "a folder with a text file per frame: class, box and 17 keypoints as fractions of the picture's size",
        matches_ultralytics,
        read_ultralytics,
    ),
)
"""All formats, in the order in which they are tried; no two match the same content."""

_BY_NAME = {one.name: one for one in FORMATS}


def format_by_name(name: str) -> KeypointFormat:
    """Raises InputError, with the names there are, for another one."""
    if name not in _BY_NAME:
        raise InputError(
            f"keypoint format {printable(name)!r} is unknown; choose auto, {', '.join(_BY_NAME)}"
        )
    return _BY_NAME[name]


def recognise_format(path: Path) -> KeypointFormat:
    """Tells the format of a file or folder by its content.

    Raises:
        InputError: nothing there, unreadable, nobody in it, or none of ``FORMATS``; says what was seen.
    """
    return format_of_source(Source(path))


def format_of_source(source: Source) -> KeypointFormat:
    """``recognise_format`` for a source that is open already."""
    for candidate in FORMATS:
        if candidate.matches(source):
            return candidate
    if source.kind == "json folder" and any(source.sample_documents):
        frames = [people_of(document) for document in source.sample_documents]
        if (
            all(people is not None for people in frames)
            and common_point_count(source.sample_documents) is None
        ):
            raise InputError(
                f"{source.label}: no person in any of the {source.file_count} files; check the detector's run"
            )
    if people_of(source.document) is not None:
        raise InputError(
            f"{source.label}: one frame of an OpenPose clip; choose the folder with all its frames"
        )
    raise InputError(
        f"{source.label}: {_describe(source)}; choose what the detector wrote, in one of "
        f"the formats {', '.join(_BY_NAME)}"
    )


def _describe(source: Source) -> str:
    """What was seen at a path, in a few words."""
    match source.kind:
        case "json":
            return f"a JSON file with {_describe_json(source.document)}"
        case "npz":
            names = ", ".join(map(printable, load_arrays(source.path)))
            return f"an archive with the arrays {names or '(none)'}"
        case "text":
            return f"a text file that starts with {source.text.strip()[:40]!r}"
        case "binary":
            return "a binary file"
        case _:
            return f"a folder of {source.file_count} {_describe_files(source)}"


def _describe_files(source: Source) -> str:
    first = printable(Path(source.sample_paths[0]).name)
    if source.kind == "text folder":
        return f"text files such as {first} without YOLO-pose's 56 to 58 numbers a line"
    count = common_point_count(source.sample_documents)
    if count is not None:
        return f"OpenPose-like files with {count or 'an unclear number of'} keypoints"
    return f"files such as {first} with {_describe_json(source.sample_documents[0])}"


def _describe_json(document: Any) -> str:
    if isinstance(document, dict):
        keys = ", ".join(printable(key)[:30] for key in list(document)[:5])
        return f"an object with the keys {keys or '(none)'}"
    if isinstance(document, list) and document:
        return f"a list of {len(document)}, the first {_describe_json(document[0])}"
    if isinstance(document, list):
        return "an empty list"
    return "a number" if isinstance(document, int | float) else "no object or list"
