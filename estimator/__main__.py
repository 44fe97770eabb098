"""``python -m estimator COMMAND …``: Kinelift's estimator from the command line.

Exit status: 0 done, 1 a fault of ours, 2 input that can't be used, 130 interrupted, 143 terminated. One line
per failure on standard error; a traceback only with ``--debug``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from . import __version__
from .command_line.stopping import Stopped, stoppable
from .errors import InputError, KineliftError
from .printable import printable


class Command(NamedTuple):
    """A subcommand; its module has ``add_arguments(parser)`` and ``run(args) -> int``."""

    module: str
    summary: str


COMMANDS = {
    "estimate": Command(".command_line.estimate", "turn 2D keypoints of clips into 3D motion"),
    "evaluate": Command(".training.evaluate", "measure a generator on motion capture it hasn't seen"),
    "train": Command(".training.train", "train a generator on motion capture"),
    "formats": Command(".command_line.formats", "list the keypoint formats that can be read"),
}

EXIT_FAULT, EXIT_INPUT = 1, 2


class OneLineParser(argparse.ArgumentParser):
    """Tells a wrong argument in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_INPUT, f"{printable(f'{self.prog}: {message}; see {self.prog} --help')}\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments of one command; ``command`` names it.

    Only the chosen command's module is imported: others may need packages that are slow or not there.
    """
    parser = OneLineParser(prog="python -m estimator", description="2D keypoints of a video to 3D motion.")
    parser.add_argument("--version", action="version", version=f"Kinelift {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.summary, description=command.summary)
        if name in arguments[:1]:
            sub.add_argument("--debug", action="store_true", help="show the traceback of a fault")
            importlib.import_module(command.module, __package__).add_arguments(sub)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    # Set before torch is loaded: threads that spin while they wait make others crawl.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    debug = False
    try:
        args = parse(sys.argv[1:] if arguments is None else arguments)
        debug = args.debug
        status: int = importlib.import_module(COMMANDS[args.command].module, __package__).run(args)
    except InputError as error:
        return _fail(f"error: {error}", EXIT_INPUT)
    except KineliftError as error:
        return _fail(f"error: {error}", EXIT_FAULT)
    except Stopped as stopped:
        return _fail(str(stopped), stopped.status)
    except Exception as error:
        if debug:
            traceback.print_exc()
        return _fail(f"fault: {type(error).__name__}: {error}; --debug shows where", EXIT_FAULT)
    return status


def _fail(message: str, status: int) -> int:
    print(printable(message), file=sys.stderr)
    return status


if __name__ == "__main__":
    with stoppable():
        sys.exit(main())
