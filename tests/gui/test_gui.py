"""Kinelift in the real Blender, see check.py; minutes, so only if ``KINELIFT_REAL_BLENDER`` is set."""

import os
from pathlib import Path

import pytest

from tests.gui.batch_check import check_batch
from tests.gui.real_blender import blender_folder, ensure_blender, why_not
from tests.gui.window_check import check_window

pytestmark = pytest.mark.skipif(
    "KINELIFT_REAL_BLENDER" not in os.environ,
    reason="takes minutes; set KINELIFT_REAL_BLENDER, or run `.venv/bin/python -m tests.gui.check`",
)


@pytest.fixture
def blender() -> Path:
    folder = blender_folder()
    if reason := why_not(folder):
        pytest.fail(reason)
    ensure_blender(folder)
    return folder


def test_the_installed_zip_does_its_work_in_a_real_window(blender: Path, tmp_path: Path) -> None:
    outcome = check_window(blender, tmp_path / "out")
    assert not outcome.failures, "\n".join([*outcome.failures, outcome.output])
    assert len(outcome.pictures) >= 8


def test_the_installed_zip_converts_batches(blender: Path, tmp_path: Path) -> None:
    outcome = check_batch(blender, tmp_path / "out")
    assert not outcome.failures, "\n".join([*outcome.failures, outcome.output])
    assert outcome.measures
