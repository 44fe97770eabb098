"""The extension in a window of the real Blender: clicked, dropped onto, undone, saved, removed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from estimator.example import example_motion
from tests.gui.installed_zip import Outcome, example_footage, installed_zip, outcome
from tests.gui.real_blender import WORK

_SCREEN = ("1600", "900")
_SECONDS = 1800.0


def check_window(folder: Path, out: Path) -> Outcome:
    """Runs ``inside/scenario.py`` in the real Blender of ``folder``; pictures and report come to ``out``."""
    with installed_zip(folder, out) as blender:
        film, keypoints = example_footage()
        footage = blender.work / "footage"
        shutil.copytree(keypoints, footage / keypoints.name)
        shutil.copy(film, footage)
        _write_files_to_drop(footage)
        screen = f"-screen 0 {'x'.join(_SCREEN)}x24 +extension GLX"
        window = ["--gpu-backend", "opengl", "--window-geometry", "0", "0", *_SCREEN]
        command = ["xvfb-run", "-a", "-s", screen, "blender", *window, "--python"]
        status = blender.run([*command, WORK / "inside" / "scenario.py"], _SECONDS)
    return outcome(out, status)


def _write_files_to_drop(folder: Path) -> None:
    """The example's keypoints in other formats, and a .json that holds none."""
    motion = example_motion(0)
    coco = motion.keypoints[:, :17]
    people = [
        {
            "image_id": frame,
            "category_id": 1,
            "score": 0.9,
            "keypoints": np.concatenate([points, np.full((17, 1), 0.9)], axis=1).ravel().tolist(),
        }
        for frame, points in enumerate(np.nan_to_num(coco))
    ]
    (folder / "people.json").write_text(json.dumps(people))
    positions = {"person": {"custom": [np.nan_to_num(coco).astype(np.float32)]}}
    np.savez(folder / "custom.npz", positions_2d=np.array(positions, dtype=object))
    (folder / "other.json").write_text('{"asset": {"version": "2.0"}, "scenes": []}')
