"""A file is there whole, or as it was."""

from pathlib import Path

import pytest

from estimator.atomic_write import written_whole
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
