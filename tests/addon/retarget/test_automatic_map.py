"""Maps are found by presets, by words in names, and by shape alone."""

from __future__ import annotations

import random
from pathlib import Path

import bpy
import pytest
from kinelift_checkout.addon.retarget.automatic_map import find_map
from kinelift_checkout.addon.retarget.bone_map import BoneMap, check_map, load_map, save_map
from kinelift_checkout.addon.retarget.human_bones import HUMAN_BONES, REQUIRED
from kinelift_checkout.addon.retarget.preset_maps import Preset, presets
from kinelift_checkout.addon.retarget.rest_rig import read_rest_rig
from kinelift_checkout.estimator.errors import InputError

from tests.addon.retarget.rigs import Build, build_preset, build_rig

pytestmark = pytest.mark.usefixtures("empty_file")

PRESETS = {preset.name: preset for preset in presets()}
POSES = (Build(), Build(arms=50.0, bend=8.0, turned=90.0, any_tails=True, seed=3))


def found_in(rig: bpy.types.Object) -> tuple[dict[str, str], str]:
    found = find_map(read_rest_rig(rig), "TARGET")
    check_map(found.bone_map, rig.name, rig.data.bones.keys())
    return dict(found.bone_map.bones), found.how


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("build", POSES, ids=("T", "A"))
def test_each_presets_rig_is_recognised(name: str, build: Build) -> None:
    preset = PRESETS[name]
    found, how = found_in(build_preset(preset, build))
    assert found == preset.bones
    assert how == preset.title


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("prefix", ["mixamorig7:", "Armature|", "hero_", "Bip001 "])
def test_prefixes_and_order_dont_matter(name: str, prefix: str) -> None:
    preset = PRESETS[name]
    names = list(preset.bones.items())
    random.Random(5).shuffle(names)
    rig = build_preset(Preset(name, "", dict(names), {}, preset.controls), Build(), prefix)
    found, _ = found_in(rig)
    assert found == {human: prefix + bone for human, bone in preset.bones.items()}


NAMES = {
    "hips": "pelvis_bone",
    "spine_1": "lower_spine",
    "spine_2": "upper_spine",
    "neck_1": "neckbone",
    "head": "head_bone",
    "shoulder": "clavicle",
    "upper_arm": "UpperArm",
    "forearm": "fore_arm",
    "hand": "Wrist",
    "thigh": "thigh",
    "shin": "lowerLeg",
    "foot": "ankle",
    "toes": "toe",
}
STYLES = ("{part}.{L}", "{L}_{part}", "{part}_{left}", "{Left}{Part}", "rig:{part}-{l}", "{left} {part}")


def styled(style: str) -> dict[str, str]:
    names = {}
    for human, part in NAMES.items():
        if human in ("hips", "head") or human[-1].isdigit():
            names[human] = part
            continue
        for side in ("left", "right"):
            words = {"left": side, "Left": side.title(), "l": side[0], "L": side[0].upper()}
            names[f"{side}_{human}"] = style.format(part=part, Part=part[0].upper() + part[1:], **words)
    return names


@pytest.mark.parametrize("style", STYLES)
def test_words_in_names_in_every_style_of_sides(style: str) -> None:
    names = styled(style)
    found, how = found_in(build_rig(names))
    assert found == names, how
    assert "names" in how


@pytest.mark.parametrize(
    "build",
    [
        Build(),
        Build(arms=45.0, y_up=True, legs=1.2),
        Build(arms=80.0, bend=10.0, turned=180.0, any_tails=True),
    ],
    ids=["T", "A-y-up", "down-turned"],
)
@pytest.mark.parametrize("name", PRESETS)
def test_shape_alone(name: str, build: Build) -> None:
    """Names are random strings; at least hips, legs, spine, arms and head are right."""
    generator = random.Random(11)
    names = {human: f"b{generator.getrandbits(40):x}" for human in PRESETS[name].bones}
    found, how = found_in(build_rig(names, build))
    wanted = (*REQUIRED, "head", "left_hand", "right_hand")
    assert {human: found.get(human) for human in wanted} == {human: names[human] for human in wanted}
    assert "shape" in how


def test_a_rig_that_is_no_person_is_refused_by_the_names_of_what_is_missing() -> None:
    names = {human: f"x{index}" for index, human in enumerate(("hips", "spine_1", "spine_2", "head"))}
    armature = bpy.data.objects.new("Snake", bpy.data.armatures.new("Snake"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for index, bone in enumerate(names.values()):
        edit = armature.data.edit_bones.new(bone)
        edit.head, edit.tail = (0, index, 0), (0, index + 1, 0)
    bpy.ops.object.mode_set(mode="OBJECT")
    found = find_map(read_rest_rig(armature), "TARGET")
    assert found.score < 0.5
    with pytest.raises(InputError, match=r"^Snake: no bone is chosen for .*Left Thigh"):
        check_map(found.bone_map, "Snake", armature.data.bones.keys())


def test_maps_as_json(tmp_path: Path) -> None:
    preset = PRESETS["rigify_generated"]
    bone_map = BoneMap(preset.bones, preset.switches, True, preset.ik)
    assert bone_map.ik is not None
    assert bone_map.ik.bones["left_hand"] == "hand_ik.L"
    save_map(tmp_path / "map.json", bone_map)
    assert load_map(tmp_path / "map.json") == bone_map
    toes = PRESETS["makehuman"]
    assert toes.followers["right_toes"] == ("toe2-1.R", "toe3-1.R", "toe4-1.R", "toe5-1.R")
    save_map(tmp_path / "toes.json", BoneMap(toes.bones, followers=toes.followers))
    assert load_map(tmp_path / "toes.json").followers == toes.followers


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is no JSON"),
        ("[1]", '"kind"'),
        ('{"kind": "kinelift bone map"}', '"bones"'),
        ('{"kind": "kinelift bone map", "bones": {"tail": "x"}}', "'tail' is no human bone"),
        ('{"kind": "kinelift bone map", "bones": {}, "switches": {"a": {"b": "c"}}}', '"switches"'),
        ('{"kind": "kinelift bone map", "bones": {}, "ik": []}', '"ik" must hold'),
        ('{"kind": "kinelift bone map", "bones": {}, "followers": {"head": "x"}}', "a list of bones"),
        ('{"kind": "kinelift bone map", "bones": {}, "followers": {"tail": []}}', "'tail'"),
        ('{"kind": "kinelift bone map", "bones": {}, "ik": {"bones": {"tail": "x"}, "poles": {}}}', "'tail'"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "map.json"
    path.write_text(content)
    with pytest.raises(InputError, match=rf"^{path}: ") as error:
        load_map(path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="can't be read"):
        load_map(tmp_path / "none.json")


def test_a_bone_twice_or_unknown_is_an_error() -> None:
    bones = dict(PRESETS["mixamo"].bones)
    with pytest.raises(InputError, match="has no bone Hips"):
        check_map(BoneMap(bones), "Rig", [])
    doubled = bones | {"left_toes": bones["left_foot"]}
    with pytest.raises(InputError, match="is chosen for Left Foot and for Left Toes"):
        check_map(BoneMap(doubled), "Rig", bones.values())
    assert set(bones) <= set(HUMAN_BONES)
