"""The files that a clip becomes, with what they are made from."""

from __future__ import annotations

from collections.abc import Sequence

from ...estimator.camera import Camera
from ...estimator.command_line.clips import Clip
from ...estimator.command_line.outputs import MadeFrom, Outputs, PersonOutputs, content_digest, made_from
from ...estimator.track import KeypointTrack
from .file_formats import BLEND, FBX, IS_WHOLE
from .settings import BatchSettings


def outputs_of(
    clip: Clip, tracks: Sequence[KeypointTrack], camera: Camera, settings: BatchSettings
) -> tuple[list[PersonOutputs], Outputs]:
    """Each person's files, and the .blend with everybody in it; no files where none is wanted."""
    options, out, save = settings.estimate.options, settings.estimate.out, settings.estimate.save
    made = [{**made_from(track, camera, options), **made_with(settings)} for track in tracks]
    if len(made) > 1:  # they stand on one ground, which all of them tell of
        together = [one["keypoints"] for one in made]
        made = [{**one, "choice of people": together} for one in made]
    people = [
        PersonOutputs(clip, out, track.person_id, save, one, IS_WHOLE)
        for track, one in zip(tracks, made, strict=True)
    ]
    everybody: MadeFrom = {
        "footage": str(clip.footage.resolve()) if clip.footage is not None else None,
        **{f"person {track.person_id}": one for track, one in zip(tracks, made, strict=True)},
    }
    paths = {BLEND: out / f"{clip.name}.{BLEND}"} if settings.blend else {}
    return people, Outputs(paths, out / f".{clip.name}.{BLEND}.made_from.json", everybody, IS_WHOLE)


def made_with(settings: BatchSettings) -> MadeFrom:
    """What Blender's files depend on beyond the motion."""
    if not settings.needs_scene:
        return {}
    made: MadeFrom = {"root motion": settings.root_motion}
    if FBX in settings.exported:
        made["program that reads FBX"] = settings.fbx_for
    if settings.character is not None:
        made["character's armature"] = settings.character.armature
        made["character's file"] = content_digest(settings.character.path)
        if settings.character.bone_map is not None:
            made["bone map"] = content_digest(settings.character.bone_map)
    return made
