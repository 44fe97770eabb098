"""What is checked in a running Blender, one thing after another: ``blender --python scenario.py``.

Works in /mnt: ``footage/`` holds the clip and the files to drop; pictures and report.json go to ``out/``.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bpy
from desktop import OUT, Steps
from drop_steps import drop_files
from estimate_steps import (
    cancel_by_button,
    cancel_by_key,
    estimate_again,
    estimate_and_undo,
    load_footage,
    look_at_clip_editor,
    look_through_camera,
    wait_idly,
)
from file_steps import load_while_running, remove, save_and_reload, switch_off_and_on
from installed import EXTENSION
from report import check, save, say
from retarget_steps import cancel_retarget_by_key, retarget_onto_character

FOOTAGE = Path("/mnt/footage")
SAVED = Path("/mnt/saved.blend")


def scenario() -> Steps[None]:
    """All of it."""
    say(f"Blender {bpy.app.version_string}, Python {sys.version.split()[0]}")
    check("the zip is installed and enabled", EXTENSION in bpy.context.preferences.addons)
    yield from load_footage(FOOTAGE / "example.mp4")
    yield from estimate_and_undo()
    yield from wait_idly()
    yield from cancel_by_key()
    yield from cancel_by_button()
    yield from estimate_again()
    yield from look_through_camera()
    yield from retarget_onto_character()
    yield from cancel_retarget_by_key()
    yield from look_at_clip_editor()
    yield from drop_files(FOOTAGE)
    yield from save_and_reload(SAVED)
    yield from load_while_running(SAVED)
    yield from switch_off_and_on()
    yield from remove()


def run(steps: Steps[None]) -> float | None:
    """A timer's turn: goes on with the steps until they want to wait."""
    try:
        return next(steps)
    except StopIteration:
        save(OUT / "report.json")
        bpy.ops.wm.quit_blender()
    except Exception:
        traceback.print_exc()
        sys.stdout.flush()
        os._exit(3)
    return None


bpy.context.preferences.view.show_splash = False
_steps = scenario()
bpy.app.timers.register(lambda: run(_steps), first_interval=2.0, persistent=True)
