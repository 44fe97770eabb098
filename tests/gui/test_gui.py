"""Kinelift in the real Blender, see check.py; minutes, so only if ``KINELIFT_REAL_BLENDER`` is set."""

import os
from pathlib import Path

import pytest

from tests.gui.check import check_gui
from tests.gui.real_blender import blender_folder, ensure_blender, why_not


@pytest.mark.skipif(
    "KINELIFT_REAL_BLENDER" not in os.environ,
    reason="takes minutes; set KINELIFT_REAL_BLENDER, or run `.venv/bin/python -m tests.gui.check`",
)
def test_the_installed_zip_does_its_work_in_a_real_window(tmp_path: Path) -> None:
    folder = blender_folder()
    if reason := why_not(folder):
        pytest.fail(reason)
    ensure_blender(folder)
    outcome = check_gui(folder, tmp_path / "out")
    assert not outcome.failures, "\n".join([*outcome.failures, outcome.output])
    assert len(outcome.pictures) >= 7
