"""Importing keypoints: all ways to a path, what the panel learns, and bad input changing nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import bpy
import pytest
from kinelift_checkout.addon.estimate_request import clip_size, loaded_tracks
from kinelift_checkout.addon.file_handler import KINELIFT_FH_keypoints
from kinelift_checkout.addon.panel_keypoints import warnings
from kinelift_checkout.estimator.example import write_example

from tests.addon.file_state import file_state
from tests.addon.recordings import example_points, render_clip, write_coco

pytestmark = pytest.mark.usefixtures("registered")


def people() -> list[tuple[int, int, int, bool]]:
    return [
        (person.person_id, person.first_frame, person.last_frame, person.selected)
        for person in bpy.context.scene.kinelift.people
    ]


def test_people_are_listed_and_the_largest_is_chosen(tmp_path: Path) -> None:
    path = write_coco(
        tmp_path / "two.json", [example_points(15), example_points(30, shift=400.0)], first_frame=7
    )
    assert bpy.ops.kinelift.import_keypoints(filepath=str(path)) == {"FINISHED"}
    assert people() == [(1, 7, 36, True), (2, 7, 21, False)]
    settings = bpy.context.scene.kinelift
    assert settings.people[0].frames_seen == 30
    assert 0.3 < settings.people[0].mean_confidence <= 1.0
    tracks = loaded_tracks(bpy.context)
    assert tracks is not None
    assert len(tracks) == 2


def test_picking_people_by_number(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "two.json", [example_points(), example_points(shift=400.0)])
    bpy.ops.kinelift.import_keypoints(filepath=str(path))
    bpy.ops.kinelift.pick_person(person_id=2)
    assert [selected for *_, selected in people()] == [False, True]
    assert bpy.context.scene.kinelift.active_person == 1
    bpy.ops.kinelift.pick_person(person_id=0)
    assert [selected for *_, selected in people()] == [True, True]
    with pytest.raises(RuntimeError, match="no person 9"):
        bpy.ops.kinelift.pick_person(person_id=9)


def test_a_folder_one_of_its_files_or_several_are_the_same(tmp_path: Path) -> None:
    folder = write_example(tmp_path).keypoints
    files = sorted(folder.iterdir())
    for path in files[20:]:
        path.unlink()
    ways = [
        {"filepath": str(folder)},
        {"filepath": f"{folder}/"},
        {"filepath": str(files[3])},
        {"directory": str(folder), "files": [{"name": path.name} for path in files[2:5]]},
    ]
    for way in ways:
        bpy.context.scene.kinelift.keypoints_path = ""
        assert bpy.ops.kinelift.import_keypoints(**way) == {"FINISHED"}, way
        assert people() == [(1, 0, 19, True)], way
        assert Path(bpy.context.scene.kinelift.keypoints_path) == folder


def test_dropped_files_go_to_the_importer(tmp_path: Path) -> None:
    assert KINELIFT_FH_keypoints.bl_import_operator == "kinelift.import_keypoints"
    assert set(KINELIFT_FH_keypoints.bl_file_extensions.split(";")) == {".json", ".npz", ".csv", ".txt"}
    # What Blender hands over for one file dropped.
    path = write_coco(tmp_path / "walk.json", [example_points()])
    dropped = {"filepath": str(path), "directory": str(tmp_path), "files": [{"name": path.name}]}
    assert bpy.ops.kinelift.import_keypoints("INVOKE_DEFAULT", **dropped) == {"FINISHED"}
    assert Path(bpy.context.scene.kinelift.keypoints_path) == path


def test_keypoints_beside_the_clip_are_found_by_themselves(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "walk.json", [example_points()])
    settings = bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(render_clip(tmp_path / "walk.mp4", (64, 36), 3)))
    assert settings.keypoints_path == str(path)
    bpy.ops.kinelift.find_keypoints()
    assert len(people()) == 1
    path.unlink()
    with pytest.raises(RuntimeError, match="No keypoints named after walk"):
        bpy.ops.kinelift.find_keypoints()


BAD_FILES = {
    "empty.json": (b"", "empty"),
    "cut.json": (b'[{"image_id": 0, "keypoints": [1, 2', "cut off"),
    "scene.json": (json.dumps({"nodes": [], "meshes": []}).encode(), "nodes, meshes"),
    "count.json": (json.dumps([{"image_id": 0, "keypoints": [1.0] * 12, "score": 1}]).encode(), "keypoints"),
    "table.csv": (b"a,b,c\n1,2,3\n", "table.csv"),
    "far.json": (json.dumps([{"image_id": 0, "keypoints": [1e9] * 51, "score": 1}]).encode(), "far.json"),
}


@pytest.mark.parametrize("name", [*BAD_FILES, "missing.json"])
def test_bad_input_is_one_line_and_changes_nothing(tmp_path: Path, name: str) -> None:
    content, says = BAD_FILES.get(name, (None, "no such file"))
    if content is not None:
        (tmp_path / name).write_bytes(content)
    good = write_coco(tmp_path / "good walk.json", [example_points()])
    bpy.ops.kinelift.import_keypoints(filepath=str(good))
    before = file_state()
    with pytest.raises(RuntimeError) as raised:
        bpy.ops.kinelift.import_keypoints(filepath=str(tmp_path / name))
    lines = [line for line in str(raised.value).splitlines() if line.strip()]
    assert len(lines) == 1
    assert name in lines[0]
    assert says in lines[0]
    assert file_state() == before


def test_no_path_is_said() -> None:
    with pytest.raises(RuntimeError, match="No keypoint file given"):
        bpy.ops.kinelift.import_keypoints()


def test_names_that_are_not_ascii(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "läufer ½.json", [example_points()])
    assert bpy.ops.kinelift.import_keypoints(filepath=str(path)) == {"FINISHED"}
    assert Path(bpy.context.scene.kinelift.keypoints_path) == path


def test_another_path_or_format_forgets_the_people(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "walk.json", [example_points()])
    bpy.ops.kinelift.import_keypoints(filepath=str(path))
    settings = bpy.context.scene.kinelift
    settings.keypoint_format = "coco"
    assert not settings.people
    bpy.ops.kinelift.import_keypoints(filepath=str(path))
    assert settings.people
    settings.keypoint_format = "mmpose"
    with pytest.raises(RuntimeError, match=r"walk\.json"):
        bpy.ops.kinelift.import_keypoints(filepath=str(path))


def test_what_does_not_fit_the_clip_is_warned_of(tmp_path: Path) -> None:
    settings = bpy.context.scene.kinelift
    path = write_coco(tmp_path / "keypoints.json", [example_points(40)])
    settings.clip = bpy.data.movieclips.load(str(render_clip(tmp_path / "walk.mp4", frames=40)))
    bpy.ops.kinelift.import_keypoints(filepath=str(path))
    assert warnings(bpy.context) == []
    settings.frame_offset = -5
    (late,) = warnings(bpy.context)
    assert "Frame Offset to 0" in late
    settings.frame_offset = 0
    settings.clip = bpy.data.movieclips.load(str(render_clip(tmp_path / "small.mp4", (320, 180), 40)))
    (small,) = warnings(bpy.context)
    assert "320 × 180" in small


def test_a_real_clip_of_another_width_is_warned_of(shared: Path) -> None:
    folder = shared / "real-eval" / "pose2sim_balancing_cam01"
    settings = bpy.context.scene.kinelift
    settings.clip = bpy.data.movieclips.load(str(folder / "video.mp4"))
    bpy.ops.kinelift.import_keypoints(filepath=str(folder / "keypoints"))
    assert len(settings.people) >= 2  # the man and the bystander
    settings.keypoint_width, settings.keypoint_height = 1088, 1920
    assert any("1088 × 1920, the clip is 1080 × 1920" in warning for warning in warnings(bpy.context))


def clip_that_is_no_video(folder: Path) -> bpy.types.MovieClip:
    """Blender loads it without a word and says 256 × 256."""
    path = folder / "broken.mp4"
    path.write_bytes(b"no video")
    return bpy.data.movieclips.load(str(path))


def clip_that_is_gone(folder: Path) -> bpy.types.MovieClip:
    """Blender knows its size and length from the saved file, but no frame rate."""
    path = render_clip(folder / "gone.mp4", (320, 180), 12, fps=25)
    bpy.context.scene.kinelift.clip = bpy.data.movieclips.load(str(path))
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    path.unlink()
    bpy.ops.wm.open_mainfile(filepath=str(folder / "shot.blend"))
    return bpy.data.movieclips["gone.mp4"]


@pytest.mark.parametrize("make", [clip_that_is_no_video, clip_that_is_gone])
def test_a_clip_that_cannot_be_read_changes_nothing(
    tmp_path: Path, make: Callable[[Path], bpy.types.MovieClip]
) -> None:
    clip = make(tmp_path)
    settings = bpy.context.scene.kinelift
    settings.clip = clip
    bpy.ops.kinelift.import_keypoints(filepath=str(write_coco(tmp_path / "a.json", [example_points(5)])))
    assert clip_size(clip) is None
    bpy.ops.object.camera_add()
    bpy.context.scene.camera = bpy.context.object
    before = file_state()
    with pytest.raises(RuntimeError, match=f"{clip.name}: its picture can't be read"):
        bpy.ops.kinelift.match_scene_to_clip()
    assert file_state() == before
    for source in ("AUTO", "SCENE"):
        settings.camera_source = source
        before = file_state()
        with pytest.raises(RuntimeError, match=f"{clip.name}: its picture can't be read"):
            bpy.ops.kinelift.estimate_motion()
        assert file_state() == before


def test_match_scene_to_clip(tmp_path: Path) -> None:
    settings, scene = bpy.context.scene.kinelift, bpy.context.scene
    with pytest.raises(RuntimeError, match="Choose a clip first"):
        bpy.ops.kinelift.match_scene_to_clip()
    settings.clip = bpy.data.movieclips.load(str(render_clip(tmp_path / "walk.mp4", (320, 180), 12, fps=25)))
    settings.clip.frame_start = 101
    bpy.ops.kinelift.match_scene_to_clip()
    assert scene.render.fps / scene.render.fps_base == pytest.approx(25.0)
    assert (scene.frame_start, scene.frame_end) == (101, 112)
    assert (scene.render.resolution_x, scene.render.resolution_y) == (320, 180)
