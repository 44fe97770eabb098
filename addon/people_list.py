"""Notes in the scene's settings who is in a keypoint file, for the panel and the .blend."""

from __future__ import annotations

import bpy

from .keypoint_store import Tracks
from .picture_check import keypoint_picture


def list_people(settings: bpy.types.PropertyGroup, tracks: Tracks) -> None:
    """Fills the list of people; the largest one is chosen, and heights that were entered stay."""
    heights = {person.person_id: person.height for person in settings.people}
    settings.people.clear()
    for track in tracks:
        person = settings.people.add()
        person.name = f"Person {track.person_id}"
        person.person_id = track.person_id
        person.height = heights.get(track.person_id, 0.0)
        person.selected = track.person_id == tracks[0].person_id
        person.first_frame = track.frame_start
        person.last_frame = track.frame_start + len(track) - 1
        person.frames_seen = track.frames_seen
        person.mean_confidence = track.mean_confidence
    settings.active_person = 0
    picture = keypoint_picture(tracks)
    settings.keypoint_width, settings.keypoint_height = picture.width, picture.height
    settings.keypoint_right, settings.keypoint_bottom = picture.right, picture.bottom
