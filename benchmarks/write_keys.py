"""Seconds to write the keys of a one-minute clip: ``python benchmarks/write_keys.py`` (needs bpy)."""

from __future__ import annotations

import importlib
import statistics
import sys
import time
from pathlib import Path
from types import ModuleType

import bpy
import numpy as np

FRAMES = 1800
REPEATS = 5


def main() -> None:
    """Prints the median and the worst of a few runs for each root mode."""
    package = ModuleType("kinelift_checkout")
    package.__path__ = [str(Path(__file__).resolve().parent.parent)]
    sys.modules[package.__name__] = package
    action = importlib.import_module("kinelift_checkout.addon.action")
    armature = importlib.import_module("kinelift_checkout.addon.armature")
    motion_module = importlib.import_module("kinelift_checkout.estimator.motion")
    skeleton = importlib.import_module("kinelift_checkout.estimator.skeleton")

    bpy.ops.wm.read_factory_settings(use_empty=True)
    generator = np.random.default_rng(0)
    rotations = generator.normal(size=(FRAMES, skeleton.J, 4))
    rotations /= np.linalg.norm(rotations, axis=-1, keepdims=True)
    motion = motion_module.Motion(
        person_id=1,
        source="random",
        fps=30.0,
        frame_start=0,
        rest_offsets=skeleton.rest_offsets(skeleton.MEAN_LENGTHS),
        root_translation=generator.normal(size=(FRAMES, 3)),
        rotations=rotations,
        joints_world=generator.normal(size=(FRAMES, skeleton.J, 3)),
        joints_camera=np.zeros((FRAMES, skeleton.J, 3)),
        intrinsics=np.eye(3),
        world_from_camera=np.eye(4),
        end_points=np.zeros((FRAMES, 7, 3)),
        contacts=np.zeros((FRAMES, 4)),
        keypoints=np.zeros((FRAMES, 26, 2)),
        confidence=np.zeros((FRAMES, 26)),
        frame_confidence=np.ones(FRAMES),
    )
    person = armature.create_armature("Person", motion.rest_offsets, root_bone=True)
    bpy.context.scene.collection.objects.link(person)
    print(f"Blender {bpy.app.version_string}, {FRAMES} frames")
    for root_mode in ("HIPS", "ROOT_BONE", "IN_PLACE"):
        seconds = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            action.write_action(person, motion, action.ActionSettings(root_mode=root_mode), "Walk")
            seconds.append(time.perf_counter() - start)
        print(f"{root_mode:10} median {statistics.median(seconds):.3f} s, worst {max(seconds):.3f} s")


if __name__ == "__main__":
    main()
