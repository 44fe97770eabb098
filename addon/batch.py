"""Clips of 2D keypoints to animated files, without a window.

From a checkout, which is loaded as one private package::

    blender -b --python-exit-code 1 --python addon/batch.py -- INPUT… --out DIR --save blend,fbx,npz

With Blender as a Python module it is ``python addon/batch.py INPUT… --out DIR``. ``--installed`` uses the
enabled extension instead of the checkout; ``--help`` lists all arguments. Exit status: 0 all done, 1 some
clips failed, 2 the arguments can't be used.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import bpy

PACKAGE = "kinelift_checkout"
EXTENSION = "kinelift"
EXIT_ARGUMENTS = 2


def run(arguments: Sequence[str]) -> int:
    """Loads Kinelift and does what the arguments say; returns the exit status."""
    installed = "--installed" in arguments
    enabled = [name for name in bpy.context.preferences.addons.keys() if name.split(".")[-1] == EXTENSION]  # noqa: SIM118
    if installed and not enabled:
        return _refuse(
            "--installed: no extension Kinelift is enabled in this Blender; install and enable it first"
        )
    if enabled and not installed:
        return _refuse(
            f"Kinelift is enabled here as {enabled[0]}, and two copies would be in each other's way; "
            "use that with --installed, or start Blender with --factory-startup"
        )
    package = enabled[0] if installed else _checkout()
    headless = importlib.import_module(f"{package}.addon.headless.run")
    rest = [argument for argument in arguments if argument != "--installed"]
    if rest == ["--worker"]:
        return int(importlib.import_module(f"{package}.addon.headless.worker").work())
    headless.introduce()
    return int(headless.run_batch(rest, "batch.py"))


def _checkout() -> str:
    """Makes the checkout that this file lies in a package, and registers what it adds to Blender."""
    root = ModuleType(PACKAGE)
    root.__path__ = [str(Path(__file__).resolve().parents[1])]
    sys.modules[PACKAGE] = root
    importlib.import_module(f"{PACKAGE}.addon").register()
    return PACKAGE


def _refuse(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return EXIT_ARGUMENTS


def _own_arguments() -> list[str]:
    """What follows ``--``; Blender keeps what comes before it for itself, Python as a module has none."""
    if "--" in sys.argv:
        return sys.argv[sys.argv.index("--") + 1 :]
    return [] if bpy.app.binary_path else sys.argv[1:]


def _leave(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    if bpy.app.binary_path:
        sys.exit(status)
    # Blender as a module doesn't end by itself after some exports (glTF, seen in 4.5).
    shutil.rmtree(bpy.app.tempdir, ignore_errors=True)
    os._exit(status)


if __name__ == "__main__":
    # What Python's packages leave there goes with Blender's own, however this process ends.
    tempfile.tempdir = bpy.app.tempdir
    _leave(run(_own_arguments()))
