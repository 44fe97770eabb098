"""The camera of a clip's camera solve, moving as it was solved.

A solve has no scale, no ground and no up of its own. The user gives it those in the scene: the Movie Clip
Editor's *Set Floor*, *Set Origin*, *Set Axis* and *Set Scale* move and scale the camera object that follows
the solve by a *Camera Solver* constraint (or its parent). So its place is the object's, times the
reconstruction's matrix of the frame.
"""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
from mathutils import Matrix, Quaternion
from numpy.typing import NDArray

from ..estimator.errors import InputError
from . import quaternions
from .blender_camera import FLIP, CameraChoice, camera_from_clip, solved_reconstruction
from .object_place import world_of

Array = NDArray[np.float64]

_STILL = 1e-5
"""Metres and units of a rotation matrix: a camera that stays within stands still."""


def solve_follower(scene: bpy.types.Scene, clip: bpy.types.MovieClip) -> bpy.types.Object | None:
    """The camera that follows the clip's solve: the scene's own if it does, else the first that does."""
    cameras = [one for one in scene.objects if one.type == "CAMERA" and follows_solve(one, scene, clip)]
    return scene.camera if scene.camera in cameras else next(iter(cameras), None)


def follows_solve(camera: bpy.types.Object, scene: bpy.types.Scene, clip: bpy.types.MovieClip) -> bool:
    """Whether a camera has a constraint to the clip's camera solve."""
    return any(
        constraint.type == "CAMERA_SOLVER"
        and not constraint.mute
        and (scene.active_clip if constraint.use_active_clip else constraint.clip) == clip
        for constraint in camera.constraints
    )


def is_oriented(camera: bpy.types.Object) -> bool:
    """Whether anybody has given the solve that this camera follows a place or scale of its own."""
    return not np.allclose(np.array(world_of(camera)), np.eye(4), atol=1e-6)


def camera_from_solve(scene: bpy.types.Scene, clip: bpy.types.MovieClip) -> CameraChoice:
    """The clip's lens, and where the camera was on each frame, metres in the scene's world.

    Frames that the solve leaves out keep to the straight way between those beside them.

    Raises:
        InputError: the clip has no valid solve, or no camera follows it; one line.
    """
    choice = camera_from_clip(clip, "CLIP")
    reconstruction = solved_reconstruction(clip)
    if reconstruction is None:
        raise InputError(
            f"{clip.name}: its camera is not solved; "
            "solve it in the Movie Clip Editor, or choose another camera"
        )
    follower = solve_follower(scene, clip)
    if follower is None:
        raise InputError(f"{clip.name}: no camera of the scene follows its solve; press Add Solve Camera")
    poses = _poses(reconstruction, world_of(follower), int(clip.frame_duration))
    static = bool(np.abs(poses - poses[0]).max() < _STILL)
    camera = replace(
        choice.camera,
        world_from_camera=poses[0] if static else poses,
        # The solve counts the clip's frames from 1, the keypoints the file's pictures from 0.
        frame_start=int(clip.frame_offset),
    )
    return CameraChoice(camera, f"{choice.source}, {'static' if static else 'moving'} as {follower.name}")


def add_solve_camera(context: bpy.types.Context, clip: bpy.types.MovieClip) -> bpy.types.Object:
    """Makes a camera that follows the clip's solve and shows the clip; the scene's if it had none."""
    lens = clip.tracking.camera
    data = bpy.data.cameras.new(f"{clip.name} Solve")
    data.sensor_fit, data.sensor_width, data.lens = "HORIZONTAL", lens.sensor_width, lens.focal_length
    centre_x, centre_up = lens.principal_point_pixels
    width, height = clip.size
    data.shift_x = 0.5 - centre_x / width
    data.shift_y = (height / 2 - centre_up) * lens.pixel_aspect / width
    background = data.background_images.new()
    background.source, background.clip = "MOVIE_CLIP", clip
    background.clip_user.use_render_undistorted = True
    background.alpha = 1.0
    data.show_background_images = True
    camera = bpy.data.objects.new(data.name, data)
    constraint = camera.constraints.new("CAMERA_SOLVER")
    constraint.use_active_clip, constraint.clip = False, clip
    context.scene.collection.objects.link(camera)
    if context.scene.camera is None:
        context.scene.camera = camera
    return camera


def _poses(reconstruction: bpy.types.MovieTrackingReconstruction, orientation: Matrix, frames: int) -> Array:
    """(frames, 4, 4) world_from_camera in OpenCV axes, from the clip's first frame on."""
    solved = sorted(camera.frame for camera in reconstruction.cameras)
    matrices = [orientation @ reconstruction.cameras.matrix_from_frame(frame=frame) for frame in solved]
    turned = quaternions.one_hemisphere(
        np.array([matrix.to_quaternion() for matrix in matrices], dtype=np.float64)
    )
    places = np.array([matrix.translation for matrix in matrices], dtype=np.float64)
    wanted = np.arange(1, frames + 1)
    row = np.interp(wanted, solved, np.arange(len(solved)))
    below = np.floor(row).astype(np.intp)
    above = np.minimum(below + 1, len(solved) - 1)
    turned = quaternions.slerp(turned[below], turned[above], np.asarray(row - below, dtype=np.float64))
    poses = np.tile(np.eye(4), (frames, 1, 1))
    poses[:, :3, 3] = np.stack([np.interp(wanted, solved, axis) for axis in places.T], axis=-1)
    poses[:, :3, :3] = [Quaternion(one).to_matrix() for one in turned]
    return np.asarray(poses @ FLIP)
