"""Splits and classes of takes."""

from collections import defaultdict
from pathlib import Path

import pytest

from estimator.__main__ import main
from estimator.errors import InputError
from estimator.training.takes import ACTION_CLASSES, SPLITS, Take, list_takes


def _take(set_name: str, subject: str, action: str) -> Take:
    return Take(Path("a.bvh"), set_name, subject, action)


@pytest.mark.parametrize(
    ("set_name", "action", "expected"),
    [
        ("cmu_asfamc", "run/jog", "walk_run"),
        ("cmu_asfamc", "walk on uneven terrain", "walk_run"),
        ("deepmimic", "stealthy walk", "walk_run"),
        ("cmu_asfamc", "playground - climb, hang, swing", "other"),
        ("cmu_dragonforged", "dance - sideways steps, pirouette", "dance"),
        ("deepmimic", "cartwheel", "other"),
        ("reactidle", "idle acted", "idle"),
        ("own", "walk_01", "walk_run"),
        ("own", "slow_walk", "walk_run"),
        ("own", "anna_Run2", "walk_run"),
        ("own", "she walks, then ran", "walk_run"),
        ("own", "jogged_3", "walk_run"),
        ("own", "dance_02", "dance"),
        ("own", "two_dancers", "dance"),
        ("own", "walking_and_dancing", "dance"),
        ("own", "stands on the sidewalk", "other"),
        ("own", "grunting", "other"),
        ("own", "guidance", "other"),
    ],
)
def test_action_classes(set_name: str, action: str, expected: str) -> None:
    assert _take(set_name, "x", action).action_class == expected


def test_a_person_captured_for_two_sets_is_one_person() -> None:
    assert (
        _take("cmu_expmap_train", "05", "walking").person == _take("cmu_dragonforged", "05", "dance").person
    )
    assert _take("cmu_asfamc", "02", "walk").person != _take("reactidle", "002", "idle").person


def test_no_person_is_in_two_splits(shared: Path) -> None:
    if not (shared / "mocap" / "index.csv").is_file():
        pytest.skip("needs the motion capture in ../shared, which is not part of the repository")
    takes = list_takes(shared / "mocap")
    splits: dict[tuple[str, str], set[str]] = defaultdict(set)
    for take in takes:
        splits[take.person].add(take.split)
    assert all(len(one) == 1 for one in splits.values())
    assert {take.split for take in takes} == set(SPLITS)
    assert {take.action_class for take in takes} == set(ACTION_CLASSES)
    assert splits["cmu", "02"] == splits["cmu", "05"] == {"test"}
    assert splits["cmu", "07"] == splits["cmu", "03"] == {"validation"}
    assert sum(person[0] == "reactidle" and split == {"test"} for person, split in splits.items()) == 2


def test_ground_is_unknown_where_more_than_soles_touch_it() -> None:
    assert _take("cmu_asfamc", "02", "walk").ground_known
    assert not _take("cmu_asfamc", "03", "walk on uneven terrain").ground_known
    assert not _take("deepmimic", "dm", "getup facedown").ground_known
    assert not _take("own", "anna", "get_up").ground_known
    assert not _take("own", "anna", "sideflip").ground_known
    assert not _take("own", "anna", "forward_roll").ground_known
    assert _take("own", "anna", "stroll").ground_known


def test_a_folder_without_an_index_is_listed_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "slow_walk.bvh").touch()
    (take,) = list_takes(tmp_path)
    assert (take.set, take.subject, take.action, take.split) == ("anna", "anna", "slow walk", "train")


def test_folders_that_hold_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        list_takes(tmp_path / "missing")
    with pytest.raises(InputError, match=r"neither index\.csv nor"):
        list_takes(tmp_path)
    (tmp_path / "index.csv").write_text("set,file,action\na,b.bvh,walk\n")
    with pytest.raises(InputError, match="line 1: no column subject; begin the file with set,file,subject"):
        list_takes(tmp_path)
    (tmp_path / "index.csv").write_text("set;file;subject;action\na;b.bvh;anna;walk\n")
    with pytest.raises(InputError, match=r"line 1: no column set, file, subject, action; .*commas between"):
        list_takes(tmp_path)
    (tmp_path / "index.csv").write_text("set,file,subject,action\n")
    with pytest.raises(InputError, match="lists no takes"):
        list_takes(tmp_path)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("own,b.bvh,Zoë,walk".encode("latin-1"), "isn't UTF-8 text"),
        (b"own,b.bvh,ben," + b"x" * 200_000, "not CSV (field larger than field limit (131072))"),
    ],
)
def test_an_index_that_is_no_table_in_utf8_is_refused_in_one_line(
    row: bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "index.csv"
    index.write_bytes(b"set,file,subject,action\nown,a.bvh,anna,walk\n" + row)
    assert main(["train", "--mocap", str(tmp_path), "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == f"error: {index}: line 3: {says}; save it as CSV in UTF-8\n"


def test_a_spreadsheets_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    text = "set,file,subject,action\r\nown,a.bvh,Zoë,walk\r\n"
    (tmp_path / "index.csv").write_text(text, encoding="utf-8-sig", newline="")
    (take,) = list_takes(tmp_path)
    assert (take.set, take.subject, take.action) == ("own", "Zoë", "walk")


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("set,file,subject,action\nown,a.bvh,anna,walk\n\nown,b.bvh,ben,\n")
    with pytest.raises(InputError, match="line 4: no action"):
        list_takes(tmp_path)


def test_the_index_may_say_who_is_for_what(tmp_path: Path) -> None:
    index = tmp_path / "index.csv"
    head = "set,file,subject,action,split\n"
    index.write_text(head + "own,a.bvh,anna,walk,\nown,b.bvh,ben,run,validation\nown,c.bvh,cleo,dance,test\n")
    assert [take.split for take in list_takes(tmp_path)] == ["train", "validation", "test"]
    index.write_text(head + "own,a.bvh,anna,walk,exam\n")
    with pytest.raises(InputError, match="line 2: split 'exam'; give train, validation, test"):
        list_takes(tmp_path)
    index.write_text(head + "cmu_a,a.bvh,09,walk,train\ncmu_b,b.bvh,09,run,test\n")
    with pytest.raises(InputError, match="line 3: subject 09 of cmu_b is for test here and for train"):
        list_takes(tmp_path)
