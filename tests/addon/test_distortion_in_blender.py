"""Our lens models against Blender's own undistortion of a picture."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from scipy import ndimage

from estimator.distortion import Distortion

WIDTH, HEIGHT = 640, 360
FOCAL = 500.0
CENTRE = np.array([330.0, 186.0])  # from the top left, off the middle
DOTS = np.array([CENTRE, [100.5, 60.5], [500.5, 90.5], [560.5, 300.5]])

LENSES = [
    (
        Distortion("polynomial", (-0.2, 0.05, -0.01)),
        {"distortion_model": "POLYNOMIAL", "k1": -0.2, "k2": 0.05, "k3": -0.01},
    ),
    (
        Distortion("division", (-0.2, 0.03)),
        {"distortion_model": "DIVISION", "division_k1": -0.2, "division_k2": 0.03},
    ),
    (
        Distortion.from_nuke(-0.1, 0.02, FOCAL, WIDTH, HEIGHT),
        {"distortion_model": "NUKE", "nuke_k1": -0.1, "nuke_k2": 0.02},
    ),
    (
        Distortion("brown", (-0.2, 0.03, -0.01, 0.002, 0.01, -0.007)),
        {
            "distortion_model": "BROWN",
            "brown_k1": -0.2,
            "brown_k2": 0.03,
            "brown_k3": -0.01,
            "brown_k4": 0.002,
            "brown_p1": 0.01,
            "brown_p2": -0.007,
        },
    ),
]


@pytest.fixture
def clip(tmp_path: Path) -> bpy.types.MovieClip:
    """A picture with four soft dots, the first at the principal point, as a clip."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    light = sum(np.exp(-((x - dot[0]) ** 2 + (y - dot[1]) ** 2) / 8) for dot in DOTS)
    pixels = np.ones((HEIGHT, WIDTH, 4), np.float32)
    pixels[..., :3] = light[..., None]
    image = bpy.data.images.new("dots", WIDTH, HEIGHT, float_buffer=True)
    image.pixels.foreach_set(pixels[::-1].ravel())
    image.filepath_raw, image.file_format = str(tmp_path / "dots.exr"), "OPEN_EXR"
    image.save()
    clip = bpy.data.movieclips.load(image.filepath_raw)
    camera = clip.tracking.camera
    camera.focal_length_pixels = FOCAL
    camera.principal_point_pixels = (CENTRE[0], HEIGHT - CENTRE[1])
    return clip


def compositor(scene: bpy.types.Scene) -> tuple[bpy.types.NodeTree, bpy.types.Node]:
    """The scene's empty compositor tree, and the node whose first input is the rendered picture."""
    if bpy.app.version < (5, 0, 0):
        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
        return tree, tree.nodes.new("CompositorNodeComposite")
    tree = bpy.data.node_groups.new("compositor", "CompositorNodeTree")
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    scene.compositing_node_group = tree
    return tree, tree.nodes.new("NodeGroupOutput")


def undistorted_dots(clip: bpy.types.MovieClip, folder: Path) -> np.ndarray:
    """Where the compositor puts the dots, in pixels from the first one, in the order of ``DOTS``."""
    scene = bpy.context.scene
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.filepath = str(folder / "undistorted.exr")
    tree, result = compositor(scene)
    source = tree.nodes.new("CompositorNodeMovieClip")
    lens = tree.nodes.new("CompositorNodeMovieDistortion")
    source.clip = lens.clip = clip
    if bpy.app.version < (5, 0, 0):
        lens.distortion_type = "UNDISTORT"
    else:
        lens.inputs["Type"].default_value = "Undistort"
    tree.links.new(source.outputs[0], lens.inputs[0])
    tree.links.new(lens.outputs[0], result.inputs[0])
    bpy.ops.render.render(write_still=True)
    picture = bpy.data.images.load(scene.render.filepath)
    pixels = np.empty(WIDTH * HEIGHT * 4, np.float32)
    picture.pixels.foreach_get(pixels)
    light = pixels.reshape(HEIGHT, WIDTH, 4)[::-1, :, 0]
    labels, count = ndimage.label(light > 0.02)
    assert count == len(DOTS)
    found = np.array(ndimage.center_of_mass(light, labels, range(1, count + 1)))[:, ::-1]
    found = found[[np.abs(found - dot).sum(axis=1).argmin() for dot in DOTS]]
    return found - found[0]


@pytest.mark.parametrize(("lens", "settings"), LENSES, ids=lambda value: getattr(value, "model", ""))
def test_blender_undistorts_a_picture_as_we_do(
    clip: bpy.types.MovieClip, tmp_path: Path, lens: Distortion, settings: dict[str, object]
) -> None:
    for name, value in settings.items():
        setattr(clip.tracking.camera, name, value)
    ours = lens.undistort((DOTS - CENTRE) / FOCAL) * FOCAL
    shift = np.linalg.norm(ours - (DOTS - CENTRE), axis=1)
    assert shift[1:].min() > 3, "the lens must move the dots, or this shows nothing"
    np.testing.assert_allclose(undistorted_dots(clip, tmp_path), ours, atol=0.05)
