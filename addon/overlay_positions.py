"""Where keypoints lie on the screen; the drawing itself is ``overlay``'s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Vector
from numpy.typing import NDArray

from ..estimator.keypoint_set import KEYPOINT_INDEX, KEYPOINT_LIMBS
from ..estimator.track import KeypointTrack
from .blender_camera import camera_from_clip
from .estimate_request import clip_size, first_picture_frame, loaded_tracks
from .picture_check import fitted_to_clip
from .scene_units import metres_per_unit
from .take_record import VERSION_KEY

Array = NDArray[np.float64]

_LEAST_CONFIDENCE = 0.05
"""Below this a detector has guessed; drawing it would clutter the picture."""
_NUMBER_GAP = 14.0
"""Screen pixels from the highest keypoint up to the person's number."""
_HEAD_SHARE = 0.09
"""Of the person's height in the picture, from eyes and ears up to the top of the head."""


@dataclass(frozen=True)
class PersonInPicture:
    """A person's keypoints in one picture.

    Attributes:
        selected: whether the person is going to be estimated.
        points: (26, 2) pixels of the picture of ``size``, NaN where missing.
    """

    person_id: int
    selected: bool
    points: Array
    size: tuple[int, int]


@dataclass(frozen=True)
class PersonOnScreen:
    """What to draw of a person, in pixels of a region.

    Attributes:
        points: (N, 2).
        lines: (M, 2) pairs of rows are the ends of a line.
        number_at: lower end of the person's number.
    """

    person_id: int
    selected: bool
    points: Array
    lines: Array
    number_at: tuple[float, float]


def people_in_frame(context: bpy.types.Context, scene_frame: int) -> list[PersonInPicture]:
    """Everybody whose keypoints are in memory and who is in the picture that this scene frame shows."""
    settings = context.scene.kinelift
    tracks = loaded_tracks(context)
    if tracks is None:
        return []
    selected = {person.person_id for person in settings.people if person.selected}
    frame = scene_frame - first_picture_frame(context.scene) - settings.frame_offset
    size = clip_size(settings.clip)
    found = []
    for track in tracks:
        row = frame - track.frame_start
        if not 0 <= row < len(track) or not track.present[row].any():
            continue
        one = _row(track, row)
        if size is not None:
            one = fitted_to_clip(one, size)
        if one.width is None or one.height is None:
            continue
        points = np.where(one.confidence[0, :, None] >= _LEAST_CONFIDENCE, one.keypoints[0], np.nan)
        found.append(
            PersonInPicture(track.person_id, track.person_id in selected, points, (one.width, one.height))
        )
    return found


def _row(track: KeypointTrack, row: int) -> KeypointTrack:
    return replace(
        track,
        keypoints=track.keypoints[row : row + 1],
        confidence=track.confidence[row : row + 1],
        frame_start=track.frame_start + row,
    )


def on_clip_editor(
    people: Sequence[PersonInPicture], origin: tuple[float, float], corner: tuple[float, float]
) -> list[PersonOnScreen]:
    """In the Movie Clip Editor.

    Args:
        origin, corner: where the region shows the picture's lower left and upper right corner.
    """
    low, high = np.array(origin, dtype=np.float64), np.array(corner, dtype=np.float64)
    shown = []
    for person in people:
        share = person.points / person.size
        share[:, 1] = 1.0 - share[:, 1]
        shown.append(_on_screen(person, low + share * (high - low)))
    return [person for person in shown if len(person.points)]


def shows_footage(context: bpy.types.Context) -> bool:
    """Whether the scene's camera stands for the one that filmed: keypoints mean nothing through another."""
    camera, settings = context.scene.camera, context.scene.kinelift
    if camera is None or camera.type != "CAMERA":
        return False
    clips = [image.clip for image in camera.data.background_images]
    return (
        VERSION_KEY in camera
        or settings.camera_source == "SCENE"
        or (settings.clip is not None and settings.clip in clips)
    )


def through_camera(
    people: Sequence[PersonInPicture],
    context: bpy.types.Context,
    region: bpy.types.Region,
    view: bpy.types.RegionView3D,
) -> list[PersonOnScreen]:
    """In a 3D Viewport that looks through the scene's camera.

    The picture's width covers the camera's frame. Where the camera shows the clip undistorted, the keypoints
    are undistorted too.
    """
    scene = context.scene
    camera_object = scene.camera
    corners = [corner / -corner.z for corner in camera_object.data.view_frame(scene=scene)]
    right, left = max(corner.x for corner in corners), min(corner.x for corner in corners)
    centre_x = (right + left) / 2
    centre_y = (max(corner.y for corner in corners) + min(corner.y for corner in corners)) / 2
    half_width = (right - left) / 2
    to_world = camera_object.matrix_world.normalized()
    # A point that is near the camera, for where that is, is off by what 32 bits leave out.
    metre = 1 / metres_per_unit(scene)
    pixel_aspect = scene.render.pixel_aspect_x / scene.render.pixel_aspect_y
    shown = []
    for person in people:
        width, height = person.size
        points = _as_shown(person.points, camera_object, scene.kinelift.clip)
        x = centre_x + half_width * (2 * points[:, 0] / width - 1)
        y = centre_y + half_width * (height - 2 * points[:, 1]) / width / pixel_aspect
        places = [
            location_3d_to_region_2d(region, view, to_world @ (Vector((*ray, -1.0)) * metre))
            if np.isfinite(ray).all()
            else None
            for ray in zip(x, y, strict=True)
        ]
        on_screen = np.array([tuple(place) if place is not None else (np.nan, np.nan) for place in places])
        shown.append(_on_screen(person, on_screen))
    return [person for person in shown if len(person.points)]


def _as_shown(points: Array, camera_object: bpy.types.Object, clip: bpy.types.MovieClip | None) -> Array:
    backgrounds = camera_object.data.background_images
    undistorted = clip is not None and any(
        image.clip == clip and image.clip_user.use_render_undistorted for image in backgrounds
    )
    if not undistorted:
        return points
    lens = camera_from_clip(clip, "CLIP").camera
    return lens.rays(points) * [lens.fx, lens.fy] + [lens.cx, lens.cy]


def _on_screen(person: PersonInPicture, places: Array) -> PersonOnScreen:
    there = np.isfinite(places).all(axis=-1)
    limbs = np.array([limb for limb in KEYPOINT_LIMBS if there[list(limb)].all()], dtype=np.intp)
    points = places[there]
    top = points[points[:, 1].argmax()] if len(points) else np.zeros(2)
    over_the_head = 0.0
    if len(points) and not there[KEYPOINT_INDEX["head_top"]]:
        over_the_head = _HEAD_SHARE * float(np.ptp(points[:, 1]))
    return PersonOnScreen(
        person.person_id,
        person.selected,
        points,
        places[limbs.reshape(-1)],
        (float(top[0]), float(top[1]) + over_the_head + _NUMBER_GAP),
    )
