"""A file is there whole, or as it was."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from estimator.atomic_write import deliver, remove_unfinished, workshop, written_whole
from estimator.errors import InputError

REPOSITORY = Path(__file__).resolve().parents[2]


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_a_pipe_or_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with (
        pytest.raises(InputError, match=r"pipe: can't be written \(it is no file but a pipe or a device\)"),
        written_whole(path) as beside,
    ):
        beside.write_text("new")
    assert path.is_fifo()
    assert list(tmp_path.iterdir()) == [path]


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


@pytest.fixture
def killed() -> Iterator[Callable[..., list[Path]]]:
    """Leaves what a process leaves that is killed while it writes ``path`` and has a workshop for it."""
    code = """
import pathlib, sys
from estimator.atomic_write import workshop, written_whole
path = pathlib.Path(sys.argv[1])
with written_whole(path) as beside, workshop(path) as folder:
    beside.write_text("half")
    (folder / "a.fbx").write_text("half")
    print("half", flush=True)
    input()
"""
    started: list[subprocess.Popen[bytes]] = []

    def leave(path: Path, *, running: bool = False) -> list[Path]:
        before = set(path.parent.iterdir())
        process = subprocess.Popen(
            [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        if not running:
            process.kill()
            process.wait()
        return sorted(set(path.parent.iterdir()) - before)

    yield leave
    for process in started:
        process.kill()
        process.communicate()


def test_what_killed_processes_left_is_removed(tmp_path: Path, killed: Callable[..., list[Path]]) -> None:
    left = killed(tmp_path / "a.npz")
    assert len(left) == 2
    kept = [*killed(tmp_path / "a.npz", running=True), *killed(tmp_path / "b.npz"), tmp_path / ".notes.part"]
    kept[-1].write_text("a user's own")
    with written_whole(tmp_path / "a.npz") as beside:
        beside.write_text("this process is at it")
        remove_unfinished(tmp_path, lambda name: name.startswith("a"))
        assert sorted(tmp_path.iterdir()) == sorted([*kept, beside])


def test_what_another_machine_is_making_is_left_alone_for_a_day(
    tmp_path: Path, killed: Callable[..., list[Path]]
) -> None:
    for left in killed(tmp_path / "a.npz"):
        name, process, machine, unique, part = re.split(r"\.(\d+)-(\w{8})-(\w{8})", left.name)
        left.rename(tmp_path / f"{name}.{process}-{'0' * 8}-{unique}{part}")
        assert machine != "0" * 8
    theirs = sorted(tmp_path.iterdir())
    remove_unfinished(tmp_path, lambda name: True)
    assert sorted(tmp_path.iterdir()) == theirs
    for path in theirs:
        os.utime(path, times=(time.time() - 25 * 3600,) * 2)
    remove_unfinished(tmp_path, lambda name: True)
    assert not list(tmp_path.iterdir())


def test_writers_of_the_same_file_are_not_in_each_others_way(tmp_path: Path) -> None:
    path, writers = tmp_path / "a.txt", 8
    together = threading.Barrier(writers)

    def write(number: int) -> None:
        with written_whole(path) as beside, workshop(path) as folder:
            beside.write_text(f"{number}" * 1000)
            (folder / "made.txt").write_text("x")
            together.wait()

    with ThreadPoolExecutor(writers) as pool:
        for done in [pool.submit(write, number) for number in range(writers)]:
            done.result()
    assert set(path.read_text()) in [{str(number)} for number in range(writers)]
    assert list(tmp_path.iterdir()) == [path]


def test_outputs_have_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("")
    with written_whole(tmp_path / "a.txt") as beside:
        beside.write_text("new")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "plain.txt").stat().st_mode
