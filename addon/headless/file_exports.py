"""One armature to files of other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import bpy

from ...estimator.command_line.stopping import check_stopped
from ...estimator.errors import InputError
from ..retarget.export_operators import export_armature, size_note
from ..text_lines import reason_of
from .file_formats import kind_of
from .quiet import without_errors
from .settings import BatchSettings


def export_all(
    armature: bpy.types.Object,
    source: Path,
    settings: BatchSettings,
    wanted: Mapping[str, Path],
    note: Callable[[str], None],
) -> dict[str, Path]:
    """Writes an armature with its meshes and its motion; returns where each file is.

    Args:
        source: that the motion comes from, for messages.
        wanted: path by ending; the exporters may give another ending.
        note: gets lines for the user.

    Raises:
        InputError: an exporter isn't there or fails.
    """
    made: dict[str, Path] = {}
    for ending, path in wanted.items():
        kind, root_bone = kind_of(ending, settings.fbx_for), settings.root_motion == "ROOT_BONE"
        try:
            with without_errors(settings.quiet):
                made[ending] = export_armature(bpy.context, armature, kind, path, root_bone=root_bone)
        except RuntimeError as error:
            check_stopped()
            raise InputError(f"{source}: {path.name} wasn't written: {reason_of(error)}") from error
        if (line := size_note(path, kind, bpy.context.scene)) is not None:
            note(line)
    return made
