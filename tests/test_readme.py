"""What README.md shows of the estimator works as it stands there."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from estimator.camera_file import load_camera
from estimator.estimate import missing_packages
from estimator.example import example_motion
from estimator.example.files import write_openpose
from estimator.motion_npz import load_motion

README = Path(__file__).resolve().parents[1] / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.S | re.M)


@pytest.mark.skipif(bool(missing_packages()), reason="estimating needs torch")
def test_the_script_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    motion = example_motion()
    write_openpose(tmp_path / "walk_keypoints", motion.keypoints[:60], motion.confidence[:60])
    points = np.concatenate([np.nan_to_num(motion.keypoints), motion.confidence[..., None]], axis=-1)
    np.save(tmp_path / "walk.npy", points[:60, :17])
    monkeypatch.chdir(tmp_path)
    (script,) = blocks("python")
    from_array = script.replace("# tracks = [track_from_array", "tracks = [track_from_array")
    assert from_array != script
    for written in (script, from_array):
        (tmp_path / "walk_p1.npz").unlink(missing_ok=True)
        exec(compile(written, str(README), "exec"), {})
        assert capsys.readouterr().out == "(60, 22, 3)\n"
        assert len(load_motion(tmp_path / "walk_p1.npz")) == 60


def test_the_cameras_are_cameras_and_stand_where_it_says(tmp_path: Path) -> None:
    static, moving = blocks("json")
    path = tmp_path / "camera.json"
    path.write_text(static)
    camera = load_camera(path)
    assert camera.world_from_camera is not None
    ahead, place = camera.world_from_camera[:3, 2], camera.world_from_camera[:3, 3]
    np.testing.assert_array_equal(ahead, [0, 1, 0])
    np.testing.assert_array_equal(place, [0, -4, 1.5])
    path.write_text(moving)
    poses = load_camera(path).extrinsics(0, 3)
    assert poses is not None
    np.testing.assert_allclose(poses[:, 0, 3], [0.0, 0.02, 0.02])
    assert json.loads(static)["fx"] == load_camera(path).fy == 1600
