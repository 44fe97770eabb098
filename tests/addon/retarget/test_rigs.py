"""Real rigs: Rigify's, Blender's own importers', and an export and import as FBX."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.animation import fcurves_of
from kinelift_checkout.addon.retarget.automatic_map import find_map
from kinelift_checkout.addon.retarget.bone_map import BoneMap
from kinelift_checkout.addon.retarget.control_rig import observe_controls, pose_kept
from kinelift_checkout.addon.retarget.evaluation import stage
from kinelift_checkout.addon.retarget.export_operators import export_armature
from kinelift_checkout.addon.retarget.foot_contacts import runs
from kinelift_checkout.addon.retarget.human_bones import REQUIRED
from kinelift_checkout.addon.retarget.plan import RetargetSettings
from kinelift_checkout.addon.retarget.preset_maps import presets
from kinelift_checkout.addon.retarget.rest_rig import read_rest_rig
from kinelift_checkout.addon.retarget.retarget_result import write_results
from kinelift_checkout.addon.retarget.retargeting import finished, retarget
from kinelift_checkout.estimator.errors import InputError
from kinelift_checkout.estimator.motion_bvh import save_bvh
from mathutils import Matrix

from tests.addon.motions import random_motion
from tests.addon.retarget.measuring import (
    FREE,
    degrees_between,
    directions,
    map_of,
    pair_of,
    run,
    shown,
    turn_between,
    untouched,
)
from tests.addon.retarget.other_blender import run_in_other_blender
from tests.addon.retarget.rigs import Build, build_preset
from tests.addon.retarget.sources import take_of, walking_motion

pytestmark = [
    pytest.mark.usefixtures("empty_file"),
    pytest.mark.filterwarnings("error::RuntimeWarning"),
]

PRESETS = {preset.name: preset for preset in presets()}


@pytest.fixture(scope="module")
def rigify_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rigify's human metarig and the rig generated from it, made once."""
    path = tmp_path_factory.mktemp("rigify") / "rigify.blend"
    run_in_other_blender(f"""
        if addon_utils.enable("rigify", default_set=True) is not None:
            bpy.ops.object.armature_human_metarig_add()
            bpy.context.object.name = "metarig"
            bpy.ops.pose.rigify_generate()
            bpy.ops.wm.save_as_mainfile(filepath={str(path)!r})
    """)
    if not path.exists():
        pytest.skip("needs Rigify, which this Blender lacks")
    return path


@pytest.fixture
def rigify(rigify_file: Path) -> Iterator[tuple[bpy.types.Object, bpy.types.Object]]:
    bpy.ops.wm.open_mainfile(filepath=str(rigify_file))
    yield bpy.data.objects["metarig"], bpy.data.objects["rig"]


@pytest.mark.parametrize("rolled", [False, True])
def test_rigifys_metarig(rigify: tuple[bpy.types.Object, bpy.types.Object], rolled: bool) -> None:
    metarig, _ = rigify
    source = take_of(random_motion(frames=12, swing=0.6))
    if rolled:
        metarig.rotation_euler, metarig.scale = (0.3, 0.1, 2.0), (2.0, 2.0, 2.0)
        bpy.context.view_layer.update()
    before = untouched(metarig)
    run(source, metarig)
    assert untouched(metarig) == before
    for frame in (1, 7, 12):
        theirs = shown(source, map_of(source, "SOURCE"), frame)[0]
        ours = shown(metarig, map_of(metarig), frame)[0]
        assert degrees_between(directions(theirs), directions(ours)).max() < 0.1


def test_rigifys_metarig_by_its_shape_alone(rigify: tuple[bpy.types.Object, bpy.types.Object]) -> None:
    """With all the bones of its face, which look like limbs from some sides."""
    metarig, _ = rigify
    generator = random.Random(4)
    own = {}
    for bone in list(metarig.data.bones):
        name = f"b{generator.getrandbits(40):x}"
        own[name], bone.name = bone.name, name
    found = find_map(read_rest_rig(metarig), "TARGET")
    assert "shape" in found.how
    wanted = PRESETS["rigify_metarig"].bones
    for human in (*REQUIRED, "head", "left_hand", "right_hand", "left_toes", "right_toes"):
        assert own[found.bone_map.bones[human]] == wanted[human], human


def test_rigifys_generated_rig_moves_its_mesh_bones(
    rigify: tuple[bpy.types.Object, bpy.types.Object],
) -> None:
    """Keys are on the FK controls and the switches; what counts is where the DEF bones are."""
    _, rig = rigify
    source = take_of(random_motion(frames=12, swing=0.5))
    controls, mechanism = map_of(rig), map_of(rig, "SOURCE")
    deforming = BoneMap({human: f"DEF-{bone}" for human, bone in PRESETS["rigify_metarig"].bones.items()})
    assert controls.bones["left_upper_arm"] == "upper_arm_fk.L"
    assert mechanism.bones["left_upper_arm"] == "ORG-upper_arm.L"
    before = untouched(rig)
    assert run(source, rig) == []
    assert untouched(rig) == before
    paths = {curve.data_path for curve in fcurves_of(rig)}
    assert {
        f'pose.bones["{limb}_parent.{side}"]["IK_FK"]' for limb in ("thigh", "upper_arm") for side in "LR"
    } <= paths
    for frame in (1, 7, 12):
        theirs = shown(source, map_of(source, "SOURCE"), frame)[0]
        ours = shown(rig, deforming, frame)[0]
        assert degrees_between(directions(theirs), directions(ours)).max() < 0.5
    # And back from the rig, whose bones are moved by constraints, to a plain armature.
    copy = build_preset(PRESETS["unreal"], Build(arms=45.0))
    settings = RetargetSettings(plant_feet=False, frames=(1, 12))
    write_results([finished(retarget(bpy.context.scene, rig, mechanism, copy, map_of(copy), settings))])
    theirs = shown(source, map_of(source, "SOURCE"), 7)[0]
    ours = shown(copy, map_of(copy), 7)[0]
    assert degrees_between(directions(theirs), directions(ours)).max() < 1.0


def test_rigifys_bones_turn_as_the_sources_do(rigify: tuple[bpy.types.Object, bpy.types.Object]) -> None:
    """Orientation with twist, of the bones that the mesh's bones follow, against the matched rest."""
    _, rig = rigify
    source = take_of(random_motion(frames=12, swing=0.5, tilt=0.3))
    pair = pair_of(source, rig, "SOURCE")
    source_map, mechanism = pair.maps
    run(source, rig)
    checked = 0
    for frame in (1, 7, 12):
        their_turns, our_turns = (
            shown(ob, m, frame)[1] for ob, m in ((source, source_map), (rig, mechanism))
        )
        for human in mechanism.bones:
            if human not in source_map or human == "root" or human.startswith(("spine", "neck")):
                continue
            assert turn_between(pair.wanted(human, their_turns[human]), our_turns[human]) < 1.0, human
            checked += 1
    assert checked > 50


@pytest.mark.parametrize("limbs", ["FK", "IK"])
def test_rigifys_feet_stay_where_they_stand(
    rigify: tuple[bpy.types.Object, bpy.types.Object], limbs: str
) -> None:
    _, rig = rigify
    motion = walking_motion(20, 70)
    source = take_of(motion)
    run(source, rig, RetargetSettings(limbs=limbs))
    mesh_bones = BoneMap({f"{side}_toes": f"DEF-toe.{side[0].upper()}" for side in ("left", "right")})
    balls = [shown(rig, mesh_bones, frame)[0] for frame in range(1, 71)]
    checked = 0
    for index, side in enumerate(("left", "right")):
        path = np.array([ball[f"{side}_toes"] for ball in balls])
        for start, end in runs(motion.contacts[:, 2 * index + 1] > 0.5):
            if end - start > 6:
                step = path[start + 1 : end - 1]
                assert np.linalg.norm(np.diff(step, axis=0), axis=1).max() < 0.002
                checked += 1
    assert checked > 2


@pytest.mark.parametrize("root_mode", ["HIPS", "ROOT_BONE"])
def test_rigifys_ik_controls_move_its_mesh_bones(
    rigify: tuple[bpy.types.Object, bpy.types.Object], root_mode: str
) -> None:
    """By choice keys are on hands, feet and poles; the limbs are where FK keys put them."""
    _, rig = rigify
    source = take_of(walking_motion(150, 24))
    controls = map_of(rig)
    deforming = BoneMap({human: f"DEF-{bone}" for human, bone in PRESETS["rigify_metarig"].bones.items()})
    run(source, rig, RetargetSettings(root_mode=root_mode))
    frames = (1, 5, 13, 24)
    wanted = [shown(rig, deforming, frame) for frame in frames]
    before = untouched(rig)
    run(source, rig, RetargetSettings(root_mode=root_mode, limbs="IK"))
    assert untouched(rig) == before
    moved = {curve.data_path.split('"')[1] for curve in fcurves_of(rig)}
    assert {"hand_ik.L", "foot_ik.R", "toe_ik.L", "upper_arm_ik_target.R", "thigh_ik_target.L"} <= moved
    assert not moved & {controls.bones[f"left_{part}"] for part in ("upper_arm", "hand", "shin", "foot")}
    values = {
        (curve.data_path, round(curve.evaluate(1)))
        for curve in fcurves_of(rig)
        if "_parent." in curve.data_path
    }
    assert ('pose.bones["thigh_parent.L"]["IK_FK"]', 0) in values
    for frame, (heads, turns) in zip(frames, wanted, strict=True):
        found, found_turns = shown(rig, deforming, frame)
        # Rigify's IK bones may give way by a tenth of their length, so knees are a little less bent.
        assert degrees_between(directions(heads), directions(found)).max() < 3.0
        for human in ("left_hand", "right_hand", "left_foot", "right_foot", "left_toes", "head"):
            assert np.linalg.norm(heads[human] - found[human]) < 2e-3, human
            assert turn_between(turns[human], found_turns[human]) < 0.5, human
    for curve in fcurves_of(rig):
        if "_ik_target" in curve.data_path:  # poles don't flip from side to side
            points = np.array([curve.evaluate(frame) for frame in range(1, 25)])
            assert np.abs(np.diff(points)).max() < 0.25, curve.data_path


def test_rigifys_rig_as_fbx_and_bvh(
    rigify: tuple[bpy.types.Object, bpy.types.Object], tmp_path: Path
) -> None:
    """Controls and mechanisms stay here; the bones that meshes hang on come back, in BVH the person's."""
    _, rig = rigify
    run(take_of(random_motion(frames=8, swing=0.4)), rig)
    with pytest.raises(InputError, match="is moved by controls; retarget onto it with Root Motion"):
        export_armature(bpy.context, rig, "FBX_UNITY", tmp_path / "rig", root_bone=True)
    person = map_of(rig, "SOURCE")
    deforming = {human: f"DEF-{bone.removeprefix('ORG-')}" for human, bone in person.bones.items()}
    mesh_bones = BoneMap({human: bone for human, bone in deforming.items() if bone in rig.data.bones})
    wanted = shown(rig, mesh_bones, 6)[0], shown(rig, person, 6)[0]
    for kind in ("FBX_UNITY", "BVH"):
        export_armature(bpy.context, rig, kind, tmp_path / "rig")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.fbx(filepath=str(tmp_path / "rig.fbx"), anim_offset=0.0)
    back = next(ob for ob in bpy.data.objects if ob.type == "ARMATURE")
    assert len(back.data.bones) < 300
    for human, head in shown(back, mesh_bones, 6)[0].items():
        np.testing.assert_allclose(head, wanted[0][human], atol=1e-3, err_msg=human)
    bpy.ops.import_anim.bvh(filepath=str(tmp_path / "rig.bvh"), frame_start=1)
    for human, head in shown(bpy.context.object, person, 6)[0].items():
        if not human.startswith(("root", "pelvis")):
            np.testing.assert_allclose(head, wanted[1][human], atol=1e-3, err_msg=human)


def test_rigifys_controls_have_a_space_of_their_own(
    rigify: tuple[bpy.types.Object, bpy.types.Object],
) -> None:
    """With the switches set, every FK control hangs rigidly on another, though not on its parent."""
    _, rig = rigify
    rig_map = map_of(rig)
    bones = [
        bone
        for human, bone in rig_map.bones.items()
        if not human.startswith(("left", "right")) or not human[-1].isdigit()
    ]
    before = untouched(rig)
    with (
        stage(rig, bpy.context.scene) as own,
        pose_kept(rig, {b: v for b, v in rig_map.switches.items() if b in rig.pose.bones}),
    ):
        observed = observe_controls(rig, read_rest_rig(rig), bones, own)
    assert untouched(rig) == before
    assert observed.rigid
    above = {c.bone: observed.controls[c.turned_by].bone for c in observed.controls if c.turned_by >= 0}
    assert above["neck"] == "spine_fk.003"
    assert above["thigh_fk.L"] == "spine_fk"
    assert above["upper_arm_fk.R"] == "shoulder.R"


@pytest.mark.parametrize("rotate_mode", ["NATIVE", "QUATERNION"])
def test_an_imported_bvh_is_source_and_target(tmp_path: Path, rotate_mode: str) -> None:
    motion = random_motion(frames=10, swing=0.5)
    save_bvh(tmp_path / "walk.bvh", motion)
    bpy.ops.import_anim.bvh(filepath=str(tmp_path / "walk.bvh"), rotate_mode=rotate_mode, frame_start=1)
    source = bpy.context.object
    target = build_preset(PRESETS["vroid"], Build(arms=60.0, legs=0.8))
    run(source, target)
    for frame in (1, 6, 10):
        theirs = shown(source, map_of(source, "SOURCE"), frame)[0]
        ours = shown(target, map_of(target), frame)[0]
        assert degrees_between(directions(theirs), directions(ours)).max() < 0.1
    take = take_of(random_motion(seed=4, frames=10))
    before = untouched(source)
    run(take, source)
    after = untouched(source)
    assert after["basis"] == before["basis"]
    theirs = shown(take, map_of(take, "SOURCE"), 5)[0]
    assert degrees_between(directions(theirs), directions(shown(source, map_of(source), 5)[0])).max() < 0.1


@pytest.mark.parametrize("kind", ["fbx", "gltf"])
def test_through_export_and_import(tmp_path: Path, kind: str) -> None:
    """Importers turn and scale the object and let bones point elsewhere: 0.01 and 90° about X for FBX."""
    original = build_preset(PRESETS["mixamo"], Build(arms=45.0, y_up=kind == "fbx"))
    path = str(tmp_path / "rig")
    if kind == "fbx":
        # Y up and centimetres, as Mixamo's files are.
        original.data.transform(Matrix.Scale(100.0, 4))
        original.rotation_euler.x = np.pi / 2
        bpy.ops.export_scene.fbx(filepath=path + ".fbx", add_leaf_bones=False)
        bpy.data.objects.remove(original)
        bpy.ops.import_scene.fbx(filepath=path + ".fbx", global_scale=0.01)
    else:
        bpy.ops.wm.save_as_mainfile(filepath=path + ".blend")
        run_in_other_blender(f"""
            bpy.ops.wm.open_mainfile(filepath={path!r} + ".blend")
            mesh = bpy.data.objects.new("Body", bpy.data.meshes.new("Body"))
            mesh.data.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
            bpy.context.scene.collection.objects.link(mesh)
            mesh.vertex_groups.new(name="Hips").add(range(3), 1.0, "REPLACE")
            mesh.parent = bpy.data.objects["mixamo"]
            mesh.modifiers.new("Armature", "ARMATURE").object = mesh.parent
            bpy.ops.export_scene.gltf(filepath={path!r} + ".glb")
            bpy.ops.wm.read_factory_settings(use_empty=True)
            bpy.ops.import_scene.gltf(filepath={path!r} + ".glb")
            bpy.ops.wm.save_as_mainfile(filepath={path!r} + "_back.blend")
        """)
        bpy.ops.wm.open_mainfile(filepath=path + "_back.blend")
    target = next(ob for ob in bpy.data.objects if ob.type == "ARMATURE")
    if kind == "fbx":
        np.testing.assert_allclose(target.scale, 0.01, rtol=1e-4)
        np.testing.assert_allclose(np.degrees(target.rotation_euler), (90.0, 0.0, 0.0), atol=1e-3)
    source = take_of(random_motion(frames=10, swing=0.5))
    before = untouched(target)
    run(source, target)
    assert untouched(target)["bones"] == before["bones"]
    for frame in (1, 10):
        theirs = shown(source, map_of(source, "SOURCE"), frame)[0]
        ours = shown(target, map_of(target), frame)[0]
        assert degrees_between(directions(theirs), directions(ours)).max() < 0.1


def test_a_linked_target_is_refused(tmp_path: Path) -> None:
    rig = build_preset(PRESETS["mixamo"])
    rig.name = "Hero"
    bpy.data.libraries.write(str(tmp_path / "hero.blend"), {rig})
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "hero.blend"), link=True) as (_, wanted):
        wanted.objects = ["Hero"]
    hero = bpy.data.objects["Hero"]
    bpy.context.scene.collection.objects.link(hero)
    bpy.context.view_layer.update()
    source = take_of(random_motion(frames=4))
    with pytest.raises(Exception, match=r"^Hero: is linked from another file; make a library override"):
        finished(retarget(bpy.context.scene, source, map_of(source, "SOURCE"), hero, map_of(hero), FREE))
