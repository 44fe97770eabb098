# mypy: allow-subclassing-any, disable-error-code="valid-type"
"""Retarget, and the preview of one frame."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace

import bpy

from ...estimator.errors import InputError
from ..text_lines import for_report
from . import live_preview
from .automatic_map import find_map
from .bone_map import BoneMap, check_map
from .plan import RetargetSettings
from .pose_preview import show_pose
from .properties import chosen_settings, shown_map
from .rest_rig import read_rest_rig
from .retarget_result import write_results
from .retargeting import Retargeted, finished, retarget
from .source_motion import frame_range

Steps = Generator[float | Retargeted, None, None]

_TICK_SECONDS = 0.05
_WORK_SECONDS = 0.2
_GOOD_SCORE = 0.75


def whats_missing(context: bpy.types.Context) -> str | None:
    """One line on what has to be done before retargeting; None if nothing has."""
    settings = context.scene.kinelift_retarget
    if settings.source is None:
        return "Choose a source: an animated armature"
    if settings.target is None:
        return "Choose a target: your character's armature"
    for armature, rig_map in ((settings.source, settings.source_map), (settings.target, settings.target_map)):
        try:
            check_map(shown_map(rig_map), armature.name, armature.data.bones.keys())
        except InputError as error:
            return str(error)
    return None


class KINELIFT_OT_retarget(bpy.types.Operator):
    """Put the source's motion on the target, as a new action; what the target had is kept"""

    bl_idname = "kinelift.retarget"
    bl_label = "Retarget"
    bl_options = {"UNDO"}

    all_selected: bpy.props.BoolProperty(
        name="All Selected",
        description="Onto all selected armatures; those that aren't the target are mapped automatically",
    )

    _steps: Steps
    _timer: bpy.types.Timer
    _results: list[Retargeted]

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        settings = context.scene.kinelift_retarget
        if settings.source is None or settings.target is None:
            cls.poll_message_set(whats_missing(context) or "")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        try:
            self._steps = _all_steps(context, self.all_selected)
        except InputError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        self._results = []
        self._timer = context.window_manager.event_timer_add(_TICK_SECONDS, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        # Nothing else may run in between: the work leaves the target posed until it is through.
        if event.type == "ESC" and event.value == "PRESS":
            self._end(context)
            self.report({"INFO"}, "Retarget cancelled; nothing was changed")
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"RUNNING_MODAL"}
        until = time.monotonic() + _WORK_SECONDS
        try:
            for step in self._steps:
                if isinstance(step, Retargeted):
                    self._results.append(step)
                else:
                    context.workspace.status_text_set(f"Kinelift: Retargeting: {step:.0%}   (Esc to cancel)")
                if time.monotonic() > until:
                    return {"RUNNING_MODAL"}
        except InputError as error:
            self._end(context)
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        except BaseException:
            self._end(context)
            raise
        self._end(context)
        return self._write(self._results)

    def cancel(self, context: bpy.types.Context) -> None:
        """Called by Blender when the window or the file goes away."""
        self._end(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        window_manager = context.window_manager
        window_manager.progress_begin(0.0, 1.0)
        results = []
        try:
            for step in _all_steps(context, self.all_selected):
                if isinstance(step, Retargeted):
                    results.append(step)
                else:
                    window_manager.progress_update(step)
        except InputError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        finally:
            window_manager.progress_end()
        return self._write(results)

    def _write(self, results: list[Retargeted]) -> set[str]:
        """The one step that changes the file."""
        actions = write_results(results)
        for note in (note for result in results for note in result.notes):
            self.report({"WARNING"}, note)
        self.report({"INFO"}, f"Made {', '.join(action.name for action in actions)}")
        return {"FINISHED"}

    def _end(self, context: bpy.types.Context) -> None:
        self._steps.close()
        context.window_manager.event_timer_remove(self._timer)
        if context.workspace is not None:
            context.workspace.status_text_set(None)


class KINELIFT_OT_preview_retarget(bpy.types.Operator):
    """Pose the target as on this frame, without keys and with feet not yet planted; undo takes it back"""

    bl_idname = "kinelift.preview_retarget"
    bl_label = "Preview Frame"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(KINELIFT_OT_retarget.poll.__func__(cls, context))  # type: ignore[attr-defined]

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene, settings = context.scene, context.scene.kinelift_retarget
        live_preview.end(scene)
        frame = float(scene.frame_current)
        chosen = chosen_settings(settings, scene)
        bone_map = shown_map(settings.target_map)
        one = RetargetSettings(
            chosen.placing,
            "HIPS",
            plant_feet=False,
            keep_hands=chosen.keep_hands,
            frames=(frame, frame),
            limbs=chosen.limbs if bone_map.ik is not None else "FK",
        )
        try:
            if chosen.frames is None:  # what has no motion to retarget has none to preview
                frame_range(settings.source)
            result = finished(
                retarget(
                    scene,
                    settings.source,
                    shown_map(settings.source_map),
                    settings.target,
                    bone_map,
                    one,
                )
            )
        except InputError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        show_pose(settings.target, result.curves)
        return {"FINISHED"}


class KINELIFT_OT_live_preview_retarget(bpy.types.Operator):
    """Show the target as it would be on every frame that you go to, without keys; click again to end"""

    bl_idname = "kinelift.live_preview_retarget"
    bl_label = "Preview While Scrubbing"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if live_preview.is_on(context.scene):
            return True
        return bool(KINELIFT_OT_retarget.poll.__func__(cls, context))  # type: ignore[attr-defined]

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene, settings = context.scene, context.scene.kinelift_retarget
        if live_preview.is_on(scene):
            live_preview.end(scene)
            return {"FINISHED"}
        try:
            result = finished(_all_steps(context, all_selected=False))
        except InputError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        live_preview.begin(scene, settings.target, result.curves)
        return {"FINISHED"}


def _all_steps(context: bpy.types.Context, all_selected: bool) -> Steps:
    """Retargets onto every target, one after the other; all of them are checked first."""
    scene, settings = context.scene, context.scene.kinelift_retarget
    live_preview.end(scene)
    targets: dict[bpy.types.Object, BoneMap] = {settings.target: shown_map(settings.target_map)}
    for chosen in context.selected_objects if all_selected else ():
        if chosen.type == "ARMATURE" and chosen not in (settings.source, settings.target):
            found = find_map(read_rest_rig(chosen), "TARGET")
            if found.score < _GOOD_SCORE:
                raise InputError(
                    f"{chosen.name}: its bones weren't recognised; make it the target and choose them"
                )
            targets[chosen] = found.bone_map
    source, source_map = settings.source, shown_map(settings.source_map)
    for armature, bone_map in ((source, source_map), *targets.items()):
        check_map(bone_map, armature.name, armature.data.bones.keys())
    return _one_after_another(scene, source, source_map, targets, chosen_settings(settings, scene))


def _one_after_another(
    scene: bpy.types.Scene,
    source: bpy.types.Object,
    source_map: BoneMap,
    targets: dict[bpy.types.Object, BoneMap],
    settings: RetargetSettings,
) -> Steps:
    for number, (target, bone_map) in enumerate(targets.items()):
        own = settings if bone_map.ik is not None else replace(settings, limbs="FK")
        for step in retarget(scene, source, source_map, target, bone_map, own):
            yield step if isinstance(step, Retargeted) else (number + step) / len(targets)
