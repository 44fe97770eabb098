"""The extension registers with numpy alone, leaves nothing behind, and keeps its settings in the file."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import bpy
import pytest
from kinelift_checkout import addon
from kinelift_checkout.addon import registration
from kinelift_checkout.addon.preferences import machine_settings

from tests.addon.file_state import file_state
from tests.addon.recordings import example_points, render_clip, write_coco

REPOSITORY = Path(__file__).resolve().parents[2]


def kinelift_names() -> set[str]:
    return {name for name in dir(bpy.types) if name.upper().startswith("KINELIFT")}


def test_registering_twice_leaves_nothing_behind() -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    handlers = [len(handler) for handler in (bpy.app.handlers.load_pre, bpy.app.handlers.load_post)]
    for _ in range(2):
        addon.register()
        assert all(cls.is_registered for cls in registration.CLASSES)
        assert kinelift_names()
        assert bpy.context.scene.kinelift.camera_source == "AUTO"
        addon.unregister()
        assert not any(cls.is_registered for cls in registration.CLASSES)
        assert not kinelift_names()
        assert not hasattr(bpy.types.Scene, "kinelift")
        assert [len(h) for h in (bpy.app.handlers.load_pre, bpy.app.handlers.load_post)] == handlers


def test_everything_that_is_shown_explains_itself(registered: None) -> None:
    for cls in registration.CLASSES:
        rna, is_operator = cls.bl_rna, issubclass(cls, bpy.types.Operator)
        if is_operator:
            rna = getattr(bpy.ops.kinelift, cls.bl_idname.partition(".")[2]).get_rna_type()
            assert rna.description, cls
        for prop in rna.properties:
            # Blender's own file browser has the path; a list shows its rows' properties.
            unseen = (
                prop.is_hidden or prop.type == "COLLECTION" or prop.identifier in {"rna_type", "filepath"}
            )
            if unseen or not (is_operator or prop.identifier in own_properties(cls)):
                continue
            where = f"{cls.__name__}.{prop.identifier}"
            assert prop.description, where
            assert not prop.description.endswith("."), where
            if prop.type == "ENUM":
                assert all(item.description for item in prop.enum_items), where


def own_properties(cls: type) -> set[str]:
    """Not those of Blender's base classes."""
    return {name for base in cls.__mro__ for name in getattr(base, "__annotations__", ())}


def test_settings_survive_save_and_reload(registered: None, tmp_path: Path) -> None:
    keypoints = write_coco(tmp_path / "walk.json", [example_points(), example_points(shift=300.0)])
    settings = bpy.context.scene.kinelift
    bpy.ops.kinelift.import_keypoints(filepath=str(keypoints))
    settings.root_mode, settings.focal_px, settings.actor_height = "ROOT_BONE", 777.0, 1.71
    settings.use_frame_range, settings.frame_first, settings.timing = True, 7, "REAL_TIME"
    settings.clip = bpy.data.movieclips.load(str(render_clip(tmp_path / "shot.mp4", (64, 36), 3)))
    bpy.ops.kinelift.pick_person(person_id=2)
    saved = file_state()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert bpy.context.scene.kinelift.root_mode == "HIPS"
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    settings = bpy.context.scene.kinelift
    assert (settings.root_mode, settings.focal_px) == ("ROOT_BONE", 777.0)
    assert settings.actor_height == pytest.approx(1.71)
    assert [person.selected for person in settings.people] == [False, True]
    assert settings.keypoints_path == str(keypoints)
    assert settings.clip.name == "shot.mp4"
    assert {kind: file_state()[kind] for kind in ("kinelift", "people")} == {
        kind: saved[kind] for kind in ("kinelift", "people")
    }
    # The tracks themselves stay out of the file.
    assert (tmp_path / "shot.blend").stat().st_size < 1_000_000


def test_preferences_have_defaults_where_kinelift_is_no_enabled_extension(registered: None) -> None:
    settings = machine_settings(bpy.context)
    assert (settings.device, settings.cache_folder) == ("auto", None)
    assert settings.threads >= 1


def run_in_fresh_blender(code: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a process where torch, scipy, roma and pymotion can't be found."""
    start = f"""
        import importlib, sys, types

        class Blocker:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {{"torch", "scipy", "roma", "threadpoolctl", "pymotion"}}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

        sys.meta_path.insert(0, Blocker())
        root = types.ModuleType("kinelift_checkout")
        root.__path__ = [{str(REPOSITORY)!r}]
        sys.modules["kinelift_checkout"] = root
        import bpy
        addon = importlib.import_module("kinelift_checkout.addon")
        addon.register()
        settings = bpy.context.scene.kinelift
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(start) + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_without_torch_it_registers_imports_and_says_what_is_missing(tmp_path: Path) -> None:
    keypoints = write_coco(tmp_path / "walk.json", [example_points()])
    done = run_in_fresh_blender(f"""
        print(bpy.ops.kinelift.import_keypoints(filepath={str(keypoints)!r}))
        print("people", len(settings.people))
        before = len(bpy.data.objects)
        try:
            bpy.ops.kinelift.estimate_motion()
        except RuntimeError as error:
            print("refused:", error)
        assert len(bpy.data.objects) == before
        from kinelift_checkout.addon.dependencies import missing_line
        print("panel:", missing_line())
        # No unregistering: leaving like this must end the process all the same.
    """)
    assert done.returncode == 0, done.stderr
    assert "people 1" in done.stdout
    said = [line for line in done.stdout.splitlines() if line.startswith(("refused:", "panel:"))]
    assert len(said) == 2
    for line in said:
        assert all(name in line for name in ("torch", "scipy", "roma", "full zip")), line
    assert "Traceback" not in done.stdout + done.stderr
