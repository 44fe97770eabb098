"""Retarget as a user has it: source and target chosen, clicked, looked at, undone."""

from __future__ import annotations

import math
import time

import bpy
from character import add_character
from desktop import (
    PATIENCE,
    Steps,
    act,
    area_of,
    done,
    looking_at,
    middle,
    picture,
    point_at,
    region_of,
    until,
)
from estimate_steps import CANCEL_BOUND, CANCEL_GOAL
from file_state import file_state
from mathutils import Vector
from report import check, measure

RETARGET = "kinelift.retarget()"
MOST_DEGREES = 1.0
HELD_UP_GOAL, HELD_UP_BOUND = 0.5, 5.0
"""Seconds; the work is done in slices on the main thread."""
_LIMBS = {
    ("LeftArm", "LeftForeArm"): ("upper_arm.L", "forearm.L"),
    ("LeftForeArm", "LeftHand"): ("forearm.L", "hand.L"),
    ("RightArm", "RightForeArm"): ("upper_arm.R", "forearm.R"),
    ("RightForeArm", "RightHand"): ("forearm.R", "hand.R"),
}
"""Two joints of the source, and the target's; legs reach for where the feet are planted."""
_FRAMES = (1, 60, 120, 180, 252)
_SHOWN = 208
"""The source waves."""
_LONG = 5000
"""Frames that no machine retargets before the key is pressed."""
_BESIDE = 1.1
"""Metres from the source to the character."""


def retarget_onto_character() -> Steps[None]:
    """A character of another build gets the take's motion."""
    view = area_of("VIEW_3D")
    (take,) = (one for one in bpy.data.objects if one.type == "ARMATURE")
    with looking_at(view):
        character = add_character("Character", (3.0, 0.0, 0.0), 0.95)
    settings = bpy.context.scene.kinelift_retarget
    settings.source, settings.target = take, character
    settings.start = "CURSOR"
    bpy.context.scene.frame_set(_FRAMES[0])
    bpy.context.scene.cursor.location = take.pose.bones["Hips"].head + Vector((_BESIDE, 0.0, 0.0))
    bpy.context.scene.cursor.location.z = 0.0
    check(
        "the character's bones are recognised",
        settings.target_map.found.startswith("Rigify metarig"),
        settings.target_map.found,
    )
    with looking_at(view):
        bpy.ops.ed.undo_push(message="The character")
    before, names = file_state(), (take.name, character.name)
    yield 0.5

    yield from point_at(view, RETARGET)
    yield 0.2
    act("click", 1)
    started = last = time.monotonic()
    longest = 0.0
    while not _is_retargeted() and last < started + 2 * PATIENCE:
        yield 0.01
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    measure("retarget, click to action", last - started, "s")
    measure("retarget, longest wait of the main thread", longest, "s", goal=HELD_UP_GOAL, bound=HELD_UP_BOUND)
    made = _is_retargeted()
    check("Retarget, clicked, makes the character's action", made)
    if not made:
        return
    apart = _largest_difference(*names)
    measure("retarget, largest difference of the arms' directions", apart, "degrees")
    check(f"the character's arms point where the source's do, within {MOST_DEGREES}°", apart < MOST_DEGREES)
    yield from done("mousemove", *middle(region_of(view)), "sleep", "0.2", "key", "ctrl+z")
    yield from until(lambda: not _is_retargeted(), PATIENCE)
    yield 0.3
    after = file_state()
    changed = [key for key in before if before[key] != after[key]]
    check("Ctrl+Z takes the retargeting back", not changed, changed)
    yield from done("key", "ctrl+shift+z")
    check("redo brings it again", (yield from until(_is_retargeted, PATIENCE)))
    yield from _look(view)


def cancel_retarget_by_key() -> Steps[None]:
    """Another retarget, ended by the Esc key."""
    view, settings = area_of("VIEW_3D"), bpy.context.scene.kinelift_retarget
    # With a constraint the source is evaluated frame by frame, which takes its time, if it is long enough.
    hips = settings.source.pose.bones["Hips"]
    hips.constraints.new("LIMIT_SCALE")
    settings.use_frame_range, settings.frame_first, settings.frame_last = True, 1, _LONG
    yield 0.3
    before, action = file_state(), settings.target.animation_data.action.name
    pose = [tuple(map(tuple, bone.matrix_basis)) for bone in settings.target.pose.bones]
    yield from point_at(view, RETARGET)
    yield 0.2
    act("click", 1)
    check("a long retarget runs when Esc is pressed", (yield from until(_is_running, PATIENCE)))
    pressed = time.monotonic()
    act("key", "Escape")
    gone = yield from until(lambda: not _is_running(), PATIENCE)
    measure(
        "Esc to the retarget's end", time.monotonic() - pressed, "s", goal=CANCEL_GOAL, bound=CANCEL_BOUND
    )
    yield 0.3
    after, settings = file_state(), bpy.context.scene.kinelift_retarget
    changed = [key for key in before if before[key] != after[key]]
    kept = settings.target.animation_data.action.name == action
    check("Esc ends it and nothing is left", gone and kept and not changed, changed)
    now = [tuple(map(tuple, bone.matrix_basis)) for bone in settings.target.pose.bones]
    check("and the character stands as it stood", now == pose)
    hips = settings.source.pose.bones["Hips"]
    hips.constraints.remove(hips.constraints[0])
    settings.use_frame_range = False
    yield 0.2


def _is_running() -> bool:
    (window,) = bpy.context.window_manager.windows
    return any(operator.bl_idname == "KINELIFT_OT_retarget" for operator in window.modal_operators)


def _is_retargeted() -> bool:
    animation = bpy.data.objects["Character"].animation_data
    return animation is not None and animation.action is not None


def _largest_difference(source: str, target: str) -> float:
    """Degrees between the directions of the limbs, at most."""
    scene, largest = bpy.context.scene, 0.0
    shown = scene.frame_current
    for frame in _FRAMES:
        scene.frame_set(frame)
        for theirs, ours in _LIMBS.items():
            directions = []
            for name, (first, second) in ((source, theirs), (target, ours)):
                one = bpy.data.objects[name]
                head, tail = (one.matrix_world @ one.pose.bones[bone].head for bone in (first, second))
                directions.append(tail - head)
            largest = max(largest, directions[0].angle(directions[1]))
    scene.frame_set(shown)
    return math.degrees(largest)


def _look(view: bpy.types.Area) -> Steps[None]:
    """A picture of both, from the side."""
    space = view.spaces.active
    figure = bpy.data.objects["Character"]
    bpy.context.view_layer.objects.active = figure
    bpy.context.scene.frame_set(_SHOWN)
    space.shading.color_type = "OBJECT"
    space.region_3d.view_perspective = "PERSP"
    for one in bpy.context.view_layer.objects:
        one.select_set(one.name in {"Character", bpy.context.scene.kinelift_retarget.source.name})
    with looking_at(view):
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_orbit(angle=0.5, type="ORBITRIGHT")
        bpy.ops.view3d.view_orbit(angle=0.15, type="ORBITUP")
        bpy.ops.view3d.view_selected()
    figure.hide_set(True)  # its mesh is enough
    yield from done("mousemove", *middle(region_of(view)))
    yield 1.2
    picture("5_retarget")
    yield 0.8
    figure.hide_set(False)
    space.shading.color_type = "MATERIAL"
