"""What an estimate is to do, put together from the scene before the work starts.

A request holds names and numbers and no reference into the file, because the work outlives any of those.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import bpy

from ..estimator.camera import Camera
from ..estimator.errors import InputError
from ..estimator.estimate import EstimateOptions
from ..estimator.printable import printable
from .action import ActionSettings
from .blender_camera import (
    CameraChoice,
    LensChoice,
    camera_from_clip,
    camera_from_object,
    is_readable,
    require_readable,
    solved_reconstruction,
)
from .keypoint_store import KeypointRequest, Tracks, tracks_in_memory
from .preferences import machine_settings
from .scene_units import metres_per_unit
from .solve_camera import camera_from_solve, follows_solve, solve_follower
from .take import TakeSettings
from .take_record import TakeIdentity
from .timing import clip_start, scene_rate

_BYTES_PER_KEY = 72
_CURVES_PER_PERSON = 3 + 22 * 4


@dataclass(frozen=True)
class EstimateRequest:
    """Everything that an estimate needs.

    Attributes:
        scene: name of the scene that gets the take.
        clip: name of the clip; None without one.
        keypoints: what to read.
        people: ids to estimate; empty for the largest person.
        heights: by id, metres, of those whose height is known; of one person alone it is in ``options``.
        frame_offset: added to the keypoints' frame numbers.
        frames: first and last frame of the clip, both included; None for all.
        first_picture: scene frame of the clip's frame 0, since users are told of ranges in scene frames.
        fps: of the clip where it says so; ``fallback_fps`` counts where the keypoints don't say either.
        camera: None where there is no clip: then a pinhole with ``focal_px``, None for the default guess.
        camera_source: for the user.
        threads: of PyTorch.
        take: what to make of the motions.
        update: whether an unedited take of the same is updated rather than another one made.
    """

    scene: str
    clip: str | None
    keypoints: KeypointRequest
    people: tuple[int, ...]
    heights: dict[int, float]
    frame_offset: int
    frames: tuple[int, int] | None
    first_picture: int
    fps: float | None
    fallback_fps: float
    camera: Camera | None
    focal_px: float | None
    camera_source: str
    options: EstimateOptions
    threads: int
    take: TakeSettings
    update: bool


def whats_missing(context: bpy.types.Context) -> str | None:
    """One line on what the user has to do before Estimate Motion; None if it can start."""
    settings = context.scene.kinelift
    if not settings.keypoints_path:
        return "Choose the file or folder with the clip's keypoints"
    if settings.people and not any(person.selected for person in settings.people):
        return "Tick at least one person"
    if settings.use_frame_range and settings.frame_first >= settings.frame_last:
        return "The frame range must hold at least two frames; move its first or last frame"
    if settings.camera_source == "SCENE" and context.scene.camera is None:
        return "The scene has no camera; add one, or choose another"
    if settings.camera_source in ("CLIP", "SOLVE") and settings.clip is None:
        return "Choose a clip to use its lens, or choose another camera"
    return None


def keypoint_request(context: bpy.types.Context) -> KeypointRequest:
    """What the scene's settings say to read."""
    settings = context.scene.kinelift
    return KeypointRequest(
        path=absolute_path(settings.keypoints_path),
        format=settings.keypoint_format,
        clip_size=clip_size(settings.clip),
        cache_folder=machine_settings(context).cache_folder,
    )


def absolute_path(path: str) -> Path:
    """A path as Blender keeps it, made absolute without looking at the disk."""
    return Path(os.path.abspath(bpy.path.abspath(path)))  # noqa: PTH100  (resolve() looks)


def loaded_tracks(context: bpy.types.Context) -> Tracks | None:
    """The scene's keypoints if they are in memory; cheap enough for drawing."""
    if not context.scene.kinelift.keypoints_path:
        return None
    return tracks_in_memory(keypoint_request(context))


def estimate_request(context: bpy.types.Context) -> EstimateRequest:
    """Puts a request together.

    Raises:
        InputError: something is missing or can't be used; one line.
    """
    if missing := whats_missing(context):
        raise InputError(missing)
    scene, settings = context.scene, context.scene.kinelift
    machine = machine_settings(context)
    clip = settings.clip
    choice = camera_choice(context)
    people = [person for person in settings.people if person.selected]
    alone = len(people) <= 1
    start = first_picture_frame(scene)
    unit = metres_per_unit(scene)
    ground_height = settings.ground_height * unit
    frames = (settings.frame_first - start, settings.frame_last - start) if settings.use_frame_range else None
    return EstimateRequest(
        scene=scene.name,
        clip=clip.name if clip is not None else None,
        keypoints=keypoint_request(context),
        people=tuple(person.person_id for person in people),
        heights={person.person_id: person.height for person in people if person.height and not alone},
        frame_offset=settings.frame_offset,
        frames=frames,
        first_picture=start,
        fps=clip_rate(clip),
        fallback_fps=settings.fps,
        camera=_on_its_ground(choice.camera, ground_height) if choice is not None else None,
        focal_px=settings.focal_px if settings.camera_source == "VALUE" else None,
        camera_source=choice.source if choice is not None else lens_without_clip(settings),
        options=EstimateOptions(
            person_height=(settings.actor_height or None) if alone else None,
            refine=settings.refine,
            contact_strength=settings.contact_strength,
            on_ground=settings.on_ground,
            camera_height=settings.camera_height * unit or None,
            device=machine.device,
        ),
        threads=machine.threads,
        take=TakeSettings(
            action=ActionSettings(
                root_mode=settings.root_mode,
                timing=settings.timing,
                clip_start=settings.start_frame if settings.use_start_frame else start,
                scene_fps=scene_rate(scene),
            ),
            name=_take_name(settings),
            make_camera=settings.make_camera,
            make_ground=settings.make_ground,
            ground_height=ground_height,
        ),
        update=settings.update_take,
    )


def take_identity(request: EstimateRequest, people: Sequence[int]) -> TakeIdentity:
    """What this estimate of these people is told by when it is made again."""
    clip = bpy.data.movieclips.get(request.clip) if request.clip is not None else None
    return TakeIdentity(
        clip=str(absolute_path(clip.filepath)) if clip is not None else "",
        keypoints=str(request.keypoints.path),
        people=tuple(sorted(people)),
        frames=request.frames,
        frame_offset=request.frame_offset,
    )


def _on_its_ground(camera: Camera, height: float) -> Camera:
    """The camera in a world whose ground lies at z = 0, as the estimator's does, metres."""
    if camera.world_from_camera is None or not height:
        return camera
    lowered = camera.world_from_camera.copy()
    lowered[..., 2, 3] -= height
    return replace(camera, world_from_camera=lowered)


def _take_name(settings: bpy.types.PropertyGroup) -> str:
    """After the clip, or the keypoints where there is none. A path may hold what no name in Blender can."""
    name = settings.clip.name if settings.clip is not None else settings.keypoints_path.rstrip("/\\")
    return printable(Path(name).stem)


def camera_choice(context: bpy.types.Context) -> CameraChoice | None:
    """The camera that the settings ask for; None where only the keypoints know the picture's size.

    Raises:
        InputError: the clip's file or the scene's camera can't be used.
    """
    scene, settings = context.scene, context.scene.kinelift
    clip = settings.clip
    if clip is not None:
        require_readable(clip)
    source = camera_source(context)
    if source == "SOLVE":
        return camera_from_solve(scene, clip)
    if source == "SCENE":
        size = clip_size(clip) or (scene.render.resolution_x, scene.render.resolution_y)
        frames = clip_frames(clip) if clip is not None else None
        choice = camera_from_object(
            scene, scene.camera, *size, clip_start=first_picture_frame(scene), frames=frames
        )
        if clip is not None and follows_solve(scene.camera, scene, clip):
            # What was solved is the lens with its distortion, which an object has no place for.
            lens = camera_from_clip(clip, "CLIP").camera
            choice = replace(choice, camera=replace(choice.camera, distortion=lens.distortion))
        return choice
    if clip is None:
        return None
    return camera_from_clip(clip, source, settings.focal_px)


def camera_source(context: bpy.types.Context) -> LensChoice | Literal["SOLVE", "SCENE"]:
    """The setting, or what "AUTO" makes of it: a camera that follows the clip's solve is used wholly."""
    scene, settings = context.scene, context.scene.kinelift
    chosen: LensChoice | Literal["SOLVE", "SCENE"] = settings.camera_source
    if chosen != "AUTO" or settings.clip is None or solved_reconstruction(settings.clip) is None:
        return chosen
    return "SOLVE" if solve_follower(scene, settings.clip) is not None else "AUTO"


def lens_without_clip(settings: bpy.types.PropertyGroup) -> str:
    """Names the lens that is used where there is no clip."""
    if settings.camera_source == "VALUE":
        return f"Focal length as given: {settings.focal_px:.0f} px"
    return "Lens not known: a view of 53° across the diagonal is assumed"


def clip_size(clip: bpy.types.MovieClip | None) -> tuple[int, int] | None:
    """Width and height in pixels; None without a readable clip."""
    return (clip.size[0], clip.size[1]) if clip is not None and is_readable(clip) else None


def clip_rate(clip: bpy.types.MovieClip | None) -> float | None:
    """Frames per second that the clip's file says; None for sequences of pictures, which don't say it."""
    return float(clip.fps) if clip is not None and clip.source == "MOVIE" and clip.fps > 0 else None


def clip_frames(clip: bpy.types.MovieClip) -> tuple[int, int]:
    """First and last frame of the scene that show the clip; a scene's frames begin at 0 at the least."""
    first = int(clip.frame_start)
    return max(first, 0), max(first + max(int(clip.frame_duration), 1) - 1, 0)


def first_picture_frame(scene: bpy.types.Scene) -> int:
    """The scene frame on which frame 0 of the keypoints lies."""
    clip = scene.kinelift.clip
    return clip_start(clip) if clip is not None else int(scene.frame_start)


def bytes_of_keys(people: Sequence[bpy.types.PropertyGroup], frames: tuple[int, int] | None) -> int:
    """How much memory the keys of these people will take in Blender.

    Args:
        frames: first and last frame as the keypoint file counts; None for all.
    """
    total = 0
    for person in people:
        first, last = person.first_frame, person.last_frame
        if frames is not None:
            first, last = max(first, frames[0]), min(last, frames[1])
        total += max(last - first + 1, 0)
    return total * _CURVES_PER_PERSON * _BYTES_PER_KEY
