"""Rigs with every bone that published ones have: they are recognised, and limbs move as the source's."""

from __future__ import annotations

import random
from collections.abc import Callable

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.animation import fcurves_of
from kinelift_checkout.addon.retarget.automatic_map import find_map
from kinelift_checkout.addon.retarget.bone_map import check_map
from kinelift_checkout.addon.retarget.human_bones import REQUIRED
from kinelift_checkout.addon.retarget.rest_rig import read_rest_rig
from numpy.typing import NDArray

from tests.addon.motions import random_motion
from tests.addon.retarget.measuring import (
    degrees_between,
    directions,
    pair_of,
    run,
    shown,
    turn_between,
    untouched,
)
from tests.addon.retarget.published_rigs import PUBLISHED, build_published, followers_of, human_bones_of
from tests.addon.retarget.rigs import Build, put_askew
from tests.addon.retarget.sources import take_of

Array = NDArray[np.float64]
pytestmark = pytest.mark.usefixtures("empty_file")

A_POSE = Build(arms=45.0, legs=1.1, seed=2)
TITLES = {
    "auto_rig_pro_export": "Auto-Rig Pro, exported",
    "biped": "3ds Max Biped",
    "character_creator": "Character Creator 3, 4, ActorCore",
    "daz_genesis_8": "Daz Genesis 3, 8, 8.1",
    "daz_genesis_9": "Daz Genesis 9",
    "makehuman_default": "MakeHuman and MPFB default",
    "mixamo": "Mixamo",
    "mpfb_cmu": "CMU (BVH), MPFB CMU",
    "mpfb_game_engine": "Unreal mannequin (UE4, UE5), MPFB game engine",
    "rokoko": "Rokoko Newton",
    "smpl": "SMPL",
    "smplx": "SMPL-X, SMPL-H",
    "unity": "Unity humanoid, VRM 0 names",
    "unreal_ue4": "Unreal mannequin (UE4, UE5), MPFB game engine",
    "unreal_ue5": "Unreal mannequin (UE4, UE5), MPFB game engine",
    "vrm_1": "VRM 1.0 names",
    "vroid": "VRoid",
    "xsens_bvh": "Xsens MVN (BVH)",
}


@pytest.mark.parametrize("rig", PUBLISHED)
@pytest.mark.parametrize("prefix", ["", "hero_", "Armature|", "scene:rig:"])
def test_it_is_recognised_whatever_stands_before_its_names_and_in_any_order(rig: str, prefix: str) -> None:
    target = build_published(rig, A_POSE, lambda name: prefix + name, shuffled=len(prefix))
    found = find_map(read_rest_rig(target), "TARGET")
    assert found.how == TITLES[rig]
    assert dict(found.bone_map.bones) == {human: prefix + bone for human, bone in human_bones_of(rig).items()}


@pytest.mark.parametrize("rig", PUBLISHED)
@pytest.mark.parametrize(
    "spelt",
    [
        lambda name: name.replace(" ", "_").replace(".", "_"),  # what FBX and glTF make of them
        lambda name: f"{name}_{sum(name.encode()) % 90:02}",  # Sketchfab's
        str.upper,
    ],
    ids=["signs", "numbered", "upper case"],
)
def test_it_is_recognised_as_other_programs_spell_it(rig: str, spelt: Callable[[str], str]) -> None:
    found = find_map(read_rest_rig(build_published(rig, A_POSE, spelt)), "TARGET")
    assert found.how == TITLES[rig]
    assert dict(found.bone_map.bones) == {human: spelt(bone) for human, bone in human_bones_of(rig).items()}


@pytest.mark.parametrize("rig", PUBLISHED)
@pytest.mark.parametrize(
    "build",
    [
        Build(),
        Build(arms=45.0, y_up=True, legs=1.2),
        Build(arms=80.0, bend=10.0, turned=180.0, any_tails=True),
    ],
    ids=["T", "A-y-up", "down-turned"],
)
def test_its_shape_is_enough(rig: str, build: Build) -> None:
    """Names are random strings, siblings in any order: hips, spine, head, arms and legs are right."""
    generator = random.Random(11)
    names: dict[str, str] = {}
    target = build_published(
        rig, build, lambda name: names.setdefault(name, f"b{generator.getrandbits(40):x}"), shuffled=5
    )
    found = find_map(read_rest_rig(target), "TARGET")
    check_map(found.bone_map, rig, target.data.bones.keys())
    assert "shape" in found.how
    own = {name: bone for bone, name in names.items()}
    wanted = human_bones_of(rig)
    checked = (*REQUIRED, "head", "left_hand", "right_hand")
    assert {human: own.get(found.bone_map.bones.get(human, "")) for human in checked} == {
        human: wanted[human] for human in checked
    }


@pytest.mark.parametrize("rig", PUBLISHED)
def test_limbs_point_as_the_sources_do_and_twist_with_it(rig: str) -> None:
    """Over twist bones in the chains and metacarpals; what carries nothing gets no keys."""
    source = take_of(random_motion(frames=12, swing=0.6, tilt=0.3))
    target = build_published(rig, Build(arms=50.0, legs=0.9, turned=30.0, any_tails=True, seed=7), shuffled=3)
    put_askew(target, 0.02)
    pair = pair_of(source, target)
    source_map, target_map = pair.maps
    their_chest = max(human for human in source_map.bones if human.startswith("spine"))
    before = untouched(target)
    assert run(source, target) == []
    assert untouched(target) == before
    keyed = {curve.data_path.split('"')[1] for curve in fcurves_of(target)}
    following = followers_of(rig)
    assert keyed <= {*human_bones_of(rig).values(), *following}
    assert set(following) <= keyed
    for frame in (1, 6, 12):
        theirs, their_turns = shown(source, source_map, frame)
        ours, our_turns = shown(target, target_map, frame)
        assert degrees_between(directions(theirs), directions(ours)).max() < 0.1
        last = max(human for human in target_map.bones if human.startswith("spine"))
        same = {human: human for human in target_map.bones if human in source_map and human != "root"}
        same = {human: other for human, other in same.items() if not human.startswith(("spine", "neck"))}
        # Chains of other numbers of bones share the turns differently, but the chest is the chest.
        for human, other in (same | {last: their_chest}).items():
            assert turn_between(pair.wanted(human, their_turns[other], other), our_turns[human]) < 0.1, human
        leading = {target_map.bones[human] for human in following.values()}
        turns = bone_turns(target, frame, leading | set(following))
        for bone, human in following.items():
            assert turn_between(turns[bone], turns[target_map.bones[human]]) < 0.1, bone


def bone_turns(rig: bpy.types.Object, frame: int, bones: set[str]) -> dict[str, Array]:
    """(3, 3) by bone: in the armature's space, from rest."""
    bpy.context.scene.frame_set(frame)
    posed = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    return {
        bone: np.array(posed[bone].matrix)[:3, :3] @ np.array(rig.data.bones[bone].matrix_local)[:3, :3].T
        for bone in bones
    }
