"""Which Python packages are there: Blender brings numpy alone."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from ..estimator.errors import MissingDependencyError
from ..estimator.estimate import NEEDED_PACKAGES


@cache
def missing_packages() -> tuple[str, ...]:
    """Names of the packages that estimating needs and that can't be found; looked up once."""
    return tuple(name for name in NEEDED_PACKAGES if not _is_there(name))


def missing_line() -> str | None:
    """One line on what is missing for estimating and what to do; None if nothing is."""
    if missing := missing_packages():
        return (
            f"Estimating needs {', '.join(missing)}, which this Blender's Python lacks; "
            "install Kinelift's full zip for this platform instead of the lite one"
        )
    return None


def require_packages() -> None:
    """Raises MissingDependencyError, with ``missing_line``, if estimating is not possible."""
    if line := missing_line():
        raise MissingDependencyError(line)


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
