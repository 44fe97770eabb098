"""What became of a clip, whatever went wrong with it."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import InputError, KineliftError
from ..printable import printable
from .clips import Clip
from .stopping import check_stopped

Status = Literal["converted", "skipped", "failed"]


@dataclass(frozen=True)
class PersonResult:
    """What became of one person of a clip."""

    person: int
    status: Status
    frame_start: int
    frames: int
    mean_confidence: float
    outputs: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass
class ClipResult:
    """What became of a clip; filled while it is converted.

    Attributes:
        outputs: files that hold all people together.
        errors: one line each, about the input.
        fault: one line about a fault that is not the input's; ``fault_traceback`` tells where it is.
    """

    input: str
    name: str
    people: list[PersonResult] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    fault: str | None = None
    fault_traceback: str | None = None
    seconds: float = 0.0

    @property
    def status(self) -> Status:
        """Failed if anything did; skipped if all outputs were there."""
        if self.errors or self.fault is not None:
            return "failed"
        skipped = bool(self.people) and all(person.status == "skipped" for person in self.people)
        return "skipped" if skipped else "converted"


def attempt(clip: Clip, work: Callable[[ClipResult], None]) -> ClipResult:
    """What ``work`` makes of a clip. It fills the result; what it raises is told there.

    Raises:
        Stopped: by the user, and nothing else.
    """
    started = time.perf_counter()
    result = ClipResult(str(clip.path), clip.name)
    try:
        work(result)
    except InputError as error:
        result.errors.append(naming(clip.path, error))
    except KineliftError as error:
        result.fault = naming(clip.path, error)
    except Exception as error:  # the other clips go on; the command's exit status tells of it
        result.fault = f"{clip.path}: {type(error).__name__}: {error}"
        result.fault_traceback = traceback.format_exc()
    check_stopped()  # what was told may be no more than that
    result.seconds = time.perf_counter() - started
    return result


def naming(path: Path, error: KineliftError) -> str:
    """The error's line, which names the file in any case."""
    said = str(error)
    return said if printable(path.name) in printable(said) else f"{path}: {said}"
