"""The preview while scrubbing: the target follows, nothing is keyed, and all comes back in every way out."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.animation import array_curves, fcurves_of, write_curves
from kinelift_checkout.addon.retarget import live_preview
from kinelift_checkout.addon.retarget.local_keys import bone_path
from kinelift_checkout.addon.retarget.preset_maps import presets

from tests.addon.motions import random_motion
from tests.addon.retarget.measuring import degrees_between, directions, map_of, shown, untouched
from tests.addon.retarget.rigs import Build, build_preset
from tests.addon.retarget.sources import take_of

pytestmark = pytest.mark.usefixtures("registered")

PRESETS = {preset.name: preset for preset in presets()}


def set_up() -> tuple[bpy.types.Object, bpy.types.Object]:
    """A take, and a target that has an action and, on another bone, a pose of its own."""
    source = take_of(random_motion(frames=12, swing=0.4))
    target = build_preset(PRESETS["mixamo"], Build(arms=45.0))
    head = target.pose.bones["Head"]
    keys = np.tile([0.9, 0.1, 0.2, 0.3], (2, 1))
    curves = array_curves(f"{bone_path('Head')}rotation_quaternion", np.array([1.0, 12.0]), keys, "Head")
    write_curves(target, "Own", curves)
    target.pose.bones["LeftHand"].rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    settings = bpy.context.scene.kinelift_retarget
    settings.source, settings.target, settings.plant_feet = source, target, False
    bpy.context.scene.frame_set(1)
    assert head.rotation_quaternion[3] != 0.0
    return source, target


def test_the_target_follows_the_frames_and_comes_back() -> None:
    source, target = set_up()
    before, action = untouched(target), target.animation_data.action
    actions = len(bpy.data.actions)
    handlers = list(bpy.app.handlers.frame_change_post)
    assert bpy.ops.kinelift.live_preview_retarget() == {"FINISHED"}
    source_map, target_map = map_of(source, "SOURCE"), map_of(target)
    for frame in (3, 11, 6):
        theirs, ours = shown(source, source_map, frame)[0], shown(target, target_map, frame)[0]
        assert degrees_between(directions(theirs), directions(ours)).max() < 0.1
    assert len(bpy.data.actions) == actions
    assert len(fcurves_of(target)) == 0
    assert bpy.ops.kinelift.live_preview_retarget() == {"FINISHED"}
    bpy.context.scene.frame_set(1)
    assert untouched(target) == before
    assert target.animation_data.action == action
    assert len(fcurves_of(target)) == 4
    assert list(bpy.app.handlers.frame_change_post) == handlers


def test_saving_and_retargeting_end_it(tmp_path: Path) -> None:
    _, target = set_up()
    before = untouched(target)
    bpy.ops.kinelift.live_preview_retarget()
    bpy.context.scene.frame_set(7)
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    assert not live_preview.is_on(bpy.context.scene)
    bpy.context.scene.frame_set(1)
    assert untouched(target) == before
    bpy.ops.kinelift.live_preview_retarget()
    bpy.ops.kinelift.retarget()
    assert not live_preview.is_on(bpy.context.scene)
    assert target.animation_data.action.name != "Own"
    assert bpy.data.actions["Own"].use_fake_user
    bpy.ops.kinelift.live_preview_retarget()
    bpy.ops.wm.open_mainfile(filepath=path)
    assert live_preview._show not in bpy.app.handlers.frame_change_post
    assert bpy.data.objects["mixamo"].animation_data.action.name == "Own"


def test_undo_to_before_and_into_it() -> None:
    _, target = set_up()
    name = target.name
    before = untouched(target)
    bpy.ops.ed.undo_push(message="The user's file")
    bpy.ops.kinelift.live_preview_retarget("EXEC_DEFAULT", True)
    bpy.context.scene.frame_set(9)
    bpy.ops.mesh.primitive_cube_add("EXEC_DEFAULT", True)  # a step that holds the preview
    bpy.ops.kinelift.live_preview_retarget("EXEC_DEFAULT", True)
    bpy.ops.ed.undo()
    assert not live_preview.is_on(bpy.context.scene)
    bpy.context.scene.frame_set(1)
    target = bpy.data.objects[name]
    assert untouched(target) == before
    assert target.animation_data.action.name == "Own"
    bpy.ops.ed.undo()
    bpy.ops.ed.undo()
    assert untouched(bpy.data.objects[name]) == before
    assert live_preview._show not in bpy.app.handlers.frame_change_post


def test_a_pose_of_switches_and_a_target_without_action() -> None:
    source = take_of(random_motion(frames=8, swing=0.4))
    target = build_preset(PRESETS["unreal"])
    target["kept"] = 1
    before = untouched(target)
    settings = bpy.context.scene.kinelift_retarget
    settings.source, settings.target, settings.root_mode = source, target, "OBJECT"
    bpy.ops.kinelift.live_preview_retarget()
    bpy.context.scene.frame_set(8)
    assert target.location.length > 0.05
    bpy.ops.kinelift.live_preview_retarget()
    bpy.context.scene.frame_set(1)
    assert untouched(target) == before
