"""The cache of motion capture: it gives back what was put in, and other files are refused."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from estimator.errors import InputError
from estimator.training.capture_cache import load_cache, save_cache
from estimator.training.capture_clip import CaptureClip
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


def test_a_file_that_is_no_cache_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such cache"):
        load_cache(tmp_path / "missing.npz")
    (tmp_path / "text.npz").write_text("not a cache")
    with pytest.raises(InputError, match="no cache of motion capture"):
        load_cache(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", offsets=np.arange(3))
    with pytest.raises(InputError, match="no cache of motion capture"):
        load_cache(tmp_path / "other.npz")
