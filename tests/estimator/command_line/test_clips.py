"""Which clips a command line means."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from estimator.command_line.clips import check_report, expanded, find_clips
from estimator.errors import InputError
from tests.estimator.command_line.keypoint_files import write_coco, write_openpose


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    """A folder of clips: two files, a sequence, a folder with one more, and things that are no clips."""
    folder = tmp_path / "takes"
    (folder / "more").mkdir(parents=True)
    write_coco(folder / "b.json")
    write_coco(folder / "a.json")
    write_openpose(folder / "walk")
    write_coco(folder / "more" / "c.json")
    (folder / "README.md").write_text("notes")
    (folder / "LICENSE.txt").write_text("free")
    (folder / ".hidden.json").write_text("{}")
    return folder


def found(inputs: list[Path | str], out: Path) -> list[str]:
    return [clip.name for clip in find_clips([str(one) for one in inputs], out, ("npz",))]


def test_a_sequence_is_one_clip_and_a_folder_of_clips_is_many(takes: Path, tmp_path: Path) -> None:
    assert found([takes / "walk"], tmp_path) == ["walk"]
    assert found([takes], tmp_path / "out") == ["a", "b", "c", "walk"]


def test_a_sequence_with_a_defective_frame_is_still_one_clip(takes: Path, tmp_path: Path) -> None:
    frames = sorted((takes / "walk").iterdir())
    frames[3].write_text('{"people": [{"pose_key')
    assert found([takes / "walk"], tmp_path) == ["walk"]


def test_links_that_lead_round_in_a_circle_stop_nothing(takes: Path, tmp_path: Path) -> None:
    (takes / "more" / "takes").symlink_to(takes, target_is_directory=True)
    (takes / "more" / "again").symlink_to(takes / "more", target_is_directory=True)
    (takes / "z.json").symlink_to("z.json")
    assert found([takes], tmp_path / "out") == ["a", "b", "c", "walk", "z"]  # z for its own error


def test_a_folder_that_may_not_be_looked_into_is_kept_for_its_own_error(
    takes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = takes / "closed"
    closed.mkdir()
    look = Path.iterdir

    def refuse(path: Path) -> Iterator[Path]:  # taking the rights away wouldn't stop root
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert found([takes], tmp_path / "out") == ["a", "b", "closed", "c", "walk"]
    assert found([closed], tmp_path / "out") == ["closed"]


def test_a_folder_with_one_clip_is_not_a_sequence(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    write_coco(folder / "clip.json")
    assert found([folder], tmp_path) == ["clip"]


def test_patterns_that_the_shell_left_alone(
    takes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found([takes / "*.json"], tmp_path) == ["a", "b"]
    assert found([takes / "**" / "c*"], tmp_path) == ["c"]
    monkeypatch.chdir(takes)
    assert found(["[ab].json"], tmp_path) == ["a", "b"]
    shutil.copy("a.json", "x[1].json")
    assert found(["x[1].json"], tmp_path) == ["x[1]"]
    assert found(["z*.json"], tmp_path) == ["z*"]  # kept, for its own error


def test_the_same_clip_counts_once(takes: Path, tmp_path: Path) -> None:
    assert found([takes / "a.json", takes / "*.json", takes / "walk" / ".." / "a.json"], tmp_path) == [
        "a",
        "b",
    ]


def test_a_folder_given_as_a_dot_has_its_own_name(
    takes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(takes / "walk")
    assert found(["."], tmp_path) == ["walk"]


def test_outputs_in_the_folder_of_clips_are_no_clips(takes: Path) -> None:
    out = takes / "out"
    out.mkdir()
    write_coco(out / "a_p1.json")
    assert found([takes], out) == ["a", "b", "c", "walk"]


def test_clips_whose_outputs_would_collide(takes: Path, tmp_path: Path) -> None:
    shutil.copy(takes / "a.json", takes / "more" / "a.json")
    with pytest.raises(InputError, match=r"a\.json and .*more.a\.json would both be written to .*a_p1"):
        found([takes], tmp_path / "out")
    write_coco(tmp_path / "walk.json")
    with pytest.raises(InputError, match=r"would both be written to .*walk_p1"):
        found([takes / "walk", tmp_path / "walk.json"], tmp_path / "out")


def test_an_input_is_not_overwritten_by_an_output(takes: Path) -> None:
    shutil.copy(takes / "a.json", takes / "a_p2.json")
    inputs = [str(takes / "a.json"), str(takes / "a_p2.json")]
    with pytest.raises(InputError, match=r"a_p2\.json would be overwritten by an output of .*a\.json"):
        find_clips(inputs, takes, ("npz", "json"))
    assert len(find_clips(inputs, takes, ("npz",))) == 2


def test_a_report_overwrites_no_input_and_no_output(takes: Path, tmp_path: Path) -> None:
    clips = find_clips([str(takes / "a.json"), str(takes / "walk")], tmp_path, ("npz", "json"))
    for report in (takes / "a.json", takes / "more" / ".." / "a.json", takes / "walk" / "report.json"):
        with pytest.raises(InputError, match="is an input of this run; name another file for --report"):
            check_report(report, clips, tmp_path)
    with pytest.raises(InputError, match=r"a_p12\.json: is an output of this run"):
        check_report(tmp_path / "a_p12.json", clips, tmp_path)
    with pytest.raises(InputError, match="is no file but a pipe or a device; name a file for --report"):
        check_report(Path(os.devnull), clips, tmp_path)
    check_report(tmp_path / "report.json", clips, tmp_path)


def test_what_is_not_there_is_kept_for_its_own_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert found([tmp_path / "none.json", tmp_path / "empty"], tmp_path / "out") == ["none", "empty"]
    assert [str(path) for path in expanded("a**b.json")] == ["a**b.json"]
