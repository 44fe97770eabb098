# mypy: allow-subclassing-any
"""Estimate Motion: the long work in a thread, then everything into the file in one step."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import bpy

from ..estimator.errors import InputError, KineliftError
from .dependencies import missing_line
from .estimate_job import EstimateJob, end_running_job, running_job, start_job
from .estimate_request import EstimateRequest, estimate_request, take_identity, whats_missing
from .estimate_work import EstimateResult, do_estimate
from .people_list import list_people
from .retarget.properties import offer_source
from .take import Take, write_take
from .take_record import is_unedited, stands_where_written, takes_of
from .text_lines import for_report

_TICK_SECONDS = 0.1


class KINELIFT_OT_estimate_motion(bpy.types.Operator):
    """Estimate the 3D motion of the chosen people: makes their armatures and a camera that fits the clip"""

    bl_idname = "kinelift.estimate_motion"
    bl_label = "Estimate Motion"
    # Not REGISTER: the redo panel would estimate again at every touch.
    bl_options = {"UNDO"}

    _job: EstimateJob
    _timer: bpy.types.Timer
    _shown: str = ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if running_job() is not None:
            cls.poll_message_set("An estimate is running; wait for it or cancel it")
            return False
        if missing := whats_missing(context):
            cls.poll_message_set(missing)
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        try:
            if line := missing_line():
                raise InputError(line)
            self._job = start_job(estimate_request(context))
        except KineliftError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        self._timer = context.window_manager.event_timer_add(_TICK_SECONDS, window=context.window)
        context.window_manager.modal_handler_add(self)
        self._show(context)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type == "ESC" and event.value == "PRESS":
            self._job.cancel()
            self._show(context)
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        self._show(context)
        if not self._job.finished:
            return {"PASS_THROUGH"}
        self._clear(context)
        if self._job.cancelled:
            self.report({"INFO"}, "Estimate cancelled; nothing was changed")
            return {"CANCELLED"}
        if self._job.result is None:
            self.report({"ERROR"}, for_report(self._job.error or "Estimating ended without a result"))
            return {"CANCELLED"}
        return self._write(context, self._job.request, self._job.result)

    def cancel(self, context: bpy.types.Context) -> None:
        """Called by Blender when the window or the file goes away."""
        self._job.cancel()
        self._clear(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        window_manager = context.window_manager
        window_manager.progress_begin(0.0, 1.0)
        try:
            request = estimate_request(context)
            result = do_estimate(request, lambda fraction, text: window_manager.progress_update(fraction))
        except KineliftError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        finally:
            window_manager.progress_end()
        return self._write(context, request, result)

    def _write(
        self, context: bpy.types.Context, request: EstimateRequest, result: EstimateResult
    ) -> set[str]:
        """The one step that changes the file."""
        try:
            with _in_scene(context, request.scene):
                done = _write_result(bpy.context, request, result)
        except KineliftError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        for note in done[1:]:
            self.report({"WARNING"}, note)
        self.report({"INFO"}, done[0])
        return {"FINISHED"}

    def _show(self, context: bpy.types.Context) -> None:
        job = self._job
        text = job.text if job.cancelled else f"{job.text}: {job.fraction:.0%}   (Esc to cancel)"
        if text == self._shown:
            return
        self._shown = text
        context.workspace.status_text_set(f"Kinelift: {text}")
        # A heavy scene drawn anew ten times a second would hold up Blender and the estimate.
        _redraw(context, {"UI"})

    def _clear(self, context: bpy.types.Context) -> None:
        end_running_job()
        context.window_manager.event_timer_remove(self._timer)
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        _redraw(context, {"UI", "WINDOW"})


class KINELIFT_OT_cancel_estimate(bpy.types.Operator):
    """Stop the estimate that is running; the file stays as it was"""

    bl_idname = "kinelift.cancel_estimate"
    bl_label = "Cancel Estimate"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if running_job() is None:
            cls.poll_message_set("No estimate is running")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        job = running_job()
        if job is not None:
            job.cancel()
        return {"FINISHED"}


def _in_scene(context: bpy.types.Context, name: str) -> AbstractContextManager[object]:
    """The scene that the estimate was started from, though the window may show another one by now."""
    scene = bpy.data.scenes.get(name)
    if scene is None:
        raise InputError(f"Scene {name} was removed or renamed while estimating; estimate again")
    if scene == context.scene:
        return nullcontext()
    override: AbstractContextManager[object] = context.temp_override(
        scene=scene, view_layer=scene.view_layers[0]
    )
    return override


def _write_result(context: bpy.types.Context, request: EstimateRequest, result: EstimateResult) -> list[str]:
    """Makes the take; returns lines for the user, the first about what was made."""
    clip = bpy.data.movieclips.get(request.clip) if request.clip is not None else None
    notes = list(result.notes)
    if request.clip is not None and clip is None:
        notes.append(
            f"Clip {request.clip} was removed or renamed while estimating; the camera shows no footage"
        )
    settings = context.scene.kinelift
    identity = take_identity(request, [motion.person_id for motion in result.motions])
    same = takes_of(context.scene, identity) if request.update else []
    # Where the camera is known the take belongs where that says, and not where another was moved to.
    placed = result.camera.world_from_camera is not None
    earlier = next(
        (one for one in same if is_unedited(one) and not (placed and not stands_where_written(one))), None
    )
    written = replace(request.take, identity=identity)
    take = write_take(context, result.motions, result.camera, written, clip, earlier)
    settings.latest_take = take.empty.name
    offer_source(context.scene, take.armatures[0])
    if not settings.people:
        list_people(settings, result.tracks)
    if same and earlier is None:
        what = "moved" if is_unedited(same[0]) else "edited"
        notes.append(f"{same[0].name} was {what} and stays as it is; {take.empty.name} is a new take")
    notes.extend(take.notes)
    if take.camera is not None and context.scene.camera != take.camera:
        notes.append(
            f"The scene keeps its camera {context.scene.camera.name}; "
            "press Use Take's Camera to look through the take's"
        )
    return [f"{_summary(take, result, updated=earlier is not None)} {request.camera_source}", *notes]


def _summary(take: Take, result: EstimateResult, *, updated: bool) -> str:
    people = len(result.motions)
    frames = max(len(motion) for motion in result.motions)
    camera = f", camera {take.camera.name}" if take.camera is not None else ""
    look = {0: "", 1: ", 1 place to look at"}.get(take.doubtful, f", {take.doubtful} places to look at")
    return (
        f"{take.empty.name}{' updated' if updated else ''}: "
        f"{people} {'person' if people == 1 else 'people'}, {frames} frames{camera}{look}."
    )


def _redraw(context: bpy.types.Context, regions: set[str]) -> None:
    """Draws regions of these kinds anew in the editors where Kinelift shows something."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "CLIP_EDITOR"}:
                for region in area.regions:
                    if region.type in regions:
                        region.tag_redraw()
