"""Keypoint files dragged from another program into Blender's windows."""

from __future__ import annotations

from pathlib import Path

import bpy
from desktop import Steps, area_of, done, drop, middle, picture, region_of
from file_state import file_state
from report import check, say


def drop_files(folder: Path) -> Steps[None]:
    """Drops what the check laid into ``folder`` onto both editors."""
    view = area_of("VIEW_3D")
    frames = sorted((folder / "example").iterdir())
    yield from _dropped(view, [frames[0]], folder / "example", "one frame's file on the 3D Viewport")
    yield from _dropped(view, frames[3:6], folder / "example", "three frames' files on the 3D Viewport")
    yield from _dropped(view, [folder / "custom.npz"], folder / "custom.npz", "an .npz on the 3D Viewport")

    before = file_state()
    said = yield from drop([folder / "other.json"], middle(region_of(view)))
    check("a .json without keypoints changes nothing", file_state() == before, said)
    picture("7_wrong_file")
    yield 1.0
    yield from done(
        "mousemove", "20", "20", "sleep", "0.2", "mousemove", *middle(region_of(view))
    )  # closes the message
    yield 1.0

    view.type = "CLIP_EDITOR"
    yield 0.5
    area = area_of("CLIP_EDITOR")
    area.spaces.active.clip = bpy.context.scene.kinelift.clip
    yield 0.5
    yield from _dropped(area, [folder / "people.json"], folder / "people.json", "a .json on the Clip Editor")
    picture("8_dropped")
    yield 0.8
    area.type = "VIEW_3D"
    yield 0.5


def _dropped(area: bpy.types.Area, files: list[Path], expected: Path, what: str) -> Steps[None]:
    settings = bpy.context.scene.kinelift
    settings.keypoints_path = ""
    yield 0.2
    said = yield from drop(files, middle(region_of(area)))
    settings = bpy.context.scene.kinelift
    people = [(one.person_id, one.first_frame, one.last_frame) for one in settings.people]
    check(f"{what} brings the keypoints", settings.keypoints_path == str(expected) and bool(people), said)
    say(f"   people: {people}")
