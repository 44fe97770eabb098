"""Finds the keypoints of a clip by the names that detectors give to what they write beside it."""

from __future__ import annotations

from pathlib import Path

_FILE_NAMES = (
    "{clip}.json",
    "{clip}_keypoints.json",
    "{clip}.npz",
    "{clip}_keypoints.npz",
    "{clip}.csv",
    "{clip}_keypoints.csv",
    "results_{clip}.json",
    "predictions/{clip}.json",
)
_FOLDER_NAMES = (
    "{clip}_keypoints",
    "{clip}_json",
    "{clip}_openpose",
    "{clip}",
    "keypoints/{clip}",
    "json/{clip}",
    "openpose/{clip}",
    "pose/{clip}_json",
    "{clip}_Sports2D/{clip}_json",
    "keypoints",
    "output_jsons",
    "json",
    "labels",
)
"""Folders with a file per frame; the last four only if the files in them are named after the clip."""
_SHARED_FOLDERS = ("keypoints", "output_jsons", "json", "labels")
_INSIDE = ("alphapose-results.json", "keypoints.json", "json", "labels", "keypoints")
"""What a folder named after the clip may hold instead of files per frame."""
_FRAME_ENDINGS = (".json", ".txt")


def find_sidecar(clip_path: Path) -> Path | None:
    """The keypoint file or folder that belongs to a clip; None if none is found.

    Goes by names only; what is in it is seen when it is read.

    Args:
        clip_path: of the video, or the folder of a sequence of pictures.
    """
    folder, clip = clip_path.parent, clip_path.stem
    for pattern in _FILE_NAMES:
        if (candidate := folder / pattern.format(clip=clip)).is_file():
            return candidate
    for pattern in _FOLDER_NAMES:
        candidate = folder / pattern.format(clip=clip)
        if not candidate.is_dir():
            continue
        if pattern in _SHARED_FOLDERS:
            if _first_frame_file(candidate, starting_with=clip) is not None:
                return candidate
        elif (found := _inside(candidate)) is not None:
            return found
    if _first_frame_file(folder, starting_with=f"{clip}_0") is not None:
        return folder
    return None


def _inside(folder: Path) -> Path | None:
    """The folder itself or the usual place in it."""
    for name in _INSIDE:
        candidate = folder / name
        if candidate.is_file() or (candidate.is_dir() and _first_frame_file(candidate) is not None):
            return candidate
    return folder if _first_frame_file(folder) is not None else None


def _first_frame_file(folder: Path, starting_with: str = "") -> Path | None:
    for path in folder.iterdir():
        if path.name.startswith(starting_with) and path.suffix.lower() in _FRAME_ENDINGS and path.is_file():
            return path
    return None
