"""What was measured of one model under one condition, kept in a file: stopped evaluations go on from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from ... import __version__
from ...atomic_write import written_whole
from ...errors import InputError
from .cases import Case, Truth
from .measures import Figures
from .protocol import PROTOCOL
from .results import Row

Array = NDArray[np.float64]

FOLDER = "measured"
"""In the folder of the report."""


@dataclass(frozen=True)
class Measured:
    """One model under one condition.

    Attributes:
        rows: a row per case.
        speed: frames per second of processor time; None if it isn't worth telling.
        ways: of long walks, per case the way of Hips seen from above, (T, 2) metres.
    """

    rows: Sequence[Row]
    speed: float | None
    ways: Mapping[str, Array] = field(default_factory=dict)


class Store:
    """Files of what was measured, by condition and model.

    Args:
        folder: of the report.
        reuse: whether to give back what lies there; else everything is measured anew.
    """

    def __init__(self, folder: Path, *, reuse: bool) -> None:
        self.folder, self.reuse = folder / FOLDER, reuse

    def read(self, condition: str, model: str, key: str) -> Measured | None:
        """What was measured of the same model on the same cases; None if that wasn't done yet.

        Raises:
            InputError: the file was damaged.
        """
        path = self._path(condition, model)
        if not self.reuse or not path.is_file():
            return None
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["key"] != key:
                return None
            return Measured(
                [_row(condition, model, row) for row in kept["rows"]],
                kept["frames_per_second"],
                {case: np.array(way) for case, way in kept["ways"].items()},
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: no figures of this version ({type(error).__name__}: {error}); delete it"
            ) from error

    def write(self, condition: str, model: str, key: str, measured: Measured) -> None:
        """Keeps what was measured.

        Raises:
            InputError: it can't be written.
        """
        kept = {
            "key": key,
            "frames_per_second": measured.speed,
            "rows": [
                {
                    "case": row.case,
                    "class": row.action_class,
                    "seconds": row.seconds,
                    "values": dict(row.figures.values),
                    "shares": dict(row.figures.shares),
                }
                for row in measured.rows
            ],
            "ways": {case: way.round(4).tolist() for case, way in measured.ways.items()},
        }
        path = self._path(condition, model)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path.parent}: can't be made a folder ({error.strerror})") from error
        with written_whole(path) as beside:
            beside.write_text(json.dumps(kept, ensure_ascii=False) + "\n", encoding="utf-8")

    def _path(self, condition: str, model: str) -> Path:
        return self.folder / condition / f"{quote(model, safe=' ')}.json"


def _row(condition: str, model: str, kept: Mapping[str, Any]) -> Row:
    shares = {name: (float(part), float(whole)) for name, (part, whole) in kept["shares"].items()}
    figures = Figures(kept["values"], shares)
    return Row(condition, model, kept["case"], kept["class"], kept["seconds"], figures)


def measured_key(about: str, cases: Sequence[Case]) -> str:
    """Tells figures apart: protocol, version, the model's weights, all keypoints and truth of the cases."""
    digest = hashlib.sha256(f"{PROTOCOL}\n{__version__}\n{about}\n".encode())
    for case in cases:
        told = (case.camera.intrinsics, case.camera.world_from_camera, case.person_height)
        digest.update(f"{case.name} {case.action_class} {case.track.fps} {told}\n".encode())
        for part in (case.track.keypoints, case.track.confidence, *_parts(case.truth)):
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def _parts(truth: Truth | None) -> list[Any]:
    """All that answers are compared with."""
    if truth is None:
        return []
    motion = (
        [] if truth.motion is None else [getattr(truth.motion, part.name) for part in fields(truth.motion)]
    )
    return [truth.joints, truth.labelled, truth.world_from_camera, *motion]
