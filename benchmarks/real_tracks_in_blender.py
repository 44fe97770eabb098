"""Keypoints of real videos through the add-on in Blender, and Workbench frames of the takes.

    python -m benchmarks.real_tracks_in_blender ../shared/keypoints/*/* --out build/real_tracks_in_blender

Imports each file by the panel's operator, estimates the first person, and writes a sheet per file: above
through the take's own camera, below from the person's side. Where a file can't be used, says why and goes on.
The exit status is 1 if one that the command line reads doesn't become a take.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from types import ModuleType

import bpy
import matplotlib
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from benchmarks.retarget import PACKAGE, ours
from estimator.errors import InputError
from estimator.keypoints import read_keypoints
from estimator.picture_size import guess_picture_size
from estimator.track import KeypointTrack

matplotlib.use("Agg")
import matplotlib.pyplot as plt

Array = NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = 8
LONGER_SIDE = 360
"""Pixels of a picture through the take's camera."""
SIDE = 300
"""Pixels of a square one from the side."""
SIDE_METRES = 2.6
FLOOR = ((0.72, 0.75, 0.78, 1.0), (0.86, 0.88, 0.90, 1.0))


def estimated(path: Path) -> bpy.types.Object:
    """The armature that a user gets who imports a file into an empty scene and clicks *Estimate Motion*.

    Raises:
        RuntimeError: an operator refuses, in its words.
    """
    bpy.ops.kinelift.import_keypoints(filepath=str(path))
    bpy.ops.kinelift.pick_person(person_id=bpy.context.scene.kinelift.people[0].person_id)
    bpy.ops.kinelift.estimate_motion()
    (armature,) = (one for one in bpy.data.objects if one.type == "ARMATURE")
    return armature


def draw_sheet(armature: bpy.types.Object, tracks: list[KeypointTrack], sheet: Path) -> None:
    """Frames spread over the take, each from the clip's camera and from the side of it."""
    demo, scene = ours("demo"), bpy.context.scene
    ours("figure").create_figure(armature)
    first, last = armature.animation_data.action.frame_range
    frames = np.linspace(first, last, COLUMNS).round().astype(int).tolist()
    width, height = tracks[0].width, tracks[0].height
    if not width or not height:
        width, height = guess_picture_size(tracks)
    size = [round(side * LONGER_SIDE / max(width, height)) for side in (width, height)]
    demo.set_up_render(scene, tuple(size), scene.render.fps, colours="MATERIAL", samples="8")
    scene.world = bpy.data.worlds.new("Sheet")
    scene.world.color = (1.0, 1.0, 1.0)
    demo.add_floor(*FLOOR)
    front = [demo.picture(scene, frame) for frame in frames]
    ahead = scene.camera.matrix_world.to_quaternion() @ Vector((0.0, 0.0, -1.0))
    across = Vector((ahead.x, ahead.y, 0.0)).normalized().cross(Vector((0.0, 0.0, 1.0)))
    scene.camera = _side_camera(scene)
    side = [_from_side(scene, armature, frame, across) for frame in frames]
    figure, cells = plt.subplots(2, COLUMNS, figsize=(2.4 * COLUMNS, 5.0), squeeze=False)
    for column, frame in enumerate(frames):
        cells[0, column].set_title(f"{frame}", fontsize=8)
        for cell, shown in zip(cells[:, column], (front[column], side[column]), strict=True):
            cell.imshow(np.clip(shown[..., :3], 0, 1))
            cell.axis("off")
    figure.suptitle(armature.name)
    figure.tight_layout(pad=0.3)
    figure.savefig(sheet, dpi=70)
    plt.close(figure)


def _side_camera(scene: bpy.types.Scene) -> bpy.types.Object:
    data = bpy.data.cameras.new("Side")
    data.type, data.ortho_scale = "ORTHO", SIDE_METRES
    camera = bpy.data.objects.new("Side", data)
    scene.collection.objects.link(camera)
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    return camera


def _from_side(scene: bpy.types.Scene, armature: bpy.types.Object, frame: int, across: Vector) -> Array:
    """A picture from 8 m to the side, level with the person's middle and looking a little down."""
    scene.frame_set(frame)
    hips = armature.matrix_world @ armature.pose.bones["Hips"].head
    middle = Vector((hips.x, hips.y, 0.9))
    scene.camera.location = middle + 8.0 * across + Vector((0.0, 0.0, 0.7))
    scene.camera.rotation_euler = (middle - scene.camera.location).to_track_quat("-Z", "Y").to_euler()
    picture: Array = ours("demo").picture(scene, frame)
    return picture


def main() -> int:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("inputs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, help="folder for the sheets; none are drawn without")
    args = parser.parse_args()
    package = ModuleType(PACKAGE)
    package.__path__ = [str(ROOT)]
    sys.modules[PACKAGE] = package
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
    done = failed = 0
    for path in args.inputs:
        try:
            tracks = read_keypoints(path)
        except InputError as error:
            print(f"left out: {error}", flush=True)
            continue
        bpy.ops.wm.read_factory_settings(use_empty=True)
        ours("keypoint_store").forget_all()
        addon = importlib.import_module(f"{PACKAGE}.addon")
        addon.register()
        try:
            armature = estimated(path.resolve())
            first, last = armature.animation_data.action.frame_range
            print(f"{path}: frames {first:.0f} to {last:.0f}", flush=True)
            if args.out:
                draw_sheet(armature, tracks, args.out / f"{path.parent.name}_{path.stem}.png")
            done += 1
        except RuntimeError as error:
            print(f"{path}: {error}", flush=True)
            failed += 1
        finally:
            addon.unregister()
    print(f"{done} of {done + failed} files became takes")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
