"""Motion capture for training: a folder of BVH files to clips on the canonical skeleton.

``python -m estimator.training.capture --mocap DIR --cache FILE.npz`` writes the cache and prints how well the
canonical skeleton fits each set.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..atomic_write import told_of
from ..display import Display
from ..errors import InputError, KineliftError
from ..kinematics import end_points, forward_kinematics, rest_offsets_from_lengths
from ..skeleton import CONTACT_END_POINTS, J
from .calibration import Calibration, calibrate
from .capture_bvh import SourceClip, read_capture_bvh
from .capture_cache import load_cache, save_cache
from .capture_clip import SLOWEST_FPS, CaptureClip
from .labels import JUMP, ground_height, still_points
from .refit import RefitClip, refit
from .refit_report import RefitErrors, refit_errors, refit_report
from .rotation_geometry import step_angles
from .takes import Take, list_takes

_SHORTEST_SECONDS = 1.0
_TAKES_WORTH_PROCESSES = 32


def _pieces(clip: SourceClip) -> list[SourceClip]:
    """The clip cut where a joint other than hands and toes jumps, without pieces shorter than a second."""
    body = [not name.endswith(("Hand", "ToeBase")) for name in clip.names]
    steps = step_angles(clip.local_rotations()[:, body])
    limit = min(JUMP * 60.0 / clip.fps, np.radians(150.0))
    cuts = np.flatnonzero((steps > limit).any(axis=1)) + 1
    edges = [0, *cuts.tolist(), len(clip)]
    return [clip.piece(a, b) for a, b in pairwise(edges) if b - a >= _SHORTEST_SECONDS * clip.fps]


def _contact_points(clip: RefitClip) -> NDArray[np.float64]:
    """(T, 4, 3) heels and toe tips in the world."""
    lengths = torch.from_numpy(clip.lengths)
    pose = forward_kinematics(
        torch.from_numpy(clip.rotations),
        rest_offsets_from_lengths(lengths),
        torch.from_numpy(clip.root_translation),
    )
    return end_points(pose, lengths)[:, list(CONTACT_END_POINTS)].numpy()


def _quaternions(rotations: NDArray[np.float64]) -> NDArray[np.float32]:
    """(T, 22, 4) w, x, y, z from matrices, consecutive frames in one hemisphere."""
    frames = len(rotations)
    flat = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_quat(scalar_first=True)
    quaternions = flat.reshape(frames, J, 4)
    quaternions[0] *= np.where(quaternions[0, :, :1] < 0, -1.0, 1.0)
    opposite = np.sum(quaternions[1:] * quaternions[:-1], axis=-1) < 0
    signs = np.where(np.cumsum(opposite, axis=0) % 2 == 1, -1.0, 1.0)
    quaternions[1:] *= signs[..., None]
    return np.asarray(quaternions, dtype=np.float32)


def _capture_clip(source: SourceClip, name: str, clip: RefitClip) -> tuple[CaptureClip, float | None]:
    """The clip before its floor is set to zero, and the floor's height where it stands on one."""
    take = source.take
    points = _contact_points(clip)
    still = still_points(points, source.fps)
    captured = CaptureClip(
        name=name,
        set=take.set,
        subject=take.subject,
        action=take.action,
        action_class=take.action_class,
        split=take.split,
        fps=source.fps,
        lengths=clip.lengths,
        root_translation=clip.root_translation.astype(np.float32),
        rotations=_quaternions(clip.rotations),
        rotation_labelled=clip.rotation_labelled,
        position_labelled=clip.position_labelled,
        still=still,
        ground_known=take.ground_known,
        velocity_labelled=source.fps >= SLOWEST_FPS,
        licence=take.licence,
    )
    return captured, ground_height(points, still, source.fps) if take.ground_known else None


def _on_ground(clips: list[tuple[CaptureClip, float | None]]) -> list[CaptureClip]:
    """Moves clips so that soles that stand are at z = 0: by their own floor, else by the set's median."""
    floors: dict[str, list[float]] = defaultdict(list)
    for clip, floor in clips:
        if floor is not None:
            floors[clip.set].append(floor)
    usual = {set_name: float(np.median(heights)) for set_name, heights in floors.items()}
    moved = []
    for clip, floor in clips:
        height = usual.get(clip.set, 0.0) if floor is None else floor
        down = np.array([0.0, 0.0, height], dtype=np.float32)
        moved.append(replace(clip, root_translation=clip.root_translation - down))
    return moved


def _read_all(takes: Sequence[Take]) -> Iterator[SourceClip]:
    """Reads takes in order, many of them in two processes: parsing text is what takes the time."""
    if len(takes) < _TAKES_WORTH_PROCESSES:
        yield from map(read_capture_bvh, takes)
        return
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield from pool.map(read_capture_bvh, takes)


def _named_pieces(folder: Path, sources: list[SourceClip], display: Display) -> list[tuple[str, SourceClip]]:
    """Names and pieces of all takes; takes that have none are told of."""
    pieces: list[tuple[str, SourceClip]] = []
    short: list[SourceClip] = []
    for source in sources:
        cut = _pieces(source)
        stem = f"{source.take.set}/{source.take.file.stem}"
        pieces += [(stem if len(cut) == 1 else f"{stem}#{n}", one) for n, one in enumerate(cut, start=1)]
        if not cut:
            short.append(source)
    if short:
        left_out = (
            f"{len(short)} of {len(sources)} takes left out, the first of them {short[0].take.file} "
            f"({len(short[0]) / short[0].fps:.2f} s): {_SHORTEST_SECONDS:g} s or more is needed in which no "
            "joint jumps"
        )
        if not pieces:
            raise InputError(f"{folder}: nothing is left: {left_out}; add longer takes")
        display.say(f"note: {folder}: {left_out}")
    return pieces


def load_captures_with_errors(
    folder: Path, display: Display | None = None
) -> tuple[list[CaptureClip], list[RefitErrors]]:
    """As ``load_captures``, of a folder, with the errors of the re-fit per clip."""
    display = display or Display(sys.stderr)
    takes = list_takes(folder)
    sources: list[SourceClip] = []
    for source in _read_all(takes):
        sources.append(source)
        display.update(f"read {len(sources)} of {len(takes)} takes of {folder}")
    pieces = _named_pieces(folder, sources, display)

    by_set: dict[str, list[SourceClip]] = defaultdict(list)
    by_person: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, (_, piece) in enumerate(pieces):
        by_set[piece.take.set].append(piece)
        by_person[piece.take.set, piece.take.subject].append(number)
    calibrations: dict[int, Calibration] = {}
    for (set_name, _), numbers in by_person.items():
        of_person = calibrate([pieces[number][1] for number in numbers], by_set[set_name])
        calibrations |= dict(zip(numbers, of_person, strict=True))

    clips: list[tuple[CaptureClip, float | None]] = []
    errors: list[RefitErrors] = []
    for number, (name, piece) in enumerate(pieces):
        fitted = refit(piece, calibrations[number])
        clips.append(_capture_clip(piece, name, fitted))
        errors.append(refit_errors(piece.take.set, fitted))
        display.update(f"re-fitted {len(clips)} of {len(pieces)} clips")
    display.clear()
    return _on_ground(clips), errors


def load_captures(mocap: Path, display: Display | None = None) -> list[CaptureClip]:
    """All takes of a folder of motion capture, re-fitted to the canonical skeleton, or those of its cache.

    Args:
        mocap: folder with ``index.csv`` (columns set, file, subject, action), or with BVH files at any depth;
            or the file that ``save_cache`` made of one.
        display: told how far the reading is, and which takes are left out; the standard error stream's if not
            given.

    Raises:
        InputError: a file can't be read, or its skeleton can't be mapped; or every take is too short.
    """
    return load_cache(mocap) if mocap.is_file() else load_captures_with_errors(mocap, display)[0]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m estimator.training.capture", description=__doc__)
    parser.add_argument("--mocap", type=Path, required=True, help="folder with index.csv, or of BVH files")
    parser.add_argument("--cache", type=Path, required=True, help=".npz to write")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        clips, errors = load_captures_with_errors(options.mocap)
        with told_of(options.cache.parent):
            options.cache.parent.mkdir(parents=True, exist_ok=True)
        save_cache(clips, options.cache)
    except KineliftError as error:
        print(error, file=sys.stderr)
        return 2
    seconds = sum(len(clip) / clip.fps for clip in clips)
    size = options.cache.stat().st_size / 2**20
    print(f"{len(clips)} clips, {seconds / 60:.1f} minutes, {size:.1f} MB")
    print("mean distance between re-fitted and captured joints, mm")
    print(refit_report(errors))
    return 0


if __name__ == "__main__":
    sys.exit(main())
