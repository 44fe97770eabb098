"""Saving, loading, and the extension going away."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import addon_utils
import bpy
from desktop import PATIENCE, Steps, area_of, looking_at, until
from file_state import file_state
from installed import EXTENSION, installed
from report import check


def save_and_reload(path: Path) -> Steps[None]:
    """Every setting away from its default, saved, another file opened, and the first one again."""
    changed = _change_all(bpy.context.scene.kinelift) + _change_all(bpy.context.scene.kinelift_retarget)
    before, retarget = file_state(), _retarget_settings()
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile()
    yield 0.5
    check("a new file starts with the defaults", not bpy.context.scene.kinelift.keypoints_path)
    bpy.ops.wm.open_mainfile(filepath=str(path))
    yield 0.5
    after = file_state()
    check(
        f"a file keeps its {len(changed)} settings and its people",
        all(after[key] == before[key] for key in ("kinelift", "people")),
        [key for key, value in before["kinelift"].items() if after["kinelift"].get(key) != value],
    )
    check("and its takes", after["actions"] == before["actions"] and bool(after["actions"]))
    same = _retarget_settings()
    lost = [key for key, value in retarget.items() if same[key] != value]
    check("and source, target and their bones", not lost and len(retarget) > 40, lost)


def load_while_running(path: Path) -> Steps[None]:
    """A file is opened over an estimate."""
    jobs = installed("addon.estimate_job")
    yield from _start()
    job = jobs.running_job()
    assert job is not None, "the estimate was over before a file could be opened"
    bpy.ops.wm.open_mainfile(filepath=str(path))
    yield 0.3
    check("opening a file ends the estimate", job.finished and jobs.running_job() is None)
    check("and its thread", not _threads())


def switch_off_and_on() -> Steps[None]:
    """Disabled in the middle of an estimate, enabled again, removed."""
    jobs = installed("addon.estimate_job")
    load_pre = [handler.__name__ for handler in bpy.app.handlers.load_pre]
    yield from _start()
    job = jobs.running_job()
    assert job is not None, "the estimate was over before the extension could be switched off"
    bpy.ops.preferences.addon_disable(module=EXTENSION)
    yield 1.0
    check("switched off: the estimate has ended, no thread is left", job.finished and not _threads())
    check("switched off: nothing is registered", not _registered(), _registered())
    left = [handler.__module__ for handler in _handlers() if handler.__module__.startswith(EXTENSION)]
    check("switched off: no handler is left", not left, left)
    _redraw()
    yield 0.5
    bpy.ops.preferences.addon_enable(module=EXTENSION)
    yield 0.5
    check("switched on again: everything is back", len(_registered()) > 10, len(_registered()))
    again = [handler.__name__ for handler in bpy.app.handlers.load_pre]
    check("switched on again: each handler once", again == load_pre, again)
    check("switched on again: the file's settings are there", bool(bpy.context.scene.kinelift.people))
    _redraw()
    yield 0.5


def remove() -> Steps[None]:
    """Uninstalled as by the preferences' menu."""
    folder = Path(bpy.utils.user_resource("EXTENSIONS"))
    check("before it is removed it is on the disk", (folder / "user_default/kinelift").is_dir())
    repositories = bpy.context.preferences.extensions.repos
    index = next(i for i, one in enumerate(repositories) if one.module == "user_default")
    bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id="kinelift")
    yield 1.0
    check("removed: nothing is registered", not _registered(), _registered())
    check("removed: no thread is left", not _threads(), _threads())
    check("removed: it isn't on the disk any more", not (folder / "user_default/kinelift").exists())
    # Blender itself leaves the bytecode of wheels that are a single file; nothing can be imported from that.
    kept = folder.glob(".local/lib/*/site-packages/*")
    wheels = sorted(path.name for path in kept if path.name != "__pycache__")
    check("removed: its wheels have gone too", not wheels, wheels)
    enabled = [module.__name__ for module in addon_utils.modules() if "kinelift" in module.__name__]
    check("removed: Blender knows no such extension", not enabled, enabled)
    _redraw()
    yield 0.5


def _start() -> Steps[None]:
    """Starts an estimate and returns in the middle of it."""
    jobs = installed("addon.estimate_job")
    bpy.context.scene.kinelift.refine = True  # so that it lasts
    with looking_at(area_of("VIEW_3D")):
        bpy.ops.kinelift.estimate_motion("INVOKE_DEFAULT", True)
    yield from until(lambda: jobs.running_job() is None or jobs.running_job().fraction > 0.26, PATIENCE)


def _change_all(settings: bpy.types.PropertyGroup) -> list[str]:
    """Gives the settings values that aren't their defaults; those that void the keypoints stay."""
    changed = []
    for name, prop in settings.bl_rna.properties.items():
        if prop.is_readonly or name in {"name", "clip", "keypoints_path", "keypoint_format", "focal_mm"}:
            continue
        value = getattr(settings, name)
        if getattr(prop, "is_array", False):
            continue
        if prop.type == "BOOLEAN":
            setattr(settings, name, not value)
        elif prop.type == "ENUM":
            setattr(settings, name, prop.enum_items[-1].identifier)
        elif prop.type in {"INT", "FLOAT"}:
            setattr(settings, name, min(value + 1, prop.hard_max))
        else:
            continue
        changed.append(name)
    return changed


def _retarget_settings() -> dict[str, object]:
    """Of the section Retarget, with the bones of both maps."""
    settings = bpy.context.scene.kinelift_retarget
    found: dict[str, object] = {"source": settings.source.name, "target": settings.target.name}
    for name, prop in settings.bl_rna.properties.items():
        if prop.type in {"BOOLEAN", "ENUM", "INT", "FLOAT"}:
            value = getattr(settings, name)
            found[name] = tuple(value) if getattr(prop, "is_array", False) else value
    for role in ("source_map", "target_map"):
        found |= {f"{role}, {one.human}": one.bone for one in getattr(settings, role).bones}
    return found


def _registered() -> list[str]:
    """What Blender has of the extension's: classes, operators, settings."""
    classes = [name for name in dir(bpy.types) if name.upper().startswith("KINELIFT")]
    operators = dir(bpy.ops.kinelift)
    settings = [name for name in ("kinelift", "kinelift_retarget") if hasattr(bpy.types.Scene, name)]
    return classes + operators + settings


def _handlers() -> list[object]:
    lists = (getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers))
    return [handler for one in lists if isinstance(one, list) for handler in one]


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "inelift" in thread.name]


def _redraw() -> None:
    """What is left behind in the drawing of the editors would fail now, and be seen in the output."""
    for area in bpy.context.window_manager.windows[0].screen.areas:
        area.tag_redraw()
    sys.stdout.flush()
