"""The zips, installed as a user installs them: each version of Blender in a process and profile of its own.

``build.py setup 4.2 5.0 bare`` makes the environments; those that are missing are skipped unless
``KINELIFT_ALL_ENVIRONMENTS`` is set.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import build
from estimator.example import write_example
from estimator.example.detector import FOCAL_PX, HEIGHT, WIDTH
from estimator.example.walk import FPS, FRAMES
from estimator.motion import Motion
from estimator.motion_npz import load_motion

REPOSITORY = Path(__file__).resolve().parent.parent
SCRIPTS = Path(__file__).resolve().parent / "installed"


@dataclass(frozen=True)
class Example:
    """The clip, its keypoints, and what the command line makes of them."""

    clip: Path
    keypoints: Path
    expected: Motion


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    folder = tmp_path_factory.mktemp("example")
    keypoints = write_example(folder).keypoints
    size = (str(WIDTH), str(HEIGHT))
    estimate = ["-m", "estimator", "estimate", keypoints, "--out", folder, "--device", "cpu"]
    known = ["--size", *size, "--fps", f"{FPS:g}", "--focal-px", f"{FOCAL_PX:g}"]
    subprocess.run([sys.executable, *estimate, *known], cwd=REPOSITORY, check=True)
    clip = folder / "clip.mp4"
    numbers = (str(FRAMES), *size, f"{FPS:g}")
    subprocess.run([sys.executable, SCRIPTS / "make_clip.py", clip, *numbers], check=True)
    return Example(clip, keypoints, load_motion(folder / f"{keypoints.name}_p1.npz"))


@pytest.mark.parametrize(
    ("blender", "full"), [("4.5", False), ("4.2", False), ("5.0", False), ("bare", True)]
)
def test_installed_zip_does_the_main_job(blender: str, full: bool, example: Example, tmp_path: Path) -> None:
    python = build.environment_python(REPOSITORY / build.ENVIRONMENTS[blender][0])
    if not python.exists() and "KINELIFT_ALL_ENVIRONMENTS" not in os.environ:
        pytest.skip(f"needs the environment that `build.py setup {blender}` makes")
    kind = build.ZipKind(build.native_platform()) if full else build.ZipKind()
    zip_path = build.build_zip(Path(sys.executable), kind, tmp_path)
    profile = tmp_path / "profile"
    profile.mkdir()

    arguments = (zip_path, example.clip, example.keypoints, f"{FOCAL_PX:g}", tmp_path / "result.npz")
    done = subprocess.run(
        [python, SCRIPTS / "run_job.py", *arguments],
        env={**os.environ, "BLENDER_USER_RESOURCES": str(profile)},
        cwd=tmp_path,  # not the repository, which must not be found by accident
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr

    result = np.load(tmp_path / "result.npz")
    assert result["blender"].item().startswith("4.5" if blender == "bare" else blender)
    heads = result["heads"]
    assert heads.shape == example.expected.joints_world.shape
    assert np.linalg.norm(heads - example.expected.joints_world, axis=-1).max() < 1e-3
    assert np.ptp(heads[:, 0, 1]) > 1.5, "the person walks through the scene"
    if full:
        assert all(str(profile) in place for place in result["places"]), "torch comes from the zip"
