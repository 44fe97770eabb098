"""The lite zip, installed in the real Blender by Blender's own command line, in a profile of its own."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import build
from tests.gui.real_blender import WORK, run_inside

REPOSITORY = Path(__file__).resolve().parents[2]
EXTENSION = WORK / "profile" / "extensions" / "user_default" / "kinelift"
"""Where the extension lies, as seen from inside."""
_INSTALL_SECONDS = 900.0
_NOISE = ("Traceback", "Error:", "rror in ", "Segmentation")
"""In Blender's output: something went wrong that no check may have seen."""


@dataclass(frozen=True)
class Outcome:
    """What came of a check.

    Attributes:
        failures: what doesn't hold, a line each.
        measures: figures with their units, by name.
        pictures: of the screen.
        output: what Blender and the check printed.
    """

    failures: tuple[str, ...]
    measures: dict[str, str]
    pictures: tuple[Path, ...]
    output: str


@dataclass(frozen=True)
class InstalledZip:
    """A real Blender with the extension.

    Attributes:
        folder: of the real Blender.
        work: what is seen inside as ``WORK``; ``out/`` in it is for results.
        log: what was printed.
    """

    folder: Path
    work: Path
    log: Path

    def run(self, command: Sequence[str | Path], seconds: float) -> int:
        """The exit status of a command inside, 124 if it took longer than that."""
        environment = {
            "HOME": str(WORK / "home"),
            "XDG_RUNTIME_DIR": str(WORK / "run"),
            "BLENDER_USER_RESOURCES": str(WORK / "profile"),
        }
        return run_inside(self.folder, self.work, [*map(str, command)], environment, self.log, seconds)


@contextmanager
def installed_zip(folder: Path, out: Path) -> Iterator[InstalledZip]:
    """Builds and installs the zip; at the end, results and log are in ``out``, which is emptied first.

    Raises:
        AssertionError: Blender doesn't install it.
    """
    zip_path = build.build_zip(build.set_up(), build.ZipKind())
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="kinelift-real-") as name:
        work = Path(name)
        for folder_name in ("home", "profile", "out"):
            (work / folder_name).mkdir()
        (work / "run").mkdir(mode=0o700)
        inside = Path(__file__).resolve().parent / "inside"
        shutil.copytree(inside, work / "inside", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(REPOSITORY / "tests" / "addon" / "file_state.py", work / "inside")
        shutil.copy(zip_path, work)
        installed = InstalledZip(folder, work, out / "blender.log")
        command = ["blender", "--command", "extension", "install-file", "-r", "user_default", "-e"]
        status = installed.run([*command, WORK / zip_path.name], _INSTALL_SECONDS)
        assert status == 0, f"the zip isn't installed, status {status}: {installed.log.read_text()}"
        try:
            yield installed
        finally:
            shutil.copytree(work / "out", out, dirs_exist_ok=True)


def outcome(out: Path, status: int) -> Outcome:
    """Puts together what is to be known after a check whose last command ended with ``status``."""
    output = (out / "blender.log").read_text(errors="replace")
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


def example_footage() -> tuple[Path, Path]:
    """The example's film and the folder of its keypoints; made unless they are there.

    Raises:
        AssertionError: they can't be made.
    """
    demo = REPOSITORY / "build" / "demo"
    if not (demo / "example.mp4").exists():
        assert build.run_demo() == 0, "`build.py demo` failed, which makes the example"
    return demo / "example.mp4", demo / "example"
