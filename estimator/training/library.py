"""Motion capture as tensors, and windows of it drawn at random: clips chained until a window is full."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import roma
import torch
from torch import Tensor

from ..observation import NETWORK_FPS
from .capture_clip import SLOWEST_FPS, CaptureClip

CLASS_SHARE = {"idle": 0.10, "walk_run": 0.30, "other": 0.48, "dance": 0.12}
_CROSSFADE = 12
"""Frames over which one clip goes over into the next."""


@dataclass(frozen=True)
class MotionBatch:
    """Windows of true motion at the network's rate; world Z up, metres.

    Attributes:
        rotations: (B, T, 22, 4) local unit quaternions w, x, y, z.
        root: (B, T, 3) of Hips.
        lengths: (B, 10).
        rotation_labelled, position_labelled: (B, T, 22) bool.
        still: (B, T, 4) in 0..1, and still_labelled (B, T, 4) bool.
        velocity_labelled: (B, T) bool; the velocity is the root's.
        rates_labelled: (B, T) bool, whether joints turn and move as people's: not where clips cross-fade, nor
            where the capture has too few frames a second.
        ground_known: (B,) bool, whether z = 0 is the floor the person stands on.
    """

    rotations: Tensor
    root: Tensor
    lengths: Tensor
    rotation_labelled: Tensor
    position_labelled: Tensor
    still: Tensor
    still_labelled: Tensor
    velocity_labelled: Tensor
    rates_labelled: Tensor
    ground_known: Tensor


@dataclass(frozen=True)
class _Piece:
    """Part of one clip at the network's rate; as ``MotionBatch`` without the batch axis."""

    rotations: Tensor
    root: Tensor
    still: Tensor
    clip: int


def quat_product(a: Tensor, b: Tensor) -> Tensor:
    """Product of quaternions (..., 4) w, x, y, z."""
    product = roma.quat_product(roma.quat_wxyz_to_xyzw(a), roma.quat_wxyz_to_xyzw(b))
    wxyz: Tensor = roma.quat_xyzw_to_wxyz(product)
    return wxyz


def rotation_matrices(quaternions: Tensor) -> Tensor:
    """(..., 3, 3) from unit quaternions (..., 4) w, x, y, z."""
    matrices: Tensor = roma.unitquat_to_rotmat(roma.quat_wxyz_to_xyzw(quaternions))
    return matrices


def _nlerp(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """Normalised linear interpolation of quaternions, the short way round."""
    sign = torch.where((a * b).sum(dim=-1, keepdim=True) < 0, -1.0, 1.0)
    return torch.nn.functional.normalize(a * (1 - share) + sign * b * share, dim=-1)


def _heading(rotation: Tensor) -> float:
    """Yaw in radians of the left-right axis of a quaternion (4,) w, x, y, z."""
    w, x, y, z = rotation.tolist()
    return math.atan2(2 * (x * y + w * z), 1 - 2 * (y * y + z * z))


def _turned(piece: _Piece, yaw: float, to: Tensor, scale: float) -> _Piece:
    """The piece turned about the vertical and moved so that its first Hips lies over or under ``to`` (3,)."""
    half = to.new_tensor([math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)])
    rotations = piece.rotations.clone()
    rotations[:, 0] = quat_product(half.expand_as(rotations[:, 0]), rotations[:, 0])
    c, s = math.cos(yaw), math.sin(yaw)
    about_vertical = to.new_tensor([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    root = (scale * piece.root) @ about_vertical.T
    shift = to - root[0]
    shift[2] = 0.0
    return _Piece(rotations, root + shift, piece.still, piece.clip)


class MotionLibrary:
    """All clips of a split, in memory, with the odds of drawing each."""

    def __init__(self, clips: list[CaptureClip]) -> None:
        self.clips = clips
        self._rotations = [torch.as_tensor(clip.rotations, dtype=torch.float32) for clip in clips]
        self._roots = [torch.as_tensor(clip.root_translation, dtype=torch.float32) for clip in clips]
        self._stills = [torch.as_tensor(clip.still, dtype=torch.float32) for clip in clips]
        self._lengths = torch.stack([torch.as_tensor(clip.lengths, dtype=torch.float32) for clip in clips])
        self._rotation_labelled = torch.stack([torch.as_tensor(clip.rotation_labelled) for clip in clips])
        self._position_labelled = torch.stack([torch.as_tensor(clip.position_labelled) for clip in clips])
        self._velocity_labelled = torch.tensor([bool(clip.velocity_labelled) for clip in clips])
        self._ground_known = torch.tensor([bool(clip.ground_known) for clip in clips])
        self.odds = self._odds()

    def _odds(self) -> Tensor:
        """Per clip: its class's share, spread over the actions by the root of their seconds."""
        seconds: dict[tuple[str, str], float] = {}
        for clip in self.clips:
            action = (clip.action_class, clip.action)
            seconds[action] = seconds.get(action, 0.0) + len(clip.rotations) / clip.fps
        per_class = dict.fromkeys(CLASS_SHARE, 0.0)
        for (action_class, _), duration in seconds.items():
            per_class[action_class] += math.sqrt(duration)
        return torch.tensor(
            [
                CLASS_SHARE[clip.action_class]
                / per_class[clip.action_class]
                / math.sqrt(seconds[clip.action_class, clip.action])
                * len(clip.rotations)
                / clip.fps
                for clip in self.clips
            ]
        )

    def _piece(self, clip: int, frames: int, speed: float, random: torch.Generator) -> _Piece:
        """At most ``frames`` frames of a clip from a random start, played at ``speed``."""
        step = self.clips[clip].fps / NETWORK_FPS * speed
        last = len(self._rotations[clip]) - 1
        available = int(last / step) + 1
        start = 0.0
        if available > frames:
            start = float(torch.rand((), generator=random)) * (last - step * (frames - 1))
        position = (start + step * torch.arange(min(available, frames))).clamp(max=last)
        before = position.floor().long()
        after = (before + 1).clamp(max=last)
        share = (position - before)[:, None]
        rotations, root, still = self._rotations[clip], self._roots[clip], self._stills[clip]
        return _Piece(
            rotations=_nlerp(rotations[before], rotations[after], share[..., None]),
            root=root[before] * (1 - share) + root[after] * share,
            still=torch.minimum(still[before], still[after]),
            clip=clip,
        )

    def _leg(self, clip: int) -> float:
        return float(self._lengths[clip, 1:3].sum())

    def window(
        self, frames: int, random: torch.Generator, *, chained: bool = True, max_speed: float = 1.5
    ) -> MotionBatch:
        """One window (B = 1) of clips chained at matched heading and place; unchained ones may be shorter.

        Labels are those of the capture each frame comes from; where two clips cross-fade, contacts and
        velocities have none. No capture is played so slowly that its frames wouldn't show velocities.
        """
        first = int(torch.multinomial(self.odds, 1, generator=random))
        clip, window = first, None
        while window is None or (chained and len(window.root) < frames):
            speed = math.exp((2 * float(torch.rand((), generator=random)) - 1) * math.log(max_speed))
            if self._velocity_labelled[clip]:
                speed = max(speed, SLOWEST_FPS / self.clips[clip].fps)
            have = 0 if window is None else len(window.root)
            piece = self._piece(clip, frames - have + _CROSSFADE, speed, random)
            window = self._started(piece) if window is None else self._chained(window, piece)
            clip = int(torch.multinomial(self.odds, 1, generator=random))
        return self._labelled(window, min(len(window.root), frames))

    def clip_window(self, clip: int) -> MotionBatch:
        """A whole clip at the network's rate as one window (B = 1)."""
        length = math.ceil(len(self._rotations[clip]) / self.clips[clip].fps * NETWORK_FPS) + 1
        piece = self._piece(clip, length, 1.0, torch.Generator())
        return self._labelled(self._started(piece), len(piece.root))

    @staticmethod
    def _started(piece: _Piece) -> _Window:
        frames = len(piece.root)
        owner = torch.full((frames,), piece.clip)
        return _Window(piece.rotations, piece.root, piece.still, owner, torch.ones(frames, dtype=torch.bool))

    def _chained(self, window: _Window, piece: _Piece) -> _Window:
        fade = min(_CROSSFADE, len(window.root) // 2, len(piece.root) // 2)
        keep = len(window.root) - fade
        yaw = _heading(window.rotations[keep, 0]) - _heading(piece.rotations[0, 0])
        scale = self._leg(int(window.owner[0])) / self._leg(piece.clip)
        piece = _turned(piece, yaw, window.root[keep], scale)
        share = ((torch.arange(fade) + 1) / (fade + 1))[:, None]
        blended = _nlerp(window.rotations[keep:], piece.rotations[:fade], share[..., None])
        passing = window.root[keep:] * (1 - share) + piece.root[:fade] * share
        added = len(piece.root) - fade
        return _Window(
            rotations=torch.cat([window.rotations[:keep], blended, piece.rotations[fade:]]),
            root=torch.cat([window.root[:keep], passing, piece.root[fade:]]),
            still=torch.cat([window.still, piece.still[fade:]]),
            owner=torch.cat([window.owner, torch.full((added,), piece.clip)]),
            steady=torch.cat([window.steady[:keep], torch.arange(fade + added) >= fade]),
        )

    def _labelled(self, window: _Window, frames: int) -> MotionBatch:
        owner = window.owner[:frames]
        moving = (self._velocity_labelled[owner] & window.steady[:frames])[None]
        return MotionBatch(
            rotations=window.rotations[None, :frames],
            root=window.root[None, :frames],
            lengths=self._lengths[owner[:1]],
            rotation_labelled=self._rotation_labelled[owner][None],
            position_labelled=self._position_labelled[owner][None],
            still=window.still[None, :frames],
            still_labelled=moving[..., None].expand(-1, -1, window.still.shape[-1]),
            velocity_labelled=moving,
            rates_labelled=moving,
            ground_known=self._ground_known[owner].all()[None],
        )


@dataclass(frozen=True)
class _Window:
    """Pieces chained so far: (T, …) rotations, root, still; each frame's clip; False while cross-fading."""

    rotations: Tensor
    root: Tensor
    still: Tensor
    owner: Tensor
    steady: Tensor


def stacked(windows: list[MotionBatch], frames: int) -> tuple[MotionBatch, Tensor]:
    """Windows side by side, short ones padded by their last frame; and (B, T) where they are real."""
    in_clip = torch.stack([torch.arange(frames) < window.root.shape[1] for window in windows])

    def joined(name: str) -> Tensor:
        tensors = [getattr(window, name) for window in windows]
        if name in ("lengths", "ground_known"):
            return torch.cat(tensors)
        return torch.cat(
            [torch.cat([t, t[:, -1:].expand(-1, frames - t.shape[1], *t.shape[2:])], dim=1) for t in tensors]
        )

    motion = MotionBatch(**{field.name: joined(field.name) for field in fields(MotionBatch)})
    # Whoever is given such a window's upper body must not learn that people stop dead.
    return replace(motion, rates_labelled=motion.rates_labelled & in_clip), in_clip


def first_windows(motion: MotionBatch, count: int) -> MotionBatch:
    """Those alone."""
    return replace(motion, **{field.name: getattr(motion, field.name)[:count] for field in fields(motion)})
