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


def test_an_update_is_undone_too(keypoints: Path) -> None:
    bpy.ops.kinelift.import_keypoints(filepath=str(keypoints))
    bpy.ops.ed.undo_push(message="The user's file")
    bpy.ops.kinelift.estimate_motion("EXEC_DEFAULT", True)
    before, first = file_state(), keys_on_frame_9()
    bpy.context.scene.kinelift.actor_height = 1.2
    bpy.ops.ed.undo_push(message="Height")
    bpy.ops.kinelift.estimate_motion("EXEC_DEFAULT", True)
    second = keys_on_frame_9()
    assert len(second) == 1
    assert second != first
    assert file_state()["objects"] == before["objects"]
    bpy.ops.ed.undo()
    assert keys_on_frame_9() == first
    bpy.ops.ed.redo()
    assert keys_on_frame_9() == second


def test_an_edited_take_is_left_alone(keypoints: Path) -> None:
    bpy.ops.kinelift.import_keypoints(filepath=str(keypoints))
    bpy.ops.kinelift.estimate_motion()
    (action,) = bpy.data.actions
    curves(action)[20].keyframe_points[3].co.y += 0.1
    edited = keys_on_frame_9()
    bpy.ops.kinelift.estimate_motion()
    assert len(bpy.data.actions) == 2
    assert keys_on_frame_9().items() > edited.items()
    bpy.ops.kinelift.estimate_motion()
    assert len(bpy.data.actions) == 2, "the second one is unedited, and so it is the one that is updated"
    assert keys_on_frame_9().items() > edited.items()


def test_a_take_that_was_moved_is_not_overruled_by_a_known_camera(keypoints: Path) -> None:
    scene = bpy.context.scene
    bpy.ops.kinelift.import_keypoints(filepath=str(keypoints))
    bpy.ops.object.camera_add(location=(1.0, -2.0, 1.5), rotation=(1.5, 0.0, 0.4))
    scene.camera = bpy.context.object
    bpy.context.view_layer.update()
    scene.render.resolution_x, scene.render.resolution_y = 1280, 720
    scene.kinelift.camera_source = "SCENE"
    bpy.ops.kinelift.estimate_motion()
    first = scene.objects[scene.kinelift.latest_take]
    bpy.ops.kinelift.estimate_motion()
    assert scene.kinelift.latest_take == first.name
    scene.cursor.location = (4.0, 4.0, 0.0)
    bpy.ops.kinelift.place_at_cursor()
    place = first.matrix_basis.copy()
    bpy.ops.kinelift.estimate_motion()
    assert scene.kinelift.latest_take != first.name
    assert first.matrix_basis == place


def test_a_new_take_every_time_leaves_the_first_alone(keypoints: Path) -> None:
    bpy.ops.kinelift.import_keypoints(filepath=str(keypoints))
    bpy.context.scene.kinelift.update_take = False
    bpy.ops.kinelift.estimate_motion()
    first = {action.name: [tuple(c.evaluate(9) for c in curves(action))] for action in bpy.data.actions}
    bpy.ops.kinelift.estimate_motion()
    assert len(bpy.data.actions) == 2 * len(first)
    for name, values in first.items():
        assert [tuple(c.evaluate(9) for c in curves(bpy.data.actions[name]))] == values


def keys_on_frame_9() -> dict[str, tuple[float, ...]]:
    return {action.name: tuple(c.evaluate(9) for c in curves(action)) for action in bpy.data.actions}


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
