"""One person's output files: written with a record of what they were made from, by which --resume goes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..atomic_write import written_whole
from ..camera import Camera
from ..errors import InputError
from ..estimate import WEIGHTS, EstimateOptions
from ..motion import Motion
from ..motion_bvh import save_bvh
from ..motion_npz import load_motion, save_motion
from ..motion_summary import save_summary
from ..track import KeypointTrack
from .clips import Clip

OUTPUT_ENDINGS = ("npz", "bvh", "json")

MadeFrom = dict[str, Any]
"""What has a bearing on a motion, by its name in messages; as JSON gives it back."""


def made_from(
    track: KeypointTrack,
    camera: Camera,
    options: EstimateOptions,
    others: Sequence[tuple[KeypointTrack, float | None]] = (),
) -> MadeFrom:
    """All that an estimate depends on, but for the device, which changes hardly a digit.

    It goes by the keypoints themselves, not by their file: so a file's format, the range and the choice of
    people count as far as they matter to this person, and a file that was only copied is still the same.

    Args:
        others: who are put into one world with this person, and the heights that are given of them.
    """
    return {
        "Kinelift's version": __version__,
        "person's height": options.person_height,
        "refinement": options.refine,
        "planting of feet": options.contact_strength,
        "ground": options.on_ground,
        "camera's height": options.camera_height,
        "frame rate": track.fps,
        "picture's size": [camera.width, camera.height],
        "focal length": [camera.fx, camera.fy],
        "range of frames": [track.frame_start, track.frame_start + len(track) - 1],
        "camera": _digest(_camera_numbers(camera), camera.distortion.model),
        "keypoints": _digest(np.nan_to_num(track.keypoints), track.confidence),
        "other people": _digest(*(part for other in others for part in _other_person(*other))),
        "weights": content_digest(options.weights or WEIGHTS),
    }


def _other_person(track: KeypointTrack, height: float | None) -> tuple[NDArray[np.float64], ...]:
    return np.nan_to_num(track.keypoints), track.confidence, np.array([track.frame_start, height or 0.0])


def _camera_numbers(camera: Camera) -> NDArray[np.float64]:
    pose = np.zeros(0) if camera.world_from_camera is None else camera.world_from_camera.ravel()
    lens = (camera.fx, camera.fy, camera.cx, camera.cy, camera.focal_known, camera.frame_start)
    return np.concatenate((lens, camera.distortion.coefficients, pose))


def _digest(*parts: NDArray[np.float64] | str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part.astype("<f8").tobytes())
    return digest.hexdigest()[:32]


def content_digest(path: Path) -> str | None:
    """Of a file's content; None if it can't be read, which whoever needs it will tell."""
    try:
        state = path.stat()
        return _file_digest(path, state.st_size, state.st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=4)
def _file_digest(path: Path, size: int, modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


class Outputs:
    """Files that are made together, and the record beside them, whose name begins with a dot."""

    def __init__(
        self,
        paths: Mapping[str, Path],
        record: Path,
        made: MadeFrom,
        readable: Mapping[str, Callable[[Path], bool]],
    ) -> None:
        """Nothing is written yet.

        Args:
            paths: by ending, without dot.
            record: of what the files were made from; one for all endings, whichever are made in a run.
            made: what they are made from now.
            readable: by ending, whether a file is whole; may raise InputError, OSError, ValueError.
        """
        self.paths = dict(paths)
        self._record = record
        self._made = made
        self._readable = readable

    def outdated(self) -> str | None:
        """Why the outputs must be made; None if all are there, can be read and are what would be made now."""
        for ending, path in self.paths.items():
            if not self._is_there(path, ending):
                return f"{path.name} is missing or can't be read"
        made, endings = self._recorded()
        if made is None:
            return "it isn't recorded what it was made from"
        for name, now in self._made.items():
            if made.get(name) != now:
                return _difference(name, made.get(name), now)
        unknown = [path.name for ending, path in self.paths.items() if ending not in endings]
        return f"{unknown[0]} is older than the rest" if unknown else None

    def any_there(self) -> bool:
        """Whether there is a file that would be overwritten."""
        return any(path.exists() for path in self.paths.values())

    def write_with(self, writers: Mapping[str, Callable[[Path], None]]) -> None:
        """Writes all files and then the record.

        Args:
            writers: by ending; each writes the path it is given whole or not at all.

        Raises:
            InputError: a file can't be written.
        """
        made, endings = self._recorded()
        # Ended halfway, old and new outputs would lie side by side: without a record all are made again.
        self._forget()
        for ending, path in self.paths.items():
            writers[ending](path)
        kept = endings if made == self._made else []
        document = {"made_from": self._made, "outputs": sorted({*kept, *self.paths})}
        with written_whole(self._record) as beside:
            beside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

    def _is_there(self, path: Path, ending: str) -> bool:
        """Whether an output exists and can be read."""
        try:
            return self._readable[ending](path)
        except (InputError, OSError, ValueError):
            return False

    def _recorded(self) -> tuple[MadeFrom | None, list[str]]:
        """What the outputs that are there were made from, and which of them; None and nothing if unknown."""
        try:
            document = json.loads(self._record.read_bytes())
        except (OSError, ValueError):
            return None, []
        if not isinstance(document, dict):
            return None, []
        made, endings = document.get("made_from"), document.get("outputs")
        return (made, endings) if isinstance(made, dict) and isinstance(endings, list) else (None, [])

    def _forget(self) -> None:
        try:
            self._record.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"{self._record}: can't be replaced ({error.strerror}); check the folder"
            ) from error


class PersonOutputs(Outputs):
    """The files of one person of a clip."""

    def __init__(
        self,
        clip: Clip,
        out: Path,
        person_id: int,
        endings: Sequence[str],
        made: MadeFrom,
        readable: Mapping[str, Callable[[Path], bool]] = MappingProxyType({}),
    ) -> None:
        """See ``Outputs``.

        Args:
            readable: of endings beyond ``OUTPUT_ENDINGS``.
        """
        paths = {ending: clip.output(out, person_id, ending) for ending in endings}
        record = out / f".{clip.name}_p{person_id}.made_from.json"
        super().__init__(paths, record, made, {**_READABLE, **readable})

    def write(
        self,
        motion: Motion,
        camera: Camera,
        writers: Mapping[str, Callable[[Path], None]] = MappingProxyType({}),
    ) -> None:
        """Writes all files and then the record.

        Args:
            writers: of endings beyond ``OUTPUT_ENDINGS``, or to be used instead of those.

        Raises:
            InputError: a file can't be written.
            MissingDependencyError: see ``save_summary``.
        """
        own: dict[str, Callable[[Path], None]] = {
            "npz": lambda path: save_motion(path, motion),
            "bvh": lambda path: save_bvh(path, motion),
            "json": lambda path: save_summary(path, motion, camera),
        }
        self.write_with({**own, **writers})


def _npz_readable(path: Path) -> bool:
    load_motion(path)
    return True


def _bvh_readable(path: Path) -> bool:
    with path.open() as file:
        return file.readline().strip() == "HIERARCHY"


def _json_readable(path: Path) -> bool:
    json.loads(path.read_bytes())
    return True


_READABLE = {"npz": _npz_readable, "bvh": _bvh_readable, "json": _json_readable}


def _difference(name: str, then: Any, now: Any) -> str:
    if isinstance(now, str) and name != "Kinelift's version":
        return f"the {name} changed"
    article = "" if name.startswith("Kinelift") else "the "
    return f"{article}{name} was {_text(then)}, now it is {_text(now)}"


def _text(value: Any) -> str:
    match value:
        case None:
            return "not given"
        case bool():
            return "on" if value else "off"
        case float() | int():
            return f"{value:.6g}"
        case [first, second]:
            return f"{_text(first)}, {_text(second)}"
        case _:
            return str(value)[:40]
