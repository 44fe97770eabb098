"""Real videos: clips with a reference from several cameras, and keypoint tracks without any 3D."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...camera import Camera, pinhole
from ...camera_file import load_camera
from ...command_line.clips import clip_name, clip_paths
from ...errors import InputError
from ...estimate import check_track
from ...keypoints import read_keypoints
from ...picture_size import guess_picture_size
from ...skeleton import JOINT_INDEX, J
from ...track import KeypointTrack
from .cases import Case, Truth
from .protocol import FPS

Array = NDArray[np.float64]

REFERENCE = "reference.npz"
_HIPS_BETWEEN = ("LeftUpLeg", "RightUpLeg")
BESIDE = Path("..") / "shared" / "real-eval"
"""Where the clips of ``--set real`` lie, beside the repository."""


def reference_folders(path: Path) -> list[Path]:
    """The folder itself or those in it that hold a reference."""
    return sorted(reference.parent for reference in path.rglob(REFERENCE)) if path.is_dir() else []


def reference_cases(folders: Sequence[Path], *, known: bool) -> Iterator[Case]:
    """Clips with a reference, each a folder of ``keypoints/``, ``camera.json`` and ``reference.npz``.

    Row k of the reference belongs to row k of the track. The camera's lens is always told.

    Args:
        folders: of the clips.
        known: whether the cameras' places are told as well.

    Raises:
        InputError: a file is missing or does not fit the others.
    """
    for folder, name in zip(folders, _names(folders), strict=True):
        yield _reference_case(folder, name, known)


def _names(paths: Sequence[Path]) -> list[str]:
    """Of clips, each another one."""
    names = [clip_name(path) for path in paths]
    return [
        name if names.count(name) == 1 else path.as_posix() for name, path in zip(names, paths, strict=True)
    ]


def _reference_case(folder: Path, name: str, known: bool) -> Case:
    camera = load_camera(folder / "camera.json")
    if camera.world_from_camera is None or camera.world_from_camera.ndim != 2:
        raise InputError(f"{folder / 'camera.json'}: needs one world_from_camera, the reference's world")
    joints, pixels, names, fps = _reference(folder / REFERENCE)
    tracks = [track for track in read_keypoints(folder / "keypoints") if len(track) == len(joints)]
    if not tracks:
        raise InputError(f"{folder / 'keypoints'}: nobody is on as many frames as {folder / REFERENCE} has")
    track = min(tracks, key=lambda track: _distance(track, pixels))
    stride = max(round(fps / FPS), 1)
    in_camera = np.full((len(joints), J, 3), np.nan)
    in_camera[:, [JOINT_INDEX[name] for name in names]] = joints
    hips = [JOINT_INDEX[name] for name in _HIPS_BETWEEN]
    in_camera[:, JOINT_INDEX["Hips"]] = in_camera[:, hips].mean(axis=1)
    turn, centre = camera.world_from_camera[:3, :3], camera.world_from_camera[:3, 3]
    truth = Truth(
        joints=in_camera[::stride] @ turn.T + centre,
        labelled=np.isfinite(in_camera).all(axis=(0, 2)),
        world_from_camera=camera.world_from_camera,
    )
    case = Case(
        name=name,
        action_class="other",
        track=track.with_picture(camera.width, camera.height, fps),
        camera=camera if known else replace(camera, world_from_camera=None),
        person_height=None,
        truth=truth,
    )
    check_track(case.track)
    return case


def _reference(path: Path) -> tuple[Array, Array, list[str], float]:
    """Joints (T, N, 3) in camera axes, their pixels (T, N, 2), their names, frames a second."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            joints = np.asarray(stored["joints_camera"], dtype=np.float64)
            pixels = np.asarray(stored["joints_pixel"], dtype=np.float64)
            names, fps = [str(name) for name in stored["joint_names"]], float(stored["fps"])
    except Exception as error:  # numpy meets damaged files with whatever it stumbles over
        told = str(error) or type(error).__name__
        raise InputError(f"{path}: no reference of joints ({told}); put the file back") from error
    unknown = [name for name in names if name not in JOINT_INDEX]
    if unknown or not set(_HIPS_BETWEEN) <= set(names):
        what = f"unknown joint {unknown[0]!r}" if unknown else "LeftUpLeg and RightUpLeg are needed"
        raise InputError(f"{path}: joint_names: {what}; the names are those of Kinelift's skeleton")
    for key, values, size in (("joints_camera", joints, 3), ("joints_pixel", pixels, 2)):
        wanted = (len(joints), len(names), size)
        if values.shape != wanted or not len(joints):
            raise InputError(
                f"{path}: {key}: an array of shape {values.shape}; {len(names)} names make it (frames, "
                f"{len(names)}, {size}), as many frames in both"
            )
    if not 0.0 < fps < np.inf:
        raise InputError(f"{path}: fps is {fps:g}; give the frames per second of the clip")
    for joint, name in enumerate(names):
        lacking = ~np.isfinite(joints[:, joint]).all(axis=-1)
        if lacking.any() and (not lacking.all() or name in _HIPS_BETWEEN):
            raise InputError(
                f"{path}: joints_camera: {name} is no number on frame {lacking.argmax()}; fill such gaps: "
                f"only other joints than {' and '.join(_HIPS_BETWEEN)} may be missing, and on all frames"
            )
    return joints, pixels, names, fps


def _distance(track: KeypointTrack, pixels: Array) -> float:
    """Pixels between the middle of a person's keypoints and of the reference's joints."""
    middle = np.nanmedian(track.keypoints.reshape(len(track), -1, 2), axis=1)
    return float(np.nanmedian(np.linalg.norm(middle - pixels.mean(axis=1), axis=-1)))


def track_cases(inputs: Sequence[Path]) -> Iterator[Case]:
    """The largest person of every keypoint file, with a guessed camera where the file says nothing.

    Args:
        inputs: keypoint files, or folders of them at any depth.

    Raises:
        InputError: a file can't be read, or nothing can be estimated from it.
    """
    paths = [clip for given in inputs for clip in list(clip_paths(given)) or [given]]
    for path, name in zip(paths, _names(paths), strict=True):
        track = read_keypoints(path)[0]
        track = track.with_picture(None, None, None if track.fps else FPS)
        check_track(track)
        yield Case(name, "real", track, _guessed(track), None, None)


def _guessed(track: KeypointTrack) -> Camera:
    if track.width and track.height:
        return pinhole(track.width, track.height)
    return pinhole(*guess_picture_size([track]))
