"""The demo: from the installed zip to an animated armature, without a window.

``build.py demo`` runs this inside Blender's Python module, in a throw-away profile: it films the example's
person, then does what a user does in the panel, and checks and pictures the result.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
from pathlib import Path
from typing import Any

import bpy
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt

Array = NDArray[np.float64]

EXTENSION = "bl_ext.user_default.kinelift"
SHEET_FRAMES = (14, 52, 86, 132, 176, 240)
"""Scene frames: walking up, turning, walking away, turning back, waving."""
OVERLAY_OPACITY = 0.75
SIDE_HEIGHT = 2.4
"""Metres that a picture from the side shows from bottom to top."""
PERSON_COLOUR = (0.80, 0.62, 0.50, 1.0)
"""In the film; nothing else there is of a warm colour."""
MOST_OFF = 0.04
"""Of the person's height in the picture that the estimate's outline may lie beside the film's on average."""
SIDE_ASPECT = 0.8
"""Width over height of the sheet's pictures."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the extension on the example.")
    parser.add_argument("zip", type=Path, help="of the extension")
    parser.add_argument("folder", type=Path, help="with the example's files; the results go there too")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.resolve()

    bpy.ops.extensions.package_install_files(
        filepath=str(arguments.zip.resolve()), repo="user_default", enable_on_install=True
    )
    load_motion = installed("estimator.motion_npz").load_motion
    truth, video = load_motion(folder / "truth.npz"), folder / "example.mp4"
    film(truth, video)
    armature = estimate(video, folder / "example", focal_px=float(truth.intrinsics[0, 0]))
    largest = difference(armature, load_motion(folder / "example_p1.npz"))
    print(f"demo: the armature and example_p1.npz differ by {1000 * largest:.2f} mm at most")
    if largest > 1e-3:
        raise SystemExit("demo: that is more than 1 mm; something is broken")
    installed("addon.figure").create_figure(armature)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "example.blend"))
    draw_sheet(armature, video, folder)
    for name in ("example.blend", "example_p1.bvh", "example_p1.npz", "sheet.png"):
        print(f"demo: wrote {folder / name}")


def installed(path: str) -> Any:
    """A module of the installed extension, by its path inside the zip."""
    return importlib.import_module(f"{EXTENSION}.{path}")


# --- The film -----------------------------------------------------------------------------------------------


def film(truth: Any, video: Path) -> None:
    """Renders the example's true motion, seen by the example's camera, as an mp4."""
    bpy.ops.wm.read_homefile(use_empty=True)
    matrix = truth.intrinsics
    width, height = round(2 * matrix[0, 2]), round(2 * matrix[1, 2])
    camera = installed("estimator.camera").Camera(
        width,
        height,
        *(float(matrix[row, column]) for row, column in ((0, 0), (1, 1), (0, 2), (1, 2))),
        world_from_camera=truth.world_from_camera,
    )
    write_take, settings = installed("addon.take").write_take, installed("addon.take").TakeSettings
    action = installed("addon.action").ActionSettings(scene_fps=truth.fps)
    take = write_take(bpy.context, [truth], camera, settings(action, name="Film"))
    person = installed("addon.figure").create_figure(take.armatures[0])
    person.color = PERSON_COLOUR
    add_floor((0.42, 0.45, 0.47, 1.0), (0.50, 0.53, 0.55, 1.0))

    scene = bpy.context.scene
    scene.camera = take.camera
    scene.frame_start, scene.frame_end = 1, len(truth)
    set_up_render(scene, (width, height), round(truth.fps), colours="OBJECT", samples="FXAA")
    scene.world = bpy.data.worlds.new("Film")
    scene.world.color = (0.72, 0.78, 0.84)
    scene.render.image_settings.file_format = "FFMPEG"
    scene.render.ffmpeg.format, scene.render.ffmpeg.codec = "MPEG4", "H264"
    scene.render.ffmpeg.constant_rate_factor = "HIGH"
    scene.render.filepath = str(video)
    bpy.ops.render.render(animation=True)


def set_up_render(
    scene: bpy.types.Scene, size: tuple[int, int], fps: int, *, colours: str, samples: str
) -> None:
    """Workbench, which renders without a graphics card.

    Args:
        colours: "OBJECT" or "MATERIAL".
        samples: smoothing of edges: "FXAA" is quick, "8" is good.
    """
    render, shading = scene.render, scene.display.shading
    render.engine = "BLENDER_WORKBENCH"
    render.resolution_x, render.resolution_y = size
    render.fps = fps
    scene.view_settings.view_transform = "Standard"
    shading.color_type = colours
    scene.display.render_aa = samples
    shading.show_shadows, shading.shadow_intensity = True, 0.35
    scene.display.light_direction = (-0.3, 0.85, 0.45)


def add_floor(*colours: tuple[float, float, float, float]) -> None:
    """Tiles of 50 cm on the ground, in two colours, so that a picture shows where feet stand."""
    for parity, colour in enumerate(colours):
        corners: list[tuple[float, ...]] = []
        tiles: list[tuple[int, ...]] = []
        for x, y in np.ndindex(24, 24):
            if (x + y) % 2 == parity:
                tiles.append(tuple(range(len(corners), len(corners) + 4)))
                corner = np.array([x / 2 - 6, y / 2 - 7])
                corners += [(*(corner + step), 0.0) for step in ((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5))]
        mesh = bpy.data.meshes.new("Floor")
        mesh.from_pydata(corners, [], tiles)
        material = bpy.data.materials.new("Floor")
        material.diffuse_color = colour
        mesh.materials.append(material)
        floor = bpy.data.objects.new("Floor", mesh)
        floor.color = colour
        bpy.context.scene.collection.objects.link(floor)


# --- What a user does ---------------------------------------------------------------------------------------


def estimate(video: Path, keypoints: Path, focal_px: float) -> bpy.types.Object:
    """Loads clip and keypoints into an empty file and estimates; returns the person's armature."""
    bpy.ops.wm.read_homefile(use_empty=True)
    before = set(bpy.data.objects)
    settings = bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(video))
    settings.camera_source = "VALUE"
    settings.focal_px = focal_px
    bpy.ops.kinelift.match_scene_to_clip()
    bpy.ops.kinelift.import_keypoints(filepath=str(keypoints))
    bpy.ops.kinelift.estimate_motion()
    (armature,) = [made for made in set(bpy.data.objects) - before if made.type == "ARMATURE"]
    return armature


def difference(armature: bpy.types.Object, motion: Any) -> float:
    """Largest distance in metres between the armature's bones and the joints of ``motion``."""
    joint_names = installed("estimator.skeleton").JOINT_NAMES
    scene, largest = bpy.context.scene, 0.0
    start = round(armature.animation_data.action.frame_range[0])
    for row in range(0, len(motion), 7):
        scene.frame_set(start + row)
        posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        heads = [posed.matrix_world @ posed.pose.bones[name].head for name in joint_names]
        errors = np.linalg.norm(np.array(heads) - motion.joints_world[row], axis=-1)
        largest = max(largest, float(errors.max()))
    return largest


# --- The pictures -------------------------------------------------------------------------------------------


def draw_sheet(armature: bpy.types.Object, video: Path, folder: Path) -> None:
    """Frames of the video with the estimated person over them, above the same frames seen from the side."""
    scene = bpy.context.scene
    size = (scene.render.resolution_x, scene.render.resolution_y)
    footage = [picture_of_video(video, frame, size) for frame in SHEET_FRAMES]
    set_up_render(scene, size, scene.render.fps, colours="MATERIAL", samples="8")
    scene.render.film_transparent = True
    overlays = [picture(scene, frame) for frame in SHEET_FRAMES]
    scene.render.film_transparent = False
    off = [
        outline_distance(filmed_person(below), above[..., 3] > 0.5)
        for below, above in zip(footage, overlays, strict=True)
    ]
    print(
        f"demo: the estimate's outline lies {np.mean(off):.1%} of the person's height beside the film's on "
        f"average, {max(off):.1%} in the worst of {len(off)} pictures"
    )
    if np.mean(off) > MOST_OFF:
        raise SystemExit(f"demo: that is more than {MOST_OFF:.0%}; the overlay doesn't fit the footage")
    scene.world = bpy.data.worlds.new("Side")
    scene.world.color = (1.0, 1.0, 1.0)
    add_floor((0.72, 0.75, 0.78, 1.0), (0.86, 0.88, 0.90, 1.0))
    scene.camera = side_camera(scene)
    sides = [picture_from_side(scene, armature, frame) for frame in SHEET_FRAMES]

    figure, cells = plt.subplots(2, len(SHEET_FRAMES), figsize=(2.6 * len(SHEET_FRAMES), 5.9), squeeze=False)
    for column, (frame, below, above) in enumerate(zip(SHEET_FRAMES, footage, overlays, strict=True)):
        opacity = OVERLAY_OPACITY * above[..., 3:]
        overlaid = below[..., :3] * (1 - opacity) + above[..., :3] * opacity
        centre = round(float(np.average(np.arange(size[0]), weights=above[..., 3].sum(axis=0) + 1e-9)))
        for cell, shown in zip(cells[:, column], (cropped(overlaid, centre), sides[column]), strict=True):
            cell.imshow(np.clip(shown[..., :3], 0, 1))
            cell.axis("off")
        cells[0, column].set_title(f"{frame / scene.render.fps:.1f} s", fontsize=10)
    figure.tight_layout(pad=0.3)
    figure.savefig(folder / "sheet.png", dpi=90)
    plt.close(figure)


def picture(scene: bpy.types.Scene, frame: int) -> Array:
    """A rendered frame as (height, width, 4), red, green, blue and opacity in 0..1."""
    scene.frame_set(frame)
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder) / "picture.png")
        with bpy.context.temp_override(scene=scene):
            bpy.ops.render.render(write_still=True, scene=scene.name)
        return np.asarray(plt.imread(scene.render.filepath), dtype=np.float64)


def filmed_person(shown: Array) -> NDArray[np.bool_]:
    """(height, width) where a picture of the film shows the person, told by the colour."""
    red, blue = shown[..., 0], shown[..., 2]
    return np.asarray((red > 1.2 * blue) & (red > 0.15))


def outline_distance(film: NDArray[np.bool_], estimate: NDArray[np.bool_]) -> float:
    """Mean distance from each of two outlines to the other, as a share of the height of the first."""
    outlines = [mask & ~binary_erosion(mask, iterations=1) for mask in (film, estimate)]
    if not all(outline.any() for outline in outlines):
        return float("inf")
    there, back = (
        distance_transform_edt(~goal)[outline].mean() for outline, goal in (outlines, outlines[::-1])
    )
    rows = np.flatnonzero(film.any(axis=1))
    return float((there + back) / 2 / (rows[-1] - rows[0] + 1))


def picture_of_video(video: Path, frame: int, size: tuple[int, int]) -> Array:
    """A frame of the video itself, 1 being its first, as ``picture`` gives it."""
    scene = bpy.data.scenes.new("Video")
    try:
        scene.sequence_editor_create().strips.new_movie("Video", str(video), channel=1, frame_start=1)
        scene.render.resolution_x, scene.render.resolution_y = size
        scene.view_settings.view_transform = "Standard"
        return picture(scene, frame)
    finally:
        bpy.data.scenes.remove(scene)


def cropped(shown: NDArray[Any], centre: int) -> NDArray[Any]:
    """The part around the person, as wide as the side views are."""
    height, width = shown.shape[:2]
    half = round(height * SIDE_ASPECT / 2)
    left = min(max(centre - half, 0), width - 2 * half)
    return shown[:, left : left + 2 * half]


def side_camera(scene: bpy.types.Scene) -> bpy.types.Object:
    """A camera to the left of the person at the start, looking level and slightly down."""
    data = bpy.data.cameras.new("Side")
    data.type, data.ortho_scale, data.sensor_fit = "ORTHO", SIDE_HEIGHT, "VERTICAL"
    camera = bpy.data.objects.new("Side", data)
    camera.rotation_euler = (np.radians(84.0), 0.0, np.radians(90.0))
    scene.collection.objects.link(camera)
    scene.render.resolution_x = round(scene.render.resolution_y * SIDE_ASPECT)
    return camera


def picture_from_side(scene: bpy.types.Scene, armature: bpy.types.Object, frame: int) -> Array:
    """A picture of the person from the side; the camera keeps its height and follows along the path."""
    scene.frame_set(frame)
    hips = armature.matrix_world @ armature.pose.bones["Hips"].head
    scene.camera.location = (hips.x + 8.0, hips.y, 0.95 + 8.0 * np.tan(np.radians(6.0)))
    return picture(scene, frame)


if __name__ == "__main__":
    main()
