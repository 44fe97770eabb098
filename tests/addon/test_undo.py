"""Undo gives back the file as it was, whatever mode the user was in; redo and everything else too."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest

from tests.addon.file_state import enter, file_state
from tests.addon.recordings import example_points, write_coco

pytestmark = pytest.mark.usefixtures("registered")
pytest.importorskip("torch", reason="estimating needs torch")


@pytest.fixture
def keypoints(tmp_path: Path) -> Path:
    return write_coco(tmp_path / "keypoints.json", [example_points(20)])


@pytest.mark.parametrize("mode", ["OBJECT", "POSE", "EDIT", "SCULPT"])
def test_estimate_from_any_mode_and_back(keypoints: Path, mode: str) -> None:
    bpy.ops.kinelift.import_keypoints(filepath=str(keypoints))
    enter(mode)
    before = file_state()
    assert bpy.ops.kinelift.estimate_motion("EXEC_DEFAULT", True) == {"FINISHED"}
    after = file_state()
    assert after["user"] | {"modes": None} == before["user"] | {"modes": None}
    assert len(after["armatures"]) == len(before["armatures"]) + 1
    bpy.ops.ed.undo()
    assert file_state() == before
    bpy.ops.ed.redo()
    assert {kind: after[kind] for kind in ("objects", "actions", "armatures", "cameras", "collections")} == {
        kind: file_state()[kind] for kind in ("objects", "actions", "armatures", "cameras", "collections")
    }
    bpy.ops.ed.undo()
    assert file_state() == before


def test_with_the_active_collection_excluded(keypoints: Path) -> None:
    bpy.ops.kinelift.import_keypoints(filepath=str(keypoints))
    hidden = bpy.data.collections.new("Hidden")
    bpy.context.scene.collection.children.link(hidden)
    layer = bpy.context.view_layer.layer_collection.children["Hidden"]
    bpy.context.view_layer.active_layer_collection = layer
    layer.exclude = True
    bpy.ops.ed.undo_push(message="The user's file")
    before = file_state()
    assert bpy.ops.kinelift.estimate_motion("EXEC_DEFAULT", True) == {"FINISHED"}
    assert not hidden.objects
    bpy.ops.ed.undo()
    assert file_state() == before


def test_the_imports_settings_are_undone(keypoints: Path) -> None:
    enter("OBJECT")
    before = file_state()
    bpy.ops.kinelift.import_keypoints("EXEC_DEFAULT", True, filepath=str(keypoints))
    assert file_state() != before
    bpy.ops.ed.undo()
    assert file_state() == before


def test_a_second_take_leaves_the_first_alone(keypoints: Path) -> None:
    bpy.ops.kinelift.import_keypoints(filepath=str(keypoints))
    bpy.ops.kinelift.estimate_motion()
    first = {action.name: [tuple(c.evaluate(9) for c in curves(action))] for action in bpy.data.actions}
    bpy.ops.kinelift.estimate_motion()
    assert len(bpy.data.actions) == 2 * len(first)
    for name, values in first.items():
        assert [tuple(c.evaluate(9) for c in curves(bpy.data.actions[name]))] == values


def curves(action: bpy.types.Action) -> list[bpy.types.FCurve]:
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    return [
        c
        for layer in action.layers
        for strip in layer.strips
        for bag in strip.channelbags
        for c in bag.fcurves
    ]
