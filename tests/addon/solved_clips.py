"""Clips whose camera Blender has solved, and people who walk in front of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
import torch
from kinelift_checkout.estimator import kinematics
from kinelift_checkout.estimator.camera import Camera
from kinelift_checkout.estimator.example import walk
from numpy.typing import NDArray

Array = NDArray[np.float64]


def straight_walk(monkeypatch: pytest.MonkeyPatch, *, frames: int, speed: float, heading: float) -> Any:
    """The example's person, who only walks straight on.

    Args:
        speed: metres per second.
        heading: radians from -Y.
    """
    monkeypatch.setattr(walk, "FRAMES", frames)
    monkeypatch.setattr(walk, "SPEED_KEYS", np.array([(0.0, speed), (100.0, speed)]))
    monkeypatch.setattr(walk, "HEADING_KEYS", np.array([(0.0, heading), (100.0, heading)]))
    monkeypatch.setattr(walk, "STANDS_FROM", 90.0)
    monkeypatch.setattr(walk, "WAVES_FROM", 95.0)
    return walk.plan_walk(0)


def keypoints_of(walked: Any, camera: Camera, noise: float) -> Array:
    """(T, 26, 3) pixels and confidence of what a camera sees of a walk; ``noise`` in pixels."""
    lengths = torch.from_numpy(walk.LENGTHS)
    pose = kinematics.forward_kinematics(
        torch.from_numpy(walked.rotations),
        kinematics.rest_offsets_from_lengths(lengths),
        torch.from_numpy(walked.root),
    )
    points = kinematics.keypoints(pose, lengths).numpy()
    assert camera.world_from_camera is not None
    pixels = camera.project(in_camera(camera.world_from_camera, points))
    pixels = pixels + np.random.default_rng(4).normal(scale=noise, size=pixels.shape)
    return np.concatenate([pixels, np.full((*pixels.shape[:2], 1), 0.9)], axis=-1)


def in_camera(world_from_camera: Array, points: Array) -> Array:
    """World points (T, N, 3) in the axes of the camera of each frame (T, 4, 4)."""
    away = points - world_from_camera[:, None, :3, 3]
    return np.einsum("tji,tnj->tni", world_from_camera[:, :3, :3], away)


def solved_clip(folder: Path, camera: Camera, cloud: Array, frame_start: int) -> bpy.types.MovieClip:
    """A clip of blank pictures with a track per point of a cloud (N, 3), its camera solved by Blender."""
    assert camera.world_from_camera is not None
    width, height, frames = camera.width, camera.height, len(camera.world_from_camera)
    image = bpy.data.images.new("picture", width, height)
    image.filepath_raw, image.file_format = str(folder / "0001.png"), "PNG"
    image.save()
    bpy.data.images.remove(image)
    for frame in range(2, frames + 1):
        (folder / f"{frame:04d}.png").write_bytes((folder / "0001.png").read_bytes())
    clip = bpy.data.movieclips.load(str(folder / "0001.png"))
    clip.frame_start = frame_start
    clip.tracking.camera.focal_length_pixels = camera.fx
    tracks = [clip.tracking.tracks.new(name=f"{number}", frame=1) for number in range(len(cloud))]
    pixels = camera.project(in_camera(camera.world_from_camera, np.tile(cloud, (frames, 1, 1))))
    for frame, places in enumerate(pixels, start=1):
        for track, (x, y) in zip(tracks, places, strict=True):
            track.markers.insert_frame(frame, co=(x / width, 1 - y / height))
    clip.tracking.settings.use_keyframe_selection = False
    solved = clip.tracking.objects.active
    solved.keyframe_a, solved.keyframe_b = 1, frames
    with clip_editor(clip):
        bpy.ops.clip.solve_camera()
    return clip


def set_floor_and_scale(clip: bpy.types.MovieClip, cloud: Array) -> None:
    """What a user does in the Movie Clip Editor with tracks 0, 1 and 2, which lie on the floor."""
    with clip_editor(clip):
        _select(clip, 0, 1, 2)
        bpy.ops.clip.set_plane(plane="FLOOR")
        _select(clip, 0, 1)
        bpy.ops.clip.set_scale(distance=float(np.linalg.norm(cloud[0] - cloud[1])))
        _select(clip, 0)
        bpy.ops.clip.set_origin()
    bpy.context.view_layer.update()


def clip_editor(clip: bpy.types.MovieClip) -> Any:
    """The context of the Movie Clip Editor with a clip."""
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "CLIP_EDITOR"
    space = area.spaces.active
    space.clip, space.mode = clip, "TRACKING"
    region = next(region for region in area.regions if region.type == "WINDOW")
    return bpy.context.temp_override(window=window, area=area, region=region, space_data=space)


def _select(clip: bpy.types.MovieClip, *numbers: int) -> None:
    for number, track in enumerate(clip.tracking.tracks):
        track.select = number in numbers
