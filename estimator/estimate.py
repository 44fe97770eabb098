"""From one person's keypoints and a camera to global motion: the whole estimator in one call.

This module works without torch: it says what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from .camera import Camera
from .errors import InputError, MissingDependencyError
from .motion import Motion
from .progress import Progress, part_of
from .track import KeypointTrack, check_frame_rate

WEIGHTS = Path(__file__).parent / "weights" / "generator.pt"
NEEDED_PACKAGES = ("torch", "scipy", "roma", "threadpoolctl")
MIN_FRAMES = 2
PERSON_HEIGHTS = (0.3, 3.0)
"""Metres, from and to, both included."""
MOST_CAMERA_HEIGHT = 100.0
"""Metres, included."""
MIN_KEYPOINTS = 4
"""Fewer than this on a frame don't say where a person is."""


@dataclass(frozen=True)
class EstimateOptions:
    """What the user decides.

    Attributes:
        person_height: standing height of the actor in metres; None if unknown.
        refine: move the network's answer onto the clip's keypoints; slower, and usually better.
        on_ground: put feet that stand near the ground on it and let none get below; off for stairs and beams.
        camera_height: metres over the ground of a camera whose place is not known otherwise; says which way
            is down. None if unknown.
        contact_strength: 0..1, how firmly ``refine`` keeps feet that stand from sliding; 0 lets them slide.
        device: "auto", "cpu", "cuda" or "mps".
        weights: file to load instead of the weights that ship.
    """

    person_height: float | None = None
    refine: bool = True
    on_ground: bool = True
    camera_height: float | None = None
    contact_strength: float = 1.0
    device: str = "auto"
    weights: Path | None = None


def missing_packages() -> list[str]:
    """Names of the packages that ``estimate_motion`` needs and that can't be found."""
    return [name for name in NEEDED_PACKAGES if find_spec(name) is None]


def check_picture(track: KeypointTrack, camera: Camera) -> None:
    """Raises InputError if a track says that its pixels are those of another picture than the camera's."""
    if (track.width, track.height) not in {(None, None), (camera.width, camera.height)}:
        raise InputError(
            f"{track.source}: the keypoints are on a picture of {track.width} × {track.height}, the camera's "
            f"is {camera.width} × {camera.height}; give the camera of this clip at this size"
        )


def estimate_motion(
    track: KeypointTrack,
    camera: Camera,
    options: EstimateOptions = EstimateOptions(),
    progress: Progress = lambda fraction: None,
) -> Motion:
    """Global motion of one person, at the clip's rate.

    Args:
        track: of at least 2 frames; ``fps`` filled in. ``keypoints.read_keypoints`` and
            ``keypoints.track_from_array`` make it.
        camera: intrinsics, and extrinsics where known; of the picture that the keypoints are on.
        progress: told the fraction done; may raise to end the work.

    Raises:
        InputError: for a track, options or weights that can't be used.
        MissingDependencyError: without one of ``NEEDED_PACKAGES``.
    """
    if missing := missing_packages():
        raise MissingDependencyError(
            f"estimating motion needs {', '.join(missing)}: install Kinelift's full zip, or install "
            f"{'it' if len(missing) == 1 else 'them'} into this Python"
        )
    check_track(track)
    check_picture(track, camera)
    least, most = PERSON_HEIGHTS
    # Rounded, because Blender's properties are single precision.
    if options.person_height is not None and not least <= round(options.person_height, 6) <= most:
        raise InputError(
            f"a person {options.person_height:g} m tall: give the height in metres, {least:g} to {most:g}"
        )
    if options.camera_height is not None and not 0 < options.camera_height <= MOST_CAMERA_HEIGHT:
        raise InputError(
            f"a camera {options.camera_height:g} m above the ground: give its height in metres, up to "
            f"{MOST_CAMERA_HEIGHT:g}"
        )
    if not 0 <= options.contact_strength <= 1:
        raise InputError(f"a contact strength of {options.contact_strength:g}: give 0 (off) to 1 (firm)")

    from . import pipeline

    return pipeline.run(track, camera, options, progress)


def check_track(track: KeypointTrack) -> None:
    """Raises InputError, which names source and person, where a track can't be estimated from."""
    name = f"{track.source}: person {track.person_id}"
    if len(track) < MIN_FRAMES:
        raise InputError(f"{name} is on one frame only; motion needs at least {MIN_FRAMES}")
    check_frame_rate(track.fps, name)
    present = track.present
    if not np.isfinite(track.keypoints).all(axis=-1)[present].all():
        raise InputError(f"{name} has keypoints that are no numbers; give missing ones a confidence of 0")
    if not ((track.confidence >= 0) & (track.confidence <= 1)).all():
        raise InputError(f"{name} has confidences beyond 0 to 1; scale them")
    if not (present.sum(axis=1) >= MIN_KEYPOINTS).any():
        raise InputError(f"{name} has no frame with {MIN_KEYPOINTS} keypoints or more; choose another person")


def estimate_people(
    tracks: Sequence[KeypointTrack],
    camera: Camera,
    options: EstimateOptions = EstimateOptions(),
    progress: Progress = lambda fraction: None,
    heights: Mapping[int, float] | None = None,
) -> list[Motion]:
    """Global motions of several people of one clip, in one world: one camera, one ground, true distances.

    Args:
        tracks: one per person, at least one.
        options: for all; ``person_height`` is the first person's, the others are measured by the ground that
            all stand on.
        heights: metres, by ``person_id``, of those that are known; they win over ``options``.

    Raises:
        InputError, MissingDependencyError: see ``estimate_motion``.
    """
    known = dict(heights or {})
    if options.person_height is not None:
        known.setdefault(tracks[0].person_id, options.person_height)
    motions = []
    for done, track in enumerate(tracks):
        own = replace(options, person_height=known.get(track.person_id))
        part = part_of(progress, done / len(tracks), (done + 1) / len(tracks))
        motions.append(estimate_motion(track, camera, own, part))

    from .people import in_one_world

    return in_one_world(motions, known.keys(), options.camera_height)
