"""A batch's files, opened again and compared: ``blender -b --python reread.py -- DIR:KINDS[:ARMATURE]…``.

A person's files are compared with the .npz beside them, a character's with the armature in the .blend.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bpy
import numpy as np
from report import check, measure, save

MOST_APART = 1e-3
"""Metres."""
OUT = Path("/mnt/out")


@dataclass(frozen=True)
class Wanted:
    """What files of a kind and name are to hold.

    Attributes:
        path: of all of them, but for their ending.
        person: whose armature it is among those in a .blend, from 1 on.
        fps: frames per second.
        names: of the bones.
        heads: (T, J, 3) of the bones in the world, metres.
    """

    path: Path
    person: int
    fps: float
    names: list[str]
    heads: np.ndarray

    def file(self, kind: str) -> Path:
        """Where it is."""
        clip = self.path.name.rpartition("_p")[0]
        return self.path.with_name(f"{clip}.blend" if kind == "blend" else f"{self.path.name}.{kind}")


def main() -> None:
    arguments = [argument.split(":") for argument in sys.argv[sys.argv.index("--") + 1 :]]
    worst: dict[str, float] = {}
    for folder, kinds, *armature in arguments:
        for wanted in of_character(Path(folder), armature[0]) if armature else of_people(Path(folder)):
            for kind in kinds.split(","):
                path = wanted.file(kind)
                if not path.exists():
                    check(f"{path} is there", False)
                    continue
                apart = reread(path, wanted)
                worst[kind] = max(worst.get(kind, 0.0), apart)
                check(f"{path}: within 1 mm", apart < MOST_APART, f"{1000 * apart:.4f} mm")
    for kind, apart in worst.items():
        measure(f"{kind}, largest distance of a joint", 1000 * apart, "mm")
    asked = {kind for _, kinds, *_ in arguments for kind in kinds.split(",")}
    check("each kind was opened", set(worst) == asked, sorted(worst))


def of_people(folder: Path) -> Iterator[Wanted]:
    """As the .npz files of a folder say."""
    for npz in sorted(folder.glob("*.npz")):
        motion = np.load(npz)
        names = [str(name) for name in motion["joint_names"]]
        person = int(npz.stem.rpartition("_p")[2])
        yield Wanted(npz.with_suffix(""), person, float(motion["fps"]), names, motion["joints_world"])


def of_character(folder: Path, armature: str) -> Iterator[Wanted]:
    """As the .blend files of a folder show it."""
    for path in sorted(folder.glob("*.blend")):
        first, last = load(path, 0.0) or (0, 0)
        names = [bone.name for bone in bpy.data.objects[armature].data.bones]
        heads = np.array(heads_of(bpy.data.objects[armature], names, range(first, last + 1)))
        check(f"{path}: the character moves", float(np.ptp(heads, axis=0).max()) > 0.5)
        yield Wanted(path.with_suffix(""), 1, frame_rate(), names, heads)


def reread(path: Path, wanted: Wanted) -> float:
    """Metres between the joints in a file and those wanted, at most; infinite if frames lack."""
    frames = load(path, wanted.fps)
    people = sorted((one for one in bpy.data.objects if one.type == "ARMATURE"), key=lambda one: one.name)
    armature = people[wanted.person - 1] if path.suffix == ".blend" else people[0]
    curves = curves_of(armature.animation_data.action)
    keys = np.unique([key.co.x for curve in curves for key in curve.keyframe_points])
    check(f"{path.name}: keys lie on whole frames", bool(np.abs(keys - keys.round()).max() < 1e-3))
    if path.suffix != ".glb":  # counts seconds
        check(
            f"{path.name}: {wanted.fps:g} frames per second",
            abs(frame_rate() - wanted.fps) < 1e-3,
            frame_rate(),
        )
    first, last = frames or (round(keys[0]), round(keys[-1]))
    if last - first + 1 != len(wanted.heads):
        check(f"{path.name}: as many frames", False, f"{first} to {last}, not {len(wanted.heads)}")
        return float("inf")
    heads = heads_of(armature, wanted.names, range(first, last + 1))
    return float(np.linalg.norm(heads - wanted.heads, axis=-1).max())


def heads_of(armature: bpy.types.Object, names: list[str], frames: range) -> np.ndarray:
    """(T, J, 3) of the bones in the world, metres."""
    heads = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        world = armature.matrix_world
        heads.append([world @ armature.pose.bones[name].head for name in names])
    return np.array(heads)


def frame_rate() -> float:
    """Frames per second of the scene."""
    render = bpy.context.scene.render
    return float(render.fps / render.fps_base)


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
