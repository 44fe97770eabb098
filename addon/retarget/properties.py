# mypy: allow-subclassing-any, disable-error-code="valid-type"
"""The settings of retargeting, with the two bone maps; they are saved in the .blend."""

from __future__ import annotations

import json
import math

import bpy

from ...estimator.errors import InputError
from ..take import PERSON_KEY
from .automatic_map import FoundMap, Role, find_map
from .bone_map import BoneMap, ik_content, read_followers, read_ik
from .human_bones import FINGERS, HUMAN_BONES, label
from .plan import RetargetSettings
from .rest_rig import read_rest_rig
from .transfer import Placing

_FINGER_PARTS = tuple(f"_{finger}_" for finger in FINGERS)


def _is_armature(settings: KineliftRetargetSettings, blender_object: bpy.types.Object) -> bool:
    return bool(blender_object.type == "ARMATURE")


def _source_chosen(settings: KineliftRetargetSettings, context: bpy.types.Context) -> None:
    _find(settings.source, settings.source_map, "SOURCE")


def _target_chosen(settings: KineliftRetargetSettings, context: bpy.types.Context) -> None:
    _find(settings.target, settings.target_map, "TARGET")


def _find(armature: bpy.types.Object | None, rig_map: KineliftBoneMap, role: Role) -> None:
    if armature is None:
        rig_map.bones.clear()
        rig_map.found = ""
        return
    try:
        show_found(rig_map, find_map(read_rest_rig(armature), role))
    except InputError as error:
        rig_map.bones.clear()
        rig_map.found = str(error)


class KineliftMappedBone(bpy.types.PropertyGroup):
    """Which bone is a human bone; its ``name`` is for the user and the list's search."""

    human: bpy.props.StringProperty(description="The human bone")
    bone: bpy.props.StringProperty(name="Bone", description="The rig's bone; empty if it has none")


class KineliftBoneMap(bpy.types.PropertyGroup):
    """A bone map that the user sees and edits."""

    bones: bpy.props.CollectionProperty(type=KineliftMappedBone)
    active: bpy.props.IntProperty(name="Human Bone", description="The bone that is shown as chosen")
    found: bpy.props.StringProperty(description="Where the map comes from")
    controls: bpy.props.BoolProperty(
        name="Controls", description="The bones are an animator's controls, not those that a mesh hangs on"
    )
    switches: bpy.props.StringProperty(
        description="What the action sets so that the controls move the rig, as JSON"
    )
    ik: bpy.props.StringProperty(
        description="The rig's IK controls, as JSON; empty if it has none that are known"
    )
    followers: bpy.props.StringProperty(description="Which further bones turn as a human bone does, as JSON")


class KineliftRetargetSettings(bpy.types.PropertyGroup):
    """Source, target, maps, and how the motion is put on the target."""

    source: bpy.props.PointerProperty(
        type=bpy.types.Object,
        name="Source",
        description="The armature whose motion is taken: a take's person or any other animated one",
        poll=_is_armature,
        update=_source_chosen,
    )
    target: bpy.props.PointerProperty(
        type=bpy.types.Object,
        name="Target",
        description="The armature that gets the motion: your character's rig",
        poll=_is_armature,
        update=_target_chosen,
    )
    source_map: bpy.props.PointerProperty(
        type=KineliftBoneMap, description="Which of the source's bones is which"
    )
    target_map: bpy.props.PointerProperty(
        type=KineliftBoneMap, description="Which of the target's bones is which"
    )

    previewed: bpy.props.StringProperty(
        description="What the target had before the preview that is on, as JSON; empty without one"
    )

    start: bpy.props.EnumProperty(
        name="Start",
        description="Where the target's motion begins",
        items=(
            ("SOURCE", "At the Source", "Where the source is"),
            ("OBJECT", "At the Target", "Where the target's object stands, facing its way"),
            ("CURSOR", "At the Cursor", "At the 3D cursor, standing on its height"),
        ),
        default="SOURCE",
    )
    root_mode: bpy.props.EnumProperty(
        name="Root Motion",
        description="What carries the target through the scene",
        items=(
            ("HIPS", "Hips", "The hips carry the whole motion"),
            ("ROOT_BONE", "Root Bone", "The map's root bone carries path and heading, the hips the rest"),
            ("OBJECT", "Object", "The object carries path and heading, the hips the rest"),
            ("IN_PLACE", "In Place", "The target stays where it begins"),
        ),
        default="HIPS",
    )
    locked: bpy.props.BoolVectorProperty(
        name="Lock",
        description="Keep the target's path at its beginning along these axes of the world",
        subtype="XYZ",
    )
    plant_feet: bpy.props.BoolProperty(
        name="Plant Feet",
        description="Keep feet that stand still where they are, on the target's own ground",
        default=True,
    )
    limbs: bpy.props.EnumProperty(
        name="Arms & Legs",
        description="Which of the target's controls get the keys of hands and feet",
        items=(
            ("FK", "FK Controls", "Every joint is keyed, and the rig's switches are set to FK"),
            (
                "IK",
                "IK Controls",
                "Hands, feet and the poles of elbows and knees are keyed, and the switches are set to IK",
            ),
        ),
        default="FK",
    )
    keep_hands: bpy.props.BoolProperty(
        name="Keep Hands",
        description="Where a hand comes near the other one, the head, hips or legs, keep its place relative "
        "to them although the target's proportions differ; the arms then point a little differently",
        default=False,
    )
    use_frame_range: bpy.props.BoolProperty(
        name="Frame Range", description="Take only a part of the source's motion, in scene frames"
    )
    frame_first: bpy.props.IntProperty(name="First", description="First scene frame to take", default=1)
    frame_last: bpy.props.IntProperty(name="Last", description="Last scene frame to take", default=250)
    every: bpy.props.IntProperty(
        name="Key Every", description="Write a key each how many-th frame", min=1, max=100, default=1
    )
    tolerance: bpy.props.FloatProperty(
        name="Reduce Keys",
        description="Leave out keys where straight lines come this near; 0 keeps all",
        subtype="ANGLE",
        min=0.0,
        max=math.radians(10.0),
        default=0.0,
    )
    fill_strip: bpy.props.BoolProperty(
        name="Into the NLA", description="Push the new action down into an NLA strip of its own"
    )


def offer_source(scene: bpy.types.Scene, person: bpy.types.Object) -> None:
    """Makes the newest take's person the source, unless the user chose something else than a take."""
    settings = scene.kinelift_retarget
    source = settings.source
    if source != person and (source is None or PERSON_KEY in source):
        settings.source = person


# Functions, not methods: 4.2's module crashes when Python ends after a property group with methods.


def show_map(rig_map: KineliftBoneMap, bone_map: BoneMap, found: str) -> None:
    """Replaces a map's lines; every human bone gets one, fingers only where there are any."""
    rig_map.bones.clear()
    for human in HUMAN_BONES:
        if human not in bone_map and any(finger in human for finger in _FINGER_PARTS):
            continue
        line = rig_map.bones.add()
        line.name, line.human = label(human), human
        line.bone = bone_map.bones.get(human, "")
    rig_map.controls = bone_map.controls
    rig_map.switches = json.dumps({bone: dict(values) for bone, values in bone_map.switches.items()})
    rig_map.ik = "" if bone_map.ik is None else json.dumps(ik_content(bone_map.ik))
    rig_map.followers = json.dumps({human: list(bones) for human, bones in bone_map.followers.items()})
    rig_map.found, rig_map.active = found, 0


def show_found(rig_map: KineliftBoneMap, found: FoundMap) -> None:
    """Shows a map that was found, and how good it is."""
    show_map(rig_map, found.bone_map, f"{found.how} ({found.score:.0%})")


def shown_map(rig_map: KineliftBoneMap) -> BoneMap:
    """What a map's lines say now."""
    bones = {line.human: line.bone for line in rig_map.bones if line.bone}
    ik = read_ik("The bone map", json.loads(rig_map.ik)) if rig_map.ik else None
    followers = read_followers("The bone map", json.loads(rig_map.followers or "{}"))
    return BoneMap(bones, json.loads(rig_map.switches or "{}"), rig_map.controls, ik, followers)


def chosen_settings(settings: KineliftRetargetSettings, scene: bpy.types.Scene) -> RetargetSettings:
    """What ``retarget`` goes by."""
    return RetargetSettings(
        placing=Placing(settings.start, tuple(scene.cursor.location), tuple(settings.locked)),
        root_mode=settings.root_mode,
        plant_feet=settings.plant_feet,
        keep_hands=settings.keep_hands,
        frames=(float(settings.frame_first), float(settings.frame_last))
        if settings.use_frame_range
        else None,
        every=settings.every,
        tolerance=settings.tolerance,
        limbs=settings.limbs,
        fill_strip=settings.fill_strip,
    )
