"""The long part of an estimate: keypoints to motions.

Touches neither bpy nor the file, so a thread may do it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..estimator.camera import Camera, pinhole
from ..estimator.errors import InputError, MissingDependencyError
from ..estimator.estimate import MIN_FRAMES, estimate_people
from ..estimator.hidden_parts import hidden_parts
from ..estimator.motion import Motion
from ..estimator.picture_size import guess_picture_size
from ..estimator.skeleton import CONTACT_END_POINTS
from ..estimator.track import KeypointTrack
from .dependencies import require_packages
from .estimate_request import EstimateRequest
from .keypoint_store import Tracks, read_tracks
from .picture_check import fitted_to_clip, keypoint_picture, picture_warning

Report = Callable[[float, str], None]
"""Told the fraction done and what is being done; what it raises ends the work."""

_READING_SHARE, _LOADING_SHARE = 0.15, 0.1


@dataclass(frozen=True)
class EstimateResult:
    """What came out.

    Attributes:
        tracks: all people of the file.
        motions: of those asked for.
        camera: that filmed them.
        notes: lines for the user about what was assumed or left out.
    """

    tracks: Tracks
    motions: tuple[Motion, ...]
    camera: Camera
    notes: tuple[str, ...]


def do_estimate(request: EstimateRequest, report: Report) -> EstimateResult:
    """Reads the keypoints and estimates each person asked for.

    Raises:
        KineliftError: one line for the user.
    """
    require_packages()
    report(0.0, "Reading keypoints")
    tracks = read_tracks(request.keypoints, lambda done: report(_READING_SHARE * done, "Reading keypoints"))
    notes: list[str] = []
    chosen = _usable(_chosen(tracks, request.people), request, notes)
    chosen, camera = _in_picture(chosen, tracks, request, notes)

    report(_READING_SHARE, "Loading PyTorch")
    # A thread that waits for its turn must not keep a core busy meanwhile: it made 0.5 s of work take 50 s.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import torch
    except (ImportError, OSError) as error:
        raise MissingDependencyError(
            f"PyTorch is there but can't be loaded ({error}); install Kinelift's full zip"
        ) from error
    torch.set_num_threads(request.threads)

    begin = _READING_SHARE + _LOADING_SHARE

    def estimating(done: float) -> None:
        track = chosen[min(int(done * len(chosen)), len(chosen) - 1)]
        report(begin + (1.0 - begin) * done, f"Estimating person {track.person_id}")

    motions = estimate_people(chosen, camera, request.options, estimating, request.heights)
    if camera.world_from_camera is not None and request.options.on_ground:
        notes.extend(_off_the_ground(motions))
    return EstimateResult(tracks, tuple(motions), camera, tuple(notes))


def _chosen(tracks: Tracks, people: tuple[int, ...]) -> list[KeypointTrack]:
    if not people:
        return [tracks[0]]
    by_id = {track.person_id: track for track in tracks}
    if gone := [person for person in people if person not in by_id]:
        raise InputError(
            f"{tracks[0].source}: there is no person {gone[0]} any more; import the keypoints again"
        )
    return [by_id[person] for person in people]


def _usable(tracks: list[KeypointTrack], request: EstimateRequest, notes: list[str]) -> list[KeypointTrack]:
    """Numbered as the clip is, cut to the range, with a rate; people who are too short are left out."""
    usable: list[KeypointTrack] = []
    reasons: list[str] = []
    for track in tracks:
        cut = replace(
            track,
            frame_start=track.frame_start + request.frame_offset,
            fps=request.fps or track.fps or request.fallback_fps,
        )
        try:
            if request.frames is not None:
                cut = _in_range(cut, *request.frames, request.first_picture)
        except InputError as error:
            reasons.append(str(error))
            continue
        if len(cut) < MIN_FRAMES:
            reasons.append(
                f"{track.source}: person {track.person_id} is on frame {cut.frame_start} only; "
                "choose a person who is on at least two frames"
            )
            continue
        usable.append(cut)
    if not usable:
        raise InputError(reasons[0])
    notes.extend(f"{reason}; left out" for reason in reasons)
    for track in usable:
        if (hidden := hidden_parts(track)) is not None:
            notes.append(f"Person {track.person_id}: {hidden}")
    return usable


def _in_range(track: KeypointTrack, first: int, last: int, first_picture: int) -> KeypointTrack:
    """Frames first to last of the clip; who isn't on them is told in scene frames, as ranges are given."""
    shown = replace(track, frame_start=track.frame_start + first_picture)
    cut = shown.sliced(first + first_picture, last + first_picture)
    return replace(cut, frame_start=cut.frame_start - first_picture)


def _in_picture(
    chosen: list[KeypointTrack], tracks: Tracks, request: EstimateRequest, notes: list[str]
) -> tuple[list[KeypointTrack], Camera]:
    """The tracks in the camera's pixels, and the camera."""
    if request.camera is not None:
        camera = request.camera
        size = camera.width, camera.height
        known = chosen[0].width and picture_warning(keypoint_picture(tracks), size) is None
        if request.clip is None and not known:
            notes.append(f"The picture is taken to be {size[0]} × {size[1]} as the scene is; choose the clip")
        return [fitted_to_clip(track, size) for track in chosen], camera
    width, height = chosen[0].width, chosen[0].height
    if not width or not height:
        width, height = guess_picture_size(tracks)
        notes.append(f"The picture's size is not known, {width} × {height} is assumed; choose the clip")
    camera = pinhole(width, height, request.focal_px)
    return [track.with_picture(width, height, None) for track in chosen], camera


def _off_the_ground(motions: Sequence[Motion]) -> Iterator[str]:
    """Lines about people who don't stand on the ground of a known camera's world, z = 0."""
    from ..estimator.ground import KNOWN_GROUND, ground_below  # needs SciPy, as estimating does

    up = np.array([0.0, 0.0, 1.0])
    for motion in motions:
        feet = motion.end_points[:, list(CONTACT_END_POINTS)]
        level = ground_below(up, feet, motion.contacts, motion.frame_confidence).level
        if abs(level) >= KNOWN_GROUND:
            side = "above" if level > 0 else "below"
            yield (
                f"Person {motion.person_id} stands {abs(level):.1f} m {side} the ground; if that isn't so, "
                "correct the camera's place and scale, or Ground Height"
            )
