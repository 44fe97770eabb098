"""Data linked from another file is read, and never silently written to."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.animation import fcurves_of
from kinelift_checkout.addon.retarget.preset_maps import presets
from kinelift_checkout.addon.take_record import TakeIdentity, is_take, takes_of

from tests.addon.file_state import file_state
from tests.addon.motions import random_motion
from tests.addon.retarget.measuring import degrees_between, directions, map_of, shown
from tests.addon.retarget.rigs import Build, build_preset
from tests.addon.retarget.sources import take_of

pytestmark = pytest.mark.usefixtures("registered")

MIXAMO = next(preset for preset in presets() if preset.name == "mixamo")


@pytest.fixture
def linked(registered: None, tmp_path: Path) -> tuple[bpy.types.Object, bpy.types.Object]:
    """A take and a character from a library, in a file that has nothing else."""
    library = str(tmp_path / "library.blend")
    take_of(random_motion(frames=8, swing=0.4)).name = "Linked Take"
    build_preset(MIXAMO, Build(arms=45.0)).name = "Linked Character"
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.collections = ["Kinelift"]
        wanted.objects = ["Linked Character"]
    scene = bpy.context.scene.collection
    scene.children.link(bpy.data.collections["Kinelift"])
    take, character = (bpy.data.objects[name] for name in ("Linked Take", "Linked Character"))
    scene.objects.link(character)
    assert take.library is not None and character.library is not None
    return take, character


@pytest.mark.parametrize("operator", ["retarget", "preview_retarget"])
def test_a_linked_character_is_not_written_to(operator: str, linked: tuple[bpy.types.Object, ...]) -> None:
    settings = bpy.context.scene.kinelift_retarget
    settings.source, settings.target = linked
    before = file_state()
    message = "Linked Character: is linked from another file; make a library override of it first"
    with pytest.raises(RuntimeError, match=message):
        getattr(bpy.ops.kinelift, operator)()
    assert file_state() == before


def test_a_linked_take_can_be_retargeted(linked: tuple[bpy.types.Object, ...]) -> None:
    own = build_preset(MIXAMO, Build(arms=30.0))
    settings = bpy.context.scene.kinelift_retarget
    settings.source, settings.target = linked[0], own
    settings.plant_feet = False
    assert bpy.ops.kinelift.retarget() == {"FINISHED"}
    assert own.animation_data.action.library is None
    theirs = shown(linked[0], map_of(linked[0], "SOURCE"), 5)[0]
    assert degrees_between(directions(theirs), directions(shown(own, map_of(own), 5)[0])).max() < 0.1


def test_a_new_take_keeps_out_of_a_linked_collection(linked: tuple[bpy.types.Object, ...]) -> None:
    library = linked[0].library
    before = sorted(one.name for one in bpy.data.collections["Kinelift", library.filepath].all_objects)
    new = take_of(random_motion(frames=8))
    assert [collection.library for collection in new.users_collection] == [None]
    after = sorted(one.name for one in bpy.data.collections["Kinelift", library.filepath].all_objects)
    assert after == before
    assert np.ptp([key.co.x for key in fcurves_of(new)[0].keyframe_points]) == 7


def test_an_overridden_take_is_left_alone(linked: tuple[bpy.types.Object, ...]) -> None:
    scene = bpy.context.scene
    collection = linked[0].users_collection[0]
    collection.override_hierarchy_create(scene, bpy.context.view_layer)
    (empty,) = (one for one in scene.objects if is_take(one) and one.override_library is not None)
    identity = TakeIdentity("/clips/walk.mp4", "/clips/walk.json", (1,), None, 0)
    empty["kinelift_identity"] = identity.text()
    assert takes_of(scene, identity) == []
    new = take_of(random_motion(frames=8))
    assert [(one.library, one.override_library) for one in new.users_collection] == [(None, None)]
