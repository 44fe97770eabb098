"""Steps in a Blender process of their own, for what leaves Blender's module unable to end.

After Rigify has generated a rig, or glTF has written an armature, Python hangs when it ends (seen in 4.5);
`os._exit` doesn't.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

_START = f"""
import importlib, os, sys, types
import bpy
import addon_utils
root = types.ModuleType("kinelift_checkout")
root.__path__ = [{str(REPOSITORY)!r}]
sys.modules["kinelift_checkout"] = root
bpy.ops.wm.read_factory_settings(use_empty=True)
importlib.import_module("kinelift_checkout.addon").register()
"""


def run_in_other_blender(code: str) -> str:
    """Runs code with Kinelift registered in an empty file; returns what it printed."""
    script = f"{_START}{textwrap.dedent(code)}\nsys.stdout.flush()\nos._exit(0)\n"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
