"""How far joints turn away from the rest pose; few captured poses get further."""

from __future__ import annotations

import math

from .skeleton import JOINT_NAMES

FURTHEST_DEGREES = {
    "Spine": 45.0,
    "Spine1": 25.0,
    "Spine2": 25.0,
    "Neck": 65.0,
    "Head": 50.0,
    "Shoulder": 30.0,
    "Foot": 60.0,
    "ToeBase": 70.0,
}
"""Of joints on either side; what isn't named turns any way. Elbows and knees are hinges besides."""
FURTHEST = tuple(
    math.radians(FURTHEST_DEGREES.get(name.removeprefix("Left").removeprefix("Right"), 180.0))
    for name in JOINT_NAMES
)
"""Radians, of every joint."""
