"""Seconds from the click on Estimate Motion to the finished action, for a clip of one minute.

``python -m benchmarks.click_to_action``, from the repository's root. Installs the lite zip into a throw-away
profile of Blender's module and calls the operators; the keypoints are read and torch is loaded beforehand, as
they are when a user clicks a second time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.memory import example_track
from build import ZipKind, build_zip
from estimator.example.detector import FOCAL_PX, HEIGHT, WIDTH
from estimator.example.files import write_openpose

ROOT = Path(__file__).resolve().parent.parent
FPS = 30


def main() -> None:
    parser = argparse.ArgumentParser(description="Time from click to action.")
    parser.add_argument("--frames", type=int, default=1800)
    frames = parser.parse_args().frames
    with tempfile.TemporaryDirectory(prefix="kinelift-benchmark-") as folder:
        work = Path(folder)
        profile = work / "profile"
        profile.mkdir()
        os.environ["BLENDER_USER_RESOURCES"] = str(profile)
        zip_path = build_zip(Path(sys.executable), ZipKind(), work)
        track = example_track(frames)
        write_openpose(work / "clip", track.keypoints, track.confidence)
        numbers = map(str, (frames, WIDTH, HEIGHT, FPS))
        make_clip = ROOT / "tests" / "installed" / "make_clip.py"
        subprocess.run(
            [sys.executable, make_clip, work / "clip.mp4", *numbers], check=True, stdout=subprocess.DEVNULL
        )
        measure(zip_path, work / "clip.mp4", work / "clip")


def measure(zip_path: Path, clip: Path, keypoints: Path) -> None:
    """Installs, imports, estimates twice and prints the seconds of each step."""
    import bpy  # only now: it reads the profile's place once

    bpy.ops.extensions.package_install_files(
        filepath=str(zip_path), repo="user_default", enable_on_install=True
    )
    settings = bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(clip))
    settings.camera_source, settings.focal_px = "VALUE", FOCAL_PX
    start = time.perf_counter()
    bpy.ops.kinelift.import_keypoints(filepath=str(keypoints))
    print(f"keypoints read in {time.perf_counter() - start:.1f} s")
    for which in ("first click, which loads torch", "second click"):
        start = time.perf_counter()
        bpy.ops.kinelift.estimate_motion()
        print(f"{which}: {time.perf_counter() - start:.1f} s")
    made = [action.frame_range[:] for action in bpy.data.actions]
    print(f"{len(made)} actions, frames {made[-1][0]:.0f} to {made[-1][1]:.0f}")


if __name__ == "__main__":
    main()
