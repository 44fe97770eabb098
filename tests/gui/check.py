"""Kinelift in the real Blender, from the zip, with real input: ``.venv/bin/python -m tests.gui.check``.

Makes Debian trixie's Blender 4.3 in a folder unless it is there (470 MB to download, 2.5 GB, some minutes;
needs root and debootstrap), builds the lite zip, and installs it there by Blender's command line.

batch: ``blender --command kinelift batch`` and the script convert clips; what they wrote is opened again and
compared with the motion.
window: Blender is started under an X server without a screen, and has done to it what a user does with mouse
and keyboard: matches the scene to the example's clip, clicks *Estimate Motion*, watches, presses Ctrl+Z and
Esc, clicks *Retarget*, drops keypoint files from another program, saves and loads, disables and removes the
extension.

Pictures, Blender's output and report.json go to the output folder, each check's to a folder of its own. The
exit status is 1 if anything doesn't hold, 3 on a machine that can't run it. Times are printed with their
goals, which a busy machine may miss without failing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.gui.batch_check import check_batch
from tests.gui.installed_zip import REPOSITORY, Outcome
from tests.gui.real_blender import SUITES, blender_folder, ensure_blender, why_not
from tests.gui.window_check import check_window

UNAVAILABLE = 3
CHECKS: dict[str, Callable[[Path, Path], Outcome]] = {"batch": check_batch, "window": check_window}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.gui.check",
        description=(__doc__ or "").partition("\n")[0],
        epilog=(__doc__ or "").partition("\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--suite", choices=SUITES, default="trixie", help="Debian's: sid has Blender 5.2")
    parser.add_argument("--folder", type=Path, help="of the real Blender; also KINELIFT_TRIXIE, KINELIFT_SID")
    parser.add_argument("--only", choices=CHECKS, action="append", help="this check; may be given again")
    parser.add_argument("--out", type=Path, help="for pictures and reports; default: build/gui")
    arguments = parser.parse_args()
    suite = arguments.suite
    folder = arguments.folder or blender_folder(suite)
    out = arguments.out or REPOSITORY / "build" / ("gui" if suite == "trixie" else f"gui-{suite}")
    if reason := why_not(folder, suite):
        print(f"check.py: {reason}", file=sys.stderr)
        return UNAVAILABLE
    try:
        ensure_blender(folder, suite)
    except subprocess.CalledProcessError as error:
        print(f"check.py: Debian {suite}'s Blender can't be made: {error}", file=sys.stderr)
        return 1
    failed = [name for name in arguments.only or CHECKS if not _holds(name, folder, out / name)]
    return 1 if failed else 0


def _holds(name: str, folder: Path, out: Path) -> bool:
    """Runs a check and prints what came of it."""
    result = CHECKS[name](folder, out)
    print(result.output)
    for what, value in result.measures.items():
        print(f"check.py: {name}: {what}: {value}")
    for path in result.pictures:
        print(f"check.py: {name}: wrote {path}")
    for failure in result.failures:
        print(f"check.py: {name}: FAILS: {failure}")
    if not result.failures:
        print(f"check.py: {name}: all holds")
    return not result.failures


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(main())
