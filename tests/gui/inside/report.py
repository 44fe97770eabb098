"""What the check found: lines as it goes, a file at the end."""

from __future__ import annotations

import json
import time
from pathlib import Path

_START = time.monotonic()
_checks: list[dict[str, object]] = []
_measures: dict[str, str] = {}


def say(text: str) -> None:
    print(f"[{time.monotonic() - _START:6.2f}] {text}", flush=True)


def check(what: str, holds: bool, detail: object = "") -> None:
    """Notes whether something holds that must."""
    _checks.append({"what": what, "holds": bool(holds), "detail": str(detail)})
    say(f"{'holds' if holds else 'FAILS'}: {what}{f' ({detail})' if str(detail) else ''}")


def measure(
    what: str, value: float, unit: str, *, goal: float | None = None, bound: float | None = None
) -> None:
    """Notes a figure.

    Args:
        goal: below which it should be on a quiet machine; missing it is said and isn't a failure, as a busy
            machine misses it too.
        bound: what no machine's load explains any more, so that something is wrong from there on.
    """
    told = f"{value:.3g} {unit}"
    if goal is not None:
        told += f" (goal: below {goal:g} {unit}, {'met' if value < goal else 'MISSED'})"
    _measures[what] = told
    say(f"{what}: {told}")
    if bound is not None:
        check(f"{what}: below {bound:g} {unit}", value < bound, told)


def save(path: Path) -> None:
    path.write_text(json.dumps({"checks": _checks, "measures": _measures}, indent=1))
