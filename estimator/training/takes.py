"""What is in a folder of motion capture: who did what in which file, and on which side of the splits."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

ACTION_CLASSES = ("walk_run", "other", "dance", "idle")
SPLITS = ("train", "validation", "test")

_TEST_PEOPLE = {("cmu", "02"), ("cmu", "05"), ("reactidle", "003"), ("reactidle", "012")}
_VALIDATION_PEOPLE = {("cmu", "03"), ("cmu", "07")}
_BEGIN, _END = r"(?<![^\W\d_])", r"(?![^\W\d_])"
"""Of a word, which is letters only: files are called ``slow_walk``, ``walk_01`` or ``run2``."""
_WALK = re.compile(rf"{_BEGIN}(walk(s|ed|ing)?|run(s|ning)?|ran|jog(s|ged|ging)?){_END}", re.IGNORECASE)
_DANCE = re.compile(rf"{_BEGIN}danc", re.IGNORECASE)
_OFF_GROUND = re.compile(r"crawl|(?<!st)roll|get(ting)?[ _]?up|cartwheel|flip", re.IGNORECASE)
_COLUMNS = ("set", "file", "subject", "action")


def person_of(capture_set: str, subject: str) -> tuple[str, str]:
    """Who a subject of a set is; one of CMU is the same person in all sets made from CMU's takes."""
    return ("cmu" if capture_set.startswith("cmu_") else capture_set, subject)


@dataclass(frozen=True)
class Take:
    """One captured file of one person."""

    file: Path
    set: str
    subject: str
    action: str
    licence: str = ""
    """in the words of the index; empty where it says none"""
    given_split: str = ""
    """by the index; empty where it says none"""

    @property
    def person(self) -> tuple[str, str]:
        """Who was captured; see ``person_of``."""
        return person_of(self.set, self.subject)

    @property
    def split(self) -> str:
        """One of ``SPLITS``; no person is in two of them."""
        if self.given_split:
            return self.given_split
        if self.person in _TEST_PEOPLE:
            return "test"
        return "validation" if self.person in _VALIDATION_PEOPLE else "train"

    @property
    def action_class(self) -> str:
        """One of ``ACTION_CLASSES``, as results are reported."""
        if self.set == "reactidle":
            return "idle"
        if _DANCE.search(self.action):
            return "dance"
        return "walk_run" if _WALK.search(self.action) else "other"

    @property
    def ground_known(self) -> bool:
        """Whether the person stands on one level floor and on nothing but the soles.

        Subject 01 of CMU climbs on a playground, 03 walks over uneven terrain; who crawls, rolls or gets up
        touches the floor with more than the feet.
        """
        uneven = self.person in {("cmu", "01"), ("cmu", "03")}
        return not uneven and _OFF_GROUND.search(self.action) is None


def list_takes(folder: Path) -> list[Take]:
    """All takes of a folder: those of its ``index.csv``, else every BVH file at any depth.

    Without an index the folder a file lies in names both its set and its subject. A column ``split`` of the
    index says which people are for validation and test; without, Kinelift's own choice of people holds.

    Raises:
        InputError: there is nothing to read, the index is no table in UTF-8, lacks a column, or puts a person
            into two splits.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of motion capture")
    index = folder / "index.csv"
    if not index.is_file():
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".bvh" and path.is_file())
        if not files:
            raise InputError(f"{folder}: holds neither index.csv nor .bvh files")
        return [Take(file, file.parent.name, file.parent.name, file.stem.replace("_", " ")) for file in files]
    columns, rows = _table(index)
    if columns and (unnamed := [column for column in _COLUMNS if column not in columns]):
        raise InputError(
            f"{index}: line 1: no column {', '.join(unnamed)}; begin the file with {','.join(_COLUMNS)}, "
            "commas between them"
        )
    for line, row in rows:
        missing = [column for column in _COLUMNS if not row.get(column)]
        if missing:
            raise InputError(f"{index}: line {line}: no {', '.join(missing)}; fill in the column")
    if not rows:
        raise InputError(f"{index}: lists no takes; add them, or remove the file to read all .bvh files")
    takes = []
    sides: dict[tuple[str, str], str] = {}
    for line, row in rows:
        split = row.get("split") or ""
        if split and split not in SPLITS:
            raise InputError(f"{index}: line {line}: split {split!r}; give {', '.join(SPLITS)} or nothing")
        licence = row.get("licence") or ""
        take = Take(folder / row["file"], row["set"], row["subject"], row["action"], licence, split)
        side = sides.setdefault(take.person, take.split)
        if side != take.split:
            raise InputError(
                f"{index}: line {line}: subject {take.subject} of {take.set} is for {take.split} here and "
                f"for {side} further up; a person may be in one split only"
            )
        takes.append(take)
    return takes


def _table(index: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Columns, and each row with the line it ends in; spreadsheets put a byte order mark before UTF-8."""
    try:
        text = index.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{index}: can't be read ({error.strerror}); check the file") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"{index}: line {line}: isn't UTF-8 text; save it as CSV in UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        return list(reader.fieldnames or ()), [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        line = reader.line_num + 1
        raise InputError(f"{index}: line {line}: not CSV ({error}); save it as CSV in UTF-8") from error
