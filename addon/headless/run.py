"""A batch from its arguments to its exit status."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import bpy

from ...estimator import __version__
from ...estimator.__main__ import OneLineParser
from ...estimator.command_line import formats
from ...estimator.command_line.clips import Clip, check_report
from ...estimator.command_line.result import ClipResult
from ...estimator.command_line.running import Show, run_clips
from ...estimator.command_line.stopping import Stopped, stoppable
from ...estimator.errors import InputError, KineliftError
from ...estimator.printable import printable
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
    """Converts all."""
    if args.report:
        check_report(args.report, clips, settings.estimate.out)
    jobs = min(args.jobs, len(clips))

    def start(show: Show) -> Iterator[tuple[Clip, ClipResult]]:
        return converted(clips, settings, jobs, args.threads, worker_command(), show)

    done = run_clips(clips, start, settings.estimate.out, args.report, debug=args.debug)
    return EXIT_FAILED if any(result.status == "failed" for result in done) else EXIT_DONE


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


def _reporting(do: Callable[[], int]) -> int:
    """The exit status; what can't be used is told in one line."""
    try:
        with stoppable():
            return do()
    except KineliftError as error:
        print(printable(f"error: {error}"), file=sys.stderr)
        return EXIT_ARGUMENTS if isinstance(error, InputError) else EXIT_FAILED
    except Stopped as stopped:
        print(stopped, file=sys.stderr)
        return stopped.status
    except SystemExit as leaving:  # argparse has told why
        return leaving.code if isinstance(leaving.code, int) else EXIT_ARGUMENTS
