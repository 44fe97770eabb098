"""``blender --command kinelift``: the installed extension from the command line.

``batch``, ``estimate``, ``retarget`` and ``formats``; each lists its arguments with ``--help``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import bpy

_PROG = "blender --command kinelift"
_COMMANDS = {
    "batch": "turn clips of 2D keypoints into files of Blender and other programs",
    "estimate": "turn clips of 2D keypoints into 3D motion alone",
    "retarget": "put motions on a character",
    "formats": "list the keypoint formats that can be read",
}
_registered: list[Any] = []


def register() -> None:
    """Adds the command to those of Blender."""
    _registered.append(bpy.utils.register_cli_command("kinelift", run))


def unregister() -> None:
    """Takes it away."""
    while _registered:
        bpy.utils.unregister_cli_command(_registered.pop())


def run(arguments: Sequence[str]) -> int:
    """Does what follows ``blender --command kinelift``; returns the exit status."""
    from .headless import run as headless

    commands: dict[str, Callable[[Sequence[str], str], int]] = {
        "batch": headless.run_batch,
        "estimate": headless.run_estimate,
        "retarget": headless.run_retarget,
        "formats": headless.run_formats,
    }
    name, *rest = arguments or ["--help"]
    if name in {"-h", "--help"}:
        print(_usage())
        return 0
    if name not in commands:
        print(f"{_PROG}: {name!r} is none of {', '.join(commands)}", file=sys.stderr)
        return headless.EXIT_ARGUMENTS
    headless.introduce()
    return commands[name](rest, f"{_PROG} {name}")


def _usage() -> str:
    width = max(map(len, _COMMANDS))
    lines = (f"  {name:{width}}  {what}" for name, what in _COMMANDS.items())
    more = f"{_PROG} COMMAND --help lists its arguments."
    return "\n".join([f"usage: {_PROG} COMMAND …", "", *lines, "", more])
