"""The clip's camera, from what Blender knows about it and back to a Blender camera that matches.

Blender's cameras look along -Z with Y up, the estimator's along +Z with Y down. Blender's focal length is
millimetres over a sensor; with ``sensor_fit = "HORIZONTAL"`` the sensor's width always covers the picture's
width, which AUTO does not do in portrait. Shifts are in picture widths. The vertical focal length follows
from the scene's pixel aspect: ``fy / fx = pixel_aspect_x / pixel_aspect_y``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..estimator.camera import Camera, default_focal_px
from ..estimator.distortion import Distortion
from ..estimator.errors import InputError
from . import quaternions
from .animation import array_curves, write_curves
from .scene_units import metres_per_unit
from .timing import KeyTimes, points_at, rotations_at

Array = NDArray[np.float64]
LensChoice = Literal["AUTO", "ESTIMATE", "VALUE", "CLIP"]

VIEW = ("type", "sensor_fit", "sensor_width", "lens", "shift_x", "shift_y")
"""Properties of a Blender camera that say what it sees; the others are the user's taste."""

LENGTHS = ("clip_start", "clip_end", "display_size")
"""Properties of a Blender camera that are in the scene's units."""

FLIP: Array = np.diag([1.0, -1.0, -1.0, 1.0])
"""From the estimator's camera axes to Blender's, and back."""

_NEAR, _FAR = 0.1, 1000.0
"""Metres: footage reaches further than the 100 m of a new camera."""
_SAME_SHAPE = 0.01
"""Two pictures whose aspects differ by less show the same frame."""
_STILL = 1e-6
"""Metres and units of a rotation matrix: a camera that stays within stands still."""


@dataclass(frozen=True)
class CameraChoice:
    """A camera and, for the panel, where its lens and place were taken from."""

    camera: Camera
    source: str


def is_readable(clip: bpy.types.MovieClip) -> bool:
    """Whether the clip's file is there and holds pictures.

    Its size is no sign: Blender says 256 × 256 of a file that it never read. Of a video that is gone since
    the .blend was saved it still knows size and length, but no frame rate.
    """
    return bool(clip.frame_duration) and (clip.source != "MOVIE" or clip.fps > 0)


def require_readable(clip: bpy.types.MovieClip) -> None:
    """Raises ``InputError`` unless ``is_readable``."""
    if not is_readable(clip):
        raise InputError(f"{clip.name}: its picture can't be read; choose the clip's file again")


def camera_from_clip(
    clip: bpy.types.MovieClip, choice: LensChoice, focal_px: float | None = None
) -> CameraChoice:
    """The camera of a clip; where it stood stays unknown.

    A new clip claims a 24 mm lens whatever filmed it, so its lens counts only after a camera solve or when
    the user says so.

    Args:
        choice: "AUTO": the solved lens, or the default guess without a solve; "ESTIMATE": the default guess;
            "VALUE": ``focal_px``; "CLIP": the clip's lens as set, solved or confirmed by the user.
        focal_px: horizontal focal length in pixels, for "VALUE".

    Raises:
        InputError: the clip's file can't be read, or no usable focal length is given.
    """
    require_readable(clip)
    width, height = clip.size
    lens = clip.tracking.camera
    solve = solved_reconstruction(clip)
    if choice == "CLIP" or (choice == "AUTO" and solve is not None):
        focal = float(lens.focal_length_pixels)
        centre_x, centre_up = lens.principal_point_pixels
        settled = (
            "your word" if solve is None else f"camera solve, average error {solve.average_error:.2f} px"
        )
        source = f"Clip's lens by {settled}: {lens.focal_length_pixels:.0f} px"
        distortion = _distortion(clip)
        centre = (float(centre_x), height - float(centre_up))
    else:
        if choice == "VALUE":
            if focal_px is None or not np.isfinite(focal_px) or focal_px <= 0:
                raise InputError(f"{clip.name}: the focal length must be above 0 pixels; enter the lens's")
            focal, source = focal_px, f"Focal length as given: {focal_px:.0f} px"
        else:
            focal = default_focal_px(width, height)
            source = f"Lens not known: {focal:.0f} px, a view of 53° across the diagonal, is assumed"
        distortion, centre = Distortion(), (width / 2, height / 2)
    camera = Camera(
        width=width,
        height=height,
        fx=focal,
        fy=focal * float(lens.pixel_aspect),
        cx=centre[0],
        cy=centre[1],
        focal_known=choice in ("VALUE", "CLIP") or (choice == "AUTO" and solve is not None),
        distortion=distortion,
    )
    return CameraChoice(camera, source)


def is_perspective(blender_object: bpy.types.Object) -> bool:
    """Whether an object is a camera as films are made with: any object may be a scene's camera."""
    return bool(blender_object.type == "CAMERA" and blender_object.data.type == "PERSP")


def camera_from_object(
    scene: bpy.types.Scene,
    camera_object: bpy.types.Object,
    width: int,
    height: int,
    *,
    clip_start: int = 1,
    frames: tuple[int, int] | None = None,
) -> CameraChoice:
    """A camera of the scene as the camera of the clip, with its place: per frame where it moves.

    The clip's picture is taken to fill the camera's frame. A moving camera is evaluated on every frame, and
    the scene's current frame comes back.

    Args:
        width, height: of the clip, pixels.
        clip_start: scene frame of the clip's frame 0.
        frames: first and last scene frame to evaluate; by default the scene's range.

    Raises:
        InputError: no perspective camera, a zoom, or a frame of another shape than the clip's.
    """
    if not is_perspective(camera_object):
        raise InputError(f"{camera_object.name}: is no perspective camera; choose another")
    data, render = camera_object.data, scene.render
    across, down = render.resolution_x, render.resolution_y
    if abs((across / down) / (width / height) - 1) > _SAME_SHAPE:
        raise InputError(
            f"{scene.name}: renders {across} × {down}, a different shape from the clip's {width} × {height}; "
            "use Match Scene to Clip first"
        )
    first, last = frames if frames is not None else (scene.frame_start, scene.frame_end)
    if _may_move(camera_object):
        poses = _evaluated_poses(scene, camera_object, range(first, last + 1))
    else:
        poses = _world_from_camera(camera_object)[None]
    poses[:, :3, 3] *= metres_per_unit(scene)
    static = bool(np.abs(poses - poses[0]).max() < _STILL)
    fx, fy, cx, cy = _intrinsics(data, render)
    camera = Camera(
        width=width,
        height=height,
        fx=fx * width / across,
        fy=fy * height / down,
        cx=cx * width / across,
        cy=cy * height / down,
        world_from_camera=poses[0] if static else poses,
        frame_start=first - clip_start,
    )
    moves = "static" if static else f"moving, frames {first} to {last}"
    return CameraChoice(camera, f"Scene camera {camera_object.name}: {data.lens:.1f} mm, {moves}")


def create_camera(
    name: str,
    camera: Camera,
    world_from_camera: Array,
    *,
    scene: bpy.types.Scene,
    clip: bpy.types.MovieClip | None,
) -> bpy.types.Object:
    """Makes a camera object that sees the world as the clip's camera did, the clip as its background.

    The object is linked to no collection yet. Scenes are not changed: their resolution and pixel aspect must
    be the clip's for the overlay to hold vertically.

    Args:
        world_from_camera: (4, 4), OpenCV axes, in the space the object is going to be in.
        scene: whose frame the background is fitted to, and in whose units near and far are.
        clip: shown undistorted if the camera has a distortion, which is the clip's own then.
    """
    data = bpy.data.cameras.new(name)
    data.sensor_fit = "HORIZONTAL"
    if clip is not None:
        data.sensor_width = clip.tracking.camera.sensor_width
    data.lens = camera.fx * data.sensor_width / camera.width
    data.shift_x = 0.5 - camera.cx / camera.width
    data.shift_y = (camera.cy - camera.height / 2) * (camera.fx / camera.fy) / camera.width
    unit = metres_per_unit(scene)
    data.clip_start, data.clip_end, data.display_size = _NEAR / unit, _FAR / unit, 1 / unit
    if clip is not None:
        _show_background(data, camera, scene, clip)
    camera_object = bpy.data.objects.new(name, data)
    camera_object.rotation_mode = "QUATERNION"
    camera_object.matrix_basis = Matrix(world_from_camera @ FLIP)
    return camera_object


def copy_view(source: bpy.types.Camera, target: bpy.types.Camera) -> None:
    """Makes a camera see what another one, from ``create_camera``, sees; its other settings stay."""
    for name in VIEW:
        setattr(target, name, getattr(source, name))
    shown = next((image for image in target.background_images if image.source == "MOVIE_CLIP"), None)
    for image in source.background_images:
        if shown is not None:  # else somebody has removed it
            shown.clip, shown.frame_method = image.clip, image.frame_method
            shown.clip_user.use_render_undistorted = image.clip_user.use_render_undistorted


def animate_camera(
    camera_object: bpy.types.Object, name: str, times: KeyTimes, world_from_camera: Array
) -> bpy.types.Action:
    """Writes a new action that moves a camera.

    Args:
        times: of the keys; their rows are those of ``world_from_camera``.
        world_from_camera: (T, 4, 4), OpenCV axes, in the space that the object is in.
    """
    poses = world_from_camera @ FLIP
    turned = quaternions.one_hemisphere(np.array([Matrix(pose[:3, :3]).to_quaternion() for pose in poses]))
    curves = array_curves(
        "location", times.scene_frames, points_at(poses[:, :3, 3], times.rows), group="Camera"
    )
    curves += array_curves(
        "rotation_quaternion", times.scene_frames, rotations_at(turned, times.rows), group="Camera"
    )
    return write_curves(camera_object, name, curves)


def pixel_aspect(camera: Camera) -> tuple[float, float]:
    """``pixel_aspect_x`` and ``pixel_aspect_y`` of a scene that renders what this camera sees."""
    ratio = camera.fy / camera.fx
    return (ratio, 1.0) if ratio >= 1 else (1.0, 1.0 / ratio)


def solved_reconstruction(clip: bpy.types.MovieClip) -> bpy.types.MovieTrackingReconstruction | None:
    """The clip's valid camera solve; None without one."""
    for tracked in clip.tracking.objects:
        if tracked.is_camera and tracked.reconstruction.is_valid:
            return tracked.reconstruction
    return None


def _distortion(clip: bpy.types.MovieClip) -> Distortion:
    lens = clip.tracking.camera
    width, height = clip.size

    def values(*names: str) -> tuple[float, ...]:
        return tuple(float(getattr(lens, name)) for name in names)

    match lens.distortion_model:
        case "POLYNOMIAL":
            distortion = Distortion("polynomial", values("k1", "k2", "k3"))
        case "DIVISION":
            distortion = Distortion("division", values("division_k1", "division_k2"))
        case "NUKE":
            k1, k2 = values("nuke_k1", "nuke_k2")
            distortion = Distortion.from_nuke(
                k1, k2, float(lens.focal_length_pixels), width, round(height / lens.pixel_aspect)
            )
        case "BROWN":
            names = (*(f"brown_k{order}" for order in range(1, 5)), "brown_p1", "brown_p2")
            distortion = Distortion("brown", values(*names))
        case other:
            raise InputError(f"{clip.name}: distortion model {other} is not supported; choose another model")
    return distortion if any(distortion.coefficients) else Distortion()


def _intrinsics(
    data: bpy.types.Camera, render: bpy.types.RenderSettings
) -> tuple[float, float, float, float]:
    """fx, fy, cx, cy in pixels of the scene's full resolution, for any sensor fit."""
    width, height = render.resolution_x, render.resolution_y
    tall = render.pixel_aspect_y / render.pixel_aspect_x
    fit = data.sensor_fit
    if fit == "AUTO":
        fit = "HORIZONTAL" if width >= tall * height else "VERTICAL"
    sensor = data.sensor_height if data.sensor_fit == "VERTICAL" else data.sensor_width
    side = width if fit == "HORIZONTAL" else tall * height
    fx = data.lens / sensor * side
    return fx, fx / tall, width / 2 - data.shift_x * side, height / 2 + data.shift_y * side / tall


def _world_from_camera(camera_object: bpy.types.Object) -> Array:
    place, turned, _ = camera_object.matrix_world.decompose()
    return np.array(Matrix.LocRotScale(place, turned, None), dtype=np.float64) @ FLIP


def _may_move(blender_object: bpy.types.Object) -> bool:
    data = blender_object.data
    if any(block is not None and block.animation_data is not None for block in (blender_object, data)):
        return True
    if any(not constraint.mute for constraint in blender_object.constraints):
        return True
    return blender_object.parent is not None and (
        blender_object.parent_type != "OBJECT" or _may_move(blender_object.parent)
    )


def _evaluated_poses(scene: bpy.types.Scene, camera_object: bpy.types.Object, frames: Sequence[int]) -> Array:
    """(N, 4, 4) in OpenCV axes."""
    current, subframe = scene.frame_current, scene.frame_subframe
    poses, lenses = [], []
    try:
        for frame in frames:
            scene.frame_set(frame)
            poses.append(_world_from_camera(camera_object))
            lenses.append(camera_object.data.lens)
    finally:
        scene.frame_set(current, subframe=subframe)
    if max(lenses) - min(lenses) > 1e-3:
        raise InputError(
            f"{camera_object.name}: zooms from {min(lenses):.1f} to {max(lenses):.1f} mm; "
            "only a fixed focal length can be used"
        )
    return np.array(poses)


def _show_background(
    data: bpy.types.Camera, camera: Camera, scene: bpy.types.Scene, clip: bpy.types.MovieClip
) -> None:
    background = data.background_images.new()
    background.source = "MOVIE_CLIP"
    background.clip = clip
    background.clip_user.use_render_undistorted = camera.distortion != Distortion()
    background.clip_user.proxy_render_size = "FULL"
    background.alpha = 1.0
    # The picture's width must cover the frame's, as the sensor does: where scene and clip differ in shape,
    # the height is what gives.
    render = scene.render
    frame_shape = render.resolution_x * render.pixel_aspect_x / (render.resolution_y * render.pixel_aspect_y)
    clip_shape = camera.width * camera.fy / (camera.height * camera.fx)
    background.frame_method = "CROP" if clip_shape < frame_shape else "FIT"
    data.show_background_images = True
