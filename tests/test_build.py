"""What the zips hold, and when environments count as up to date."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import build

ROOT = build.ROOT


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(
        build.build_zip(Path(sys.executable), build.ZipKind(), tmp_path_factory.mktemp("zip"))
    )


def test_lite_zip_carries_the_source_and_pure_wheels_only(lite: zipfile.ZipFile) -> None:
    names = set(lite.namelist())
    wheels = {name for name in names if name.startswith("wheels/")}
    assert wheels and all(name.endswith("-none-any.whl") for name in wheels)
    listed = tomllib.loads(lite.read("blender_manifest.toml").decode())["wheels"]
    assert {name.removeprefix("./") for name in listed} == wheels
    assert {"__init__.py", "LICENSE", "estimator/weights/generator.pt"} <= names
    source = {
        path.relative_to(ROOT).as_posix()
        for folder in ("addon", "estimator")
        for path in (ROOT / folder).rglob("*.py")
    }
    left_out = source - names
    assert left_out and all(
        re.match(r"estimator/(training|example)/|addon/demo\.py$", name) for name in left_out
    )
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]


def test_what_ships_needs_nothing_that_does_not(lite: zipfile.ZipFile) -> None:
    """Training and example stay behind, so nothing in the zip may import them on the way to its work."""
    for name in lite.namelist():
        if name.endswith(".py"):
            for node in ast.parse(lite.read(name)).body:
                if isinstance(node, ast.ImportFrom):
                    assert not re.search(r"(^|\.)(training|example|demo)(\.|$)", node.module or ""), name


def test_manifest_says_which_blender_a_full_zip_is_for() -> None:
    wheels = [Path("torch-2.13.0-cp311-cp311-win_amd64.whl")]
    old = tomllib.loads(build.staged_manifest(build.ZipKind("windows-x64", "3.11"), wheels))
    assert (old["blender_version_min"], old["blender_version_max"]) == ("4.2.0", "5.1.0")
    assert old["platforms"] == ["windows-x64"]
    assert old["wheels"] == ["./wheels/torch-2.13.0-cp311-cp311-win_amd64.whl"]
    new = tomllib.loads(build.staged_manifest(build.ZipKind("linux-x64", "3.13"), wheels))
    assert new["blender_version_min"] == "5.1.0"
    assert "blender_version_max" not in new
    assert new["permissions"].keys() == {"files"}, "no network"
    lite = tomllib.loads(build.staged_manifest(build.ZipKind(), wheels))
    assert "platforms" not in lite and "blender_version_max" not in lite


def test_wheels_for_another_platform_or_python_are_seen() -> None:
    pure = "sympy-1.14.0-py3-none-any.whl"
    for platform, tags in {
        "linux-x64": "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "windows-x64": "win_amd64",
        "macos-arm64": "macosx_12_0_arm64",
    }.items():
        for python in build.BLENDER_VERSIONS:
            kind, tag = build.ZipKind(platform, python), f"cp{python.replace('.', '')}"
            fit = f"scipy-1.15.3-{tag}-{tag}-{tags}.whl"
            unfit = [
                fit.replace(tag, "cp312"),
                fit.replace(tags, "manylinux_2_17_aarch64"),
                fit.replace(tags, "macosx_10_13_x86_64"),
                fit.replace(tags, "win32"),
            ]
            assert build.unfit_wheels(kind, [pure, fit, *unfit]) == unfit
    assert build.unfit_wheels(build.ZipKind(), [pure, fit]) == [fit]


def test_all_zips_are_one_per_platform_and_python() -> None:
    chosen = build.chosen_zips(build.command_line().parse_args(["zip", "--all"]))
    names = {kind.name for kind in chosen}
    assert names == {"lite"} | {
        f"full-{platform}-cp{python}"
        for platform in ("linux-x64", "windows-x64", "macos-arm64")
        for python in ("311", "313")
    }
    assert len(chosen) == 7
    (own,) = build.chosen_zips(build.command_line().parse_args(["zip", "--full", "--python", "3.13"]))
    assert own == build.ZipKind(build.native_platform(), "3.13")


def test_a_zip_whose_wheels_are_not_to_be_had_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "BUILD", tmp_path / "build")
    monkeypatch.setattr(build, "WHEELS_OF_FULL", ("no-such-package-of-kinelift==1.0",))
    monkeypatch.setattr(build, "PURE_PACKAGES", ())
    monkeypatch.setattr(build, "run_with_retry", refuse)
    monkeypatch.setattr(build, "set_up", lambda: Path(sys.executable))
    monkeypatch.setattr(build.build_zip, "__defaults__", (tmp_path,))
    assert build.build_zips(build.command_line().parse_args(["zip", "--platform", "windows-x64"])) == 1
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "build.py: full-windows-x64-cp311: pip's indexes have no no-such-package-of-kinelift==1.0 for it"
    ]
    assert [path.name for path in tmp_path.glob("*.zip")] == [f"kinelift-{build.version()}-lite.zip"]


def refuse(command: object) -> None:
    raise build.BuildError("ERROR: No matching distribution found for it")


@pytest.mark.parametrize("path", sorted(build.DIST.glob("*-full-*.zip")), ids=lambda path: path.stem)
def test_full_zips_that_were_built_carry_what_their_name_says(path: Path) -> None:
    """Those that lie in dist/; `build.py zip --all` builds them."""
    _, _, _, platform, system, python = path.stem.split("-")
    kind = build.ZipKind(f"{platform}-{system}", f"{python[2]}.{python[3:]}")
    with zipfile.ZipFile(path) as full:
        assert full.testzip() is None
        manifest = tomllib.loads(full.read("blender_manifest.toml").decode())
        wheels = {
            name: full.getinfo(name).file_size for name in full.namelist() if name.startswith("wheels/")
        }
    assert {name.removeprefix("./") for name in manifest["wheels"]} == wheels.keys()
    assert manifest["platforms"] == [kind.platform]
    assert ("blender_version_max" in manifest) == (kind.python == "3.11")
    names = [name.removeprefix("wheels/") for name in wheels]
    assert build.unfit_wheels(kind, names) == []
    carried = {"==".join(name.split("-")[:2]).partition("+")[0] for name in names}
    assert carried == {package.replace("-", "_") for package in build.WHEELS_OF_FULL}
    (torch,) = (size for name, size in wheels.items() if "torch-" in name)
    assert 50e6 < torch < 400e6, "PyTorch for the CPU alone"


def test_environment_is_up_to_date_only_in_the_versions_asked_for() -> None:
    name, packages = build.ENVIRONMENTS["4.5"]
    assert build.missing_packages(ROOT / name, packages) == []
    assert build.missing_packages(ROOT / name, ["numpy==1.0", "upc_pymotion==0.3.4"]) == ["numpy==1.0"]
    assert build.missing_packages(ROOT / "no-such-environment", packages) == list(packages)


def test_every_package_is_pinned() -> None:
    packages = {package for _, packages in build.ENVIRONMENTS.values() for package in packages}
    assert all(re.fullmatch(r"[\w.-]+==[\d.]+", package) for package in packages | set(build.WHEELS_OF_FULL))


def test_extension_leaves_the_interpreter_alone_and_the_estimator_blender() -> None:
    for path in [*(ROOT / "addon").glob("*.py"), *(ROOT / "estimator").rglob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            (alias.name if isinstance(node, ast.Import) else node.module or "").partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        if path.is_relative_to(ROOT / "estimator"):
            assert not imported & {"bpy", "mathutils", "addon"}, path
        if path.name != "batch.py":  # a script that loads the checkout it lies in
            assert not re.search(r"sys\.(path|modules)\b", path.read_text(encoding="utf-8")), path


def test_bad_arguments_get_a_usage_line() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "build.py", "zip", "--heavy"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "--heavy" in done.stderr
