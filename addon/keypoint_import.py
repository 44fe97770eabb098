# mypy: allow-subclassing-any, disable-error-code="valid-type"
"""Operators that bring keypoints in and choose people from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy

from ..estimator.errors import InputError, KineliftError
from ..estimator.keypoints.source import frame_number
from ..estimator.printable import printable
from .estimate_job import running_job
from .estimate_request import absolute_path, keypoint_request
from .keypoint_store import Tracks, read_tracks
from .people_list import list_people
from .sidecar import find_sidecar
from .text_lines import for_report

_FRAME_ENDINGS = (".json", ".txt")
_RUNNING = "An estimate is running; wait for it or cancel it"


class KINELIFT_OT_import_keypoints(bpy.types.Operator):
    """Read the 2D keypoints of a clip from the file or folder that a pose detector wrote"""

    bl_idname = "kinelift.import_keypoints"
    bl_label = "Import Keypoints"
    bl_options = {"UNDO"}

    filepath: bpy.props.StringProperty(
        name="Path", description="File or folder with keypoints", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    directory: bpy.props.StringProperty(
        name="Folder",
        description="Folder of the chosen files",
        subtype="DIR_PATH",
        options={"SKIP_SAVE", "HIDDEN"},
    )
    files: bpy.props.CollectionProperty(
        type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"}
    )
    filter_glob: bpy.props.StringProperty(default="*.json;*.npz;*.csv;*.txt", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if running_job() is not None:
            cls.poll_message_set(_RUNNING)
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        # A dropped file, and the panel's button for a path that is known already, come with a path.
        if self.properties.is_property_set("filepath") and self.filepath:
            return self.execute(context)
        settings = context.scene.kinelift
        if settings.keypoints_path:
            self.filepath = bpy.path.abspath(settings.keypoints_path)
        elif settings.clip is not None:
            self.filepath = str(Path(bpy.path.abspath(settings.clip.filepath)).parent) + "/"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            path = self._path()
            path, tracks = _read_file_or_folder(context, path)
        except KineliftError as error:
            self.report({"ERROR"}, for_report(str(error)))
            return {"CANCELLED"}
        settings = context.scene.kinelift
        if not settings.keypoints_path or absolute_path(settings.keypoints_path) != path:
            settings.keypoints_path = str(path)
        list_people(settings, tracks)
        first = min(track.frame_start for track in tracks)
        last = max(track.frame_start + len(track) for track in tracks) - 1
        people = "1 person" if len(tracks) == 1 else f"{len(tracks)} people"
        self.report({"INFO"}, f"{printable(path.name)}: {people}, frames {first} to {last}")
        return {"FINISHED"}

    def _path(self) -> Path:
        """The file, or the folder where a folder or several of its files were chosen."""
        if not self.filepath and not self.directory:
            raise InputError("No keypoint file given; choose a file or folder")
        if len(self.files) > 1:
            return absolute_path(self.directory)
        return absolute_path(self.filepath or self.directory)


class KINELIFT_OT_find_keypoints(bpy.types.Operator):
    """Look beside the clip for keypoints that are named after it, and read them"""

    bl_idname = "kinelift.find_keypoints"
    bl_label = "Find Beside Clip"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if running_job() is not None:
            cls.poll_message_set(_RUNNING)
            return False
        if context.scene.kinelift.clip is None:
            cls.poll_message_set("Choose a clip first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        clip = context.scene.kinelift.clip
        path = Path(bpy.path.abspath(clip.filepath))
        place = path.parent if clip.source == "SEQUENCE" else path
        found = find_sidecar(place)
        if found is None:
            self.report(
                {"ERROR"},
                for_report(
                    f"No keypoints named after {printable(place.name)} in {printable(place.parent)}; "
                    "choose them with Import Keypoints"
                ),
            )
            return {"CANCELLED"}
        result: set[str] = bpy.ops.kinelift.import_keypoints(filepath=str(found))
        return result


class KINELIFT_OT_pick_person(bpy.types.Operator):
    """Choose whom to estimate"""

    bl_idname = "kinelift.pick_person"
    bl_label = "Pick Person"
    bl_options = {"UNDO"}

    person_id: bpy.props.IntProperty(
        name="Number", description="As the overlay shows it; 0 for everybody", min=0
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not context.scene.kinelift.people:
            cls.poll_message_set("Import keypoints first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.kinelift
        ids = [person.person_id for person in settings.people]
        if self.person_id and self.person_id not in ids:
            self.report({"ERROR"}, f"There is no person {self.person_id}; choose 1 to {max(ids)}")
            return {"CANCELLED"}
        for index, person in enumerate(settings.people):
            person.selected = self.person_id in (0, person.person_id)
            if person.person_id == self.person_id:
                settings.active_person = index
        return {"FINISHED"}


def _read_file_or_folder(context: bpy.types.Context, path: Path) -> tuple[Path, Tracks]:
    """Reads a path; one frame's file stands for the folder that holds all of them.

    Returns:
        What was read in the end, and the people in it.
    """
    request = replace(keypoint_request(context), path=path)
    window_manager = context.window_manager
    window_manager.progress_begin(0.0, 1.0)
    try:
        try:
            return path, read_tracks(request, window_manager.progress_update)
        except InputError:
            if not _is_one_of_many_frames(path):
                raise
            return path.parent, read_tracks(
                replace(request, path=path.parent), window_manager.progress_update
            )
    finally:
        window_manager.progress_end()


def _is_one_of_many_frames(path: Path) -> bool:
    if path.suffix.lower() not in _FRAME_ENDINGS or frame_number(path.name) is None or not path.is_file():
        return False
    alike = (
        other
        for other in path.parent.iterdir()
        if other != path and other.suffix == path.suffix and frame_number(other.name) is not None
    )
    return next(alike, None) is not None
