"""What lies at a path, looked at once: kind, parsed content, numbered files of a folder."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..errors import InputError
from ..json_file import load_json
from ..printable import printable
from ..progress import Progress

Kind = Literal["json folder", "text folder", "json", "npz", "text", "binary"]

SAMPLE = 30
"""A folder's format is told from this many files spread over it and as many of the largest ones."""


class FrameFile(NamedTuple):
    """A file that holds one frame."""

    frame: int
    path: str


def frame_number(name: str) -> int | None:
    """The last group of digits in a file's name without its ending; None if there is none.

    ``clip_000000000012_keypoints.json`` → 12, ``cam01.0007.json`` → 7, ``12.jpg`` → 12.
    """
    stem = name.rsplit(".", 1)[0] if "." in name else name
    groups = re.findall(r"[0-9]+", stem)
    return int(groups[-1]) if groups and len(groups[-1]) <= 18 else None


class Source:
    """The file or folder that a user gave.

    Raises:
        InputError: nothing there, an empty file, a folder without .json or .txt files.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.label = printable(path)
        self._files: list[os.DirEntry[str]] = []
        try:
            self.kind: Kind = self._folder_kind() if path.is_dir() else self._file_kind()
        except FileNotFoundError:
            raise InputError(f"{self.label}: there is no such file or folder") from None
        except OSError as error:
            raise InputError(f"{self.label}: can't be read ({error.strerror})") from None

    def _folder_kind(self) -> Kind:
        with os.scandir(self.path) as entries:
            files = sorted(
                (entry for entry in entries if not entry.name.startswith(".") and entry.is_file()),
                key=lambda entry: entry.name,
            )
        kinds: tuple[tuple[str, Kind], ...] = ((".json", "json folder"), (".txt", "text folder"))
        for ending, kind in kinds:
            self._files = [entry for entry in files if entry.name.lower().endswith(ending)]
            if self._files:
                return kind
        what = (
            "is an empty folder"
            if not files
            else f"holds {len(files)} files, but no .json or .txt among them"
        )
        raise InputError(f"{self.label}: {what}; choose the folder or file that the detector wrote")

    def _file_kind(self) -> Kind:
        if not stat.S_ISREG(self.path.stat().st_mode):
            # A pipe would be waited for, and could be read but once.
            raise InputError(f"{self.label}: is no file but a pipe or a device; save the keypoints in a file")
        with self.path.open("rb") as file:
            head = file.read(4096)
        if not head.strip():
            raise InputError(f"{self.label}: the file is empty; export it again")
        if head.startswith(b"PK\x03\x04"):
            return "npz"
        if head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] in (b"{", b"["):
            return "json"
        return "binary" if b"\0" in head else "text"

    @property
    def file_count(self) -> int:
        """Number of files that a folder holds, 0 for a file."""
        return len(self._files)

    @cached_property
    def document(self) -> Any:
        """The content of a JSON file; None for anything else."""
        return load_json(self.path) if self.kind == "json" else None

    @cached_property
    def text(self) -> str:
        """The content of a text file; empty for anything else."""
        if self.kind != "text":
            return ""
        try:
            return self.path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{self.label}: byte {error.start} is not UTF-8 text; save the file as UTF-8"
            ) from None

    @cached_property
    def sample_paths(self) -> list[str]:
        """Of a folder: some files spread evenly over it, and the largest ones, where people are likely."""
        step = max(len(self._files) // SAMPLE, 1)
        spread = self._files[::step][:SAMPLE]
        largest = sorted(self._files, key=lambda entry: -entry.stat().st_size)[:SAMPLE]
        return list(dict.fromkeys(entry.path for entry in (*spread, *largest)))

    @cached_property
    def sample_documents(self) -> list[Any]:
        """The parsed ``sample_paths`` of a folder of JSON files; empty for anything else."""
        return [load_json(path) for path in self.sample_paths] if self.kind == "json folder" else []

    @cached_property
    def frame_files(self) -> list[FrameFile]:
        """A folder's files in the order of the frame numbers in their names.

        Raises:
            InputError: a name without a number, or two files with the same one.
        """
        by_frame: dict[int, str] = {}
        for entry in self._files:
            frame = frame_number(entry.name)
            if frame is None:
                raise InputError(
                    f"{printable(entry.path)}: no frame number in the file's name; "
                    "rename it, or move it out of the folder"
                )
            if frame in by_frame:
                other = printable(Path(by_frame[frame]).name)
                raise InputError(
                    f"{printable(entry.path)}: frame {frame} is also in {other}; "
                    "give each clip a folder of its own"
                )
            by_frame[frame] = entry.path
        return [FrameFile(frame, by_frame[frame]) for frame in sorted(by_frame)]

    @property
    def frame_numbers(self) -> list[int]:
        """Of a folder's files, in ascending order."""
        return [file.frame for file in self.frame_files]

    def frame_documents(self, progress: Progress | None) -> Iterator[tuple[int, str, Any]]:
        """Frame number, place for messages and parsed content of each file of a folder of JSON files."""
        files = self.frame_files
        for index, (frame, path) in enumerate(files):
            if progress is not None and index % 200 == 0:
                progress(index / len(files))
            yield frame, f"{printable(path)} (frame {frame})", load_json(path)
