"""What a user sees: through the take's camera the estimated person lies on the person in the footage."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.action import ActionSettings
from kinelift_checkout.addon.figure import create_figure
from kinelift_checkout.addon.take import TakeSettings, write_take
from kinelift_checkout.estimator.example import write_example
from kinelift_checkout.estimator.example.detector import example_camera, example_motion

pytestmark = pytest.mark.usefixtures("registered")
pytest.importorskip("torch", reason="estimating needs torch")
pytest.importorskip("matplotlib", reason="the demo's pictures are read by matplotlib")

FRAMES = (20, 62, 104)
"""Pictures of the clip, from 0: walking up, turning, walking away."""
LENGTH = 120
FIRST = 8
"""Scene frame of the clip's first picture."""
LOOK = os.environ.get("KINELIFT_PICTURES")
"""Folder to leave the pictures in, for looking at them."""


def film(folder: Path) -> Path:
    """A sequence of pictures in which only ``FRAMES`` show the example's person; returns its first."""
    from kinelift_checkout.addon import demo

    camera = example_camera()
    take = write_take(bpy.context, [example_motion()], camera, TakeSettings(ActionSettings(), name="Film"))
    create_figure(take.armatures[0]).color = demo.PERSON_COLOUR
    demo.add_floor((0.42, 0.45, 0.47, 1.0), (0.50, 0.53, 0.55, 1.0))
    scene = bpy.context.scene
    scene.camera = take.camera
    demo.set_up_render(scene, (camera.width, camera.height), 30, colours="OBJECT", samples="FXAA")
    scene.render.image_settings.file_format = "PNG"
    for frame in FRAMES:
        scene.frame_set(1 + frame)
        scene.render.filepath = str(folder / f"{1 + frame:04d}.png")
        bpy.ops.render.render(write_still=True)
    for frame in set(range(LENGTH)) - set(FRAMES):
        shutil.copy(folder / f"{1 + FRAMES[0]:04d}.png", folder / f"{1 + frame:04d}.png")
    return folder / "0001.png"


def test_the_estimated_person_lies_on_the_one_in_the_footage(tmp_path: Path) -> None:
    from kinelift_checkout.addon import demo

    (tmp_path / "film").mkdir()
    first = film(tmp_path / "film")
    recording = write_example(tmp_path / "example")
    bpy.ops.wm.read_homefile(use_empty=True)
    scene, settings = bpy.context.scene, bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(first))
    settings.clip.frame_start = FIRST
    settings.fps, settings.camera_source, settings.focal_px = 30.0, "VALUE", example_camera().fx
    settings.use_frame_range, settings.frame_first, settings.frame_last = True, FIRST, FIRST + LENGTH - 1
    bpy.ops.kinelift.match_scene_to_clip()
    bpy.ops.kinelift.import_keypoints(filepath=str(recording.keypoints))
    bpy.ops.kinelift.estimate_motion()
    (armature,) = (one for one in bpy.data.objects if one.type == "ARMATURE")
    create_figure(armature)
    background = scene.camera.data.background_images[0]
    assert background.clip == settings.clip

    size = (scene.render.resolution_x, scene.render.resolution_y)
    demo.set_up_render(scene, size, 30, colours="MATERIAL", samples="FXAA")
    scene.render.film_transparent = True
    off = []
    for frame in FRAMES:
        footage = demo.plt.imread(first.with_name(f"{1 + frame:04d}.png"))
        shown = demo.picture(scene, FIRST + frame)
        person = demo.filmed_person(footage)
        off.append(demo.outline_distance(person, shown[..., 3] > 0.5))
        beside = demo.outline_distance(person, np.roll(shown[..., 3] > 0.5, 12, axis=1))
        assert beside > off[-1], "12 pixels to the side it lies worse"
        if LOOK:
            alpha = 0.6 * shown[..., 3:]
            demo.plt.imsave(
                Path(LOOK) / f"{frame}.png", footage[..., :3] * (1 - alpha) + shown[..., :3] * alpha
            )
    assert np.mean(off) < 0.03, off
    assert max(off) < 0.05, off
