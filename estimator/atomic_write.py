"""Files that are written whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from .errors import InputError

_UNFINISHED = re.compile(
    r"\.(?P<name>.+)\.(?P<process>[0-9]+)-(?P<machine>[0-9a-f]{8})-(?P<unique>[0-9a-f]{8})\.part"
)
_DEAD_AFTER = 24 * 3600.0
"""Seconds without a change; then what another machine was making is taken to be abandoned."""
_in_the_making: set[str] = set()
"""Names that this process writes to."""


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the name ``path`` once the block ends well.

    However the block ends, an older ``path`` is either untouched or completely replaced.

    Raises:
        InputError: the folder is missing or can't be written, or the disk is full.
    """
    with _beside(path) as beside, told_of(path):
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
    with _beside(path) as folder:
        with told_of(path):
            folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def deliver(made: Path, path: Path) -> None:
    """Moves a file that was made in a ``workshop`` to its place, whole or not at all.

    Raises:
        InputError: ``path`` can't be written.
    """
    with told_of(path):
        _replace(path, made)


def remove_unfinished(folder: Path, ours: Callable[[str], bool]) -> None:
    """Removes what processes that were killed have left in a folder; what can't be removed stays.

    Another machine's processes can't be asked whether they still live, as where several share a disk: what
    they left goes once it is a day old.

    Args:
        ours: told the name of a file, or of the files that were being made; whether it is to be removed.
    """
    for entry in folder.glob(".*.part"):
        found = _UNFINISHED.fullmatch(entry.name)
        if found is None or not ours(found["name"]) or not _is_abandoned(entry, found):
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            with suppress(OSError):
                entry.unlink()


def _is_abandoned(entry: Path, found: re.Match[str]) -> bool:
    """Whether nobody goes on with what was begun."""
    if found["machine"] != _this_machine():
        try:
            return time.time() - entry.stat().st_mtime > _DEAD_AFTER
        except OSError:
            return False
    process = int(found["process"])
    return entry.name not in _in_the_making if process == os.getpid() else not _is_running(process)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A name beside ``path`` that nobody else has: no other thread, process or machine."""
    unique = f"{os.getpid()}-{_this_machine()}-{secrets.token_hex(4)}"
    beside = path.with_name(f".{path.name}.{unique}.part")
    _in_the_making.add(beside.name)
    try:
        yield beside
    finally:
        _in_the_making.discard(beside.name)


@cache
def _this_machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _replace(path: Path, made: Path) -> None:
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "it is no file but a pipe or a device")
    if path.exists() and not os.access(path, os.W_OK):  # where the folder is writable, it could be done
        raise PermissionError(errno.EACCES, "it is write-protected")
    with made.open("rb+") as file:
        os.fsync(file.fileno())
    made.replace(path)


@contextmanager
def told_of(path: Path) -> Iterator[None]:
    """What goes wrong in writing is said of the file or folder that the user knows, by an ``InputError``."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path}: can't be written ({error.strerror}); check the file, its folder and the free space"
        ) from error


def _is_running(process: int) -> bool:
    """Whether a process of this machine has this number."""
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
