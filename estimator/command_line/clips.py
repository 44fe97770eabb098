"""Which clips to convert: the files, folders and patterns of the command line, and their outputs' names."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..keypoints import recognise_format

CLIP_ENDINGS = (".json", ".csv", ".npz")
"""Of files in a folder of clips; whatever else lies there is left alone."""

_FRAME_ENDINGS = (".json", ".txt")

_LARGEST_FRAME_FILE = 4_000_000
"""Bytes. A file with one frame is far smaller even with a hundred people and their hands in it."""

_FILES_TRIED = 5


@dataclass(frozen=True)
class Clip:
    """A keypoint file or folder to convert, and what the names of its outputs start with.

    Attributes:
        footage: the video that the keypoints were detected in, where it is known; only Blender looks at it.
    """

    path: Path
    name: str
    footage: Path | None = None

    def output(self, out: Path, person_id: int, ending: str) -> Path:
        """Where one person's output goes; ``ending`` without dot."""
        return out / f"{self.name}_p{person_id}.{ending}"


def find_clips(inputs: Sequence[str], out: Path, endings: Collection[str]) -> list[Clip]:
    """The clips that the user means, in their order, each once.

    A folder whose own files are the frames of a sequence is one clip; of any other folder, the entries are
    inputs. Patterns that the shell left alone are expanded. What can't be read is kept as a clip, so that
    its conversion tells why without stopping the others.

    Args:
        inputs: as given.
        out: folder of the outputs, which is not looked into for clips.
        endings: of the outputs to be written, without dot.

    Raises:
        InputError: two clips would write the same outputs, or outputs would overwrite an input; see also
            ``expanded``.
    """
    found: dict[tuple[Path, str], Clip] = {}
    for given in inputs:
        for start in expanded(given):
            # A folder without clips stays as it is: reading it tells what is wrong.
            for path in list(clip_paths(start, out.resolve())) or [start]:
                clip = Clip(path, clip_name(path))
                found.setdefault((real_path(path), clip.name), clip)
    clips = list(found.values())
    check_outputs(clips, out, endings)
    return clips


def real_path(path: Path) -> Path:
    """Where a path leads; unlike ``Path.resolve`` it puts up with links that lead round in a circle."""
    return Path(os.path.realpath(path))


def is_folder(path: Path) -> bool:
    """Whether there is a folder; False, not an error, where that may not be looked at."""
    try:
        return path.is_dir()
    except OSError:
        return False


def expanded(given: str) -> list[Path]:
    """The paths that a pattern stands for; the path itself if it exists or is no pattern, or nothing fits.

    Raises:
        InputError: nothing is given, as by a shell's variable that isn't set; the present folder isn't meant.
    """
    if not given:
        raise InputError("an input is empty; name a file, a folder or a pattern")
    path = Path(given)
    if os.path.lexists(path) or not re.search(r"[*?\[]", given):
        return [path]
    anchor = Path(path.anchor)
    try:
        matches = sorted(anchor.glob(str(path.relative_to(anchor))))
    except ValueError:  # no pattern that Python knows, such as a**b
        return [path]
    return [match for match in matches if not match.name.startswith(".")] or [path]


def clip_paths(path: Path, out: Path | None = None) -> Iterator[Path]:
    """The clips in a folder at any depth, without those in the folder ``out``; a clip itself is one."""
    if not is_folder(path) or _is_sequence(path):
        yield path
        return
    for entry in sorted(path.iterdir()):
        if entry.name.startswith(".") or real_path(entry) == out:
            continue
        if is_folder(entry):
            if real_path(entry) in {real_path(path), *real_path(path).parents}:
                continue  # a link to a folder that this one lies in
            yield from clip_paths(entry, out)
        elif entry.suffix.lower() in CLIP_ENDINGS:
            yield entry


def _is_sequence(folder: Path) -> bool:
    """Whether the files in a folder are the frames of one clip, not clips themselves.

    A sequence stays one when a frame of it is defective: then nothing in it is a clip by itself. So does a
    folder that may not be looked into, for reading it tells why.
    """
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
        files = [entry for entry in entries if entry.suffix.lower() in _FRAME_ENDINGS and entry.is_file()]
    except OSError:
        return True
    if not files:
        return False
    by_size = sorted(files, key=lambda file: file.stat().st_size)
    if by_size[-1].stat().st_size > _LARGEST_FRAME_FILE:
        return False
    if _is_recognised(folder):
        return True
    if any(entry.is_dir() or entry.suffix.lower() in {".csv", ".npz"} for entry in entries):
        return False
    return not any(_is_recognised(file) for file in by_size[-_FILES_TRIED:])


def _is_recognised(path: Path) -> bool:
    try:
        recognise_format(path)
    except InputError:
        return False
    return True


def clip_name(path: Path) -> str:
    """What the outputs of a keypoint file or folder are named after."""
    if is_folder(path):
        return path.name if path.name not in {"", ".."} else path.resolve().name
    return path.stem


def check_outputs(clips: Sequence[Clip], out: Path, endings: Collection[str]) -> None:
    """Raises InputError where two clips would write the same outputs, or outputs would overwrite an input."""
    by_name: dict[str, Clip] = {}
    for clip in clips:
        other = by_name.setdefault(os.path.normcase(clip.name), clip)
        if other is not clip:
            raise InputError(
                f"{other.path} and {clip.path} would both be written to {clip.output(out, 1, '*')}; "
                "rename one, or convert them one by one into different folders"
            )
    for clip in clips:
        numbered = re.fullmatch(r"(.+)_p[0-9]+", clip.path.stem)
        maker = by_name.get(os.path.normcase(numbered[1])) if numbered else None
        ending = clip.path.suffix.lower().removeprefix(".")
        if maker is not None and ending in endings and clip.path.parent.resolve() == out.resolve():
            raise InputError(
                f"{clip.path} would be overwritten by an output of {maker.path}; "
                "choose another folder with --out"
            )


def check_report(report: Path, clips: Sequence[Clip], out: Path) -> None:
    """Raises InputError where the report would overwrite an input or an output, or can't be a file."""
    if report.is_dir():
        raise InputError(f"{report}: is a folder; name a file for --report")
    if report.exists() and not report.is_file():
        raise InputError(f"{report}: is no file but a pipe or a device; name a file for --report")
    whole = report.resolve()
    for clip in clips:
        path = clip.path.resolve()
        if whole == path or path in whole.parents:
            raise InputError(f"{report}: is an input of this run; name another file for --report")
        output = re.fullmatch(rf"{re.escape(clip.name)}_p[0-9]+\.\w+", report.name)
        if output and whole.parent == out.resolve():
            raise InputError(f"{report}: is an output of this run; name another file for --report")
