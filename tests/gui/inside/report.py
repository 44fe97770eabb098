"""What the check found: lines as it goes, a file at the end."""

from __future__ import annotations

import json
import time
from pathlib import Path

_START = time.monotonic()
_checks: list[dict[str, object]] = []
_measures: dict[str, float] = {}


def say(text: str) -> None:
    print(f"[{time.monotonic() - _START:6.2f}] {text}", flush=True)


def check(what: str, holds: bool, detail: object = "") -> None:
    """Notes whether something holds that must."""
    _checks.append({"what": what, "holds": bool(holds), "detail": str(detail)})
    say(f"{'holds' if holds else 'FAILS'}: {what}{f' ({detail})' if str(detail) else ''}")


def measure(what: str, value: float, unit: str) -> None:
    """Notes a figure."""
    _measures[f"{what}, {unit}"] = round(value, 4)
    say(f"{what}: {value:.3g} {unit}")


def save(path: Path) -> None:
    path.write_text(json.dumps({"checks": _checks, "measures": _measures}, indent=1))
