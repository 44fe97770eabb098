"""Files that are written whole or not at all."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError

_UNFINISHED = re.compile(r"\.(?P<name>.+)\.(?P<process>[0-9]+)\.part")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the name ``path`` once the block ends well.

    However the block ends, an older ``path`` is either untouched or completely replaced.

    Raises:
        InputError: the folder is missing or can't be written, or the disk is full.
    """
    beside = _beside(path)
    with _told_of(path):
        try:
            yield beside
            _replace(path, beside)
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def workshop(path: Path) -> Iterator[Path]:
    """A folder beside ``path``, for programs that write what and where they like; gone after the block.

    ``deliver`` brings what was made there to its place.

    Raises:
        InputError: it can't be made.
    """
    folder = _beside(path)
    with _told_of(path):
        folder.mkdir(exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def deliver(made: Path, path: Path) -> None:
    """Moves a file that was made in a ``workshop`` to its place, whole or not at all.

    Raises:
        InputError: ``path`` can't be written.
    """
    with _told_of(path):
        _replace(path, made)


def remove_unfinished(folder: Path, ours: Callable[[str], bool]) -> None:
    """Removes what processes that were killed have left in a folder; what can't be removed stays.

    Args:
        ours: told the name of a file, or of the files that were being made; whether it is to be removed.
    """
    for entry in folder.glob(".*.part"):
        found = _UNFINISHED.fullmatch(entry.name)
        if found is None or not ours(found["name"]) or _is_running(int(found["process"])):
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    # Another process may be writing the same file: each has its own name beside it.
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _replace(path: Path, made: Path) -> None:
    with made.open("rb+") as file:
        os.fsync(file.fileno())
    made.replace(path)


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """What goes wrong is said of the file that the user knows."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path}: can't be written ({error.strerror}); check the folder and the free space"
        ) from error


def _is_running(process: int) -> bool:
    """Whether another process has this number."""
    if process == os.getpid():
        return False
    if sys.platform == "win32":  # there, os.kill would end it
        query, still_active, code = 0x1000, 259, ctypes.c_ulong()
        handle = ctypes.windll.kernel32.OpenProcess(query, False, process)
        if not handle:
            return False
        ctypes.windll.kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
        ctypes.windll.kernel32.CloseHandle(handle)
        return code.value == still_active
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it is somebody else's
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state not in {"Z", "X"}  # ended, and nobody has asked how
