"""A user's hands and eyes in a running Blender: real mouse and key events by way of the X server.

Everything that takes time is a generator that yields how many seconds Blender may go on by itself.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import bpy

Result = TypeVar("Result")
Steps = Generator[float, None, Result]

OUT = Path("/mnt/out")
PATIENCE = 30.0
"""Seconds; on a busy machine much takes much longer than it should."""
_ROW = 14
"""Pixels between two places where a button is looked for; buttons are 20 high."""
_rows: dict[str, int] = {}
"""Row of the screen where an operator's button was."""


def window() -> bpy.types.Window:
    return bpy.context.window_manager.windows[0]


def area_of(kind: str) -> bpy.types.Area:
    """The area of a kind, of which there is one."""
    (found,) = (area for area in window().screen.areas if area.type == kind)
    return found


def region_of(area: bpy.types.Area, kind: str = "WINDOW") -> bpy.types.Region:
    return next(region for region in area.regions if region.type == kind)


def looking_at(area: bpy.types.Area, region: str = "WINDOW") -> Any:
    """The context of an operator as if the mouse were there."""
    return bpy.context.temp_override(window=window(), area=area, region=region_of(area, region))


def middle(region: bpy.types.Region) -> tuple[int, int]:
    """The place on the screen, whose origin is top left; Blender's is bottom left."""
    x, y = region.x + region.width // 2, region.y + region.height // 2
    return x, window().height - y


def act(*arguments: str | int) -> subprocess.Popen[bytes]:
    """Starts xdotool and doesn't wait: Blender has to go on to see what it does."""
    return subprocess.Popen(["xdotool", *map(str, arguments)])


def done(*arguments: str | int) -> Steps[None]:
    """Does something with mouse or keyboard and lets Blender see it."""
    program = act(*arguments)
    yield from until(lambda: program.poll() is not None, PATIENCE)
    yield 0.05


def picture(name: str) -> None:
    """Starts a picture of the whole screen."""
    subprocess.Popen(["import", "-window", "root", OUT / f"{name}.png"])


def until(holds: Callable[[], bool], seconds: float) -> Steps[bool]:
    """Waits until something holds; False if it never did."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        yield 0.02
    return True


def find_button(
    area: bpy.types.Area, operator: str, near: int | None = None
) -> Steps[tuple[int, int] | None]:
    """Moves the mouse down the sidebar until an operator's button is under it; None if it isn't in sight.

    Blender itself says what is under the mouse: it is what *Copy Python Command* would copy.

    Args:
        near: row of the screen around which to look; None for all of the sidebar.
    """
    sidebar = region_of(area, "UI")
    x = sidebar.x + sidebar.width * 2 // 5
    top = window().height - sidebar.y - sidebar.height
    rows = range(top + 10, top + sidebar.height, _ROW)
    if near is not None:
        rows = range(near - 3 * _ROW, near + 4 * _ROW, _ROW)
    for y in rows:
        yield from done("mousemove", x, y)
        if operator in _under_mouse(area):
            return x, y
    return None


def press(area: bpy.types.Area, operator: str, near: int | None = None) -> Steps[tuple[int, int]]:
    """Clicks an operator's button in the sidebar; returns where it lay. The arguments are ``point_at``'s."""
    place = yield from point_at(area, operator, near)
    # Once more, as the way there may have ended before the button took notice.
    yield from done("mousemove", *place, "sleep", "0.1", "click", 1)
    return place


def point_at(area: bpy.types.Area, operator: str, near: int | None = None) -> Steps[tuple[int, int]]:
    """Moves the mouse onto an operator's button, scrolling down to it if need be; returns where it lies.

    Args:
        near: row of the screen where to look first; None looks where the button was the last time.
    """
    near = _rows.get(operator) if near is None else near
    for _ in range(4):
        place = (yield from find_button(area, operator, near)) if near is not None else None
        place = place or (yield from find_button(area, operator))
        if place is not None:
            _rows[operator] = place[1]
            return place
        yield from done("mousemove", *middle(region_of(area, "UI")), "click", "--repeat", 8, 5)
        yield 0.5
    raise AssertionError(f"no button {operator} in the sidebar")


def _under_mouse(area: bpy.types.Area) -> str:
    with looking_at(area, "UI"):
        if not bpy.ops.ui.copy_python_command_button.poll():
            return ""
        bpy.ops.ui.copy_python_command_button()
    return str(bpy.context.window_manager.clipboard)


def open_tab(area: bpy.types.Area, tab: str = "Kinelift") -> Steps[None]:
    """Opens the sidebar at a tab."""
    area.spaces.active.show_region_ui = True

    def is_open() -> bool:
        region = region_of(area, "UI")
        if region.active_panel_category != tab:
            region.active_panel_category = tab  # has no effect until the sidebar was drawn
            return False
        return True

    yield 0.5
    yield from until(is_open, PATIENCE)
    region_of(area, "UI").tag_redraw()
    yield 0.5


def drop(paths: Sequence[Path], place: tuple[int, int]) -> Steps[str]:
    """Drags files from another program onto a place on the screen; returns what that program says of it."""
    source = Path(__file__).with_name("drag_files.py")
    program = subprocess.Popen(
        ["python3", source, *map(str, place), *map(str, paths)], stdout=subprocess.PIPE, text=True
    )
    if not (yield from until(lambda: program.poll() is not None, 2 * PATIENCE)):
        program.kill()
    yield 0.5
    return program.communicate()[0].strip()
