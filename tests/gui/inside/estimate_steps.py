"""Estimate Motion as a user has it: clicked, watched, undone, cancelled, looked at."""

from __future__ import annotations

import time
from pathlib import Path

import bpy
from desktop import (
    PATIENCE,
    Steps,
    act,
    area_of,
    done,
    looking_at,
    middle,
    open_tab,
    picture,
    press,
    region_of,
    until,
)
from file_state import file_state
from installed import installed
from pulse import Pulse
from report import check, measure, say

ESTIMATE, CANCEL = "kinelift.estimate_motion", "kinelift.cancel_estimate"
LOADING = "Loading PyTorch"
MOST_SECONDS = 300.0
HELD_UP_GOAL, HELD_UP_BOUND = 0.25, 5.0
"""Seconds that the main thread makes its user wait."""
CANCEL_GOAL, CANCEL_BOUND = 1.0, 10.0
"""Seconds from Esc to the estimate's end."""
FRAMES = (1.0, 252.0)
"""Of the example."""


def load_footage(clip: Path) -> Steps[None]:
    """A clip with its keypoints beside it; the scene is matched to it by its button."""
    view = area_of("VIEW_3D")
    settings = bpy.context.scene.kinelift
    with looking_at(view):
        settings.clip = bpy.data.movieclips.load(str(clip))
        found = Path(settings.keypoints_path)
        check("keypoints beside the clip are found", found == clip.parent / clip.stem, found)
        bpy.ops.kinelift.find_keypoints("EXEC_DEFAULT", True)
    yield from open_tab(view)
    yield from press(view, "kinelift.match_scene_to_clip")
    render = bpy.context.scene.render
    yield from until(lambda: render.resolution_x == bpy.data.movieclips[clip.name].size[0], PATIENCE)
    check("Match Scene to Clip, clicked, gives the scene the clip's size", render.resolution_x == 640)
    yield from done("mousemove", *middle(region_of(view)))
    yield 1.0
    picture("1_panel")
    yield 0.5


def wait_idly() -> Steps[None]:
    """How long the main thread waits on this machine by itself, while nothing but the sidebar is drawn."""
    pulse = Pulse()
    for _ in range(40):
        region_of(area_of("VIEW_3D"), "UI").tag_redraw()
        yield 0.1
    pulse.stop()
    measure("no estimate, longest wait of the main thread", pulse.longest(), "s")


def estimate_and_undo() -> Steps[None]:
    """The first estimate, which loads PyTorch."""
    view = area_of("VIEW_3D")
    before = file_state()
    made = yield from _estimate("first estimate", shot="2_running", loading=True)
    if not made:
        return
    (armature,) = (one for one in bpy.data.objects if one.type == "ARMATURE")
    frames = armature.animation_data.action.frame_range
    check("the action is there", tuple(frames) == FRAMES, tuple(frames))
    yield 0.8  # the panel unfolds
    picture("3_made")
    yield 0.8
    yield from done("mousemove", *middle(region_of(view)), "sleep", "0.2", "key", "ctrl+z")
    yield from until(lambda: not bpy.data.actions, PATIENCE)
    yield 0.3
    check("Ctrl+Z takes all of it back", file_state() == before, _difference(before, file_state()))
    yield from done("key", "ctrl+shift+z")
    yield from until(lambda: bool(bpy.data.actions), PATIENCE)
    check("redo brings it again", len(bpy.data.actions) == 1)
    yield from done("key", "ctrl+z")
    yield from until(lambda: not bpy.data.actions, PATIENCE)
    yield 0.3


def cancel_by_key() -> Steps[None]:
    """A second estimate, ended by the Esc key."""
    view, jobs = area_of("VIEW_3D"), installed("addon.estimate_job")
    before = file_state()
    yield from press(view, ESTIMATE)
    check("a second estimate starts", (yield from until(lambda: jobs.running_job() is not None, PATIENCE)))
    yield from done("mousemove", *middle(region_of(view)))
    yield from until(lambda: jobs.running_job() is None or jobs.running_job().fraction > 0.3, PATIENCE)
    check("it runs when Esc is pressed", jobs.running_job() is not None)
    pressed = time.monotonic()
    act("key", "Escape")
    yield from until(lambda: jobs.running_job() is None, PATIENCE)
    seconds = time.monotonic() - pressed
    measure("Esc to the estimate's end", seconds, "s", goal=CANCEL_GOAL, bound=CANCEL_BOUND)
    yield 0.3
    check("nothing is left of it", file_state() == before, _difference(before, file_state()))


def cancel_by_button() -> Steps[None]:
    """A third one, ended by the button in the panel."""
    view, jobs = area_of("VIEW_3D"), installed("addon.estimate_job")
    place = yield from press(view, ESTIMATE)
    yield from until(lambda: jobs.running_job() is not None, PATIENCE)
    yield from press(view, CANCEL, near=place[1])
    yield from until(lambda: jobs.running_job() is None, PATIENCE)
    check("Cancel, clicked, ends it and nothing is left", not bpy.data.actions)


def estimate_again() -> Steps[None]:
    """One that is kept, PyTorch being loaded."""
    yield from _estimate("further estimate", shot="", loading=False)


def look_through_camera() -> Steps[None]:
    """Pictures of the take over the footage."""
    view = area_of("VIEW_3D")
    (armature,) = (one for one in bpy.data.objects if one.type == "ARMATURE")
    bpy.context.view_layer.objects.active = armature
    armature.show_in_front = True
    for one in bpy.context.view_layer.objects:
        one.select_set(False)
    bpy.data.objects["Cube"].hide_set(True)
    bpy.context.scene.frame_set(60)
    yield 0.5
    if bpy.context.scene.camera.parent != armature.parent:
        yield from press(view, "kinelift.use_take_camera")
        yield 0.5
    check("the take's camera is the scene's", bpy.context.scene.camera.parent == armature.parent)
    view.spaces.active.region_3d.view_perspective = "CAMERA"
    yield 0.6
    with looking_at(view):
        bpy.ops.view3d.view_center_camera()
    yield from done("mousemove", *middle(region_of(view)))
    yield 1.2
    picture("4_camera")
    yield 0.8


def look_at_clip_editor() -> Steps[None]:
    """The same panels beside the clip."""
    area = area_of("VIEW_3D")
    area.type = "CLIP_EDITOR"
    yield 0.5
    area.spaces.active.clip = bpy.context.scene.kinelift.clip
    yield from open_tab(area)
    with looking_at(area):
        bpy.ops.clip.view_all(fit_view=True)
    yield from done("mousemove", *middle(region_of(area)))
    yield 1.5
    picture("6_clip_editor")
    yield 0.8
    area.type = "VIEW_3D"
    yield 0.5


def _estimate(name: str, *, shot: str, loading: bool) -> Steps[bool]:
    """Clicks *Estimate Motion* and watches it to its end; whether it makes an action."""
    view, jobs = area_of("VIEW_3D"), installed("addon.estimate_job")
    place = yield from press(view, ESTIMATE)
    say(f"Estimate Motion lies at {place} of {bpy.context.window_manager.windows[0].height} rows")
    if not (yield from until(lambda: jobs.running_job() is not None, PATIENCE)):
        check(f"{name}: the click starts it", False)
        return False
    job, start, pulse = jobs.running_job(), time.monotonic(), Pulse()
    seen: list[tuple[str, float]] = []
    while jobs.running_job() is not None and time.monotonic() < start + MOST_SECONDS:
        now = (job.text, job.fraction)
        pulse.doing = job.text
        if now not in seen:
            seen.append(now)
            if shot and job.fraction > 0.3:
                picture(shot)
                shot = ""
        yield 0.01
    pulse.doing = "Writing"
    yield 0.05
    pulse.stop()
    measure(f"{name}, click to action", time.monotonic() - start, "s")
    rising = [fraction for _, fraction in seen]
    texts = list(dict.fromkeys(text for text, _ in seen))
    check(f"{name}: progress is seen to rise", len(rising) > 3 and rising == sorted(rising), texts)
    for text in dict.fromkeys(doing for _, doing in pulse.gaps):
        longest = max(gap for gap, doing in pulse.gaps if doing == text)
        say(f"   longest wait while “{text}”: {longest:.3f} s")
    longest = pulse.longest(without=LOADING if loading else "")
    what = f"{name}, longest wait of the main thread{' but for loading PyTorch' if loading else ''}"
    measure(what, longest, "s", goal=HELD_UP_GOAL, bound=HELD_UP_BOUND)
    made = len(bpy.data.actions) == 1
    check(f"{name}: it makes an action", made, job.error or "")
    return made


def _difference(before: dict[str, object], after: dict[str, object]) -> str:
    return ", ".join(
        f"{key}: {before[key]} became {after.get(key)}" for key in before if before[key] != after.get(key)
    )
