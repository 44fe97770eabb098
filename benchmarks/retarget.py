"""Seconds to retarget a take of one minute onto Rigify's generated rig and onto a plain one.

``python -m benchmarks.retarget``, from the repository's root (needs bpy with Rigify). One core is used: set
``OMP_NUM_THREADS=1``. The walk of the example is repeated to the wanted length; feet are planted, every
control gets a key on every frame.
"""

from __future__ import annotations

import argparse
import cProfile
import dataclasses
import importlib
import os
import pstats
import statistics
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import numpy as np

PACKAGE = "kinelift_checkout"
REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description="Time of retargeting.")
    parser.add_argument("--frames", type=int, default=1800)
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    arguments = parser.parse_args()
    package = ModuleType(PACKAGE)
    package.__path__ = [str(Path(__file__).resolve().parent.parent)]
    sys.modules[PACKAGE] = package
    bpy.ops.wm.read_factory_settings(use_empty=True)
    source = long_take(arguments.frames)
    generated, metarig = rigify()
    print(f"Blender {bpy.app.version_string}, {arguments.frames} frames, feet planted")
    for title, target in (("Rigify's generated rig", generated), ("Rigify's metarig", metarig)):
        wall, processor = zip(*(measure(source, target) for _ in range(REPEATS)), strict=True)
        keys = sum(len(curve.keyframe_points) for curve in ours("animation").fcurves_of(target))
        print(
            f"{title:24} {statistics.median(processor):.2f} s of processor time, {keys} keys "
            f"(median of {REPEATS}; by the clock {statistics.median(wall):.2f} s)"
        )
        if arguments.profile:
            profile = cProfile.Profile()
            profile.runcall(measure, source, target)
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    sys.stdout.flush()
    os._exit(0)  # Python can hang at its end after Rigify has generated a rig


def ours(path: str) -> Any:
    """A module of the checkout's add-on."""
    return importlib.import_module(f"{PACKAGE}.addon.{path}")


def long_take(frames: int) -> bpy.types.Object:
    """The example's walk, forwards and backwards until it is long enough, as a take."""
    examples = importlib.import_module(f"{PACKAGE}.estimator.example")
    motion = examples.example_motion()
    rows = np.abs((np.arange(frames) + len(motion) - 1) % (2 * len(motion) - 2) - (len(motion) - 1))
    timed = {
        name: np.asarray(getattr(motion, name))[rows]
        for name in (
            "root_translation",
            "rotations",
            "joints_world",
            "joints_camera",
            "end_points",
            "contacts",
            "keypoints",
            "confidence",
            "frame_confidence",
        )
    }
    motion = dataclasses.replace(motion, **timed)
    take, action = ours("take"), ours("action")
    camera = importlib.import_module(f"{PACKAGE}.estimator.camera").pinhole(1280, 720, 900.0)
    settings = take.TakeSettings(action.ActionSettings(clip_start=1), make_camera=False)
    person: bpy.types.Object = take.write_take(bpy.context, [motion], camera, settings).armatures[0]
    return person


def rigify() -> tuple[bpy.types.Object, bpy.types.Object]:
    """The rig that Rigify generates from its human metarig, and the metarig."""
    import addon_utils  # there once bpy is

    if addon_utils.enable("rigify", default_set=True) is None:
        raise SystemExit("This Blender has no Rigify")
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    before = set(bpy.data.objects)
    bpy.ops.pose.rigify_generate()
    (generated,) = [made for made in set(bpy.data.objects) - before if made.type == "ARMATURE"]
    return generated, metarig


def measure(source: bpy.types.Object, target: bpy.types.Object) -> tuple[float, float]:
    """Seconds by the clock and of the processor, from the settings to the action, maps found anew."""
    find_map = ours("retarget.automatic_map").find_map
    read_rest_rig = ours("retarget.rest_rig").read_rest_rig
    retargeting = ours("retarget.retargeting")
    settings = ours("retarget.plan").RetargetSettings()
    start = time.perf_counter(), time.process_time()
    maps = [
        find_map(read_rest_rig(ob), role).bone_map for ob, role in ((source, "SOURCE"), (target, "TARGET"))
    ]
    steps = retargeting.retarget(bpy.context.scene, source, maps[0], target, maps[1], settings)
    ours("retarget.retarget_result").write_results([retargeting.finished(steps)])
    return time.perf_counter() - start[0], time.process_time() - start[1]


if __name__ == "__main__":
    main()
