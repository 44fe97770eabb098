"""What the user clicks: one step to undo, nothing half-written, clear lines where something is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.animation import array_curves, fcurves_of, write_curves
from kinelift_checkout.addon.retarget.automatic_map import find_map
from kinelift_checkout.addon.retarget.local_keys import bone_path
from kinelift_checkout.addon.retarget.operators import whats_missing
from kinelift_checkout.addon.retarget.preset_maps import presets
from kinelift_checkout.addon.retarget.properties import (
    offer_source,
    show_map,
    shown_map,
)
from kinelift_checkout.addon.retarget.rest_rig import read_rest_rig
from mathutils import Matrix

from tests.addon.file_state import file_state
from tests.addon.motions import random_motion
from tests.addon.retarget.measuring import degrees_between, directions, map_of, shown, untouched
from tests.addon.retarget.rigs import Build, build_preset
from tests.addon.retarget.sources import take_of

pytestmark = pytest.mark.usefixtures("registered")

PRESETS = {preset.name: preset for preset in presets()}


def set_up(name: str = "mixamo", frames: int = 10) -> tuple[bpy.types.Object, bpy.types.Object]:
    source = take_of(random_motion(frames=frames, swing=0.4))
    target = build_preset(PRESETS[name], Build(arms=45.0))
    settings = bpy.context.scene.kinelift_retarget
    settings.source, settings.target = source, target
    return source, target


def test_choosing_armatures_finds_their_bones() -> None:
    source, target = set_up()
    settings = bpy.context.scene.kinelift_retarget
    assert settings.source_map.found.startswith("Kinelift")
    assert settings.target_map.found == "Mixamo (100%)"
    assert shown_map(settings.target_map) == find_map(read_rest_rig(target), "TARGET").bone_map
    assert whats_missing(bpy.context) is None
    line = next(line for line in settings.target_map.bones if line.human == "left_thigh")
    assert line.name == "Left Thigh"
    line.bone = ""
    assert "no bone is chosen for Left Thigh" in (whats_missing(bpy.context) or "")
    with pytest.raises(RuntimeError, match="no bone is chosen for Left Thigh"):
        bpy.ops.kinelift.retarget()
    bpy.ops.kinelift.find_bone_map(role="TARGET")
    assert whats_missing(bpy.context) is None
    settings.source = None
    assert "Choose a source" in (whats_missing(bpy.context) or "")
    assert not bpy.ops.kinelift.retarget.poll()
    assert source.name


@pytest.mark.parametrize("mode", ["OBJECT", "POSE"])
def test_retarget_is_one_step_to_undo(mode: str) -> None:
    source, target = set_up()
    bpy.context.view_layer.objects.active = target
    bpy.ops.object.mode_set(mode=mode)
    bpy.context.scene.kinelift_retarget.plant_feet = False
    bpy.ops.ed.undo_push(message="The user's file")
    before, bones = file_state(), untouched(target)["bones"]
    names = source.name, target.name
    assert bpy.ops.kinelift.retarget("EXEC_DEFAULT", True) == {"FINISHED"}
    after = file_state()
    assert len(after["actions"]) == len(before["actions"]) + 1
    assert {kind for kind in after if after[kind] != before[kind]} <= {"actions"}
    source, target = (bpy.data.objects[name] for name in names)
    assert untouched(target)["bones"] == bones
    theirs = shown(source, map_of(source, "SOURCE"), 5)[0]
    assert degrees_between(directions(theirs), directions(shown(target, map_of(target), 5)[0])).max() < 0.1
    bpy.context.scene.frame_set(1)
    bpy.ops.ed.undo()
    assert file_state() == before


def test_onto_all_selected_at_once_or_not_at_all() -> None:
    source, target = set_up()
    second = build_preset(PRESETS["vroid"], Build(legs=0.8))
    for ob in bpy.context.view_layer.objects:
        ob.select_set(ob in (target, second, source))
    count = len(bpy.data.actions)
    assert bpy.ops.kinelift.retarget(all_selected=True) == {"FINISHED"}
    assert len(bpy.data.actions) == count + 2
    assert all(ob.animation_data.action is not None for ob in (target, second))
    second.scale.x = -1.0
    actions = [ob.animation_data.action for ob in (target, second)]
    with pytest.raises(RuntimeError, match="negative"):
        bpy.ops.kinelift.retarget(all_selected=True)
    assert [ob.animation_data.action for ob in (target, second)] == actions
    assert len(bpy.data.actions) == count + 2
    second.scale.x = 1.0
    bpy.data.armatures[second.data.name].bones[0].name = "changed"
    snake = bpy.data.objects.new("Snake", bpy.data.armatures.new("Snake"))
    bpy.context.scene.collection.objects.link(snake)
    snake.select_set(True)
    with pytest.raises(RuntimeError, match=r"Snake: the armature has no bones"):
        bpy.ops.kinelift.retarget(all_selected=True)


def test_an_earlier_action_is_kept() -> None:
    _, target = set_up()
    bpy.ops.kinelift.retarget()
    first = target.animation_data.action
    values = [curve.evaluate(5) for curve in fcurves_of(target)]
    bpy.ops.kinelift.retarget()
    assert target.animation_data.action != first
    assert first.use_fake_user
    assert first.name in bpy.data.actions
    np.testing.assert_allclose([curve.evaluate(5) for curve in fcurves_of(target)], values, atol=1e-5)


def test_preview_poses_one_frame_without_keys() -> None:
    source, target = set_up("unreal")
    bpy.context.scene.frame_set(6)
    count = len(bpy.data.actions)
    assert bpy.ops.kinelift.preview_retarget() == {"FINISHED"}
    assert len(bpy.data.actions) == count
    assert target.animation_data is None or target.animation_data.action is None
    theirs = shown(source, map_of(source, "SOURCE"), 6)[0]
    assert degrees_between(directions(theirs), directions(shown(target, map_of(target), 6)[0])).max() < 0.1


def test_maps_are_saved_and_loaded(tmp_path: Path) -> None:
    _, _ = set_up()
    settings = bpy.context.scene.kinelift_retarget
    path = tmp_path / "hero.json"
    assert bpy.ops.kinelift.save_bone_map(role="TARGET", filepath=str(path)) == {"FINISHED"}
    saved = shown_map(settings.target_map)
    next(line for line in settings.target_map.bones if line.human == "head").bone = "LeftHand"
    assert bpy.ops.kinelift.load_bone_map(role="TARGET", filepath=str(path)) == {"FINISHED"}
    assert shown_map(settings.target_map) == saved
    content = json.loads(path.read_text())
    content["bones"]["head"] = "Skull"
    path.write_text(json.dumps(content))
    bpy.ops.kinelift.load_bone_map(role="TARGET", filepath=str(path))
    assert "has no bone Skull" in (whats_missing(bpy.context) or "")
    path.write_text("{}")
    with pytest.raises(RuntimeError, match="kinelift bone map"):
        bpy.ops.kinelift.load_bone_map(role="TARGET", filepath=str(path))


def test_settings_survive_save_and_reload(tmp_path: Path) -> None:
    _, target = set_up()
    settings = bpy.context.scene.kinelift_retarget
    settings.start, settings.root_mode, settings.locked = "CURSOR", "IN_PLACE", (True, False, True)
    bone_map, name = shown_map(settings.target_map), target.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "file.blend"))
    settings = bpy.context.scene.kinelift_retarget
    assert (settings.start, settings.root_mode, tuple(settings.locked)) == (
        "CURSOR",
        "IN_PLACE",
        (True, False, True),
    )
    assert settings.target.name == name
    assert shown_map(settings.target_map) == bone_map


def test_a_new_take_becomes_the_source_unless_another_rig_was_chosen() -> None:
    first, second = (take_of(random_motion(seed=seed, frames=3)) for seed in (1, 2))
    scene, settings = bpy.context.scene, bpy.context.scene.kinelift_retarget
    offer_source(scene, first)
    assert settings.source == first
    assert settings.source_map.found.startswith("Kinelift")
    offer_source(scene, second)
    assert settings.source == second
    foreign = build_preset(PRESETS["cmu"])
    settings.source = foreign
    offer_source(scene, first)
    assert settings.source == foreign


def test_ik_is_offered_where_the_rig_has_it_and_plain_rigs_beside_it_get_fk() -> None:
    set_up()
    settings = bpy.context.scene.kinelift_retarget
    assert settings.target_map.ik == ""
    settings.limbs = "IK"
    assert bpy.ops.kinelift.retarget() == {"FINISHED"}
    rig_map = find_map(read_rest_rig(settings.target), "TARGET").bone_map
    ik = PRESETS["rigify_generated"].ik
    show_map(settings.target_map, replace(rig_map, ik=ik), "with IK")
    assert shown_map(settings.target_map).ik == ik
    with pytest.raises(RuntimeError, match=r"has no bone hand_ik\.L for IK; choose FK Controls"):
        bpy.ops.kinelift.retarget()


def without_action(source: bpy.types.Object, target: bpy.types.Object) -> None:
    source.animation_data_clear()


def no_hips(source: bpy.types.Object, target: bpy.types.Object) -> None:
    line = next(one for one in bpy.context.scene.kinelift_retarget.target_map.bones if one.human == "hips")
    line.bone = ""


def no_bones(source: bpy.types.Object, target: bpy.types.Object) -> None:
    target.data = bpy.data.armatures.new("Empty")


def no_length(source: bpy.types.Object, target: bpy.types.Object) -> None:
    target.data.transform(Matrix.Scale(0.0, 4))


def negative(source: bpy.types.Object, target: bpy.types.Object) -> None:
    target.scale.y = -1.0


def no_pose(source: bpy.types.Object, target: bpy.types.Object) -> None:
    target.data.pose_position = "REST"


def same(source: bpy.types.Object, target: bpy.types.Object) -> None:
    bpy.context.scene.kinelift_retarget.target = source


def not_a_number(source: bpy.types.Object, target: bpy.types.Object) -> None:
    turns = np.full((2, 4), np.nan)
    curves = array_curves(f"{bone_path('Hips')}rotation_quaternion", np.array([1.0, 9.0]), np.zeros((2, 4)))
    write_curves(source, "Broken", curves)
    for curve, values in zip(fcurves_of(source), turns.T, strict=True):
        for key, value in zip(curve.keyframe_points, values, strict=True):
            key.co.y = value


def linked(source: bpy.types.Object, target: bpy.types.Object) -> None:
    path = Path(bpy.app.tempdir) / "hero.blend"
    target.name = "Hero"
    bpy.data.libraries.write(str(path), {target})
    bpy.data.objects.remove(target)
    with bpy.data.libraries.load(str(path), link=True) as (_, wanted):
        wanted.objects = ["Hero"]
    hero = next(ob for ob in bpy.data.objects if ob.library is not None)
    bpy.context.scene.collection.objects.link(hero)
    bpy.context.scene.kinelift_retarget.target = hero


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without_action, "Walk Person 1: has no action that moves its bones; give the source an action"),
        (no_hips, "mixamo: no bone is chosen for Hips; choose them in the bone map"),
        (
            no_bones,
            "mixamo: (the armature has no bones; choose another one|has no bone Hips, the map's Hips)",
        ),
        (no_length, r"mixamo: bone \w+ has no length; give it one in Edit Mode"),
        (negative, r"mixamo: the object's scale is negative; apply the scale \(Ctrl A\) first"),
        (no_pose, "mixamo: is shown in Rest Position; set Pose Position"),
        (same, "Walk Person 1: is source and target; choose two armatures"),
        (not_a_number, "Walk Person 1: its action gives poses that are no numbers; check its curves"),
        (linked, "Hero: is linked from another file; make a library override of it first"),
    ],
)
def test_what_cant_be_done_is_said_in_one_line_and_nothing_changes(
    spoil: Callable[[bpy.types.Object, bpy.types.Object], None], said: str
) -> None:
    source, target = set_up()
    spoil(source, target)
    bpy.context.view_layer.update()
    settings = bpy.context.scene.kinelift_retarget
    before = file_state()
    posed = [repr(untouched(ob)["pose"]) for ob in (settings.source, settings.target)]
    kinelift = bpy.ops.kinelift
    for operator in (kinelift.retarget, kinelift.live_preview_retarget, kinelift.preview_retarget):
        with pytest.raises(RuntimeError, match=said) as error:
            operator()
        assert len(str(error.value).strip().splitlines()) == 1
        assert file_state() == before
        assert [repr(untouched(ob)["pose"]) for ob in (settings.source, settings.target)] == posed
