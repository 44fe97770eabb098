"""Kinelift in the real Blender, from the zip, with real input: ``.venv/bin/python -m tests.gui.check``.

Makes Debian trixie's Blender 4.3 in a folder unless it is there (470 MB to download, 2.5 GB, some minutes;
needs root and debootstrap), builds the lite zip, installs it there by Blender's command line, starts Blender
under an X server without a screen, and does what a user does with mouse and keyboard: matches the scene to
the example's clip, clicks *Estimate Motion*, watches, presses Ctrl+Z and Esc, drops keypoint files from
another program, saves and loads, disables and removes the extension. Pictures, Blender's output and
report.json go to the output folder. The exit status is 1 if anything doesn't hold, 3 on a machine that can't
run it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import build
from estimator.example import example_motion
from tests.gui.real_blender import WORK, blender_folder, ensure_blender, run_inside, why_not

REPOSITORY = Path(__file__).resolve().parents[2]
SCREEN = (1600, 900)
UNAVAILABLE = 3
INSTALL_SECONDS, GUI_SECONDS = 600.0, 1800.0
_NOISE = ("Traceback", "Error:", "rror in ", "Segmentation")
"""In Blender's output: something went wrong that no check may have seen."""


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        failures: what doesn't hold, a line each.
        measures: figures by name and unit.
        pictures: of the screen.
        output: what Blender and the check printed.
    """

    failures: tuple[str, ...]
    measures: dict[str, float]
    pictures: tuple[Path, ...]
    output: str


def check_gui(folder: Path, out: Path) -> Outcome:
    """Runs everything in the real Blender of ``folder``; pictures and the report are copied to ``out``."""
    zip_path = build.build_zip(build.set_up(), build.ZipKind())
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    log = out / "blender.log"
    with tempfile.TemporaryDirectory(prefix="kinelift-gui-") as name:
        work = Path(name)
        lay_out(work, zip_path)
        environment = {
            "HOME": str(WORK / "home"),
            "XDG_RUNTIME_DIR": str(WORK / "run"),
            "BLENDER_USER_RESOURCES": str(WORK / "profile"),
        }
        install = ["blender", "--command", "extension", "install-file", "-r", "user_default", "-e"]
        install.append(str(WORK / zip_path.name))
        status = run_inside(folder, work, install, environment, log, INSTALL_SECONDS)
        if status == 0:
            size = [str(number) for number in SCREEN]
            screen = f"-screen 0 {size[0]}x{size[1]}x24 +extension GLX"
            blender = ["blender", "--gpu-backend", "opengl", "--window-geometry", "0", "0", *size]
            started = ["xvfb-run", "-a", "-s", screen, *blender, "--python", str(WORK / "inside/scenario.py")]
            status = run_inside(folder, work, started, environment, log, GUI_SECONDS)
        shutil.copytree(work / "out", out, dirs_exist_ok=True)
    return outcome(out, status, log.read_text(errors="replace"))


def lay_out(work: Path, zip_path: Path) -> None:
    """Everything that is needed in the real Blender, in one folder."""
    demo = REPOSITORY / "build" / "demo"
    if not (demo / "example.mp4").exists() and build.run_demo():
        sys.exit("check.py: `build.py demo` failed, which makes the example")
    for name in ("home", "profile", "out"):
        (work / name).mkdir()
    (work / "run").mkdir(mode=0o700)
    shutil.copy(zip_path, work)
    inside = Path(__file__).resolve().parent / "inside"
    shutil.copytree(inside, work / "inside", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "tests" / "addon" / "file_state.py", work / "inside")
    footage = work / "footage"
    shutil.copytree(demo / "example", footage / "example")
    shutil.copy(demo / "example.mp4", footage)
    write_files_to_drop(footage)


def write_files_to_drop(folder: Path) -> None:
    """The example's keypoints in other formats, and a .json that holds none."""
    motion = example_motion(0)
    coco = motion.keypoints[:, :17]
    people = [
        {
            "image_id": frame,
            "category_id": 1,
            "score": 0.9,
            "keypoints": np.concatenate([points, np.full((17, 1), 0.9)], axis=1).ravel().tolist(),
        }
        for frame, points in enumerate(np.nan_to_num(coco))
    ]
    (folder / "people.json").write_text(json.dumps(people))
    positions = {"person": {"custom": [np.nan_to_num(coco).astype(np.float32)]}}
    np.savez(folder / "custom.npz", positions_2d=np.array(positions, dtype=object))
    (folder / "other.json").write_text('{"asset": {"version": "2.0"}, "scenes": []}')


def outcome(out: Path, status: int, output: str) -> Outcome:
    """Puts together what is to be known."""
    failures = [line.strip() for line in output.splitlines() if any(word in line for word in _NOISE)]
    if status:
        failures.append(f"Blender ended with status {status}")
    report = out / "report.json"
    found = json.loads(report.read_text()) if report.exists() else {"checks": [], "measures": {}}
    if not found["checks"]:
        failures.append("the check didn't come to its end")
    failures += [f"{one['what']}: {one['detail']}" for one in found["checks"] if not one["holds"]]
    pictures = tuple(sorted(out.glob("*.png")))
    failures += [f"{path.name} is blank" for path in pictures if is_blank(path)]
    return Outcome(tuple(failures), found["measures"], pictures, output)


def is_blank(path: Path) -> bool:
    """Whether a picture shows next to nothing: Blender's window has hundreds of colours."""
    import matplotlib.pyplot as plt

    shown = plt.imread(path)
    return len(np.unique((shown[::4, ::4, :3] * 255).astype(np.uint8).reshape(-1, 3), axis=0)) < 100


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.gui.check",
        description=(__doc__ or "").partition("\n")[0],
        epilog=(__doc__ or "").partition("\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--folder", type=Path, default=blender_folder(), help="of the real Blender; also KINELIFT_TRIXIE"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=REPOSITORY / "build" / "gui",
        help="for pictures and report; emptied first",
    )
    arguments = parser.parse_args()
    if reason := why_not(arguments.folder):
        print(f"check.py: {reason}", file=sys.stderr)
        return UNAVAILABLE
    ensure_blender(arguments.folder)
    result = check_gui(arguments.folder, arguments.out)
    print(result.output)
    for name, value in result.measures.items():
        print(f"check.py: {name}: {value:g}")
    for path in result.pictures:
        print(f"check.py: wrote {path}")
    for failure in result.failures:
        print(f"check.py: FAILS: {failure}")
    return 1 if result.failures else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(main())
