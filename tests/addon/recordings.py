"""Clips and keypoint files for tests, made on the spot."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

import bpy
import numpy as np
from kinelift_checkout.estimator.example import example_motion
from kinelift_checkout.estimator.motion import Motion
from numpy.typing import NDArray

EXAMPLE_SIZE = (1280, 720)
COCO_POINTS = 17


@cache
def example_person() -> Motion:
    """The example's true motion with its keypoints."""
    return example_motion()


def render_clip(path: Path, size: tuple[int, int] = EXAMPLE_SIZE, frames: int = 40, fps: int = 30) -> Path:
    """A grey video, made by Blender's video editor; each kind is rendered once."""
    path.write_bytes(_rendered(size, frames, fps))
    return path


@cache
def _rendered(size: tuple[int, int], frames: int, fps: int) -> bytes:
    scene = bpy.data.scenes.new("Film")
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    timing = {"length": frames} if bpy.app.version >= (5, 0) else {"frame_end": 1 + frames}
    strips.new_effect("Grey", "COLOR", channel=1, frame_start=1, **timing)
    scene.frame_end = frames
    scene.render.fps = fps
    scene.render.resolution_x, scene.render.resolution_y = size
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "VIDEO"
    scene.render.image_settings.file_format = "FFMPEG"
    scene.render.ffmpeg.format, scene.render.ffmpeg.codec = "MPEG4", "H264"
    scene.render.use_file_extension = False
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        scene.render.filepath = str(path)
        bpy.ops.render.render(animation=True, scene=scene.name)
        bpy.data.scenes.remove(scene)
        return path.read_bytes()


def write_coco(path: Path, people: list[NDArray[np.float64]], first_frame: int = 0) -> Path:
    """People's keypoints (T, 26, 3) as a list of COCO results."""
    results = [
        {
            "image_id": first_frame + frame,
            "category_id": 1,
            "keypoints": np.nan_to_num(points[frame, :COCO_POINTS]).reshape(-1).tolist(),
            "score": 1.0,
            "idx": number,
        }
        for number, points in enumerate(people)
        for frame in range(len(points))
    ]
    path.write_text(json.dumps(results), encoding="utf-8")
    return path


def example_points(frames: int = 40, shift: float = 0.0) -> NDArray[np.float64]:
    """(T, 26, 3) x, y, confidence of the example's person, moved to the right by ``shift`` pixels."""
    person = example_person()
    points = np.concatenate(
        [person.keypoints + np.array([shift, 0.0]), person.confidence[..., None]], axis=-1
    )
    return points[:frames]
