"""From a folder of captures to clips for training."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from estimator.__main__ import main as estimator_main
from estimator.display import Display
from estimator.errors import InputError
from estimator.kinematics import end_points, forward_kinematics, rest_offsets_from_lengths
from estimator.skeleton import CONTACT_END_POINTS, JOINT_INDEX
from estimator.training.capture import load_captures, main
from estimator.training.capture_cache import load_cache
from estimator.training.capture_clip import CaptureClip
from tests.estimator.training.canonical_bvh import moving_person, write_capture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two takes without an index; the thigh of the second jumps by half a turn after 1.5 s."""
    root = tmp_path_factory.mktemp("captures")
    (root / "anna").mkdir()
    (root / "ben").mkdir()
    write_capture(root / "anna" / "walk.bvh", moving_person(1))
    broken = moving_person(2)
    broken.rotations[90:, JOINT_INDEX["LeftUpLeg"]] @= Rotation.from_rotvec([0.0, 0.0, 2.5]).as_matrix()
    write_capture(root / "ben" / "jump.bvh", broken)
    return root


@pytest.fixture(scope="module")
def clips(folder: Path) -> list[CaptureClip]:
    return load_captures(folder)


def test_a_take_is_cut_where_a_joint_jumps(clips: list[CaptureClip]) -> None:
    assert [(clip.name, len(clip)) for clip in clips] == [
        ("anna/walk", 240),
        ("ben/jump#1", 90),
        ("ben/jump#2", 150),
    ]


def test_quaternions_are_unit_and_stay_in_one_hemisphere(clips: list[CaptureClip]) -> None:
    for clip in clips:
        assert np.abs(np.linalg.norm(clip.rotations, axis=-1) - 1.0).max() < 1e-6
        assert np.sum(clip.rotations[1:] * clip.rotations[:-1], axis=-1).min() > 0.0


def test_the_command_writes_a_cache_and_the_table_of_errors(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--mocap", str(folder), "--cache", str(tmp_path / "new" / "cache.npz")]) == 0
    table = capsys.readouterr().out
    assert len(load_cache(tmp_path / "new" / "cache.npz")) == 3
    for set_name in ("anna", "ben"):
        (line,) = [line for line in table.splitlines() if line.startswith(set_name)]
        assert float(line.split()[1]) < 10.0


def test_the_command_refuses_in_one_line_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--mocap", str(tmp_path / "missing"), "--cache", str(tmp_path / "cache.npz")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def _captures(folder: Path, **frames: int) -> Path:
    """A take of so many frames, at 60 per second, of everybody; ben is for validation."""
    rows = [f"own,{who}.bvh,{who},walk,{'validation' if who == 'ben' else 'train'}\n" for who in frames]
    (folder / "index.csv").write_text("set,file,subject,action,split\n" + "".join(rows))
    for number, (who, count) in enumerate(frames.items()):
        write_capture(folder / f"{who}.bvh", moving_person(number, count))
    return folder


def test_takes_that_are_too_short_are_told(tmp_path: Path) -> None:
    folder = _captures(tmp_path, anna=60, ben=59, cleo=30)
    told = io.StringIO()
    (clip,) = load_captures(folder, Display(told))
    assert clip.subject == "anna" and len(clip) == 60
    (line,) = told.getvalue().splitlines()
    ben = f"{folder / 'ben.bvh'} (0.98 s)"
    assert line.startswith(f"note: {folder}: 2 of 3 takes left out, the first of them {ben}: 1 s or more")
    told = io.StringIO()
    load_captures(_captures(tmp_path, anna=60), Display(told))
    assert not told.getvalue()


def test_takes_that_are_all_too_short_are_refused(tmp_path: Path) -> None:
    folder = _captures(tmp_path, anna=30, ben=12)
    with pytest.raises(
        InputError, match=r"nothing is left: 2 of 2 takes .*anna\.bvh \(0\.50 s\).*; add longer"
    ):
        load_captures(folder)


def test_training_tells_of_short_takes_before_it_misses_who_they_were_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _captures(tmp_path, anna=90, ben=30)
    assert estimator_main(["train", "--mocap", str(folder), "--out", str(tmp_path / "run")]) == 2
    note, error = capsys.readouterr().err.splitlines()
    assert note.startswith(f"note: {folder}: 1 of 2 takes left out, the first of them {folder / 'ben.bvh'}")
    assert error.startswith("error: no person of the capture is for validation")


def test_soles_that_stand_are_at_zero_in_every_set(few_captures: Path) -> None:
    heights: dict[str, list[np.ndarray]] = {}
    for clip in load_captures(few_captures):
        if not clip.ground_known:
            continue
        lengths = torch.from_numpy(clip.lengths)
        quaternions = Rotation.from_quat(clip.rotations.reshape(-1, 4), scalar_first=True)
        pose = forward_kinematics(
            torch.from_numpy(quaternions.as_matrix().reshape(len(clip), -1, 3, 3)),
            rest_offsets_from_lengths(lengths),
            torch.from_numpy(clip.root_translation).double(),
        )
        points = end_points(pose, lengths)[:, list(CONTACT_END_POINTS)].numpy()
        lowest = np.where(clip.still, points[..., 2], np.inf).min(axis=1)
        heights.setdefault(clip.set, []).append(lowest[np.isfinite(lowest)])
    assert len(heights) == 6
    for set_name, of_set in heights.items():
        standing = np.concatenate(of_set)
        assert abs(np.median(standing[standing < 0.06])) < 0.015, set_name
        assert np.percentile(standing, 2) > -0.06, set_name
