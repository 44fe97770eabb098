"""Sets Kinelift up: ``python3.11 build.py demo``, ``test``, ``zip`` or ``setup``.

Every command first makes the environment that it needs, or brings it up to date, so each of them works
alone on a fresh machine. Only the standard library is imported here.

    demo    install the extension into a throw-away Blender profile and run it on an example: build/demo/
    test    run the tests; further arguments go to pytest
    zip     build the extension's zips into dist/ and validate them
    setup   make environments alone, named by Blender version: 4.2 4.5 5.0 bare
"""

from __future__ import annotations

import argparse
import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BUILD = ROOT / "build"
DIST = ROOT / "dist"

# --- Environments -------------------------------------------------------------------------------------------

PURE_PACKAGES = ("roma==1.8.0", "upc-pymotion==0.3.4", "threadpoolctl==3.6.0")
ESTIMATOR_PACKAGES = ("torch==2.13.0", "scipy==1.15.3", *PURE_PACKAGES)
"""torch is pinned because the newest one may pull gigabytes of packages for other hardware."""
WHEELS_OF_FULL = (*ESTIMATOR_PACKAGES, "typing_extensions==4.16.0", "sympy==1.14.0", "mpmath==1.3.0")
"""What inference imports, roma by way of torch's compiler; numpy comes with Blender."""

ENVIRONMENTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "4.5": (
        ".venv",
        (
            "bpy==4.5.15",
            "numpy==1.26.4",
            *ESTIMATOR_PACKAGES,
            "distributed==2026.8.0",
            "lightning-fabric==2.6.6",
            "pytest==9.2.0",
            "ruff==0.17.5",
            "mypy==2.4.1",
            "matplotlib==3.11.2",
        ),
    ),
    "4.2": (".venv-4.2", ("bpy==4.2.23", "numpy==1.24.3", *ESTIMATOR_PACKAGES, "pytest==9.2.0")),
    "5.0": (".venv-5.0", ("bpy==5.0.1", "numpy==1.26.4", *ESTIMATOR_PACKAGES, "pytest==9.2.0")),
    "bare": (".venv-bare", ("bpy==4.5.15", "numpy==1.26.4")),
}
"""By Blender version, the folder and what is in it; *bare* has Blender alone, to test the full zip in."""

SYSTEM_LIBRARIES = (
    *("libx11-6", "libxrender1", "libxxf86vm1", "libxfixes3", "libxi6", "libxkbcommon0", "libgomp1"),
    *("libsm6", "libgl1", "libegl1", "libgl1-mesa-dri"),
)
"""Debian's names for what bpy loads, and what it needs to render pictures without a graphics card."""


def environment_python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def missing_packages(folder: Path, packages: Sequence[str]) -> list[str]:
    """Those of ``packages`` (name==version) that the environment doesn't hold in that version."""
    if not environment_python(folder).exists():
        return list(packages)
    site_packages = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    installed = {
        re.sub(r"[-_.]+", "-", distribution.name).lower(): distribution.version.partition("+")[0]
        for distribution in importlib.metadata.distributions(path=[site_packages])
    }
    wanted = (package.partition("==") for package in packages)
    return [
        f"{name}=={version}"
        for name, _, version in wanted
        if installed.get(re.sub(r"[-_.]+", "-", name).lower()) != version
    ]


class BuildError(Exception):
    """Something can't be built here; one line that says why, and what to do."""


_NOT_THERE = ("No matching distribution found", "ResolutionImpossible")
"""What pip says where trying again is no use; the second where its constraints name the package, too."""


def run_with_retry(command: Sequence[str | Path], tries: int = 3) -> None:
    """For commands that use the network.

    Raises:
        BuildError: they fail each time; it has the last line of what they say of it.
    """
    for attempt in range(1, tries + 1):
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode == 0:
            return
        if any(words in done.stderr for words in _NOT_THERE):
            break
        if attempt < tries:
            time.sleep(5 * attempt)
    said = (done.stderr.strip().splitlines() or ["it doesn't say why"])[-1]
    raise BuildError(f"failed: {' '.join(map(str, command))}: {said}")


def set_up(blender: str = "4.5") -> Path:
    """Makes the environment of a Blender version, or brings it up to date; returns its Python."""
    name, packages = ENVIRONMENTS[blender]
    folder = ROOT / name
    python = environment_python(folder)
    missing = missing_packages(folder, packages)
    if missing:
        print(f"build.py: installing into {name}: {' '.join(missing)}", flush=True)
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        run_with_retry(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages],
        )
    ensure_system_libraries(python)
    if blender == "4.5":
        link_package()
    return python


def link_package() -> None:
    """Lets mypy see the repository as the package ``kinelift`` that it is in the zip (see pyproject.toml)."""
    link = BUILD / "types" / "kinelift"
    link.parent.mkdir(parents=True, exist_ok=True)
    if os.name != "nt" and not link.is_symlink():
        link.symlink_to(ROOT, target_is_directory=True)


def ensure_system_libraries(python: Path) -> None:
    """Installs what bpy loads from the system where that is possible, else says what to paste."""
    probe = "import ctypes, bpy, sys; sys.platform == 'linux' and ctypes.CDLL('libEGL.so.1')"
    for last in (False, True):
        tried = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return
        install = f"apt-get install -y {' '.join(SYSTEM_LIBRARIES)}"
        if last or "cannot open shared object" not in tried.stderr:
            sys.exit(f"build.py: bpy can't be imported: {(tried.stderr.strip().splitlines() or ['?'])[-1]}")
        if shutil.which("apt-get") is None or os.geteuid() != 0:
            sys.exit(f"build.py: Blender's module needs system libraries; run: sudo {install}")
        run_with_retry(["apt-get", "update", "-qq"])
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run_with_retry([*install.split(), "-qq", "--no-install-recommends"])


# --- Zips ---------------------------------------------------------------------------------------------------

PLATFORMS: dict[str, tuple[str, ...]] = {
    "linux-x64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "windows-x64": ("win_amd64",),
    "macos-arm64": ("macosx_14_0_arm64", "macosx_12_0_arm64", "macosx_11_0_arm64"),
}
"""Blender's name of each platform that torch has wheels for, and pip's."""

BLENDER_VERSIONS: dict[str, str] = {
    "3.11": 'blender_version_min = "4.2.0"\nblender_version_max = "5.1.0"',
    "3.13": 'blender_version_min = "5.1.0"',
}
"""By the Python inside; ``blender_version_max`` is exclusive."""

ROOT_MODULE = '''\
"""Kinelift: the 2D keypoints of one video to global 3D human motion on an armature."""

from .addon import register, unregister

__all__ = ["register", "unregister"]
'''

NOT_SHIPPED = ("__pycache__", "*.pyc", "training", "example", "demo.py")
"""Of ``addon`` and ``estimator``: what only a checkout needs."""


@dataclass(frozen=True)
class ZipKind:
    """A *lite* zip (no platform) carries pure wheels only; a *full* one also torch and scipy."""

    platform: str | None = None
    python: str = "3.11"

    @property
    def name(self) -> str:
        return f"full-{self.platform}-cp{self.python.replace('.', '')}" if self.platform else "lite"


def version() -> str:
    """Kinelift's version, which three files must agree on."""
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text())["version"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    estimator = next(
        ast.literal_eval(node.value)
        for node in ast.parse((ROOT / "estimator" / "__init__.py").read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__"
    )
    if not manifest == project == estimator:
        sys.exit(
            f"build.py: versions differ: blender_manifest.toml {manifest}, pyproject.toml {project}, "
            f"estimator/__init__.py {estimator}; make them equal"
        )
    return str(manifest)


def download_wheels(python: Path, kind: ZipKind) -> list[Path]:
    """The wheels that a zip carries, kept in build/wheels/ from one build to the next.

    Raises:
        BuildError: pip's indexes don't have them for this platform and Python.
    """
    folder = BUILD / "wheels" / kind.name
    folder.mkdir(parents=True, exist_ok=True)
    packages = WHEELS_OF_FULL if kind.platform else PURE_PACKAGES
    target = [argument for tag in PLATFORMS.get(kind.platform or "", ()) for argument in ("--platform", tag)]
    if kind.platform:
        target += ["--python-version", kind.python, "--implementation", "cp"]
    wheels = []
    for package in packages:
        name, _, number = package.partition("==")
        # Without +cpu it is the one for CUDA, ten times the size.
        cpu_only = "+cpu" if name == "torch" and kind.platform == "linux-x64" else ""
        pattern = f"{name.replace('-', '_')}-{number}{cpu_only}[-+]*.whl"
        if not list(folder.glob(pattern)):
            download = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            download += ["--only-binary=:all:", *target, "--dest", str(folder), package + cpu_only]
            try:
                run_with_retry([python, *download])
            except BuildError as error:
                if not any(words in str(error) for words in _NOT_THERE):
                    raise
                hint = "; set PIP_EXTRA_INDEX_URL to PyTorch's index of CPU wheels" if cpu_only else ""
                raise BuildError(f"pip's indexes have no {package}{cpu_only} for it{hint}") from None
        wheels += sorted(folder.glob(pattern))[:1]
    return wheels


def unfit_wheels(kind: ZipKind, names: Iterable[str]) -> list[str]:
    """Those of the wheels' file names whose tags say that they are for another platform or Python."""
    python = f"cp{kind.python.replace('.', '')}"
    systems = {
        "linux-x64": r"manylinux\w*_x86_64",
        "windows-x64": "win_amd64",
        "macos-arm64": r"macosx_\w+_arm64",
    }
    unfit = []
    for name in names:
        pythons, _, platforms = name.removesuffix(".whl").split("-")[-3:]
        pure = platforms == "any" and "py3" in pythons.split(".")
        native = kind.platform is not None and (
            python in pythons.split(".")
            and all(re.fullmatch(systems[kind.platform], platform) for platform in platforms.split("."))
        )
        if not (pure or native):
            unfit.append(name)
    return unfit


def staged_manifest(kind: ZipKind, wheels: Sequence[Path]) -> str:
    """The manifest with what differs from zip to zip."""
    listed = "".join(f'    "./wheels/{wheel.name}",\n' for wheel in wheels)
    replacement = f"wheels = [\n{listed}]"
    if kind.platform:
        replacement = f'{BLENDER_VERSIONS[kind.python]}\nplatforms = ["{kind.platform}"]\n{replacement}'
    else:
        replacement = f'blender_version_min = "4.2.0"\n{replacement}'
    manifest = (ROOT / "blender_manifest.toml").read_text()
    return manifest.replace('blender_version_min = "4.2.0"', replacement)


def build_zip(python: Path, kind: ZipKind, destination: Path = DIST) -> Path:
    """Stages, packs and validates one zip of the extension; returns its path.

    Args:
        python: of an environment with bpy, whose extension tool does the packing.
        kind: which zip.
        destination: folder for the zip.

    Raises:
        BuildError: it can't be built here.
    """
    wheels = download_wheels(python, kind)
    if unfit := unfit_wheels(kind, (wheel.name for wheel in wheels)):
        raise BuildError(f"not for the {kind.name} zip: {', '.join(unfit)}; remove them from build/wheels/")
    stage = BUILD / "stage" / kind.name
    shutil.rmtree(stage, ignore_errors=True)
    for package in ("addon", "estimator"):
        shutil.copytree(ROOT / package, stage / package, ignore=shutil.ignore_patterns(*NOT_SHIPPED))
    shutil.copy(ROOT / "LICENSE", stage)
    (stage / "__init__.py").write_text(ROOT_MODULE)
    (stage / "blender_manifest.toml").write_text(staged_manifest(kind, wheels))
    (stage / "wheels").mkdir()
    for wheel in wheels:
        (stage / "wheels" / wheel.name).hardlink_to(wheel)
    destination.mkdir(parents=True, exist_ok=True)
    zip_path = destination / f"kinelift-{version()}-{kind.name}.zip"
    tool = next((python.parent.parent).glob("[lL]ib/**/bl_pkg/cli/blender_ext.py"))
    steps: tuple[tuple[str | Path, ...], ...] = (
        ("build", "--source-dir", stage, "--output-filepath", zip_path),
        ("validate", zip_path),
    )
    for arguments in steps:
        done = subprocess.run([python, tool, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildError(f"{zip_path.name}: {arguments[0]} failed: {done.stdout}{done.stderr}")
    shown = zip_path.relative_to(ROOT) if zip_path.is_relative_to(ROOT) else zip_path
    print(f"build.py: {shown}, {zip_path.stat().st_size / 1e6:.0f} MB", flush=True)
    return zip_path


def native_platform() -> str:
    """This machine's platform, by Blender's name."""
    system = {"linux": "linux-x64", "win32": "windows-x64", "darwin": "macos-arm64"}
    return system.get(sys.platform, "linux-x64")


# --- Commands -----------------------------------------------------------------------------------------------


EXAMPLE_OPTIONS = ("--save", "npz,bvh", "--size", "640", "360", "--fps", "30", "--focal-px", "575")


def run_demo() -> int:
    """Installs the zip into a throw-away profile and runs the main job on the example."""
    python = set_up()
    zip_path, folder = build_zip(python, ZipKind()), BUILD / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    steps: tuple[tuple[str | Path, ...], ...] = (
        ("-m", "estimator.example", folder),
        ("-m", "estimator", "estimate", folder / "example", "--out", folder, *EXAMPLE_OPTIONS),
        ("addon/demo.py", zip_path, folder),
    )
    with tempfile.TemporaryDirectory(prefix="kinelift-profile-") as profile:
        environment = {**os.environ, "BLENDER_USER_RESOURCES": profile}
        for step in steps:
            if status := subprocess.run([python, *step], cwd=ROOT, env=environment, check=False).returncode:
                return status
    return 0


def run_tests(arguments: Sequence[str]) -> int:
    return subprocess.run([set_up(), "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode


def chosen_zips(arguments: argparse.Namespace) -> list[ZipKind]:
    """What ``build.py zip`` is to build."""
    every = [ZipKind(platform, python) for python in BLENDER_VERSIONS for platform in PLATFORMS]
    full = every if arguments.all else [ZipKind(arguments.platform, arguments.python)]
    if arguments.lite:
        return [ZipKind()]
    return full if arguments.full else [ZipKind(), *full]


def build_zips(arguments: argparse.Namespace) -> int:
    """Builds them; one that can't be built here doesn't stop the others."""
    python, failed = set_up(), 0
    for kind in chosen_zips(arguments):
        try:
            build_zip(python, kind)
        except BuildError as error:
            failed += 1
            print(f"build.py: {kind.name}: {error}", file=sys.stderr, flush=True)
    return 1 if failed else 0


def command_line() -> argparse.ArgumentParser:
    summary, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="build.py",
        description=summary,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("demo", help="run the extension on an example")
    commands.add_parser("test", help="run the tests")
    zips = commands.add_parser("zip", help="build the extension's zips")
    which = zips.add_mutually_exclusive_group()
    which.add_argument("--lite", action="store_true", help="only the zip without torch and scipy")
    which.add_argument("--full", action="store_true", help="only the zip with everything")
    zips.add_argument("--all", action="store_true", help="the full zips of all platforms and Pythons")
    zips.add_argument("--platform", choices=PLATFORMS, default=native_platform(), help="of the full zip")
    zips.add_argument("--python", choices=BLENDER_VERSIONS, default="3.11", help="of the Blender it is for")
    setup = commands.add_parser("setup", help="make the environments alone")
    setup.add_argument("blender", nargs="+", choices=ENVIRONMENTS, help="Blender versions")
    return parser


def main() -> int:
    if sys.version_info[:2] != (3, 11):
        found = ".".join(map(str, sys.version_info[:2]))
        sys.exit(f"build.py: needs Python 3.11, which Blender's module is made for; this is {found}")
    # With more threads than free cores, spinning OpenMP threads are a hundred times slower than waiting ones.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments, further = command_line().parse_known_args()
    if further and arguments.command != "test":
        command_line().error(f"unknown arguments: {' '.join(further)}")
    try:
        return run(arguments, further)
    except BuildError as error:
        sys.exit(f"build.py: {error}")


def run(arguments: argparse.Namespace, further: Sequence[str]) -> int:
    """One command."""
    match arguments.command:
        case "demo":
            return run_demo()
        case "test":
            return run_tests(further)
        case "zip":
            return build_zips(arguments)
        case _:
            for blender in arguments.blender:
                set_up(blender)
            return 0


if __name__ == "__main__":
    sys.exit(main())
