"""What ``protocol.DetectorModel`` makes of the keypoints of a body in motion; numpy, deterministic."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ...camera import Camera
from ...keypoint_set import KEYPOINT_INDEX, KEYPOINT_MIRROR, KEYPOINT_NAMES, K
from ...kinematics import Pose, attached_points
from ...skeleton import KEYPOINT_BASIS, KEYPOINT_JOINTS, REFERENCE_STATURE, stature
from .protocol import SPARSE_RUN, DetectorModel, Parts

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_PARTS = ("face", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_SAME_PART = {
    "neck": "shoulder",
    "pelvis": "hip",
    "big_toe": "ankle",
    "small_toe": "ankle",
    "heel": "ankle",
}


def _part(name: str) -> int:
    bare = name.removeprefix("left_").removeprefix("right_")
    bare = _SAME_PART.get(bare, bare)
    return _PARTS.index(bare) if bare in _PARTS else _PARTS.index("face")


_PART = np.array([_part(name) for name in KEYPOINT_NAMES])
_KNEE = _PARTS.index("knee")
_LEGS = _PART >= _KNEE
_FACE = np.array([_part(name) == 0 for name in KEYPOINT_NAMES]) & (np.arange(K) != KEYPOINT_INDEX["head_top"])


def _lacks(*names: str) -> Flags:
    return np.array([name in names for name in KEYPOINT_NAMES])


LACKING: dict[str, Flags] = {
    "coco17": np.arange(K) >= 17,
    "body25": _lacks("head_top"),
    "coco18": (np.arange(K) >= 17) & ~_lacks("neck"),
    "no_feet": np.arange(K) >= 20,
}
"""(26,) which keypoints a layout lacks."""


def _metres(parts: Parts) -> Array:
    """(26,) from centimetres by part."""
    return np.asarray(np.array(parts)[_PART] / 100, dtype=np.float64)


def _offsets(model: DetectorModel) -> Array:
    """(26, 3) metres, right-hand points as the mirror images of the left-hand ones."""
    offsets = np.zeros((K, 3))
    for name, offset in model.offsets.items():
        index = KEYPOINT_INDEX[name]
        offsets[index] = offset
        if name.startswith("left_"):
            offsets[KEYPOINT_MIRROR[index]] = np.array(offset) * [-1.0, 1.0, 1.0]
    return offsets / 100


def _bursts(burst: tuple[float, int, int], frames: int, count: int, random: np.random.Generator) -> Flags:
    """(T, count) True during at most one burst per series."""
    chance, shortest, longest = burst
    happens = random.random(count) < chance
    start = random.integers(0, frames, count)
    length = random.integers(shortest, longest + 1, count)
    frame = np.arange(frames)[:, None]
    return np.asarray(happens & (frame >= start) & (frame < start + length))


def _slow(frames: int, memory: float, random: np.random.Generator) -> Array:
    """(T, 26, 3) Gaussian noise of unit variance that lasts ``memory`` frames."""
    radius = int(4 * memory)
    white = random.standard_normal((frames + 2 * radius, K, 3))
    smooth = gaussian_filter1d(white, memory, axis=0, mode="constant")[radius : radius + frames]
    # Variance of white noise under a Gaussian window of this width.
    return np.asarray(smooth * np.sqrt(2 * np.sqrt(np.pi) * memory))


def _runs(share: float, frames: int, random: np.random.Generator) -> Flags:
    """(T, 26) True on a share of the frames, in runs of ``SPARSE_RUN`` frames on average."""
    ends = 1.0 / SPARSE_RUN
    begins = ends * share / (1.0 - share)
    draws = random.random((frames, K))
    state = random.random(K) < share
    runs = np.empty((frames, K), dtype=np.bool_)
    for frame, draw in enumerate(draws):
        state = np.where(state, draw >= ends, draw < begins)
        runs[frame] = state
    return runs


def _errors(model: DetectorModel, frames: int, random: np.random.Generator) -> Array:
    """(T, 26, 3) metres, on a person of 1.7 m."""
    level = np.exp(model.level[0] * random.standard_normal() + model.level[1])
    if np.isinf(model.tail):
        white = random.standard_normal((frames, K, 3))
    else:
        white = random.standard_t(model.tail, (frames, K, 3)) / np.sqrt(model.tail / (model.tail - 2))
    wander = model.white * white + model.slow * _slow(frames, model.slow_frames, random)
    errors = wander * (level * _metres(model.jitter))[:, None]
    gross = random.random((frames, K)) < np.array(model.peak_share)[_PART]
    errors += (gross * _metres(model.peak))[..., None] * random.standard_normal((frames, K, 3))
    guessed = _bursts(model.guessed, frames, K, random)
    return np.asarray(errors + guessed[..., None] * _slow(frames, 8.0, random) * model.guess / 100)


def _missing(model: DetectorModel, frames: int, random: np.random.Generator) -> Flags:
    """(T, 26) True where the detector reports nothing."""
    missing = random.random((frames, K)) < model.point
    missing |= _bursts(model.whole_point, frames, K, random)
    missing |= _bursts(model.whole_person, frames, 1, random)
    missing |= (_bursts(model.whole_legs, frames, 1, random) | (random.random() < model.never_legs)) & _LEGS
    missing |= (random.random() < model.never_face) & _FACE
    lot = random.random()
    for name, chance in model.layouts:
        if 0 <= lot < chance:
            missing |= LACKING[name]
        lot -= chance
    return np.asarray(missing)


def _sides(model: DetectorModel, frames: int, random: np.random.Generator) -> NDArray[np.int64]:
    """(T, 26) index of the keypoint whose place each is reported at."""
    swap = _bursts(model.swapped, frames, 1, random) | (
        _bursts(model.swapped_legs, frames, 1, random) & _LEGS
    )
    return np.where(swap, np.array(KEYPOINT_MIRROR), np.arange(K))


def _confidence(model: DetectorModel, errors: Array, random: np.random.Generator) -> Array:
    """(T, 26) in 0..1, which falls where the error grows, if the detector is honest."""
    frames = len(errors)
    base, slope = model.honest
    honest = base - slope * np.linalg.norm(errors, axis=-1) + 0.08 * random.standard_normal((frames, K))
    honest -= 0.25 * random.random()
    vague = random.beta(4.0, 2.0, (frames, K))
    lot = random.random()
    if lot < model.mute:
        return np.ones((frames, K))
    return np.clip(vague if lot < model.mute + model.vague else honest, 0.05, 1.0)


def detect(
    pose: Pose,
    lengths: Array,
    camera: Camera,
    world_from_camera: Array,
    model: DetectorModel,
    sparse: float,
    random: np.random.Generator,
) -> tuple[Array, Array]:
    """Keypoints of a body that moves before a camera that stands still.

    Args:
        pose: (T, 22, …) in the world, float64.
        lengths: (10,) metres.
        camera: its lens.
        world_from_camera: (4, 4).
        model: of the detector.
        sparse: share of the points that are missing besides.
        random: all draws come from it.

    Returns:
        (T, 26, 2) pixels, NaN where missing, and (T, 26) confidence, 0 where missing.
    """
    frames = len(pose.joints)
    size = float(stature(lengths)) / REFERENCE_STATURE
    marks = np.einsum("l,ljc->jc", lengths, KEYPOINT_BASIS)
    bias = _metres(model.bias)[:, None] * random.standard_normal((K, 3))
    marks = marks + size * (_offsets(model) + bias)
    places = attached_points(pose, KEYPOINT_JOINTS, torch.from_numpy(marks)).numpy()
    errors = _errors(model, frames, random)
    seen = np.take_along_axis(places, _sides(model, frames, random)[..., None], axis=1) + size * errors

    rotation, centre = world_from_camera[:3, :3], world_from_camera[:3, 3]
    in_camera = (seen - centre) @ rotation
    pixels = camera.project(in_camera)
    hips = (pose.joints[:, 0].numpy() - centre) @ rotation
    height = camera.fy * float(stature(lengths)) / np.maximum(hips[:, 2], 0.1)
    pixels += model.picture / 100 * height[:, None, None] * random.standard_normal((frames, K, 2))

    missing = _missing(model, frames, random) | ~np.isfinite(pixels).all(axis=-1)
    if sparse:
        missing |= _runs(sparse, frames, random)
    confidence = np.where(missing, 0.0, _confidence(model, errors, random))
    return np.where(missing[..., None], np.nan, pixels), confidence
