"""The installed extension's modules."""

from __future__ import annotations

import importlib
from typing import Any

EXTENSION = "bl_ext.user_default.kinelift"


def installed(path: str) -> Any:
    """A module by its path inside the zip."""
    return importlib.import_module(f"{EXTENSION}.{path}")
