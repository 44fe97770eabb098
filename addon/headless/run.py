"""A batch from its arguments to its exit status."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import bpy

from ...estimator import __version__
from ...estimator.__main__ import EXIT_INTERRUPTED, EXIT_TERMINATED, OneLineParser
from ...estimator.atomic_write import remove_unfinished
from ...estimator.command_line import formats
from ...estimator.command_line.clips import Clip
from ...estimator.command_line.conversion import ClipResult
from ...estimator.command_line.display import Display, one_line
from ...estimator.command_line.progress import BatchProgress
from ...estimator.command_line.report import save_report
from ...estimator.command_line.telling import tell
from ...estimator.errors import InputError, KineliftError
from .. import ROOT_PACKAGE
from ..dependencies import require_packages
from .arguments import (
    add_batch_arguments,
    add_estimate_arguments,
    add_retarget_arguments,
    batch_settings,
    retarget_settings,
)
from .inputs import find_batch_clips, find_motions
from .pool import converted
from .quiet import without_output
from .settings import BatchSettings

EXIT_DONE, EXIT_FAILED, EXIT_ARGUMENTS = 0, 1, 2

_ROOT = Path(__file__).parents[2]
_SCRIPT = _ROOT / "addon" / "batch.py"


def run_batch(arguments: Sequence[str], prog: str) -> int:
    """Converts clips as ``arguments`` say.

    Args:
        prog: how the user calls this.

    Returns:
        0 if all is done, 1 if some failed, 2 if the arguments can't be used.
    """
    parser = OneLineParser(
        prog=prog,
        description="Turns 2D keypoints of clips into animated files of Blender and other programs. An INPUT "
        "may also be a video that has its keypoints beside it under its name.",
        conflict_handler="resolve",
    )
    add_batch_arguments(parser)
    return _reporting(lambda: _convert(parser.parse_args(arguments)))


def run_estimate(arguments: Sequence[str], prog: str) -> int:
    """``run_batch`` for what the estimator writes by itself."""
    parser = OneLineParser(
        prog=prog, description="Turns 2D keypoints of clips into 3D motion.", conflict_handler="resolve"
    )
    add_estimate_arguments(parser)
    return _reporting(lambda: _convert(parser.parse_args(arguments)))


def run_retarget(arguments: Sequence[str], prog: str) -> int:
    """Puts motions on a character; the exit status is as of ``run_batch``."""
    parser = OneLineParser(prog=prog, description="Puts motions on a character, and exports it.")
    add_retarget_arguments(parser)
    return _reporting(lambda: _retarget(parser.parse_args(arguments)))


def run_formats(arguments: Sequence[str], prog: str) -> int:
    """Lists the keypoint formats."""
    parser = OneLineParser(prog=prog, description="Lists the keypoint formats that can be read.")
    formats.add_arguments(parser)
    return _reporting(lambda: formats.run(parser.parse_args(arguments)))


def _convert(args: argparse.Namespace) -> int:
    require_packages()
    with without_output(not args.debug):
        settings = batch_settings(args)
    return _run(args, settings, find_batch_clips(args.inputs, settings.estimate.out, settings.endings))


def _retarget(args: argparse.Namespace) -> int:
    with without_output(not args.debug):
        settings = retarget_settings(args)
    return _run(args, settings, find_motions(args.inputs, settings.estimate.out, settings.endings))


def _run(args: argparse.Namespace, settings: BatchSettings, clips: Sequence[Clip]) -> int:
    """Converts all; what fails doesn't stop the rest."""
    _remove_unfinished(settings.estimate.out, clips)
    display = Display(sys.stderr)
    done: dict[Clip, ClipResult] = {}
    progress = BatchProgress(len(clips))

    def show(clip: Clip, fraction: float) -> None:
        progress.part_done(clip.name, fraction)
        display.update(progress.line())

    jobs = min(args.jobs, len(clips))
    try:
        for clip, result in converted(clips, settings, jobs, args.threads, worker_command(), show):
            done[clip] = result
            progress.done(result)
            tell(display, result, progress.count(), debug=args.debug)
            if len(done) < len(clips):
                display.update(progress.line())
    finally:
        display.clear()
        if args.report:
            save_report(args.report, clips, done)
    display.say(progress.summary())
    failed = any(result.status == "failed" for result in done.values())
    return EXIT_FAILED if failed else EXIT_DONE


def worker_command() -> list[str]:
    """What starts a further Blender that works for this one, with this copy of Kinelift."""
    arguments = [str(_SCRIPT), "--", "--worker", *(["--installed"] if is_installed() else [])]
    if not bpy.app.binary_path:
        return [sys.executable, *arguments]
    same = [option for option in ("--factory-startup",) if option in sys.argv]
    return [bpy.app.binary_path, "-b", *same, "--python-exit-code", "1", "--python", *arguments]


def is_installed() -> bool:
    """Whether this is the enabled extension, not a checkout that a script has loaded."""
    return ROOT_PACKAGE in bpy.context.preferences.addons


def introduce() -> None:
    """Says which Kinelift this is: there may be several on a machine."""
    print(f"Kinelift {__version__} from {_ROOT}, Blender {bpy.app.version_string}", flush=True)


def _remove_unfinished(out: Path, clips: Sequence[Clip]) -> None:
    """Takes away what a run that was killed has left of these clips."""
    names = {clip.name for clip in clips}

    def ours(name: str) -> bool:
        stem = re.sub(r"(_p[0-9]+)?(\.(\w+|made_from\.json|blend\.made_from\.json))?$", "", name.lstrip("."))
        return name in names or stem in names

    remove_unfinished(out, ours)


def _reporting(do: Callable[[], int]) -> int:
    """The exit status; what can't be used is told in one line."""
    handlers = {signal.SIGTERM: _terminate, signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        return do()
    except KineliftError as error:
        print(one_line(f"error: {error}"), file=sys.stderr)
        return EXIT_ARGUMENTS if isinstance(error, InputError) else EXIT_FAILED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except SystemExit as leaving:  # argparse has told why
        return leaving.code if isinstance(leaving.code, int) else EXIT_ARGUMENTS
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier or signal.SIG_DFL)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(EXIT_TERMINATED)  # unwinds, so that unfinished files are taken away
