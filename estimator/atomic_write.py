"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the name ``path`` once the block ends well.

    However the block ends, an older ``path`` is either untouched or completely replaced.

    Raises:
        InputError: the folder is missing or can't be written, or the disk is full.
    """
    # Another process may be writing the same file: each has its own name beside it.
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            yield beside
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{path}: can't be written ({error.strerror}); check the folder and the free space"
        ) from error
