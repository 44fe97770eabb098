"""Keypoints are read once, again when they change, and a damaged cache does no harm."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from kinelift_checkout.addon import keypoint_store
from kinelift_checkout.addon.keypoint_store import KeypointRequest, read_tracks, tracks_in_memory
from kinelift_checkout.estimator.errors import InputError

from tests.addon.recordings import example_points, write_coco


@pytest.fixture(autouse=True)
def _empty_memory() -> Iterator[None]:
    keypoint_store.forget_all()
    yield
    keypoint_store.forget_all()


def test_read_once_and_again_when_changed(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "walk.json", [example_points(20)])
    request = KeypointRequest(path)
    assert tracks_in_memory(request) is None
    first = read_tracks(request)
    assert read_tracks(request) is first
    assert tracks_in_memory(request) is first
    write_coco(path, [example_points(30)])
    os.utime(path, ns=(1, 1))
    assert len(read_tracks(request)[0]) == 30


def test_a_change_inside_a_folder_is_seen(tmp_path: Path) -> None:
    from kinelift_checkout.estimator.example import write_example

    folder = write_example(tmp_path).keypoints
    files = sorted(folder.iterdir())
    for path in files[12:]:
        path.unlink()
    request = KeypointRequest(folder)
    assert len(read_tracks(request)[0]) == 12
    text = files[11].read_text().replace('"person_id"', '"person_ID"')
    files[10].write_text(text + " ")
    again = read_tracks(request)[0]
    np.testing.assert_array_equal(again.keypoints[10], again.keypoints[11])


def test_the_disk_gives_back_the_same(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "walk.json", [example_points(20), example_points(15, shift=400.0)])
    request = KeypointRequest(path, cache_folder=tmp_path / "cache")
    first = read_tracks(request)
    (entry,) = (tmp_path / "cache").iterdir()
    keypoint_store.forget_all()
    path_of_source = path.rename(tmp_path / "away.json")
    path_of_source.rename(path)
    again = read_tracks(request)
    assert len(again) == len(first) == 2
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.keypoints, other.keypoints)
        np.testing.assert_array_equal(one.confidence, other.confidence)
        assert (one.person_id, one.frame_start, one.source) == (
            other.person_id,
            other.frame_start,
            other.source,
        )
        assert (one.width, one.fps) == (other.width, other.fps)

    for damage in (b"", b"PK\x03\x04 nonsense", entry.read_bytes()[:300]):
        entry.write_bytes(damage)
        keypoint_store.forget_all()
        assert len(read_tracks(request)) == 2


def test_the_entry_is_what_answers_the_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the folder may only be read."""

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    path = write_coco(tmp_path / "walk.json", [example_points(20)])
    request = KeypointRequest(path, cache_folder=tmp_path / "cache")
    read_tracks(request)
    state = path.stat()
    path.write_bytes(b"x" * state.st_size)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    keypoint_store.forget_all()
    monkeypatch.setattr(Path, "touch", refuse)
    assert len(read_tracks(request)[0]) == 20


def test_fractions_are_read_with_the_clips_size_and_again_with_another(tmp_path: Path) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    for frame in range(4):
        points = [f"{0.3 + 0.02 * k:.4f} {0.2 + 0.03 * k:.4f} 0.9" for k in range(17)]
        (folder / f"walk_{frame + 1}.txt").write_text("0 0.5 0.5 0.4 0.6 " + " ".join(points) + "\n")
    with pytest.raises(InputError, match="width and height"):
        read_tracks(KeypointRequest(folder))
    small = read_tracks(KeypointRequest(folder, clip_size=(100, 200)))[0]
    assert tracks_in_memory(KeypointRequest(folder, clip_size=(1000, 2000))) is None
    large = read_tracks(KeypointRequest(folder, clip_size=(1000, 2000)))[0]
    np.testing.assert_allclose(large.keypoints, 10 * small.keypoints)


def test_a_cache_folder_that_cannot_be_made_is_done_without(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "walk.json", [example_points(20)])
    (tmp_path / "file").touch()
    assert len(read_tracks(KeypointRequest(path, cache_folder=tmp_path / "file" / "cache"))) == 1
