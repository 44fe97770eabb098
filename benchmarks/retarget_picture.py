"""The picture of one take on three rigs: ``python -m benchmarks.retarget_picture`` (needs bpy with Rigify).

The example's walk is put on the rig that Rigify generates, on a rig with Mixamo's names in an A-pose with
short legs, and on one with Unreal's names and long ones. Each carries a body of tubes, skinned to the bones
that deform; Workbench renders them side by side.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from benchmarks.retarget import PACKAGE, ours, rigify

Array = NDArray[np.float64]

FRAMES = (20, 62, 108, 236)
"""Of the example: walking up, turning, walking away, waving."""
SIZE = (900, 460)
SPACING = 1.15
"""Metres between the characters."""
_DOWN = 76.0
"""Degrees from straight down that the camera looks."""
ROOT = Path(__file__).resolve().parent.parent
WIDTHS = {
    "hips": 0.14,
    "pelvis": 0.14,
    "spine_1": 0.135,
    "spine_2": 0.14,
    "spine_3": 0.135,
    "neck_1": 0.05,
    "neck_2": 0.05,
    "head": 0.095,
    "shoulder": 0.05,
    "upper_arm": 0.045,
    "forearm": 0.037,
    "hand": 0.032,
    "thigh": 0.075,
    "shin": 0.05,
    "foot": 0.04,
    "toes": 0.035,
}
"""Radii of the tubes by human bone, metres for a person with legs of 0.84 m."""
COLOURS = {"left": (0.16, 0.42, 0.80, 1.0), "right": (0.90, 0.45, 0.12, 1.0)}
CHARACTERS = {
    "Rigify": (0.62, 0.62, 0.60, 1.0),
    "Mixamo": (0.45, 0.60, 0.45, 1.0),
    "Unreal": (0.60, 0.50, 0.68, 1.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Picture of a take on three rigs.")
    parser.add_argument("file", type=Path, nargs="?", default=ROOT / "docs" / "images" / "retarget.png")
    file: Path = parser.parse_args().file.resolve()
    package = ModuleType(PACKAGE)
    package.__path__ = [str(ROOT)]
    sys.modules[PACKAGE] = package
    bpy.ops.wm.read_factory_settings(use_empty=True)
    source = example_take()
    generated, metarig = rigify()
    bpy.data.objects.remove(metarig)
    targets = {"Rigify": generated, "Mixamo": mixamo(), "Unreal": unreal()}
    for number, (name, target) in enumerate(targets.items()):
        put_on(source, target, (number + 1) * SPACING)
        dress(target, name)
    ours("figure").create_figure(source)
    picture(bpy.context.scene, file)
    print(f"wrote {file}")
    sys.stdout.flush()
    os._exit(0)  # Python can hang at its end after Rigify has generated a rig


def example_take() -> bpy.types.Object:
    """The example's true motion."""
    import importlib

    motion = importlib.import_module(f"{PACKAGE}.estimator.example").example_motion()
    take, action = ours("take"), ours("action")
    camera = importlib.import_module(f"{PACKAGE}.estimator.camera").pinhole(1280, 720, 900.0)
    settings = take.TakeSettings(action.ActionSettings(clip_start=1), make_camera=False)
    person: bpy.types.Object = take.write_take(bpy.context, [motion], camera, settings).armatures[0]
    return person


def mixamo() -> bpy.types.Object:
    """Mixamo's names with their prefix; A-pose, short legs, bones along Y as its importers leave them."""
    rigs = test_rigs()
    build = rigs.Build(arms=45.0, legs=0.72, trunk=0.95, seed=2)
    preset = preset_named("mixamo")
    return rigs.build_preset(preset, build, prefix="mixamorig:")


def unreal() -> bpy.types.Object:
    """Unreal's names, T-pose, long legs."""
    rigs = test_rigs()
    return rigs.build_preset(preset_named("unreal"), rigs.Build(legs=1.18, seed=4))


def test_rigs() -> Any:
    """The tests' builder of armatures."""
    import importlib

    return importlib.import_module("tests.addon.retarget.rigs")


def preset_named(name: str) -> Any:
    """One of the known rigs."""
    return next(preset for preset in ours("retarget.preset_maps").presets() if preset.name == name)


def put_on(source: bpy.types.Object, target: bpy.types.Object, aside: float) -> None:
    """Retargets, with planted feet, and sets the character down beside the source."""
    find_map, read_rest_rig = ours("retarget.automatic_map").find_map, ours("retarget.rest_rig").read_rest_rig
    retargeting, plan = ours("retarget.retargeting"), ours("retarget.plan")
    maps = [
        find_map(read_rest_rig(ob), role).bone_map for ob, role in ((source, "SOURCE"), (target, "TARGET"))
    ]
    steps = retargeting.retarget(bpy.context.scene, source, maps[0], target, maps[1], plan.RetargetSettings())
    ours("retarget.retarget_result").write_results([retargeting.finished(steps)])
    target.location.x += aside


def dress(target: bpy.types.Object, name: str) -> None:
    """A body of tubes along the bones that the mesh of such a rig hangs on."""
    rest = ours("retarget.rest_rig").read_rest_rig(target)
    human = dict(ours("retarget.automatic_map").find_map(rest, "SOURCE").bone_map.bones)
    human.pop("root", None)
    scale = (
        ours("retarget.anatomy")
        .read_body(rest, ours("retarget.automatic_map").find_map(rest, "TARGET").bone_map)
        .leg_length
        / 0.84
    )
    tube = ours("figure")._tube
    vertices: list[Array] = []
    faces: list[tuple[int, ...]] = []
    colours: list[int] = []
    groups: list[tuple[str, range]] = []
    order = ["left", "right", ""]
    for bone, (start, end) in segments(human, rest).items():
        part = bone.partition("_")[2] if bone.startswith(("left", "right")) else bone
        if part not in WIDTHS or np.linalg.norm(end - start) < 1e-3:
            continue
        size = WIDTHS[part] * min(scale, 1.0) ** 0.5
        points, own_faces = tube(float(np.linalg.norm(end - start)), size, size)
        turn = np.array(bpy_direction(end - start))
        first = sum(map(len, vertices))
        vertices.append(points @ turn.T + start)
        faces += [tuple(first + corner for corner in face) for face in own_faces]
        side = next((one for one in ("left", "right") if bone.startswith(one)), "")
        colours += [order.index(side)] * len(own_faces)
        groups.append((human[bone], range(first, first + len(points))))
    mesh = bpy.data.meshes.new(name)
    body = bpy.data.objects.new(name, mesh)
    mesh.from_pydata(np.concatenate(vertices).tolist(), [], faces)
    for colour in (COLOURS["left"], COLOURS["right"], CHARACTERS[name]):
        material = bpy.data.materials.new(name)
        material.diffuse_color = colour
        mesh.materials.append(material)
    mesh.polygons.foreach_set("material_index", colours)
    mesh.polygons.foreach_set("use_smooth", [True] * len(faces))
    bpy.context.scene.collection.objects.link(body)
    for bone, rows in groups:
        body.vertex_groups.new(name=deforming(target, bone)).add(list(rows), 1.0, "REPLACE")
    body.modifiers.new("Armature", "ARMATURE").object = target
    body.parent = target
    body.matrix_world = target.matrix_world.copy()
    target.hide_render = True


def deforming(target: bpy.types.Object, bone: str) -> str:
    """Rigify's meshes hang on its DEF bones, which follow the ORG ones."""
    name = bone.replace("ORG-", "DEF-")
    return name if name in target.data.bones else bone


def segments(human: dict[str, str], rest: Any) -> dict[str, tuple[Array, Array]]:
    """Start and end of the human bones at rest, in the armature's space."""
    following = {
        "upper_arm": "forearm",
        "forearm": "hand",
        "thigh": "shin",
        "shin": "foot",
        "foot": "toes",
        "shoulder": "upper_arm",
    }
    heads = {name: rest.matrices[rest.index[bone]][:3, 3] for name, bone in human.items()}
    tails = {
        name: rest.matrices[rest.index[bone]][:3, 3]
        + rest.matrices[rest.index[bone]][:3, 1] * rest.lengths[rest.index[bone]]
        for name, bone in human.items()
    }
    trunk: list[str] = [
        name for name in ("hips", "spine_1", "spine_2", "spine_3", "spine_4", "spine_5") if name in heads
    ]
    trunk += [name for name in ("neck_1", "neck_2", "neck_3", "head") if name in heads]
    found = {}
    for name, head in heads.items():
        side, _, part = name.partition("_")
        after = f"{side}_{following[part]}" if part in following else ""
        if name in trunk and name != "head":
            after = trunk[trunk.index(name) + 1]
        found[name] = (head, heads[after] if after in heads else tails[name])
    return found


def bpy_direction(vector: Array) -> Any:
    """(3, 3) that turns +Y into a direction."""
    from mathutils import Vector

    return Vector((0.0, 1.0, 0.0)).rotation_difference(Vector(vector)).to_matrix()


def picture(scene: bpy.types.Scene, file: Path) -> None:
    """Frames from the front, one below the other in columns of time."""
    demo = ours("demo")
    demo.set_up_render(scene, SIZE, 30, colours="MATERIAL", samples="8")
    scene.world = bpy.data.worlds.new("Picture")
    scene.world.color = (1.0, 1.0, 1.0)
    demo.add_floor((0.72, 0.75, 0.78, 1.0), (0.86, 0.88, 0.90, 1.0))
    data = bpy.data.cameras.new("Picture")
    data.type, data.ortho_scale = "ORTHO", 4.9
    camera = bpy.data.objects.new("Picture", data)
    camera.rotation_euler = (math.radians(_DOWN), 0.0, 0.0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    person = next(ob for ob in scene.objects if ob.type == "ARMATURE" and "kinelift_person" in ob)
    shown = []
    for frame in FRAMES:
        scene.frame_set(frame)
        hips = person.matrix_world @ person.pose.bones["Hips"].head
        camera.location = (hips.x + 1.45 * SPACING, hips.y - 8.0, 0.95 + 8.0 / math.tan(math.radians(_DOWN)))
        shown.append(demo.picture(scene, frame)[..., :3])
    columns = 2
    rows = math.ceil(len(FRAMES) / columns)
    figure, cells = plt.subplots(rows, columns, figsize=(6.0 * columns, 3.25 * rows), squeeze=False)
    for cell in cells.ravel():
        cell.axis("off")
    for cell, image, frame in zip(cells.ravel(), shown, FRAMES, strict=False):
        cell.imshow(image)
        cell.set_title(f"{(frame - 1) / 30:.1f} s", fontsize=10)
    figure.tight_layout(pad=0.3)
    with tempfile.TemporaryDirectory() as folder:
        beside = Path(folder) / "picture.png"
        figure.savefig(beside, dpi=80)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(beside.read_bytes())
    plt.close(figure)


if __name__ == "__main__":
    main()
