"""VideoPose3D's archives: read without unpickling anything that is not NumPy's."""

import io
import os
import pickle
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from estimator.errors import InputError
from estimator.keypoints import read_keypoints, recognise_format
from estimator.keypoints.numpy_pickle import load_arrays

Array = NDArray[Any]

METADATA = {
    "layout_name": "coco",
    "num_joints": 17,
    "keypoints_symmetry": [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]],
    "video_metadata": {"walk.mp4": {"w": 1000, "h": 1002}, "run.mp4": {"w": 640, "h": 480}},
}


def sequence(people: SimpleNamespace, frames: int, x: float, height: float = 400.0) -> Array:
    figures = [people.stick_figure(x + 3 * frame, height=height)[:17, :2] for frame in range(frames)]
    return np.array(figures, dtype=np.float32)


def save(path: Path, positions: Any, metadata: Any = METADATA) -> Path:
    """As VideoPose3D's ``prepare_data_2d_custom.py`` does."""
    np.savez_compressed(path, positions_2d=positions, metadata=metadata)
    return path


def save_raw(path: Path, payload: bytes) -> Path:
    """An archive whose ``positions_2d`` is an object array with the given pickle."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": ()})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("positions_2d.npy", header.getvalue() + payload)
    return path


def test_a_track_per_sequence(tmp_path: Path, people: SimpleNamespace) -> None:
    walk, run = sequence(people, 30, 300), sequence(people, 20, 100, height=200)
    positions = {"walk.mp4": {"custom": [walk]}, "run.mp4": {"custom": [run]}}
    path = save(tmp_path / "data_2d_custom_x.npz", positions)
    assert recognise_format(path).name == "videopose3d"
    first, second = read_keypoints(path)
    np.testing.assert_allclose(first.keypoints[:, :17], walk)
    np.testing.assert_allclose(second.keypoints[:, :17], run)
    assert (first.width, first.height) == (1000, 1002)
    assert (second.width, second.height) == (640, 480)
    assert (first.confidence[:, :17] == 1).all()
    assert not first.present[:, 17:].any()


@pytest.mark.parametrize("nested", ["list", "array", "three columns", "object array", "fortran"])
def test_other_nestings(tmp_path: Path, people: SimpleNamespace, nested: str) -> None:
    walk = sequence(people, 10, 300)
    positions: Any = {"S1": {"a": {"camera": walk}}}
    if nested == "list":
        positions = [walk, sequence(people, 4, 300)]
        positions = np.array([*positions, None], dtype=object)[:2]
    elif nested == "array":
        positions = walk
    elif nested == "three columns":
        positions = {"S1": np.concatenate((walk, np.full((10, 17, 1), 0.5, np.float32)), axis=2)}
    elif nested == "object array":
        box = np.empty(1, dtype=object)
        box[0] = walk
        positions = {"S1": {"custom": box}}
    else:
        positions = {"S1": {"custom": [np.asfortranarray(walk)]}}
    tracks = read_keypoints(save(tmp_path / "x.npz", positions))
    np.testing.assert_allclose(tracks[0].keypoints[:, :17], walk)
    assert tracks[0].confidence[0, 0] == (0.5 if nested == "three columns" else 1.0)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_and_both_spellings_of_numpys_core(
    tmp_path: Path, people: SimpleNamespace, protocol: int
) -> None:
    walk = sequence(people, 10, 300)
    box = np.empty((), dtype=object)
    box[()] = {"S1": {"custom": [walk], "more": [walk.astype(">f8")]}}
    payload = pickle.dumps(box, protocol=protocol)
    assert b"numpy.core" in payload or b"numpy._core" in payload
    other = (b"numpy.core", b"numpy._core") if b"numpy.core" in payload else (b"numpy._core", b"numpy.core")
    renamed = payload
    if protocol <= 3:  # later protocols store the lengths of names
        renamed = payload.replace(*other)
    for index, data in enumerate((payload, renamed)):
        tracks = read_keypoints(save_raw(tmp_path / f"{index}.npz", data))
        assert len(tracks) == 2
        for track in tracks:
            np.testing.assert_allclose(track.keypoints[:, :17], walk, rtol=1e-6)


class Malicious:
    """Calls ``function`` when unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def attacks(marker: Path) -> dict[str, bytes]:
    touch = f"open({str(marker)!r}, 'w').close()"
    box = np.empty((), dtype=object)
    box[()] = {"S1": {"custom": [Malicious(exec, touch)]}}
    return {
        "os.system": pickle.dumps(Malicious(os.system, f"touch {marker}")),
        "exec inside an array": pickle.dumps(box, protocol=3),
        "eval": pickle.dumps(Malicious(eval, touch)),
        "getattr": pickle.dumps(Malicious(getattr, "", "upper")),
        "numpy function": b"cnumpy\nfromfile\n(S'/etc/hostname'\ntR.",
        "numpy test runner": b"cnumpy.testing._private.utils\nrunstring\n(S'" + touch.encode() + b"'\n(dtR.",
        "dotted name": b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__class__\x93.",
        "changed callable": b"cnumpy.core.multiarray\n_reconstruct\n(dS'make'\ncnumpy\nndarray\nsb.",
        "persistent id": b"Pfile\n.",
        "cut off": pickle.dumps({"a": [1] * 50})[:-20],
        "a list that holds itself": b"(lp0\ng0\na.",
        "no array": pickle.dumps({"S1": {"custom": [[1, 2, 3]]}}),
        "nothing": b"",
    }


@pytest.mark.parametrize("name", list(attacks(Path("x"))))
def test_nothing_in_a_pickle_is_run(tmp_path: Path, people: SimpleNamespace, name: str) -> None:
    marker = tmp_path / "was_run"
    path = save_raw(tmp_path / "evil.npz", attacks(marker)[name])
    message = people.message_of(lambda: read_keypoints(path), InputError)
    assert "evil.npz" in message
    assert not marker.exists()


@pytest.mark.parametrize(
    "inner",
    [
        b"(lp1\ng1\na",  # a list that holds itself
        b"(dp1\nS'a'\ng1\ns",  # a dict that holds itself
        b"(l",  # an empty list
        b"I1000000000\n",
        b"(dS'a'\nI1\ns",
    ],
)
def test_nonsense_inside_an_array_of_objects(tmp_path: Path, people: SimpleNamespace, inner: bytes) -> None:
    payload = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(tcnumpy\ndtype\n(S'O8'\nI0\nI1\n"
        b"tR(I3\nS'|'\nNNNI-1\nI-1\nI63\ntbI00\n(l" + inner + b"atb."
    )
    path = save_raw(tmp_path / "evil.npz", payload)
    message = people.message_of(lambda: read_keypoints(path), InputError)
    assert "positions_2d" in message or "evil.npz" in message


def test_a_list_of_lists_of_lists_ends_at_once(tmp_path: Path, people: SimpleNamespace) -> None:
    """Each level names the one below a thousand times over: 10^15 sequences."""
    level: Any = np.zeros((1, 17, 2))
    for _ in range(5):
        level = [level] * 1000
    path = save_raw(tmp_path / "laugh.npz", pickle.dumps(np.array({"a": level}, dtype=object), protocol=3))
    assert "more than 1000" in people.message_of(lambda: read_keypoints(path), InputError)


def test_a_shape_that_the_data_does_not_have(tmp_path: Path, people: SimpleNamespace) -> None:
    header = io.BytesIO()
    description = {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**6, 17, 2)}
    np.lib.format.write_array_header_1_0(header, description)
    path = tmp_path / "huge.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("positions_2d.npy", header.getvalue() + b"\0" * 100)
    message = people.message_of(lambda: read_keypoints(path), InputError)
    assert "huge.npz" in message
    assert "positions_2d" in message


def test_an_archive_that_unpacks_to_too_much(
    tmp_path: Path, people: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("estimator.keypoints.numpy_pickle.MAX_BYTES", 2**24)
    path = tmp_path / "bomb.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("positions_2d.npy", "w") as file,
    ):
        for _ in range(3):
            file.write(bytes(8 * 2**20))
    assert path.stat().st_size < 2**20
    assert "24 MB" in people.message_of(lambda: read_keypoints(path), InputError)


def test_other_layouts_and_point_counts_are_refused(tmp_path: Path, people: SimpleNamespace) -> None:
    walk = sequence(people, 10, 300)
    path = save(tmp_path / "h36m.npz", {"S1": {"Walk": [walk]}}, METADATA | {"layout_name": "h36m"})
    assert "h36m" in people.message_of(lambda: read_keypoints(path), InputError)
    path = save(tmp_path / "x.npz", {"S1": {"Walk": [walk[:, :16]]}})
    assert "(10, 16, 2)" in people.message_of(lambda: read_keypoints(path), InputError)


def test_an_archive_of_something_else(tmp_path: Path, people: SimpleNamespace) -> None:
    np.savez(tmp_path / "other.npz", poses=np.zeros((3, 66)), trans=np.zeros((3, 3)))
    message = people.message_of(lambda: read_keypoints(tmp_path / "other.npz"), InputError)
    assert "poses, trans" in message


def test_plain_arrays_come_back_as_saved(tmp_path: Path) -> None:
    arrays = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "c": np.array("x"),
    }
    np.savez(tmp_path / "x.npz", **arrays)
    loaded = load_arrays(tmp_path / "x.npz")
    for name, value in arrays.items():
        np.testing.assert_array_equal(loaded[name], value)
