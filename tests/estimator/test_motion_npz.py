"""The ``.npz`` of a motion: its contract, exactness, and files that are none."""

import zipfile
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from estimator import kinematics
from estimator.errors import InputError
from estimator.motion_npz import load_motion, save_motion
from estimator.skeleton import JOINT_NAMES, PARENTS
from tests.estimator.motions import camera_at, waving

T = 40

CONTRACT = {
    "fps": (),
    "frame_start": (),
    "joint_names": (22,),
    "parents": (22,),
    "rest_offsets": (22, 3),
    "root_translation": (T, 3),
    "rotations": (T, 22, 4),
    "joints_world": (T, 22, 3),
    "joints_camera": (T, 22, 3),
    "intrinsics": (3, 3),
    "world_from_camera": (4, 4),
    "end_points": (T, 7, 3),
    "contacts": (T, 4),
    "keypoints": (T, 26, 2),
    "confidence": (T, 26),
    "frame_confidence": (T,),
    "person_id": (),
    "source": (),
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "clip_p2.npz"
    save_motion(path, waving(T))
    return path


def rewrite(path: Path, **changes: np.ndarray | None) -> None:
    """The same archive with arrays replaced, or left out where None."""
    arrays = dict(np.load(path)) | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def test_the_archive_holds_the_contract_and_no_pickles(saved: Path) -> None:
    with np.load(saved, allow_pickle=False) as archive:
        assert {name: archive[name].shape for name in archive.files} == CONTRACT
        assert tuple(archive["joint_names"]) == JOINT_NAMES
        assert tuple(archive["parents"]) == PARENTS
        assert not any(archive[name].dtype.hasobject for name in archive.files)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    motion = waving(T)
    motion.keypoints[3, 7] = np.nan
    motion.confidence[3, 7] = 0
    path = tmp_path / "clip_p2.npz"
    save_motion(path, motion)
    loaded = load_motion(path)
    for field in fields(motion):
        before, after = getattr(motion, field.name), getattr(loaded, field.name)
        assert type(after) is type(before)
        if isinstance(before, np.ndarray):
            assert after.dtype == np.float64
            assert after.shape == before.shape
            np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-7, err_msg=field.name)
        else:
            assert after == before


def test_a_moving_camera_is_kept(tmp_path: Path) -> None:
    motion = waving(T)
    poses = np.tile(motion.world_from_camera, (T, 1, 1))
    poses[:, 0, 3] = np.arange(T)
    save_motion(tmp_path / "a.npz", replace(motion, world_from_camera=poses))
    np.testing.assert_array_equal(load_motion(tmp_path / "a.npz").world_from_camera, poses)


def test_world_and_camera_still_agree_far_from_the_origin(tmp_path: Path) -> None:
    camera = camera_at()
    assert camera.world_from_camera is not None
    far = np.array([30_000.0, -50_000.0, 800.0])
    motion = waving(T, camera=camera)
    pose = motion.world_from_camera.copy()
    pose[:3, 3] += far
    path = tmp_path / "far.npz"
    save_motion(
        path,
        replace(
            motion,
            root_translation=motion.root_translation + far,
            joints_world=motion.joints_world + far,
            end_points=motion.end_points + far,
            world_from_camera=pose,
        ),
    )
    loaded = load_motion(path)
    turned = loaded.joints_camera @ loaded.world_from_camera[:3, :3].T + loaded.world_from_camera[:3, 3]
    np.testing.assert_allclose(turned, loaded.joints_world, rtol=0, atol=1e-6)


def test_forward_kinematics_of_a_loaded_motion_gives_its_joints(saved: Path) -> None:
    torch = pytest.importorskip("torch")
    rotation = pytest.importorskip("scipy.spatial.transform").Rotation
    motion = load_motion(saved)
    matrices = rotation.from_quat(motion.rotations[..., [1, 2, 3, 0]].reshape(-1, 4)).as_matrix()
    pose = kinematics.forward_kinematics(
        torch.from_numpy(matrices.reshape(T, 22, 3, 3)),
        torch.from_numpy(motion.rest_offsets),
        torch.from_numpy(motion.root_translation),
    )
    np.testing.assert_allclose(pose.joints.numpy(), motion.joints_world, atol=1e-6)


def test_a_source_name_that_is_no_utf8_is_kept(tmp_path: Path) -> None:
    motion = replace(waving(T), source="cl\udcffip.json")
    save_motion(tmp_path / "a.npz", motion)
    assert load_motion(tmp_path / "a.npz").source == motion.source


def test_a_save_that_fails_midway_leaves_what_was_there(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def full_disk(file: object, **arrays: np.ndarray) -> None:
        file.write(b"PK\x03\x04 half an archive")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(InputError, match=r"clip_p2\.npz: can't be written \(No space left on device\)"):
        save_motion(saved, waving(T))
    assert saved.read_bytes() == before
    with pytest.raises(InputError, match="No space left"):
        save_motion(saved.with_name("new.npz"), waving(T))
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_motion_that_breaks_the_contract_is_not_saved(tmp_path: Path) -> None:
    motion = waving(T)
    for broken in (
        replace(motion, contacts=motion.contacts[:-1]),
        replace(motion, joints_camera=motion.joints_camera * np.nan),
        replace(motion, rotations=motion.rotations * 1.1),
    ):
        with pytest.raises(ValueError, match=r"contacts|joints_camera|rotations"):
            save_motion(tmp_path / "a.npz", broken)
    assert list(tmp_path.iterdir()) == []


def test_pickles_are_never_loaded(saved: Path, tmp_path: Path) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "executed",)  # type: ignore[return-value]

    rewrite(saved, contacts=np.array([Malicious()], dtype=object))
    with pytest.raises(InputError, match="Object arrays cannot be loaded"):
        load_motion(saved)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"contacts": None, "fps": None}, "fps, contacts not in it"),
        ({"contacts": np.zeros((T, 3))}, r"contacts has the shape \(40, 3\) instead of \(40, 4\)"),
        ({"root_translation": np.zeros((0, 3))}, "root_translation has no frames"),
        ({"world_from_camera": np.zeros((3, 4, 4))}, "world_from_camera has the shape"),
        ({"fps": np.array(0.0)}, "frame rate 0.0 is not positive"),
        ({"fps": np.array("30")}, "fps has the type <U2"),
        ({"joints_world": np.full((T, 22, 3), np.nan)}, "joints_world is not finite"),
        ({"rotations": np.zeros((T, 22, 4))}, "no unit quaternions"),
        ({"parents": np.zeros(22, dtype=int)}, "not Kinelift's 22 joints"),
    ],
)
def test_defects_get_one_line(changes: dict[str, np.ndarray | None], message: str, saved: Path) -> None:
    rewrite(saved, **changes)
    with pytest.raises(InputError, match=message) as caught:
        load_motion(saved)
    assert str(saved) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_motion(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    for content in (b"", b"text", whole[:-100], whole[: len(whole) // 2]):
        saved.write_bytes(content)
        with pytest.raises(InputError, match=r"no \.npz archive, or is cut off"):
            load_motion(saved)
    middle = len(whole) // 2
    saved.write_bytes(whole[:middle] + bytes(200) + whole[middle + 200 :])
    with pytest.raises(InputError, match="holds no motion that can be read"):
        load_motion(saved)
    with zipfile.ZipFile(saved, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="not in it; choose a file that Kinelift wrote"):
        load_motion(saved)
    with pytest.raises(InputError, match="can't be read"):
        load_motion(tmp_path / "missing.npz")
    with pytest.raises(InputError, match="can't be read"):
        load_motion(tmp_path)
