"""JSON files that others wrote."""

from __future__ import annotations

import json
import os
from typing import Any

from .errors import InputError
from .printable import printable


def load_json(path: str | os.PathLike[str]) -> Any:
    """Parses a file; NaN and Infinity are taken for numbers, as in Python and in what detectors write.

    Raises:
        InputError: naming file and place, for what is no JSON, or cut off.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (a Path per file doubles the time for 100,000 files)
            return json.loads(file.read())
    except json.JSONDecodeError as error:
        raise InputError(
            f"{printable(path)}: no valid JSON at line {error.lineno}, column {error.colno} "
            f"({error.msg}); it may be cut off, export it again"
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{printable(path)}: byte {error.start} is not UTF-8 text, so this is no JSON; export it again"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{printable(path)}: no usable JSON ({type(error).__name__}); export it again"
        ) from None
    except OSError as error:
        raise InputError(f"{printable(path)}: can't be read ({error.strerror})") from None
