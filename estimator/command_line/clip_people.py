"""The people of a clip that are to be estimated, and the camera that sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..camera import Camera, pinhole
from ..errors import InputError
from ..estimate import MIN_FRAMES, MIN_KEYPOINTS, check_picture
from ..hidden_parts import hidden_parts
from ..keypoints import read_keypoints
from ..picture_size import guess_picture_size, size_warning
from ..progress import Progress
from ..track import DEFAULT_FPS, KeypointTrack, check_frame_rate
from .clips import Clip
from .settings import ALL_PEOPLE, LARGEST_PERSON, Settings


def read_people(
    clip: Clip, settings: Settings, progress: Progress, note: Callable[[str], None]
) -> list[KeypointTrack]:
    """All people of a clip; ``note`` is told if they can't be on a picture of the size that is given.

    Raises:
        InputError: see ``read_keypoints``.
    """
    width, height = settings.size or (None, None)
    tracks = read_keypoints(
        clip.path,
        settings.keypoint_format,
        width=width,
        height=height,
        fps=settings.fps,
        progress=progress,
    )
    camera = settings.camera
    size = (tracks[0].width, tracks[0].height) if camera is None else (camera.width, camera.height)
    if size[0] and size[1] and (warning := size_warning(tracks, size[0], size[1])):
        note(f"{tracks[0].source}: {warning}")
    return tracks


def people_to_estimate(
    tracks: Sequence[KeypointTrack], settings: Settings, note: Callable[[str], None]
) -> list[KeypointTrack]:
    """Those of a clip's people who are asked for and can be used, with the picture's size and rate.

    Args:
        tracks: all people of the file.
        note: told what was assumed or left out.

    Raises:
        InputError: nobody is left, or the keypoints aren't on the camera's picture.
    """
    usable = _usable(_chosen(tracks, settings.person), settings, note)
    return _with_picture(usable, tracks, settings, note)


def whose_height(tracks: Sequence[KeypointTrack], settings: Settings) -> int:
    """The number of the person whose height the options give: the first who is asked for, usable or not."""
    return _chosen(tracks, settings.person)[0].person_id


def camera_for(track: KeypointTrack, settings: Settings) -> Camera:
    """The camera that the settings give, or a pinhole for the track's picture; see ``people_to_estimate``."""
    if settings.camera is not None:
        return settings.camera
    assert track.width is not None  # filled in by _with_picture
    assert track.height is not None
    return pinhole(track.width, track.height, settings.focal_px)


def _chosen(tracks: Sequence[KeypointTrack], person: str) -> list[KeypointTrack]:
    if person == ALL_PEOPLE:
        return list(tracks)
    if person == LARGEST_PERSON:
        return list(tracks[:1])
    chosen = [track for track in tracks if track.person_id == int(person)]
    if not chosen:
        people = "only person 1" if len(tracks) == 1 else f"people 1 to {len(tracks)}"
        raise InputError(
            f"{tracks[0].source}: there is no person {person}, but {people}; choose with --person"
        )
    return chosen


def _with_picture(
    tracks: Sequence[KeypointTrack],
    everybody: Sequence[KeypointTrack],
    settings: Settings,
    note: Callable[[str], None],
) -> list[KeypointTrack]:
    """The tracks with the picture's size and rate; what nobody says is guessed, with a note.

    ``everybody`` in the file counts for the guess, so that it is the same whoever is chosen.
    """
    source, camera, size = tracks[0].source, settings.camera, settings.size
    if camera is not None:
        size = (camera.width, camera.height)
        for track in tracks:
            check_picture(track, camera)
    elif any(track.width is None or track.height is None for track in tracks):
        size = guess_picture_size(everybody)
        note(
            f"{source}: the picture's size is not known, {size[0]} × {size[1]} is assumed from the "
            "keypoints; give --size W H"
        )
    fps = settings.fps
    if fps is None and any(track.fps is None for track in tracks):
        fps = DEFAULT_FPS
        note(f"{source}: the frame rate is not known, {fps:g} is assumed; give --fps F")
    for track in tracks:
        check_frame_rate(fps if fps is not None else track.fps, source)
    width, height = size or (None, None)
    return [track.with_picture(width, height, fps) for track in tracks]


def _usable(
    tracks: Sequence[KeypointTrack], settings: Settings, note: Callable[[str], None]
) -> list[KeypointTrack]:
    """The tracks cut to the frames asked for; people of whom too little is seen are left out.

    That is noted, and so is what is hardly seen of the others.

    Raises:
        InputError: nobody is left.
    """
    usable, reasons = [], []
    for track in tracks:
        try:
            cut = track if settings.frames is None else track.sliced(*settings.frames)
        except InputError as error:
            reasons.append(str(error))
            continue
        reason = _unusable(cut)
        if reason is None:
            usable.append(cut)
        else:
            reasons.append(reason)
    if not usable:
        raise InputError(reasons[0])
    for reason in reasons:
        note(f"{reason}; left out")
    for track in usable:
        if (hidden := hidden_parts(track)) is not None:
            note(f"{track.source}: person {track.person_id}: {hidden}")
    return usable


def _unusable(track: KeypointTrack) -> str | None:
    """Why there is no motion to be had from a track; None if there is."""
    who = f"{track.source}: person {track.person_id}"
    if len(track) < MIN_FRAMES:
        return f"{who} is on frame {track.frame_start} only; a motion needs at least {MIN_FRAMES} frames"
    if track.present.sum(axis=1).max() < MIN_KEYPOINTS:
        return f"{who} has fewer than {MIN_KEYPOINTS} keypoints on every frame"
    return None
