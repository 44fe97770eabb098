"""The cache of motion capture: it gives back what was put in, and other files are refused."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from estimator.__main__ import main
from estimator.errors import InputError
from estimator.training import capture_cache
from estimator.training.capture_cache import REFIT_VERSION, load_cache, save_cache
from estimator.training.capture_clip import CaptureClip
from estimator.training.run_data import summary
from tests.estimator.training.captures import made_up_clip

CLIPS = [made_up_clip("walk", 90, 1), made_up_clip("jump", 60, 2, fps=30.0, split="test")]


def test_the_cache_gives_back_what_was_put_in(tmp_path: Path) -> None:
    file = tmp_path / "cache.npz"
    save_cache(CLIPS, file)
    with np.load(file, allow_pickle=False) as stored:
        assert all(stored[key].dtype != object for key in stored.files)
    again = load_cache(file)
    assert [path.name for path in tmp_path.iterdir()] == ["cache.npz"]
    assert len(again) == len(CLIPS)
    for before, after in zip(CLIPS, again, strict=True):
        assert np.abs(after.rotations - before.rotations).max() < 5e-5
        for field in fields(CaptureClip):
            if field.name != "rotations":
                here, there = getattr(before, field.name), getattr(after, field.name)
                assert np.array_equal(here, there), field.name
                assert getattr(here, "dtype", type(here)) == getattr(there, "dtype", type(there))


def _changed(file: Path, **arrays: np.ndarray) -> Path:
    """A cache in which some arrays are others."""
    save_cache(CLIPS, file)
    with np.load(file) as stored:
        np.savez(file, **{**stored, **arrays})
    return file


def _without_version(file: Path) -> Path:
    """A cache as they were before versions, when heads looked down."""
    save_cache(CLIPS, file)
    with np.load(file) as stored:
        np.savez(
            file, **{name: array for name, array in stored.items() if name not in ("version", "licence")}
        )
    return file


def test_a_cache_of_another_version_is_refused(tmp_path: Path) -> None:
    older = [
        _changed(tmp_path / "older.npz", version=np.array(REFIT_VERSION - 1)),
        _changed(tmp_path / "odd.npz", version=np.array(["?"])),
        _without_version(tmp_path / "without.npz"),
    ]
    for file in older:
        with pytest.raises(
            InputError, match="made by another version of Kinelift; make it again with python"
        ):
            load_cache(file)


def test_the_version_of_the_cache_is_no_part_of_what_a_run_is_told_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cache.npz"
    save_cache(CLIPS, file)
    before = summary(load_cache(file))
    monkeypatch.setattr(capture_cache, "REFIT_VERSION", REFIT_VERSION + 1)
    save_cache(CLIPS, file)
    assert summary(load_cache(file)) == before


def test_a_file_that_is_no_cache_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such cache; make it again with python -m"):
        load_cache(tmp_path / "missing.npz")
    (tmp_path / "text.npz").write_text("not a cache")
    np.savez(tmp_path / "other.npz", offsets=np.arange(3))
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "pickle.npz", offsets=np.array([{}]))
    whole = _changed(tmp_path / "whole.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    for name in ("text.npz", "other.npz", "array.npy", "pickle.npz", "cut.npz"):
        with pytest.raises(InputError, match=rf"{name}: no cache of motion capture \(.+\); make it again"):
            load_cache(tmp_path / name)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"fps": np.array([60.0, 0.0])}, "clip 2, 'jump': 0 frames per second"),
        ({"fps": np.array([np.nan, 30.0])}, "clip 1, 'walk': nan frames per second"),
        (
            {"action_class": np.array(["idle", "swim"])},
            "clip 2, 'jump': action class 'swim' is none of walk_run",
        ),
        ({"split": np.array(["exam", "test"])}, "clip 1, 'walk': split 'exam' is none of train, validation"),
        ({"lengths": np.zeros((2, 10))}, "clip 1, 'walk': a length is no positive number"),
        ({"rotations": np.zeros((150, 22, 4), np.int16)}, "clip 1, 'walk': frame 1: rotations not finite"),
        (
            {"root_translation": np.where(np.arange(450) < 300, 1.0, np.inf).reshape(150, 3)},
            "clip 2, 'jump': frame 11: root_translation not finite",
        ),
        ({"rotations": np.ones((150, 22, 3), np.int16)}, r"rotations: int16 of shape (150, 22, 3)"),
        ({"rotations": np.ones((150, 22, 4))}, r"rotations: float64 of shape (150, 22, 4)"),
        ({"still": np.ones((149, 4), bool)}, "still: 149 instead of 150"),
        ({"fps": np.array(60.0)}, "fps: float64 of shape ()"),
        ({"name": np.array(["walk"])}, "name: 1 instead of 2"),
        ({"offsets": np.array([0, 150, 90])}, "offsets don't rise from 0"),
    ],
)
def test_what_no_captured_clip_has_is_told_in_one_line(
    arrays: dict[str, np.ndarray], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _changed(tmp_path / "cache.npz", **arrays)
    assert main(["train", "--mocap", str(file), "--out", str(tmp_path / "run")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {file}: ") and says in line
    assert line.endswith("make it again with python -m estimator.training.capture --mocap DIR --cache FILE")
