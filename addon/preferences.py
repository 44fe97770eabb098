# mypy: allow-subclassing-any, disable-error-code="valid-type"
"""The extension's preferences: how estimating uses this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import bpy

from . import ROOT_PACKAGE


@dataclass(frozen=True)
class MachineSettings:
    """What the preferences say.

    Attributes:
        device: "auto", "cpu", "cuda" or "mps".
        threads: of PyTorch on the CPU, at least 1.
        cache_folder: for keypoints that were read; None if there is no place for it.
    """

    device: str
    threads: int
    cache_folder: Path | None


class KineliftPreferences(bpy.types.AddonPreferences):
    bl_idname = ROOT_PACKAGE

    device: bpy.props.EnumProperty(
        name="Device",
        description="What the network runs on",
        items=(
            ("auto", "Automatic", "A graphics card if PyTorch can use one, else the processor"),
            ("cpu", "Processor", "The processor; every PyTorch can use it"),
            ("cuda", "CUDA", "An NVIDIA graphics card; needs a PyTorch built for CUDA"),
            ("mps", "Metal", "An Apple graphics processor"),
        ),
        default="auto",
    )
    threads: bpy.props.IntProperty(
        name="Threads",
        description="Processor threads that PyTorch may use; 0 takes half of the processor's cores",
        min=0,
        max=256,
        default=0,
    )
    cache_folder: bpy.props.StringProperty(
        name="Cache Folder",
        description="Where keypoints are kept that were read; empty for a folder of the extension",
        subtype="DIR_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "device")
        layout.prop(self, "threads")
        layout.prop(self, "cache_folder")


def machine_settings(context: bpy.types.Context) -> MachineSettings:
    """What the preferences say, or their defaults where Kinelift runs without being an enabled extension."""
    addon = context.preferences.addons.get(ROOT_PACKAGE)
    if addon is None:
        return MachineSettings("auto", _threads(0), None)
    chosen = addon.preferences
    folder = Path(bpy.path.abspath(chosen.cache_folder)) if chosen.cache_folder else _own_folder()
    return MachineSettings(chosen.device, _threads(chosen.threads), folder)


def _threads(chosen: int) -> int:
    # All cores would be slower: a thread that waits for a busy core holds up the others.
    return chosen or max((os.cpu_count() or 1) // 2, 1)


def _own_folder() -> Path | None:
    try:
        return Path(bpy.utils.extension_path_user(ROOT_PACKAGE, path="keypoints"))
    except ValueError:  # enabled in another way than as an extension
        return None
