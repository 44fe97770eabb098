"""The scene that one clip is converted in: empty at first, then with the clip's footage and take."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import bpy

from ...estimator.camera import Camera
from ...estimator.command_line.clips import Clip
from ...estimator.command_line.stopping import check_stopped
from ...estimator.errors import InputError
from ...estimator.motion import Motion
from ...estimator.track import KeypointTrack
from ..action import ActionSettings
from ..action import RootMode as TakeRootMode
from ..animation import fcurves_of
from ..blender_camera import pixel_aspect
from ..estimate_request import clip_frames
from ..people_list import list_people
from ..take import Take, TakeSettings, write_take
from ..text_lines import reason_of
from ..timing import clip_start
from .settings import BatchSettings


def start_empty_file(metres_per_unit: float = 1.0) -> None:
    """Puts an empty file in place of the present one: whatever the last clip left is gone with it.

    It is Blender's own, not the user's, so that every machine makes the same of a clip.

    Args:
        metres_per_unit: unit scale of its scene.
    """
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
    bpy.context.scene.unit_settings.scale_length = metres_per_unit


def write_scene(
    name: str,
    motions: Sequence[Motion],
    camera: Camera,
    root_motion: TakeRootMode,
    footage: bpy.types.MovieClip | None,
) -> Take:
    """Gives the scene the clip's rate, picture and length, and puts the take into it.

    Raises:
        InputError: a motion can't be written.
    """
    scene, fps = bpy.context.scene, motions[0].fps
    render = scene.render
    render.fps = max(round(fps), 1)
    render.fps_base = render.fps / fps
    render.resolution_x, render.resolution_y, render.resolution_percentage = camera.width, camera.height, 100
    render.pixel_aspect_x, render.pixel_aspect_y = pixel_aspect(camera)
    start = clip_start(footage) if footage is not None else 1
    action = ActionSettings(root_mode=root_motion, clip_start=start, scene_fps=fps)
    take = write_take(bpy.context, motions, camera, TakeSettings(action, name), footage)
    scene.camera = take.camera
    ranges = [curve.range() for armature in take.armatures for curve in fcurves_of(armature)]
    if footage is not None:
        ranges.append(clip_frames(footage))
    scene.frame_start = round(min(first for first, _ in ranges))
    scene.frame_end = round(max(last for _, last in ranges))
    scene.frame_set(scene.frame_start)
    return take


def save_scene(
    path: Path,
    clip: Clip,
    footage: bpy.types.MovieClip | None,
    tracks: Sequence[KeypointTrack],
    people: Collection[int],
    settings: BatchSettings,
) -> None:
    """Saves the file; whoever opens it finds clip, keypoints and settings in Kinelift's panel.

    Args:
        tracks: of all that are in the keypoints.
        people: numbers of those who were estimated.
    """
    panel, own = bpy.context.scene.kinelift, settings.estimate
    panel.clip = footage
    panel.keypoints_path = str(clip.path.resolve())
    panel.keypoint_format = own.keypoint_format
    if own.focal_px is not None:
        panel.camera_source, panel.focal_px = "VALUE", own.focal_px
    if own.fps is not None:
        panel.fps = own.fps
    options = own.options
    panel.actor_height = options.person_height or 0.0
    panel.camera_height = (options.camera_height or 0.0) / settings.metres_per_unit
    panel.refine, panel.on_ground = options.refine, options.on_ground
    panel.contact_strength, panel.root_mode = options.contact_strength, settings.take_root_motion
    list_people(panel, tuple(tracks))
    for person in panel.people:
        person.selected = person.person_id in people
    save_file(path)


def save_file(path: Path) -> None:
    """Saves the file as it is, its paths as they are: it is going to be moved.

    Raises:
        InputError: it can't be.
    """
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, relative_remap=False, check_existing=False)
    except RuntimeError as error:
        check_stopped()
        raise InputError(
            f"{path.name} wasn't saved: {reason_of(error)}; check its folder and the free space"
        ) from error
