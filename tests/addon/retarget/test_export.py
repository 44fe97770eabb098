"""What is exported comes back: joints where they were, frames, axes and metres, a root bone with the path."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.animation import fcurves_of
from kinelift_checkout.addon.retarget.anatomy import read_body
from kinelift_checkout.addon.retarget.export_operators import FORMATS, export_armature, formats_here
from kinelift_checkout.addon.retarget.plan import RetargetSettings
from kinelift_checkout.addon.retarget.preset_maps import presets
from kinelift_checkout.addon.retarget.rest_rig import read_rest_rig
from kinelift_checkout.estimator.errors import InputError
from mathutils import Matrix
from numpy.typing import NDArray

from tests.addon.file_state import file_state
from tests.addon.motions import random_motion
from tests.addon.retarget.measuring import FREE, map_of, run, shown
from tests.addon.retarget.other_blender import run_in_other_blender
from tests.addon.retarget.rigs import Build, build_preset
from tests.addon.retarget.sources import take_of

Array = NDArray[np.float64]
pytestmark = pytest.mark.usefixtures("registered")

PRESETS = {preset.name: preset for preset in presets()}
FRAMES = 10
JOINTS = ("hips", "head", "left_hand", "right_hand", "left_foot", "right_foot")


def character(name: str, settings: RetargetSettings = FREE) -> bpy.types.Object:
    """A small turned rig in centimetres with a mesh and a motion, whose frames the scene's range cuts."""
    target = build_preset(PRESETS[name], Build(arms=45.0, legs=0.9))
    target.data.transform(Matrix.Scale(100.0, 4))
    target.scale = (0.01, 0.01, 0.01)
    target.location, target.rotation_euler = (0.4, 0.2, 0.0), (0.0, 0.0, 0.5)
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    cube.name = "Body"
    cube.modifiers.new("Armature", "ARMATURE").object = target
    cube.vertex_groups.new(name=map_of(target).bones["hips"]).add(range(8), 1.0, "REPLACE")
    cube.parent = target
    bpy.context.view_layer.update()
    source = take_of(random_motion(frames=FRAMES, turn=4.0))
    run(source, target, settings)
    bpy.data.objects.remove(source)
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 3, 6
    bpy.context.view_layer.objects.active = target
    return target


def path_of(armature: bpy.types.Object, role: str = "TARGET", first: int = 1) -> Array:
    """(N, J, 3) of the joints over all frames."""
    bone_map = map_of(armature, role)
    frames = [shown(armature, bone_map, first + row)[0] for row in range(FRAMES)]
    return np.array([[heads[human] for human in JOINTS] for heads in frames])


def imported(path: Path) -> bpy.types.Object:
    """The armature of a file in a fresh scene, by Blender's own importer with its own settings."""
    if path.suffix == ".glb":
        run_in_other_blender(f"""
            bpy.ops.import_scene.gltf(filepath={str(path)!r})
            bpy.ops.wm.save_as_mainfile(filepath={str(path.with_suffix(".blend"))!r})
        """)
        bpy.ops.wm.open_mainfile(filepath=str(path.with_suffix(".blend")))
    else:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        if path.suffix == ".fbx":
            bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=0.0)
        elif path.suffix == ".bvh":
            bpy.ops.import_anim.bvh(filepath=str(path), frame_start=1)
        else:
            bpy.ops.wm.usd_import(filepath=str(path))
    return next(ob for ob in bpy.data.objects if ob.type == "ARMATURE")


def first_frame(armature: bpy.types.Object) -> int:
    return round(armature.animation_data.action.frame_range[0])


@pytest.mark.parametrize("name", ["mixamo", "unreal", "biped"])
@pytest.mark.parametrize("kind", ["FBX_UNREAL", "FBX_UNITY", "BVH", "USD"])
def test_what_comes_back_is_what_was_shown(kind: str, name: str, tmp_path: Path) -> None:
    target = character(name)
    wanted = path_of(target)
    bpy.context.scene.frame_set(4)
    before = file_state()
    assert bpy.ops.kinelift.export_motion(kind=kind, filepath=str(tmp_path / "hero")) == {"FINISHED"}
    assert file_state() == before
    (written,) = tmp_path.glob("hero.*")
    back = imported(written)
    found = path_of(back, "SOURCE", first_frame(back) if kind != "USD" else 1)
    np.testing.assert_allclose(found, wanted, atol=2e-3)
    names = {bone.name for bone in back.data.bones}
    own = {bone.replace(" ", "_") if kind == "BVH" else bone for bone in PRESETS[name].bones.values()}
    added = {"Root"} if kind.startswith("FBX") and name != "unreal" else set()
    if kind != "USD":  # which writes other signs for what isn't allowed in its names
        assert names == own | added, "no leaf bones"


@pytest.mark.parametrize("name", ["mixamo", "unreal"])
def test_fbx_has_a_root_bone_with_path_and_heading(name: str, tmp_path: Path) -> None:
    target = character(name)
    body = read_body(read_rest_rig(target), map_of(target))
    centre = path_of(target)[:, 0]
    path = export_armature(bpy.context, target, "FBX_UNREAL", tmp_path / "hero", root_bone=True)
    back = imported(path)
    assert back.name == "Armature"
    assert back.animation_data.action is not None
    root = "root" if name == "unreal" else "Root"
    assert [bone.name for bone in back.data.bones if bone.parent is None] == [root]
    start, turns, places = first_frame(back), [], []
    for row in range(FRAMES):
        bpy.context.scene.frame_set(start + row)
        evaluated = back.evaluated_get(bpy.context.evaluated_depsgraph_get())
        matrix = evaluated.matrix_world @ evaluated.pose.bones[root].matrix
        turns.append(np.array(matrix.to_3x3().normalized()))
        places.append(np.array(matrix.translation))
    np.testing.assert_allclose(np.array(places)[:, 2], body.sole, atol=1e-3)
    moved = np.array(turns) @ turns[0].T
    np.testing.assert_allclose(moved[:, 2, 2], 1.0, atol=1e-5)  # about the vertical alone
    angle = np.unwrap(np.arctan2(moved[:, 1, 0], moved[:, 0, 0]))
    assert np.abs(angle[-1]) > np.radians(20.0)
    away = np.linalg.norm((np.array(places) - centre)[:, :2], axis=1)
    assert np.ptp(away) < 0.02


def test_fbx_without_a_root_bone_and_with_one_that_moves(tmp_path: Path) -> None:
    target = character("mixamo")
    export_armature(bpy.context, target, "FBX_UNITY", tmp_path / "plain")
    assert not any(bone.name == "Root" for bone in imported(tmp_path / "plain.fbx").data.bones)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    target = character("unreal", RetargetSettings(plant_feet=False, root_mode="ROOT_BONE"))
    wanted = path_of(target)
    export_armature(bpy.context, target, "FBX_UNREAL", tmp_path / "moving", root_bone=True)
    back = imported(tmp_path / "moving.fbx")
    np.testing.assert_allclose(path_of(back, "SOURCE", first_frame(back)), wanted, atol=2e-3)


def test_gltf_comes_back(tmp_path: Path) -> None:
    target = character("mixamo")
    # Other actions of bones with the same names stay out of it: earlier ones, and those of other people.
    other = target.animation_data.action.copy()
    other.name, other.use_fake_user = "A", True
    for curve in fcurves_of(target):
        for key in curve.keyframe_points:
            key.co.y *= 0.5
        curve.update()
    wanted = path_of(target)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "hero.blend"))
    path = tmp_path / "hero.glb"
    run_in_other_blender(f"""
        bpy.ops.wm.open_mainfile(filepath={str(tmp_path / "hero.blend")!r})
        bpy.ops.kinelift.export_motion(kind="GLTF", filepath={str(path)!r})
    """)
    back = imported(path)
    bpy.context.scene.render.fps = 24  # of the importer's scene too
    start = back.animation_data.action.frame_range[0]
    np.testing.assert_allclose(path_of(back, "SOURCE", round(start)), wanted, atol=2e-3)


@pytest.mark.parametrize("mode", ["HIPS", "ROOT_BONE", "OBJECT"])
def test_bvh_whoever_carries_the_path(mode: str, tmp_path: Path) -> None:
    target = character("unreal", RetargetSettings(plant_feet=False, root_mode=mode))
    wanted = path_of(target)
    export_armature(bpy.context, target, "BVH", tmp_path / "hero")
    back = imported(tmp_path / "hero.bvh")
    np.testing.assert_allclose(path_of(back, "SOURCE"), wanted, atol=1e-3)
    assert "Frames: 10\n" in (tmp_path / "hero.bvh").read_text()


def test_a_take_as_bvh_faces_z_with_y_up(tmp_path: Path) -> None:
    """The file itself: hips at their height along Y, the left leg at +X, toes to +Z."""
    take = take_of(random_motion(frames=4))
    path = export_armature(bpy.context, take, "BVH", tmp_path / "walk")
    lines = path.read_text().split("MOTION")[0].split("\n")
    offsets: dict[str, Array] = {}
    for index, line in enumerate(lines):
        words = line.split()
        if words and words[0] in ("ROOT", "JOINT"):
            offsets[words[1]] = np.array(lines[index + 2].split()[1:], dtype=float)
    assert 0.7 < offsets["Hips"][1] < 1.1
    assert offsets["LeftUpLeg"][0] > 0.05
    assert offsets["LeftToeBase"][2] > 0.05


def test_the_nla_is_exported_too(tmp_path: Path) -> None:
    target = character("mixamo", RetargetSettings(plant_feet=False, fill_strip=True))
    assert target.animation_data.action is None
    wanted = path_of(target)
    export_armature(bpy.context, target, "BVH", tmp_path / "hero")
    back = imported(tmp_path / "hero.bvh")
    np.testing.assert_allclose(path_of(back, "SOURCE"), wanted, atol=1e-3)


def test_what_cant_be_exported_says_so(tmp_path: Path) -> None:
    assert not bpy.ops.kinelift.export_motion.poll()
    target = build_preset(PRESETS["mixamo"])
    with pytest.raises(InputError, match="is no folder"):
        export_armature(bpy.context, target, "GLTF", tmp_path / "none" / "a.glb")
    for kind in FORMATS:
        with pytest.raises(RuntimeError, match="has no action that moves its bones"):
            bpy.ops.kinelift.export_motion(kind=kind, filepath=str(tmp_path / "a"))
    assert list(tmp_path.iterdir()) == []
    assert {"BVH", "FBX_UNREAL"} <= set(formats_here())
