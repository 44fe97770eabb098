"""A file is there whole, or as it was."""

import subprocess
import sys
from pathlib import Path

import pytest

from estimator.atomic_write import deliver, remove_unfinished, workshop, written_whole
from estimator.errors import InputError


def test_a_finished_block_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with written_whole(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_what_was_there(fault: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half() -> None:
        with written_whole(path) as beside:
            beside.write_text("ne")
            raise fault

    with pytest.raises(fault):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"a\.txt: can't be written \(No such file"),
        written_whole(tmp_path / "no" / "a.txt") as beside,
    ):
        beside.write_text("new")


def test_what_is_made_in_a_workshop_is_delivered_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with workshop(path) as folder:
        (folder / "made.txt").write_text("new")
        (folder / "made.txt.bak").write_text("not wanted")
        assert path.read_text() == "old"
        deliver(folder / "made.txt", path)
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_workshop_where_there_is_no_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"a\.txt: can't be written \(No such file"),
        workshop(tmp_path / "no" / "a.txt"),
    ):
        pass


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    killed = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    running = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        killed.kill()
        killed.wait()
        kept = [tmp_path / f".a.npz.{running.pid}.part", tmp_path / f".b.npz.{killed.pid}.part"]
        kept.append(tmp_path / ".notes.part")
        for path in (*kept, tmp_path / f".a.npz.{killed.pid}.part"):
            path.write_text("half")
        (tmp_path / f".a.{killed.pid}.part").mkdir()
        (tmp_path / f".a.{killed.pid}.part" / "a.fbx").write_text("half")
        remove_unfinished(tmp_path, lambda name: name.startswith("a"))
        assert sorted(tmp_path.iterdir()) == sorted(kept)
    finally:
        running.communicate()
