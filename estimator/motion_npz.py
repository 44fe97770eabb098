"""``.npz`` files with the motion of one person: the estimator's main output.

Plain numpy arrays under the names of ``Motion``'s fields, plus ``joint_names`` and ``parents``; no pickles.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .atomic_write import written_whole
from .errors import InputError
from .keypoint_set import K
from .motion import Motion
from .skeleton import CONTACT_NAMES, END_POINT_NAMES, JOINT_NAMES, PARENTS, J

_T = -1
"""Stands for the number of frames in ``_SHAPES``."""

_SHAPES: dict[str, tuple[int, ...]] = {
    "person_id": (),
    "source": (),
    "fps": (),
    "frame_start": (),
    "joint_names": (J,),
    "parents": (J,),
    "rest_offsets": (J, 3),
    "root_translation": (_T, 3),
    "rotations": (_T, J, 4),
    "joints_world": (_T, J, 3),
    "joints_camera": (_T, J, 3),
    "intrinsics": (3, 3),
    "world_from_camera": (4, 4),  # or (T, 4, 4)
    "end_points": (_T, len(END_POINT_NAMES), 3),
    "contacts": (_T, len(CONTACT_NAMES)),
    "keypoints": (_T, K, 2),
    "confidence": (_T, K),
    "frame_confidence": (_T,),
}
_MAY_BE_NAN = ("keypoints",)
_POSITIONS = ("root_translation", "joints_world", "joints_camera", "end_points")
_SINGLE_PRECISION = ("rotations", "contacts", "keypoints", "confidence", "frame_confidence")
_METRE_GRID = 2.0**24
_UNIT_TOLERANCE = 1e-4


def save_motion(path: Path, motion: Motion) -> None:
    """Writes a motion, whole or not at all.

    Positions keep 0.03 µm however far from the origin they are; rotations, probabilities and pixels have
    single precision.

    Raises:
        InputError: the file can't be written.
    """
    arrays: dict[str, NDArray[Any]] = {
        "joint_names": np.array(JOINT_NAMES),
        "parents": np.array(PARENTS, dtype=np.int64),
    } | {
        name: np.asarray(getattr(motion, name)) for name in _SHAPES if name not in ("joint_names", "parents")
    }
    for name in _SINGLE_PRECISION:
        arrays[name] = arrays[name].astype(np.float32)
    for name in _POSITIONS:
        # Double precision, because world_from_camera · joints_camera has to hold far from the origin as well;
        # on a binary grid, because the noise in the bits below would not compress.
        arrays[name] = np.rint(arrays[name] * _METRE_GRID) / _METRE_GRID
    defect = next(_defects(arrays), None)
    if defect is not None:
        raise ValueError(defect)
    with written_whole(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **arrays)


def load_motion(path: Path) -> Motion:
    """Reads what ``save_motion`` wrote.

    Raises:
        InputError: naming the file and what is missing or wrong in it.
    """
    arrays = _load_arrays(path)
    defect = next(_defects(arrays), None)
    if defect is not None:
        raise InputError(f"{path}: {defect}; estimate the motion again")
    return Motion(
        person_id=int(arrays["person_id"]),
        source=str(arrays["source"]),
        fps=float(arrays["fps"]),
        frame_start=int(arrays["frame_start"]),
        **{
            name: arrays[name].astype(np.float64)
            for name, shape in _SHAPES.items()
            if shape and name not in ("joint_names", "parents")
        },
    )


def _load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    no_motion = f"{path}: holds no motion"
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise InputError(
                    f"{no_motion}: it is no .npz archive, or is cut off; estimate the motion again"
                )
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                missing = [name for name in _SHAPES if name not in archive.files]
                if missing:
                    raise InputError(
                        f"{no_motion}: {', '.join(missing)} not in it; choose a file that Kinelift wrote"
                    )
                return {name: archive[name] for name in _SHAPES}
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror or error})") from None
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        # numpy refuses pickled objects with a ValueError as well.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{no_motion} that can be read ({reason}); estimate the motion again") from None


def _defects(arrays: dict[str, NDArray[Any]]) -> Iterator[str]:
    """What is wrong with a motion's arrays; each check needs those before it to have passed."""
    frames = len(arrays["root_translation"]) if arrays["root_translation"].ndim else 0
    if frames == 0:
        yield "root_translation has no frames"
    for name, template in _SHAPES.items():
        shape = tuple(frames if size == _T else size for size in template)
        shapes = {shape, (frames, 4, 4)} if name == "world_from_camera" else {shape}
        array = arrays[name]
        if array.shape not in shapes:
            yield f"{name} has the shape {array.shape} instead of {shape}"
        wanted = "U" if name in ("source", "joint_names") else "iuf"
        if array.dtype.kind not in wanted:
            yield f"{name} has the type {array.dtype}"
        if array.dtype.kind == "f" and name not in _MAY_BE_NAN and not np.isfinite(array).all():
            yield f"{name} is not finite"
    if tuple(arrays["joint_names"].tolist()) != JOINT_NAMES or tuple(arrays["parents"].tolist()) != PARENTS:
        yield "its skeleton is not Kinelift's 22 joints"
    if arrays["fps"] <= 0:
        yield f"the frame rate {arrays['fps']} is not positive"
    lengths = np.linalg.norm(arrays["rotations"], axis=-1)
    if np.abs(lengths - 1).max() > _UNIT_TOLERANCE:
        yield "rotations are no unit quaternions"
