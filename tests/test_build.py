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
