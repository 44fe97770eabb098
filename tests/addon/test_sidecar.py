"""Keypoints beside a clip are found by their names, and nothing else is taken for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from kinelift_checkout.addon.sidecar import find_sidecar


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["walk.json"], "walk.json"),
        (["walk_keypoints.json"], "walk_keypoints.json"),
        (["walk.npz"], "walk.npz"),
        (["walk.csv"], "walk.csv"),
        (["walk/walk_000000000000_keypoints.json"], "walk"),
        (["walk_json/walk_000000.json"], "walk_json"),
        (["walk_keypoints/000.json"], "walk_keypoints"),
        (["walk/alphapose-results.json"], "walk/alphapose-results.json"),
        (["labels/walk_1.txt", "labels/walk_2.txt"], "labels"),
        (["pose/walk_json/walk_0001.json"], "pose/walk_json"),
        (["walk_000000000000_keypoints.json", "walk_000000000001_keypoints.json"], "."),
        (["other.json", "labels/other_1.txt", "walk/picture.png", "walking_000.json"], None),
        ([], None),
    ],
)
def test_found_by_name(tmp_path: Path, files: list[str], found: str | None) -> None:
    touch(tmp_path, "walk.mp4", *files)
    assert find_sidecar(tmp_path / "walk.mp4") == (None if found is None else tmp_path / found)


def test_names_need_not_be_ascii(tmp_path: Path) -> None:
    touch(tmp_path, "dæmo ½.mp4", "dæmo ½.json")
    assert find_sidecar(tmp_path / "dæmo ½.mp4") == tmp_path / "dæmo ½.json"
