"""What holds for all formats: the same people come out, and what can't be used is said in one line."""

import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from estimator.__main__ import main
from estimator.errors import InputError
from estimator.keypoint_set import KEYPOINT_INDEX
from estimator.keypoints import FORMATS, read_keypoints, recognise_format
from tests.estimator.keypoints.defects import BAD, FRAMES, files_of, walk
from tests.estimator.keypoints.detector_files import SIZE, WRITERS

KNEE = KEYPOINT_INDEX["right_knee"]
WIDTH, HEIGHT = SIZE
MUTATIONS = 30


def test_every_format_is_here() -> None:
    assert {name.split(maxsplit=1)[0] for name in WRITERS} == {known.name for known in FORMATS}


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_person_comes_out(tmp_path: Path, people: SimpleNamespace, name: str) -> None:
    clip = walk(people.stick_figure)
    path = WRITERS[name](tmp_path / "clip", clip)
    assert recognise_format(path).name == name.split(maxsplit=1)[0]
    (track,) = read_keypoints(path, width=WIDTH, height=HEIGHT)
    assert (track.frame_start, len(track)) == (0, FRAMES)
    wanted = np.array([[person[KNEE] for person in frame] for frame in clip])[:, 0]
    np.testing.assert_allclose(track.keypoints[:, KNEE], wanted[:, :2], atol=1e-3)
    np.testing.assert_allclose(track.confidence[:, KNEE], wanted[:, 2], atol=1e-6)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(("column", "value"), [(0, np.nan), (2, np.nan), (2, np.inf), (2, -np.inf)])
def test_what_is_no_finite_number_is_a_missing_point(
    tmp_path: Path, people: SimpleNamespace, name: str, column: int, value: float
) -> None:
    """But for coordinates that are infinite, which are told: see ``defects``."""
    clip = walk(people.stick_figure)
    clip[3][0][KNEE, column] = value
    (track,) = read_keypoints(WRITERS[name](tmp_path / "clip", clip), width=WIDTH, height=HEIGHT)
    assert track.present[:, KNEE].tolist() == [frame != 3 for frame in range(FRAMES)]


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_used_is_one_line_and_leaves_nothing(
    tmp_path: Path, people: SimpleNamespace, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    make, says = BAD[case]
    path = make(tmp_path / "clip", people.stick_figure)
    out = tmp_path / "out"
    assert main(["estimate", str(path), "--out", str(out), "--size", str(WIDTH), str(HEIGHT)]) == 2
    told = capsys.readouterr()
    (line,) = told.err.splitlines()
    assert told.out == ""
    assert line.startswith(f"error: {tmp_path / 'clip'}")
    assert line.isprintable()
    for text in says:
        assert text in line
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("name", WRITERS)
def test_damaged_bytes_are_read_or_refused_but_never_a_fault(
    tmp_path: Path, people: SimpleNamespace, name: str
) -> None:
    chance = random.Random(name)
    for number in range(MUTATIONS):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = WRITERS[name](folder / "clip", walk(people.stick_figure))
        file = chance.choice(files_of(path))
        content = bytearray(file.read_bytes())
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(content))
            match chance.randrange(4):
                case 0:
                    content[place] = chance.randrange(256)
                case 1:
                    del content[place : place + chance.randint(1, 30)]
                case 2:
                    content[place:place] = chance.choice(
                        [b"9" * 12, b"-", b"NaN", b"null", b"[", b"1e999", b'"']
                    )
                case _:
                    content[place:] = content[place : place + chance.randint(0, 200)]
            if not content:
                break
        file.write_bytes(bytes(content))
        try:
            tracks = read_keypoints(path, width=WIDTH, height=HEIGHT)
        except InputError as error:
            assert str(error).isprintable()
            assert str(folder) in str(error)
        else:
            for track in tracks:
                assert (np.isfinite(track.keypoints).all(axis=-1) == track.present).all()
                assert ((track.confidence >= 0) & (track.confidence <= 1)).all()
