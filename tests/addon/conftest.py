"""Fixtures of the tests that run inside Blender's own Python module."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module (pip install bpy)")

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = "kinelift_checkout"

if PACKAGE not in sys.modules:
    _root = ModuleType(PACKAGE)
    _root.__path__ = [str(REPOSITORY)]
    sys.modules[PACKAGE] = _root


@pytest.fixture(scope="session")
def kinelift() -> ModuleType:
    """The checkout as one private package; its modules are ``kinelift_checkout.addon.…``."""
    return importlib.import_module(PACKAGE)


@pytest.fixture
def empty_file() -> Iterator[None]:
    """Starts the test from an empty factory file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    yield


@pytest.fixture
def registered() -> Iterator[None]:
    """The extension, enabled in an empty factory file, with nothing read yet."""
    addon = importlib.import_module(f"{PACKAGE}.addon")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    importlib.import_module(f"{PACKAGE}.addon.keypoint_store").forget_all()
    addon.register()
    yield
    addon.unregister()
    bpy.ops.wm.read_factory_settings(use_empty=True)
