"""The ``.bvh`` of a motion: axes, exactness, channels without flips."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from estimator.errors import InputError
from estimator.motion_bvh import continuous_euler_angles, save_bvh, y_up
from estimator.skeleton import END_POINT_NAMES, JOINT_NAMES
from tests.estimator.motions import waving

bvh = pytest.importorskip("pymotion.io.bvh")
Rotation = pytest.importorskip("scipy.spatial.transform").Rotation


def read_joints(path: Path) -> np.ndarray:
    """Global joint positions (T, 22, 3) of a BVH, by scipy's rotations alone."""
    file = bvh.BVH()
    file.load(str(path))
    data = file.data
    turned: list[Rotation] = []
    joints: list[np.ndarray] = []
    for joint, parent in enumerate(data["parents"]):
        order = "".join(data["rot_order"][joint]).upper()
        local = Rotation.from_euler(order, data["rotations"][:, joint], degrees=True)
        if joint == 0:
            turned.append(local)
            joints.append(data["positions"][:, 0])
        else:
            turned.append(turned[parent] * local)
            joints.append(joints[parent] + turned[parent].apply(data["offsets"][joint]))
    in_file_order = np.stack(joints, axis=1)
    return in_file_order[:, [list(data["names"]).index(name) for name in JOINT_NAMES]]


def test_the_joints_are_those_of_the_motion_in_y_up_metres(tmp_path: Path) -> None:
    motion = waving(swing=0.9)
    save_bvh(tmp_path / "a.bvh", motion)
    np.testing.assert_allclose(read_joints(tmp_path / "a.bvh"), y_up(motion.joints_world), atol=1e-5)
    text = (tmp_path / "a.bvh").read_text()
    assert text.count("End Site") == 5
    assert re.search(r"Frames: 40\nFrame Time: 0\.040000\n", text)


def test_at_rest_the_person_faces_plus_z_with_the_left_arm_along_plus_x(tmp_path: Path) -> None:
    save_bvh(tmp_path / "a.bvh", waving())
    file = bvh.BVH()
    file.load(str(tmp_path / "a.bvh"))
    offset = dict(zip(file.data["names"], file.data["offsets"], strict=True))
    assert offset["LeftForeArm"][0] > 0.2
    assert offset["Spine"][1] > 0.05
    assert offset["LeftLeg"][1] < -0.3
    assert offset["LeftToeBase"][2] > 0.1
    assert not offset["Hips"].any()


def test_end_sites_are_the_end_points_of_the_motion(tmp_path: Path) -> None:
    motion = waving(swing=1e-9)  # the rest pose, moved
    save_bvh(tmp_path / "a.bvh", motion)
    file = bvh.BVH()
    file.load(str(tmp_path / "a.bvh"))
    names = [str(file.data["names"][joint]) for joint in file.data["end_sites_parents"]]
    for name, end, site in zip(
        ("Head", "LeftHand", "RightHand", "LeftToeBase", "RightToeBase"),
        ("head_top", "left_fingertips", "right_fingertips", "left_toe_tip", "right_toe_tip"),
        file.data["end_sites"][
            [names.index(n) for n in ("Head", "LeftHand", "RightHand", "LeftToeBase", "RightToeBase")]
        ],
        strict=True,
    ):
        expected = (
            motion.end_points[0, END_POINT_NAMES.index(end)] - motion.joints_world[0, JOINT_NAMES.index(name)]
        )
        np.testing.assert_allclose(site, y_up(expected), atol=1e-5)


def euler_matrices(angles: np.ndarray) -> np.ndarray:
    return Rotation.from_euler("YXZ", angles.reshape(-1, 3)).as_matrix().reshape(*angles.shape[:-1], 3, 3)


def test_angles_give_back_their_rotations() -> None:
    matrices = Rotation.random(200, random_state=0).as_matrix()[:, None]
    np.testing.assert_allclose(euler_matrices(continuous_euler_angles(matrices)), matrices, atol=1e-12)


@pytest.mark.parametrize(
    "angles",
    [
        np.stack([np.linspace(0, 30, 400), np.full(400, 0.4), np.full(400, 0.2)], axis=-1),  # five turns
        np.stack([np.full(400, 0.3), np.linspace(-2.6, 2.6, 400), np.full(400, 0.5)], axis=-1),  # over ±90°
        np.stack([np.full(400, 0.3), np.linspace(-4, 4, 401)[:400] * 0.5, np.linspace(0, 9, 400)], axis=-1),
    ],
    ids=["turning", "bending over", "both"],
)
def test_angles_do_not_jump(angles: np.ndarray) -> None:
    found = continuous_euler_angles(euler_matrices(angles)[:, None])[:, 0]
    assert np.abs(np.diff(found, axis=0)).max() < 0.2
    np.testing.assert_allclose(euler_matrices(found), euler_matrices(angles), atol=1e-12)


def test_exactly_locked_rotations_are_exact_and_keep_the_heading() -> None:
    angles = np.array([[0.7, 1.2, 0.1], [0.7, np.pi / 2, 0.1], [0.7, np.pi / 2, 0.5], [0.7, -np.pi / 2, 0.5]])
    found = continuous_euler_angles(euler_matrices(angles)[:, None])[:, 0]
    np.testing.assert_allclose(euler_matrices(found), euler_matrices(angles), atol=1e-7)
    np.testing.assert_allclose(found[:3], angles[:3], atol=1e-7)


def test_a_save_that_fails_midway_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(self: object, filename: str) -> None:
        Path(filename).write_text("HIERARCHY")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bvh.BVH, "save", full_disk)
    with pytest.raises(InputError, match=r"a\.bvh: can't be written \(No space left on device\)"):
        save_bvh(tmp_path / "a.bvh", waving())
    assert list(tmp_path.iterdir()) == []


def test_neither_pymotion_nor_scipy_is_needed_before_a_file_is_written() -> None:
    heavy = "any(name.split('.')[0] in ('pymotion', 'scipy') for name in sys.modules)"
    code = f"import sys, estimator.motion_bvh; sys.exit({heavy})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
