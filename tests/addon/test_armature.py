"""The armature: bones where the skeleton's joints are, and a user's file left as it was."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon import armature
from kinelift_checkout.estimator import skeleton
from kinelift_checkout.estimator.errors import InputError

from tests.addon.motions import LENGTHS

OFFSETS = skeleton.rest_offsets(LENGTHS)

pytestmark = pytest.mark.usefixtures("empty_file")


def user_state() -> dict[str, object]:
    """What must come back as it was."""
    context = bpy.context
    active = context.view_layer.objects.active
    return {
        "active": active and active.name,
        "mode": context.mode,
        "selected": sorted(ob.name for ob in context.selected_objects),
        "modes": {ob.name: ob.mode for ob in context.scene.objects},
        "scene": context.scene.name,
        "scenes": [scene.name for scene in bpy.data.scenes],
        "collections": [collection.name for collection in bpy.data.collections],
        "frame": context.scene.frame_current,
    }


def enter(mode: str) -> None:
    """A user's file, with the user in the given mode and another armature selected as well."""
    bpy.ops.object.armature_add()
    bpy.context.object.name = "Other"
    if mode == "POSE":
        bpy.ops.object.mode_set(mode="POSE")
        return
    bpy.ops.mesh.primitive_cube_add()
    bpy.data.objects["Other"].select_set(True)
    bpy.ops.object.mode_set(mode=mode)
    if mode == "EDIT":
        bpy.ops.mesh.select_all(action="DESELECT")


def test_heads_are_the_joints_and_soles_stand_on_the_ground() -> None:
    ob = armature.create_armature("Person", OFFSETS, root_bone=False)
    heads = np.array([ob.data.bones[name].head_local for name in skeleton.JOINT_NAMES])
    assert [bone.name for bone in ob.data.bones] == list(skeleton.JOINT_NAMES)
    for joint, parent in enumerate(skeleton.PARENTS[1:], start=1):
        np.testing.assert_allclose(heads[joint] - heads[parent], OFFSETS[joint], atol=2e-6)
        assert ob.data.bones[joint].parent.name == skeleton.JOINT_NAMES[parent]
    assert heads[0, 2] == pytest.approx(float(skeleton.hips_height(LENGTHS)), abs=1e-6)
    toe_tips = [ob.data.bones[f"{side}ToeBase"].tail_local.z for side in ("Left", "Right")]
    np.testing.assert_allclose(toe_tips, 0.0, atol=2e-6)
    assert ob.data.bones["Head"].tail_local.z == pytest.approx(float(skeleton.stature(LENGTHS)), abs=2e-6)


def test_rolls_make_hinges_flex_about_x() -> None:
    ob = armature.create_armature("Person", OFFSETS, root_bone=False)
    for bone in ob.data.bones:
        x, y, z = (bone.matrix_local.col[axis].to_3d() for axis in range(3))
        reference = np.array((0, 0, 1) if bone.name.endswith(("Foot", "ToeBase")) else (0, -1, 0))
        expected = reference - np.array(y) * (np.array(y) @ reference)
        assert np.array(z) @ expected / np.linalg.norm(expected) > 1 - 1e-6, bone.name
        if bone.name.endswith(("Leg", "UpLeg")):  # the knee's axis goes from side to side
            assert abs(x.x) > 1 - 1e-5, bone.name
        if bone.name.endswith("Arm"):  # the elbow brings the forearm forward, about the vertical
            assert abs(x.z) > 1 - 1e-5, bone.name


def test_root_bone() -> None:
    ob = armature.create_armature("Person", OFFSETS, root_bone=True)
    root = ob.data.bones[armature.ROOT_BONE]
    assert ob.data.bones["Hips"].parent == root
    np.testing.assert_allclose(np.array(root.matrix_local), np.eye(4), atol=1e-7)
    hips = np.array(ob.data.bones["Hips"].head_local)
    np.testing.assert_allclose(hips, (0, 0, float(skeleton.hips_height(LENGTHS))), atol=1e-6)


def test_no_bone_is_shorter_than_a_centimetre() -> None:
    tiny = skeleton.rest_offsets(LENGTHS * 0.01)
    ob = armature.create_armature("Doll", tiny, root_bone=False)
    assert len(ob.data.bones) == skeleton.J
    assert min(bone.length for bone in ob.data.bones) >= armature.MIN_BONE_LENGTH - 1e-6
    heads = np.array([bone.head_local for bone in ob.data.bones])
    np.testing.assert_allclose(heads, armature.rest_joints(tiny), atol=1e-6)


@pytest.mark.parametrize("mode", ["OBJECT", "EDIT", "SCULPT", "POSE"])
def test_user_state_is_untouched(mode: str) -> None:
    enter(mode)
    before = user_state()
    ob = armature.create_armature("Person", OFFSETS, root_bone=True)
    assert user_state() == before
    assert len(ob.data.bones) == skeleton.J + 1
    assert ob.users_collection == ()
    assert ob.mode == "OBJECT"


def test_works_with_the_active_collection_excluded() -> None:
    collection = bpy.data.collections.new("Hidden")
    bpy.context.scene.collection.children.link(collection)
    layer = bpy.context.view_layer.layer_collection.children["Hidden"]
    bpy.context.view_layer.active_layer_collection = layer
    layer.exclude = True
    before = user_state()
    ob = armature.create_armature("Person", OFFSETS, root_bone=False)
    assert user_state() == before
    assert len(ob.data.bones) == skeleton.J


def test_offsets_that_are_no_numbers_are_refused() -> None:
    offsets = OFFSETS.copy()
    offsets[3] = np.nan
    with pytest.raises(InputError, match=r"Person: .*rest_offsets"):
        armature.create_armature("Person", offsets, root_bone=False)
    assert "Person" not in bpy.data.armatures


def test_failure_in_edit_mode_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    enter("EDIT")
    before = user_state()
    monkeypatch.setattr(armature, "_UP", None)  # the first foot's roll fails
    with pytest.raises(ValueError, match="align_roll"):
        armature.create_armature("Person", OFFSETS, root_bone=False)
    assert user_state() == before
    assert "Person" not in bpy.data.armatures
    assert "Person" not in bpy.data.objects
