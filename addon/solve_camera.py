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
from .blender_camera import FLIP, CameraChoice, camera_from_clip, create_camera, solved_reconstruction
from .object_place import world_of
from .scene_units import metres_per_unit

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

    Frames that the solve leaves out keep to the straight way between those beside them, or stand still
    before its first and after its last.

    Raises:
        InputError: the clip has no valid solve, no camera follows it, or that has no floor yet; one line.
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
    if not is_oriented(follower):
        # Whoever is in the clip would lie in the air, seen by a camera that looks straight down.
        raise InputError(
            f"{clip.name}: floor and scale of its solve are not set; set them for {follower.name} in the "
            "Movie Clip Editor, or choose another camera"
        )
    poses = _poses(reconstruction, world_of(follower), int(clip.frame_duration))
    poses[:, :3, 3] *= metres_per_unit(scene)
    static = bool(np.abs(poses - poses[0]).max() < _STILL)
    camera = replace(
        choice.camera,
        world_from_camera=poses[0] if static else poses,
        # The solve counts the clip's frames from 1, the keypoints the file's pictures from 0.
        frame_start=int(clip.frame_offset),
    )
    moves = "static" if static else "moving"
    return CameraChoice(camera, f"{choice.source}, {moves} as {follower.name}{solved_part(clip)}")


def solved_part(clip: bpy.types.MovieClip) -> str:
    """An ending for a line about the solve, empty if it reaches from the clip's first to its last frame."""
    solve = solved_reconstruction(clip)
    frames = [camera.frame for camera in solve.cameras] if solve is not None else []
    if not frames or (min(frames) <= 1 and max(frames) >= clip.frame_duration):
        return ""
    first, last = (clip.frame_start - 1 + frame for frame in (min(frames), max(frames)))
    return f", solved on frames {first} to {last} only"


def add_solve_camera(context: bpy.types.Context, clip: bpy.types.MovieClip) -> bpy.types.Object:
    """Makes a camera that follows the clip's solve and shows the clip; the scene's if it had none.

    Raises:
        InputError: the clip's file can't be read, or its lens is none.
    """
    # Of an object without a place of its own, as a solve that is not oriented begins.
    camera = create_camera(
        f"{clip.name} Solve", camera_from_clip(clip, "CLIP").camera, FLIP, scene=context.scene, clip=clip
    )
    camera.rotation_mode = "XYZ"
    # What was solved has no scale yet, and may lie within a unit.
    camera.data.clip_start, camera.data.display_size = 0.1, 1.0
    # The lens may be solved again, with a distortion then.
    camera.data.background_images[0].clip_user.use_render_undistorted = True
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
