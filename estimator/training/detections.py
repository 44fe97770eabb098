"""A noisy detector: what a 2D pose detector makes of keypoints whose true places are known.

Noise is drawn in 3D before projection, in centimetres on the body, by part. Jitter and peaks are of the size
of those in WHAM (Shin et al. 2024) and MotionBERT (Zhu et al. 2023), wrists and ankles tremble a little more;
of the constant errors hips have more, since detectors mark them in other places, arms and ankles less. Single
points, whole people and legs are missing in bursts, as tracks of real videos lack them, instead of by frames
drawn one by one. Confidence goes down where the noise goes up.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import torch
from torch import Tensor

from ..keypoint_set import KEYPOINT_INDEX, KEYPOINT_MIRROR, KEYPOINT_NAMES, K
from .smooth_noise import smooth_noise

_PARTS = ("face", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_BIAS_CM = (2.5, 1.5, 2.0, 2.5, 2.5, 1.5, 2.0)
_JITTER_CM = (0.7, 1.5, 1.0, 0.8, 2.0, 1.0, 0.7)
_PEAK_CM = (2.4, 4.5, 7.5, 12.0, 2.4, 9.0, 12.0)
_PEAK_SHARE = (0.10, 0.05, 0.025, 0.017, 0.05, 0.025, 0.017)


def _part(name: str) -> int:
    bare = name.removeprefix("left_").removeprefix("right_")
    same = {"neck": "shoulder", "pelvis": "hip", "big_toe": "ankle", "small_toe": "ankle", "heel": "ankle"}
    return _PARTS.index(same.get(bare, bare if bare in _PARTS else "face"))


_PART = [_part(name) for name in KEYPOINT_NAMES]
_LEGS = [i for i, name in enumerate(KEYPOINT_NAMES) if _PART[i] >= _PARTS.index("knee")]
_FACE = [i for i, name in enumerate(KEYPOINT_NAMES) if _PART[i] == 0 and name != "head_top"]
# Points that layouts lack: COCO-17 all of the last nine, BODY_25 the head top, COCO-18 all but a neck.
_COCO17 = list(range(17, K))
_BODY25 = [KEYPOINT_INDEX["head_top"]]
_COCO18 = [i for i in range(17, K) if i != KEYPOINT_INDEX["neck"]]
_NO_FEET = list(range(20, K))


_STRETCH = 320
"""Frames within which something happens once at most, which comes and goes."""


@dataclass(frozen=True)
class DetectorSettings:
    """How bad the detector is.

    Attributes:
        noise: factor on what varies from frame to frame; varies from window to window about it.
        gaps: factor on all chances of missing points, and of limbs that are guessed at.
        offsets: factor on how far a person's marks lie off the average ones.
        swaps: factor on the chances that left and right are taken for each other.
    """

    noise: float = 1.0
    gaps: float = 1.0
    offsets: float = 1.0
    swaps: float = 1.0

    def scaled(self, factor: float) -> DetectorSettings:
        """All of it stronger or weaker."""
        return DetectorSettings(*(factor * value for value in astuple(self)))


CLEAN = DetectorSettings(noise=0.0, gaps=0.0, offsets=0.0, swaps=0.0)


def keypoint_bias(batch: int, settings: DetectorSettings, random: torch.Generator) -> Tensor:
    """(B, 26, 3) metres in the frames of the keypoints' bones: this person's marks off the average ones."""
    spread = torch.tensor(_BIAS_CM)[_PART] / 100
    return settings.offsets * spread[:, None] * torch.randn(batch, K, 3, generator=random)


def _bursts(
    batch: int, frames: int, count: int, chance: float, length: tuple[int, int], random: torch.Generator
) -> Tensor:
    """(B, T, count) True during bursts: one with ``chance`` in every ``_STRETCH``, or in a shorter series."""
    frame = torch.arange(frames)[None, :, None]
    burst = torch.zeros(batch, frames, count, dtype=torch.bool)
    for begin in range(0, frames, _STRETCH):
        happens = torch.rand(batch, 1, count, generator=random) < chance
        room = min(frames - begin, _STRETCH)
        start = begin + torch.randint(room, (batch, 1, count), generator=random)
        duration = torch.randint(length[0], length[1] + 1, (batch, 1, count), generator=random)
        burst |= happens & (frame >= start) & (frame < start + duration)
    return burst


def detector_noise(
    batch: int, frames: int, settings: DetectorSettings, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Jitter and peaks.

    Returns:
        (B, T, 26, 3) metres to add before projection, and (B, T, 26) in 0..1: the detector's confidence.
    """
    level = settings.noise * torch.exp(0.5 * torch.randn(batch, 1, 1, generator=random) - 0.3)
    jitter = torch.tensor(_JITTER_CM)[_PART] / 100
    peak = torch.tensor(_PEAK_CM)[_PART] / 100
    share = torch.tensor(_PEAK_SHARE)[_PART]
    white = torch.randn(batch, frames, K, 3, generator=random)
    slow = smooth_noise((batch, frames, 3 * K), 4.0, random).unflatten(-1, (K, 3))
    noise = (0.6 * white + 0.8 * slow) * (jitter * level)[..., None]

    peaks = torch.rand(batch, frames, K, generator=random) < share * min(settings.noise, 1.0)
    noise = noise + peaks[..., None] * torch.randn(batch, frames, K, 3, generator=random) * peak[:, None]
    # Limbs that the detector guesses at for a while: far off, with low confidence.
    guessed = _bursts(batch, frames, K, 0.06 * settings.gaps, (4, 30), random)
    drift = smooth_noise((batch, frames, 3 * K), 8.0, random).unflatten(-1, (K, 3)) * 0.15
    noise = noise + guessed[..., None] * drift

    size = noise.norm(dim=-1)
    honest = 0.95 - 4.0 * size + 0.08 * torch.randn(batch, frames, K, generator=random)
    honest = honest - 0.25 * torch.rand(batch, 1, 1, generator=random)
    mute = torch.rand(batch, 1, 1, generator=random) < 0.2
    confidence = torch.where(mute, torch.ones(()), honest.clamp(0.05, 1.0))
    return noise, confidence


def missing_points(batch: int, frames: int, settings: DetectorSettings, random: torch.Generator) -> Tensor:
    """(B, T, 26) True where the detector reports nothing."""
    gaps = settings.gaps
    missing = torch.rand(batch, frames, K, generator=random) < 0.02 * gaps
    missing |= _bursts(batch, frames, K, 0.10 * gaps, (3, 40), random)
    legs = _bursts(batch, frames, 1, 0.08 * gaps, (30, 90), random)
    legs |= torch.rand(batch, 1, 1, generator=random) < 0.03 * gaps
    missing[:, :, _LEGS] |= legs
    missing |= _bursts(batch, frames, 1, 0.10 * gaps, (3, 40), random)
    layout = torch.rand(batch, generator=random)
    for chance, points in ((0.25, _COCO17), (0.50, _BODY25), (0.62, _COCO18), (0.70, _NO_FEET)):
        chosen = layout < chance * min(gaps, 1.0)
        row = torch.zeros(K, dtype=torch.bool)
        row[points] = True
        missing |= (chosen[:, None] & row)[:, None]
        layout = torch.where(chosen, 2.0, layout)
    face = torch.rand(batch, 1, 1, generator=random) < 0.05 * gaps
    missing[:, :, _FACE] |= face
    return missing


def swapped_sides(batch: int, frames: int, settings: DetectorSettings, random: torch.Generator) -> Tensor:
    """(B, T, 26) index of the keypoint whose place each is reported at: left and right swap in bursts."""
    whole = _bursts(batch, frames, 1, 0.08 * settings.swaps, (1, 15), random)
    legs = _bursts(batch, frames, 1, 0.10 * settings.swaps, (1, 20), random)
    swap = whole.expand(-1, -1, K).clone()
    swap[:, :, _LEGS] |= legs
    return torch.where(swap, torch.tensor(KEYPOINT_MIRROR), torch.arange(K))
