"""What the panels draw: only what exists, in the order of the work, and Estimate Motion without scrolling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest
from kinelift_checkout.addon import panels
from kinelift_checkout.addon.panel_camera import camera_line
from kinelift_checkout.addon.panel_keypoints import warnings

from tests.addon.recordings import example_points, render_clip, write_coco

pytestmark = pytest.mark.usefixtures("registered")

ROW, HEADER, GAP = 20, 26, 6
"""Pixels of a button, of a panel's header and between buttons, at a scale of 1."""
SIDEBAR = 700


class Layout:
    """Takes down what a panel draws, as nothing is drawn without a window; refuses what Blender would.

    It is no UILayout: it checks that each property, operator and list exists, and adds up heights.
    """

    def __init__(self, drawn: list[str] | None = None, *, across: bool = False) -> None:
        self.drawn: list[str] = drawn if drawn is not None else []
        self.across = across
        self.inner: list[Layout | float] = []
        self.scale_y = 1.0
        self.active = True
        self.use_property_split = self.use_property_decorate = False

    @property
    def height(self) -> float:
        heights = [(one.height if isinstance(one, Layout) else one) for one in self.inner]
        return (max(heights, default=0) if self.across else sum(heights)) * self.scale_y

    def _add(self, name: str, height: float = ROW + GAP) -> None:
        self.drawn.append(name)
        self.inner.append(height)

    def row(self, align: bool = False, heading: str = "") -> Layout:
        inner = Layout(self.drawn, across=True)
        self.inner.append(inner)
        return inner

    def column(self, align: bool = False, heading: str = "") -> Layout:
        inner = Layout(self.drawn)
        self.inner.append(inner)
        return inner

    def prop(
        self,
        data: Any,
        name: str,
        text: str = "",
        icon: str = "NONE",
        toggle: bool = False,
        invert_checkbox: bool = False,
    ) -> None:
        assert name in data.bl_rna.properties, name
        self._add(name)

    def operator(self, name: str, text: str = "", icon: str = "NONE") -> SimpleNamespace:
        module, operator = name.split(".")
        getattr(getattr(bpy.ops, module), operator).get_rna_type()  # raises KeyError where there is none
        self._add(name)
        return SimpleNamespace()

    def label(self, text: str = "", icon: str = "NONE", translate: bool = True) -> None:
        self._add(f"“{text}”")

    def template_ID(self, data: Any, name: str, open: str) -> None:
        assert name in data.bl_rna.properties, name
        self._add(name)

    def template_list(
        self, kind: str, number: str, data: Any, name: str, active: Any, active_name: str, rows: int
    ) -> None:
        assert hasattr(bpy.types, kind)
        assert {name, active_name} <= set(data.bl_rna.properties.keys())
        self._add(name, (rows + 1) * ROW + 3 * GAP)


def classes(space: str) -> list[type]:
    return [cls for cls in panels.PANELS if cls.bl_space_type == space]  # type: ignore[attr-defined]


def draw(cls: type) -> Layout:
    layout = Layout()
    cls.draw(SimpleNamespace(layout=layout), bpy.context)  # type: ignore[attr-defined]
    return layout


def folded(cls: type) -> bool:
    return "DEFAULT_CLOSED" in getattr(cls, "bl_options", ())


def in_order(space: str) -> Iterator[type]:
    """As the sidebar shows them: each panel, and the ones inside it after what it draws itself."""
    for cls in classes(space):
        if not hasattr(cls, "bl_parent_id"):
            yield cls
            yield from (one for one in classes(space) if getattr(one, "bl_parent_id", None) == cls.__name__)


def with_clip(folder: Path, people: int = 1, frames: int = 40) -> None:
    """A scene just after keypoints were read, whose rate and size are not the clip's."""
    settings = bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(render_clip(folder / "walk.mp4", frames=frames, fps=25)))
    points = [example_points(40, shift=200.0 * index) for index in range(people)]
    bpy.ops.kinelift.import_keypoints(filepath=str(write_coco(folder / "walk.json", points)))


def nothing(folder: Path) -> None:
    pass


def clip_and_people(folder: Path) -> None:
    with_clip(folder, people=3)


def all_switched_on(folder: Path) -> None:
    with_clip(folder, people=8, frames=20)
    settings = bpy.context.scene.kinelift
    settings.use_frame_range, settings.use_start_frame, settings.camera_source = True, True, "VALUE"
    settings.timing = "REAL_TIME"


@pytest.mark.parametrize("prepare", [nothing, clip_and_people, all_switched_on], ids=lambda one: one.__name__)
@pytest.mark.parametrize("space", ["VIEW_3D", "CLIP_EDITOR"])
def test_all_that_is_drawn_exists_and_every_setting_is_somewhere(
    tmp_path: Path, space: str, prepare: Callable[[Path], None]
) -> None:
    prepare(tmp_path)
    drawn = [name for cls in in_order(space) for name in draw(cls).drawn]
    assert "kinelift.estimate_motion" in drawn
    for name in (
        "clip", "keypoints_path", "keypoint_format", "frame_offset", "use_frame_range", "frame_first",
        "frame_last", "show_overlay", "show_numbers", "camera_source", "actor_height", "refine", "root_mode",
        "timing", "use_start_frame", "start_frame", "make_camera", "make_ground", "update_take", "on_ground",
        "ground_height", "camera_height", "contact_strength",
    ):  # fmt: skip
        assert name in drawn


@pytest.mark.parametrize("space", ["VIEW_3D", "CLIP_EDITOR"])
def test_the_order_is_that_of_the_work(space: str) -> None:
    outer = [cls.bl_label for cls in classes(space) if not hasattr(cls, "bl_parent_id")]  # type: ignore[attr-defined]
    assert outer == ["Clip & Keypoints", "Camera", "Estimate"]
    registered = [cls.__name__ for cls in classes(space)]
    for cls in classes(space):
        if hasattr(cls, "bl_parent_id"):
            assert registered.index(cls.bl_parent_id) < registered.index(cls.__name__)


@pytest.mark.parametrize("people", [1, 3])
@pytest.mark.parametrize("space", ["VIEW_3D", "CLIP_EDITOR"])
def test_estimate_motion_is_seen_without_scrolling(tmp_path: Path, space: str, people: int) -> None:
    """Even while the panel warns of another frame rate and size, in a sidebar with all folded as at first."""
    with_clip(tmp_path, people)
    bottom = 0.0
    for cls in in_order(space):
        layout = Layout() if folded(cls) else draw(cls)
        bottom += HEADER + layout.height
        if "kinelift.estimate_motion" in layout.drawn:
            break
    else:
        pytest.fail("there is no button")
    assert bottom < SIDEBAR - 2 * HEADER, f"{bottom} px"


def test_the_offset_that_a_warning_names_brings_keypoints_onto_the_clip(tmp_path: Path) -> None:
    settings = bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(render_clip(tmp_path / "walk.mp4", frames=40)))
    settings.clip.frame_start = 5
    path = write_coco(tmp_path / "plate.json", [example_points(40)], first_frame=1001)
    bpy.ops.kinelift.import_keypoints(filepath=str(path))
    (warning,) = warnings(bpy.context)
    assert warning.startswith("Keypoints lie on frames 1006 to 1045, the clip on 5 to 44; ")
    assert "set Frame Offset to -1001" in warning
    assert "frame_offset" in draw(panels.KINELIFT_PT_keypoints_view3d).drawn  # beside it, not folded away
    settings.frame_offset = -1001
    assert warnings(bpy.context) == []
    assert "frame_offset" not in draw(panels.KINELIFT_PT_keypoints_view3d).drawn


def test_keypoints_longer_than_the_clip_are_of_another_clip(tmp_path: Path) -> None:
    settings = bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(render_clip(tmp_path / "walk.mp4", frames=20)))
    path = write_coco(tmp_path / "walk.json", [example_points(40)])
    bpy.ops.kinelift.import_keypoints(filepath=str(path))
    (warning,) = warnings(bpy.context)
    assert "Frame Offset" not in warning
    assert warning.endswith("; choose the right clip")


def test_keypoints_numbered_from_1_begin_with_the_clip(tmp_path: Path) -> None:
    settings = bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(render_clip(tmp_path / "walk.mp4", frames=40)))
    path = write_coco(tmp_path / "walk.json", [example_points(40)], first_frame=1)
    bpy.ops.kinelift.import_keypoints(filepath=str(path))
    assert (settings.people[0].first_frame, settings.people[0].last_frame) == (0, 39)
    assert warnings(bpy.context) == []


def test_matching_the_scene_is_offered_while_it_differs(tmp_path: Path) -> None:
    with_clip(tmp_path)
    button, section = "kinelift.match_scene_to_clip", panels.KINELIFT_PT_keypoints_view3d
    assert button in draw(section).drawn
    bpy.ops.kinelift.match_scene_to_clip()
    assert button not in draw(section).drawn
    # A take says then that the overlay needs it.
    bpy.context.scene.kinelift.clip.tracking.camera.pixel_aspect = 1.25
    assert button in draw(section).drawn
    bpy.ops.kinelift.match_scene_to_clip()
    assert button not in draw(section).drawn


@pytest.mark.parametrize("kind", ["LIGHT", "ORTHO", "PANO"])
def test_a_scene_camera_that_cannot_be_used_is_no_check_mark(kind: str) -> None:
    scene = bpy.context.scene
    data = bpy.data.lights.new("Eye", "POINT") if kind == "LIGHT" else bpy.data.cameras.new("Eye")
    if kind != "LIGHT":
        data.type = kind
    scene.camera = bpy.data.objects.new("Eye", data)
    scene.kinelift.camera_source = "SCENE"
    assert camera_line(bpy.context) == ("Eye: is no perspective camera; choose another", "ERROR")
