"""A real Blender to test in: Debian's, in a folder of its own, with an X server without a screen.

trixie has 4.3, which stays; sid has the newest, and is at times in the middle of a change.

``ensure_blender(folder)`` makes it, 2.5 GB, unless it is there; ``run_inside`` runs a command in it, cut off
from this machine's processes, files and network. Needs Linux, root and, to make it, debootstrap and network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
PACKAGES = (
    *("blender", "python3-torch", "python3-numpy", "python3-scipy"),
    *("xvfb", "xauth", "libgl1-mesa-dri", "xdotool", "imagemagick", "python3-xlib"),
)
SUITES: dict[str, tuple[str, ...]] = {"trixie": PACKAGES, "sid": (*PACKAGES, "python3-cattr")}
"""By Debian's suite, the packages; sid's Blender leaves one out that it needs."""
WORK = Path("/mnt")
"""Where a command finds the folder that it works in."""
_LISTED = "usr/share/kinelift-packages"
"""In the folder, the packages that were installed; written last, so it tells whole from half."""
_INSIDE_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "LIBGL_ALWAYS_SOFTWARE": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}
_INSTALL = ("apt-get", "-o", "Dpkg::Use-Pty=0", "install", "-y", "-qq", "--no-install-recommends")
_APART = ("unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child")
_ENTER = """
set -e
mount -t proc proc "$1/proc"
mount --bind "$2" "$1/mnt"
mount -t tmpfs tmpfs "$1/tmp"
folder=$1
shift 2
chroot "$folder" "$@" && status=0 || status=$?
exit $status
"""
# The shell stays the first process: xvfb-run, if it were that, would not get its server's signal.


def blender_folder(suite: str = "trixie") -> Path:
    """Where a suite's Blender lies or is to be made: what ``KINELIFT_TRIXIE`` (or ``_SID``) says."""
    return Path(os.environ.get(f"KINELIFT_{suite.upper()}", f"/var/tmp/kinelift-{suite}"))


def why_not(folder: Path, suite: str = "trixie") -> str | None:
    """Why the real Blender can't be made, or commands not be run in it, on this machine; None if they can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "needs Linux and root, to run Debian's Blender in a folder of its own"
    tried = [*_APART, "--net", "true"]
    if shutil.which("unshare") is None or subprocess.run(tried, capture_output=True, check=False).returncode:
        return "needs unshare and the right to mount folders, which root lacks in some containers"
    if (
        not _is_whole(folder, suite)
        and shutil.which("debootstrap") is None
        and shutil.which("apt-get") is None
    ):
        return "needs debootstrap, which this system's packages may have"
    return None


def ensure_blender(folder: Path, suite: str = "trixie") -> None:
    """Makes the folder with the real Blender, or adds what is missing to it.

    Raises:
        CalledProcessError: it can't; what went wrong is on standard error.
    """
    if _is_whole(folder, suite):
        return
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    if shutil.which("debootstrap") is None:
        _with_retry(["apt-get", "update", "-qq"])
        _with_retry([*_INSTALL, "debootstrap"], environment)
    if not (folder / "usr/bin/apt-get").exists() or (folder / "debootstrap").exists():
        print(f"making {folder}: Debian {suite}", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        _with_retry(["debootstrap", "--variant=minbase", suite, str(folder), MIRROR])
    # No package may start a service.
    policy = folder / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    packages = SUITES[suite]
    print(f"installing into {folder}: {' '.join(packages)}", flush=True)
    if suite == "sid":
        # A mirror may lag behind the few days for which sid's index is valid; its signature is still checked.
        (folder / "etc/apt/apt.conf.d/lagging").write_text('Acquire::Check-Valid-Until "false";\n')
    for command in (
        ("dpkg", "--configure", "-a"),  # if an earlier try was ended in the middle
        ("apt-get", "update", "-qq"),
        (*_INSTALL, *packages),
        ("apt-get", "clean"),
    ):
        _with_retry(_entered(folder, folder / "srv", command, network=True), environment)
    (folder / _LISTED).write_text("\n".join(packages))


def run_inside(
    folder: Path,
    work: Path,
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    timeout: float,
) -> int:
    """Runs a command beside the real Blender, without a network; whatever it starts ends with it.

    Args:
        folder: of ``ensure_blender``.
        work: that the command sees as ``WORK``; all that it can reach outside of ``folder``.
        environment: in addition to what Blender needs without a graphics card.
        log: that both outputs are added to.
        timeout: seconds; then all of it is ended.

    Returns:
        The exit status, 124 if it took too long.
    """
    with log.open("a") as output:
        try:
            return subprocess.run(
                _entered(folder, work, command, network=False),
                env={**_INSIDE_ENVIRONMENT, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            return 124


def _is_whole(folder: Path, suite: str) -> bool:
    listed = folder / _LISTED
    return listed.is_file() and set(SUITES[suite]) <= set(listed.read_text().split())


def _entered(folder: Path, work: Path, command: Sequence[str], *, network: bool) -> list[str]:
    """The command in namespaces of its own, so that mounts and processes are gone when it ends."""
    without = () if network else ("--net",)
    return [*_APART, *without, "sh", "-c", _ENTER, "sh", str(folder), str(work), *command]


def _with_retry(command: Sequence[str], environment: Mapping[str, str] | None = None, tries: int = 3) -> None:
    """For commands that use the network; they say themselves what went wrong."""
    for attempt in range(1, tries + 1):
        done = subprocess.run(
            command,
            env={**os.environ, **_INSIDE_ENVIRONMENT, **(environment or {})},
            stdout=subprocess.DEVNULL,
            check=attempt == tries,
        )
        if done.returncode == 0:
            return
        time.sleep(10 * attempt)
