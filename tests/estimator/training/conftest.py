"""A small part of the motion capture beside the repository, for the tests of training."""

import csv
from pathlib import Path

import pytest

_CLIPS_PER_SET = 4
_MOST_FRAMES = 1000


@pytest.fixture(scope="session")
def few_captures(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose index lists some short takes of every set."""
    mocap = shared / "mocap"
    if not (mocap / "index.csv").is_file():
        pytest.skip("needs the motion capture in ../shared, which is not part of the repository")
    with (mocap / "index.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["quality"] == "ok"]
    chosen: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        of_set = chosen.setdefault(row["set"], [])
        if int(row["frames"]) <= _MOST_FRAMES and len(of_set) < _CLIPS_PER_SET:
            of_set.append(row | {"file": str((mocap / row["file"]).resolve())})
    folder = tmp_path_factory.mktemp("few_captures")
    with (folder / "index.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(row for of_set in chosen.values() for row in of_set)
    return folder
