"""Keypoint tracks of real videos, without any 3D, for unpaired training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..camera import pinhole
from ..command_line.clips import clip_paths
from ..errors import InputError
from ..estimate import MIN_KEYPOINTS
from ..evidence import gather_evidence, solving_axes
from ..keypoints import read_keypoints
from ..observation import NETWORK_FPS, Evidence
from ..picture_size import guess_picture_size
from ..track import KeypointTrack

USUAL_FPS = 30.0
"""Of clips that don't say."""
SHORTEST_SECONDS = 1.0
_SEEN = 0.5
"""Share of a track's frames that must show ``MIN_KEYPOINTS``."""


@dataclass(frozen=True)
class TrackClip:
    """One person of one clip at the network's rate: T frames, in the axes of a camera of usual focal length.

    Attributes:
        name: file and person.
        rays: (T, 26, 3) unit vectors.
        confidence: (T, 26).
    """

    name: str
    rays: Tensor
    confidence: Tensor

    def __len__(self) -> int:
        return len(self.rays)


def load_tracks(folders: Sequence[Path]) -> tuple[list[TrackClip], list[str]]:
    """All usable people of all keypoint files at any depth; the files may be of any format that can be read.

    Returns:
        The tracks, and a line for every file that can't be read and every person too little is seen of.

    Raises:
        InputError: a folder that isn't there, or nothing usable in any.
    """
    clips: list[TrackClip] = []
    notes: list[str] = []
    for folder in folders:
        if not folder.exists():
            raise InputError(f"{folder}: no such file or folder of keypoint tracks")
        if [other.name for other in folders].count(folder.name) > 1:
            raise InputError(f"{folder}: two folders of --tracks are called {folder.name}; rename one")
        for path in sorted(clip_paths(folder)):
            try:
                people = read_keypoints(path)
            except InputError as error:
                notes.append(str(error))
                continue
            name = path.relative_to(folder).as_posix() if path != folder else path.name
            size = guess_picture_size(people)
            for person in people:
                clip = _clip(person, f"{folder.name}/{name}", size)
                if isinstance(clip, TrackClip):
                    clips.append(clip)
                else:
                    notes.append(clip)
    if not clips:
        where = ", ".join(map(str, folders))
        raise InputError(f"{where}: no keypoint track of {SHORTEST_SECONDS:g} s or more; {_first(notes)}")
    return clips, notes


def _first(notes: list[str]) -> str:
    return notes[0] if notes else "there is no keypoint file"


def _clip(track: KeypointTrack, name: str, guessed: tuple[int, int]) -> TrackClip | str:
    """The track at the network's rate, or why it is of no use."""
    who = f"{name}: person {track.person_id}"
    width, height = track.width or guessed[0], track.height or guessed[1]
    fps = track.fps or USUAL_FPS
    if len(track) < max(SHORTEST_SECONDS * fps, 2):
        return f"{who} is on {len(track)} frames only; left out"
    if (track.present.sum(axis=1) >= MIN_KEYPOINTS).mean() < _SEEN:
        return f"{who} has {MIN_KEYPOINTS} keypoints in too few frames; left out"
    evidence, _ = gather_evidence(track, fps, pinhole(width, height), solving_axes(None, len(track)), None)
    return TrackClip(f"{name}_p{track.person_id}", evidence.rays[0], evidence.confidence[0])


def track_videos(clips: Sequence[TrackClip]) -> tuple[list[Evidence], Tensor]:
    """For ``TrackSource``: each clip by a camera of which nothing more is known, as often as it is long."""
    unknown = torch.full((1,), torch.nan)
    videos = [
        Evidence(
            rays=clip.rays[None],
            confidence=clip.confidence[None],
            in_clip=torch.ones(1, len(clip), dtype=torch.bool),
            down=torch.zeros(1, len(clip), 3),
            camera_height=unknown,
            person_height=unknown,
        )
        for clip in clips
    ]
    return videos, torch.tensor([float(len(clip)) for clip in clips])


def minutes(clips: Sequence[TrackClip]) -> float:
    """How long the tracks are together."""
    return sum(len(clip) for clip in clips) / NETWORK_FPS / 60
