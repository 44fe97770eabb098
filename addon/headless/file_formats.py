"""The kinds of files that Blender writes, and whether one is whole."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from ...estimator.command_line.outputs import OUTPUT_ENDINGS
from ..retarget.export_operators import FORMATS, exporter

BLEND = "blend"
FBX, GLB, BVH, USD = "fbx", "glb", "bvh", "usd"
EXPORTED = (FBX, GLB, USD)
"""What only Blender's exporters write."""
ENDINGS = (BLEND, *EXPORTED, *OUTPUT_ENDINGS)

FBX_PROGRAMS = ("unity", "unreal")

_FBX_START = b"Kaydara FBX Binary  \x00"
_FBX_END = bytes.fromhex("f85a8c6adef5d97eece90ce3758f290b")
_ZSTANDARD, _GZIP = bytes.fromhex("28b52ffd"), bytes.fromhex("1f8b")


def kind_of(ending: str, fbx_for: str) -> str:
    """Which of ``FORMATS`` an ending stands for.

    Args:
        fbx_for: one of ``FBX_PROGRAMS``.
    """
    return {FBX: f"FBX_{fbx_for.upper()}", GLB: "GLTF", BVH: "BVH", USD: "USD"}[ending]


def require_exporter(ending: str, fbx_for: str) -> None:
    """Raises InputError where this Blender can't write an ending."""
    if operator := FORMATS[kind_of(ending, fbx_for)].operator:
        exporter(operator)


def _fbx_is_whole(path: Path) -> bool:
    content = path.read_bytes()
    return content.startswith(_FBX_START) and content.endswith(_FBX_END)


def _glb_is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        header = file.read(12)
    return len(header) == 12 and struct.unpack("<4sII", header)[::2] == (b"glTF", path.stat().st_size)


def _usd_is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        header = file.read(24)
    if len(header) < 24 or not header.startswith(b"PXR-USDC"):
        return False
    (contents,) = struct.unpack("<q", header[16:])
    return bool(0 < contents < path.stat().st_size)


def _blend_is_whole(path: Path) -> bool:
    """A compressed file has no end to look for."""
    content = path.read_bytes()
    if content.startswith((_ZSTANDARD, _GZIP)):
        return True
    return content.startswith(b"BLENDER") and b"ENDB" in content[-64:]


def _bvh_is_whole(path: Path) -> bool:
    return path.read_bytes().startswith(b"HIERARCHY")


IS_WHOLE: dict[str, Callable[[Path], bool]] = {
    BVH: _bvh_is_whole,
    BLEND: _blend_is_whole,
    FBX: _fbx_is_whole,
    GLB: _glb_is_whole,
    USD: _usd_is_whole,
}
