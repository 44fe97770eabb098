"""Keypoint tracks of real videos, without any 3D, as windows for unpaired training."""

from __future__ import annotations

import zlib
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
from ..keypoint_set import KEYPOINT_MIRROR, K
from ..keypoints import read_keypoints
from ..observation import NETWORK_FPS, Evidence, VirtualCamera, sightings, virtual_camera
from ..picture_size import guess_picture_size
from ..track import KeypointTrack

USUAL_FPS = 30.0
"""Of clips that don't say."""
SHORTEST_SECONDS = 1.0
_SEEN = 0.5
"""Share of a track's frames that must show ``MIN_KEYPOINTS``."""
_VALIDATION = 10
"""One file in so many is kept for validation."""


@dataclass(frozen=True)
class TrackClip:
    """One person of one clip at the network's rate: T frames, in the axes of a camera of usual focal length.

    Attributes:
        name: file and person.
        split: "train" or "validation"; all people of a file are on one side.
        rays: (T, 26, 3) unit vectors.
        confidence: (T, 26).
    """

    name: str
    split: str
    rays: Tensor
    confidence: Tensor

    def __len__(self) -> int:
        return len(self.rays)


@dataclass(frozen=True)
class TrackBatch:
    """Windows of which only the keypoints are known, and perhaps the camera."""

    evidence: Evidence
    view: VirtualCamera


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
    # By the file's name and not by its place in the list, so that added files change no other's side.
    split = "validation" if zlib.crc32(name.encode()) % _VALIDATION == 0 else "train"
    return TrackClip(f"{name}_p{track.person_id}", split, evidence.rays[0], evidence.confidence[0])


def track_batch(rays: Tensor, confidence: Tensor, in_clip: Tensor) -> TrackBatch:
    """A batch seen by cameras of which nothing more is known; (B, T, 26, 3), (B, T, 26), (B, T)."""
    batch, frames = in_clip.shape
    unknown = torch.full((batch,), torch.nan)
    evidence = Evidence(rays, confidence, in_clip, torch.zeros(batch, frames, 3), unknown, unknown)
    return TrackBatch(evidence, virtual_camera(sightings(rays, confidence), in_clip))


class TrackSource:
    """Endless batches of windows of tracks, each clip as often as it is long, half of them mirrored."""

    def __init__(self, clips: Sequence[TrackClip], seed: int) -> None:
        self.clips = clips
        self.random = torch.Generator().manual_seed(seed)
        self._odds = torch.tensor([float(len(clip)) for clip in clips])

    def batch(self, size: int, frames: int) -> TrackBatch:
        """``size`` windows of ``frames`` frames; shorter clips are padded."""
        rays = torch.zeros(size, frames, K, 3)
        confidence = torch.zeros(size, frames, K)
        in_clip = torch.zeros(size, frames, dtype=torch.bool)
        chosen = torch.multinomial(self._odds, size, replacement=True, generator=self.random).tolist()
        for row, index in enumerate(chosen):
            clip = self.clips[index]
            start = int(torch.randint(max(len(clip) - frames, 0) + 1, (), generator=self.random))
            part = slice(start, start + frames)
            length = len(clip.rays[part])
            rays[row, :length], confidence[row, :length] = clip.rays[part], clip.confidence[part]
            in_clip[row, :length] = True
        mirrored = torch.rand(size, generator=self.random) < 0.5
        other = list(KEYPOINT_MIRROR)
        flipped = rays[:, :, other] * rays.new_tensor([-1.0, 1.0, 1.0])
        rays = torch.where(mirrored[:, None, None, None], flipped, rays)
        confidence = torch.where(mirrored[:, None, None], confidence[:, :, other], confidence)
        return track_batch(rays, confidence, in_clip)


def minutes(clips: Sequence[TrackClip]) -> float:
    """How long the tracks are together."""
    return sum(len(clip) for clip in clips) / NETWORK_FPS / 60
