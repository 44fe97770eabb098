# mypy: allow-subclassing-any, disable-error-code="valid-type"
"""The settings of a scene: they are saved in the .blend and are what the operators go by."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..estimator.keypoints import AUTO, FORMATS
from ..estimator.track import DEFAULT_FPS, FRAME_RATES
from .sidecar import find_sidecar

_FULL_FRAME_MM = 36.0
_WIDTH_IF_UNKNOWN = 1920


def _clip_chosen(settings: KineliftSettings, context: bpy.types.Context) -> None:
    """Takes over the keypoints that lie beside a clip; they are read when asked for."""
    if settings.clip is None or settings.keypoints_path:
        return
    path = Path(bpy.path.abspath(settings.clip.filepath))
    found = find_sidecar(path.parent if settings.clip.source == "SEQUENCE" else path)
    if found is not None:
        settings.keypoints_path = str(found)


def _keypoints_changed(settings: KineliftSettings, context: bpy.types.Context) -> None:
    """What was noted about other keypoints is void."""
    settings.people.clear()
    settings.keypoint_width = settings.keypoint_height = 0
    settings.keypoint_right = settings.keypoint_bottom = 0.0


def _picture_width(settings: KineliftSettings) -> int:
    known = settings.clip is not None and settings.clip.frame_duration  # else Blender says 256
    clip_width = settings.clip.size[0] if known else 0
    return clip_width or settings.keypoint_width or _WIDTH_IF_UNKNOWN


def _focal_mm(settings: KineliftSettings) -> float:
    return float(settings.focal_px * _FULL_FRAME_MM / _picture_width(settings))


def _set_focal_mm(settings: KineliftSettings, millimetres: float) -> None:
    settings.focal_px = millimetres * _picture_width(settings) / _FULL_FRAME_MM


class KineliftPerson(bpy.types.PropertyGroup):
    """A person in the keypoint file."""

    person_id: bpy.props.IntProperty(name="Number", description="The number shown in the overlay")
    selected: bpy.props.BoolProperty(name="Estimate", description="Estimate the motion of this person")
    height: bpy.props.FloatProperty(
        name="Height (m)",
        description="Standing height of this person in metres, used where several people are estimated "
        "together; 0 if unknown. One that is known gives all of them their size",
        min=0.0,
        max=3.0,
        default=0.0,
        precision=2,
        step=1,
    )
    first_frame: bpy.props.IntProperty(name="First Frame", description="Counted from 0")
    last_frame: bpy.props.IntProperty(name="Last Frame", description="Counted from 0")
    frames_seen: bpy.props.IntProperty(name="Frames", description="Frames with at least one keypoint")
    mean_confidence: bpy.props.FloatProperty(
        name="Confidence", description="Mean over the keypoints", subtype="FACTOR"
    )


class KineliftSettings(bpy.types.PropertyGroup):
    """Clip, keypoints, camera, and how the motion is written."""

    clip: bpy.props.PointerProperty(
        type=bpy.types.MovieClip,
        name="Clip",
        description="The video that the keypoints were detected in",
        update=_clip_chosen,
    )
    keypoints_path: bpy.props.StringProperty(
        name="Keypoints",
        description="File or folder that a 2D pose detector wrote for the clip",
        subtype="FILE_PATH",
        update=_keypoints_changed,
    )
    keypoint_format: bpy.props.EnumProperty(
        name="Format",
        description="Format of the keypoints",
        items=(
            (AUTO, "Automatic", "Recognise the format by the content"),
            *(
                (one.name, one.title, one.identified_by[:1].upper() + one.identified_by[1:])
                for one in FORMATS
            ),
        ),
        default=AUTO,
        update=_keypoints_changed,
    )
    people: bpy.props.CollectionProperty(type=KineliftPerson)
    active_person: bpy.props.IntProperty(name="Person", description="Person in the keypoint file", default=0)
    keypoint_width: bpy.props.IntProperty(
        description="Of the picture as the keypoint file says; 0 if unknown"
    )
    keypoint_height: bpy.props.IntProperty(
        description="Of the picture as the keypoint file says; 0 if unknown"
    )
    keypoint_right: bpy.props.FloatProperty(description="How far to the right keypoints reach, pixels")
    keypoint_bottom: bpy.props.FloatProperty(description="How far down keypoints reach, pixels")

    frame_offset: bpy.props.IntProperty(
        name="Frame Offset",
        description="Added to the keypoints' frame numbers, so that 0 is the clip's first picture",
    )
    use_frame_range: bpy.props.BoolProperty(
        name="Frame Range",
        description="Estimate only a part of the clip, in scene frames as the clip shows them",
    )
    frame_first: bpy.props.IntProperty(
        name="First", description="First frame to estimate, as the timeline shows the clip", default=1
    )
    frame_last: bpy.props.IntProperty(
        name="Last", description="Last frame to estimate, as the timeline shows the clip", default=250
    )
    fps: bpy.props.FloatProperty(
        name="Frame Rate",
        description="Frames per second of the video, used where neither clip nor keypoints say it",
        min=FRAME_RATES[0],
        max=FRAME_RATES[1],
        default=DEFAULT_FPS,
        precision=3,
    )

    camera_source: bpy.props.EnumProperty(
        name="Camera",
        description="Where the lens of the camera that filmed, and perhaps its movement, come from",
        items=(
            ("AUTO", "Automatic", "What the clip's camera solve tells, else an assumed focal length"),
            ("ESTIMATE", "Assume", "An assumed focal length: 53° across the picture's diagonal"),
            ("VALUE", "Enter", "The focal length entered here"),
            (
                "CLIP",
                "Clip's Lens",
                "The focal length and distortion in the clip's settings: you say they are right",
            ),
            (
                "SOLVE",
                "Camera Solve",
                "The clip's camera solve: lens, place and movement, with the floor and scale that were set "
                "for it. For handheld and moving cameras",
            ),
            ("SCENE", "Scene Camera", "The scene's camera, with its place and movement"),
        ),
        default="AUTO",
    )
    focal_px: bpy.props.FloatProperty(
        name="Pixels",
        description="Focal length in pixels of the clip",
        min=1.0,
        soft_max=10_000.0,
        default=1600.0,
        precision=1,
    )
    focal_mm: bpy.props.FloatProperty(
        name="On 36 mm",
        description="Focal length in millimetres as on a sensor 36 mm wide",
        min=1.0,
        soft_max=300.0,
        precision=1,
        get=_focal_mm,
        set=_set_focal_mm,
    )

    actor_height: bpy.props.FloatProperty(
        name="Height (m)",
        description="Standing height of the person in metres, for the right size and distance; 0 if unknown",
        min=0.0,
        max=3.0,
        default=0.0,
        precision=2,
        step=1,
    )
    refine: bpy.props.BoolProperty(
        name="Refine",
        description="Move the take onto its own keypoints after the network's answer; slower, usually better",
        default=True,
    )
    on_ground: bpy.props.BoolProperty(
        name="On Ground",
        description="Put feet that stand near the ground on it and let none sink in. Switch it off for "
        "stairs, ladders and beams: a still foot is kept still at any height",
        default=True,
    )
    contact_strength: bpy.props.FloatProperty(
        name="Plant Feet",
        description="How firmly feet that stand are kept from sliding while the take is refined; "
        "0 lets them slide",
        subtype="FACTOR",
        min=0.0,
        max=1.0,
        default=1.0,
    )
    ground_height: bpy.props.FloatProperty(
        name="Ground Height",
        description="Height of the ground that the person walks on in the scene; with a known camera the "
        "person's size and place follow from it",
        subtype="DISTANCE",
        unit="LENGTH",
        default=0.0,
    )
    camera_height: bpy.props.FloatProperty(
        name="Camera Height",
        description="Height of the camera over the ground, which says how far it looked down; 0 if unknown. "
        "Used where the camera's place is not known otherwise",
        subtype="DISTANCE",
        unit="LENGTH",
        min=0.0,
        default=0.0,
    )
    root_mode: bpy.props.EnumProperty(
        name="Root Motion",
        description="Which bone moves the person through the scene",
        items=(
            ("HIPS", "Hips", "The Hips bone carries the whole motion"),
            ("ROOT_BONE", "Root Bone", "A bone on the ground carries path and heading, Hips the rest"),
            ("IN_PLACE", "In Place", "The person stays over the origin"),
        ),
        default="HIPS",
    )
    timing: bpy.props.EnumProperty(
        name="Timing",
        description="How the clip's frames become scene frames",
        items=(
            (
                "FRAME_FOR_FRAME",
                "Frame for Frame",
                "A key per picture of the clip, on whole frames; fits the footage",
            ),
            ("REAL_TIME", "Real Time", "Keeps the clip's seconds where the scene has another frame rate"),
        ),
        default="FRAME_FOR_FRAME",
    )
    use_start_frame: bpy.props.BoolProperty(
        name="Own Start",
        description="Put the clip's first picture on a frame of your choice, not where the clip shows it",
    )
    start_frame: bpy.props.IntProperty(
        name="Start Frame", description="Scene frame of the clip's first picture", default=1
    )
    make_camera: bpy.props.BoolProperty(
        name="Make Camera",
        description="Make a camera that matches the footage, with the clip behind it",
        default=True,
    )
    make_ground: bpy.props.BoolProperty(
        name="Make Ground Grid",
        description="Show the take's ground as a grid, which is not rendered",
        default=True,
    )
    update_take: bpy.props.BoolProperty(
        name="Update Take",
        description="Estimating the same people on the same frames again updates their take, if nobody has "
        "edited it. Off makes a new take every time",
        default=True,
    )
    latest_take: bpy.props.StringProperty(
        name="Latest Take", description="The take that was estimated last", options={"HIDDEN"}
    )

    show_overlay: bpy.props.BoolProperty(
        name="Show Keypoints",
        description="Draw the keypoints in the Movie Clip Editor and in the 3D Viewport's camera view",
        default=True,
    )
    show_numbers: bpy.props.BoolProperty(
        name="Numbers", description="Write each person's number beside the keypoints", default=True
    )
