"""A batch's files, opened again and compared: ``blender -b --python reread.py -- DIR:KINDS…``."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bpy
import numpy as np
from report import check, measure, save

MOST_APART = 1e-3
"""Metres."""
OUT = Path("/mnt/out")


def main() -> None:
    arguments = sys.argv[sys.argv.index("--") + 1 :]
    worst: dict[str, float] = {}
    for argument in arguments:
        folder, _, kinds = argument.partition(":")
        for npz in sorted(Path(folder).glob("*.npz")):
            motion = np.load(npz)
            clip, _, person = npz.stem.rpartition("_p")
            for kind in kinds.split(","):
                path = npz.parent / (f"{clip}.blend" if kind == "blend" else f"{npz.stem}.{kind}")
                if not path.exists():
                    check(f"{path} is there", False)
                    continue
                apart = reread(path, motion, int(person))
                worst[kind] = max(worst.get(kind, 0.0), apart)
                check(f"{path}: within 1 mm", apart < MOST_APART, f"{1000 * apart:.4f} mm")
    for kind, apart in worst.items():
        measure(f"{kind}, largest distance of a joint from the npz", 1000 * apart, "mm")
    asked = {kind for argument in arguments for kind in argument.partition(":")[2].split(",")}
    check("each kind was opened", set(worst) == asked, sorted(worst))


def reread(path: Path, motion: np.lib.npyio.NpzFile, person: int) -> float:
    """Metres between the joints in a file and those of the motion, at most; infinite if frames lack."""
    fps, joints = float(motion["fps"]), motion["joints_world"]
    frames = load(path, fps)
    people = sorted((one for one in bpy.data.objects if one.type == "ARMATURE"), key=lambda one: one.name)
    armature = people[person - 1] if path.suffix == ".blend" else people[0]
    curves = curves_of(armature.animation_data.action)
    keys = np.unique([key.co.x for curve in curves for key in curve.keyframe_points])
    check(f"{path.name}: keys lie on whole frames", bool(np.abs(keys - keys.round()).max() < 1e-3))
    if path.suffix != ".glb":  # counts seconds
        found = bpy.context.scene.render.fps / bpy.context.scene.render.fps_base
        check(f"{path.name}: {fps:g} frames per second", abs(found - fps) < 1e-3, found)
    first, last = frames or (round(keys[0]), round(keys[-1]))
    if last - first + 1 != len(joints):
        check(f"{path.name}: as many frames", False, f"{first} to {last}, not {len(joints)}")
        return float("inf")
    worst = 0.0
    names = [str(name) for name in motion["joint_names"]]
    for frame, wanted in zip(range(first, last + 1), joints, strict=True):
        bpy.context.scene.frame_set(frame)
        world = armature.matrix_world
        heads = np.array([world @ armature.pose.bones[name].head for name in names])
        worst = max(worst, float(np.linalg.norm(heads - wanted, axis=1).max()))
    return worst


def curves_of(action: bpy.types.Action) -> list[bpy.types.FCurve]:
    """From Blender 5.0 on, an action has them in its layers only."""
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    strips = [strip for layer in action.layers for strip in layer.strips]
    return [curve for strip in strips for bag in strip.channelbags for curve in bag.fcurves]


def load(path: Path, fps: float) -> tuple[int, int] | None:
    """Opens a file; the range of frames where the file says it."""
    if path.suffix == ".blend":
        bpy.ops.wm.open_mainfile(filepath=str(path))
        return bpy.context.scene.frame_start, bpy.context.scene.frame_end
    bpy.ops.wm.read_factory_settings(use_empty=True)
    match path.suffix:
        case ".fbx":
            bpy.ops.import_scene.fbx(filepath=str(path))
        case ".glb":
            bpy.context.scene.render.fps = round(fps)
            bpy.ops.import_scene.gltf(filepath=str(path))
        case ".bvh":
            bpy.ops.import_anim.bvh(filepath=str(path), update_scene_fps=True)
        case ".usd":
            bpy.ops.wm.usd_import(filepath=str(path))
    return None


try:
    main()
    save(OUT / "report.json")
except Exception:
    traceback.print_exc()
    sys.stdout.flush()
    os._exit(3)
