"""Fixtures that every test may use."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data sets beside the repository; tests that need it are skipped in other clones."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "keypoints").is_dir():
        pytest.skip("needs the data sets in ../shared, which are not part of the repository")
    return folder
