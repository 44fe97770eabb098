"""The temporal generator: keypoint rays in; rotations, distance, velocity, gravity, contacts, lengths out.

A dilated residual convolutional network over time (after Pavllo et al. 2019, with rotations instead of
positions at its end, so that its answer is a skeleton in motion, as in Habekost et al. 2020). One dense pass
covers a whole clip. Outside the clip all activations are zero, which makes a clip's ends, a chunk of a longer
clip, and padding in a training batch one and the same thing.

Shapes: B clips, T frames at 30 per second.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import roma
import torch
from torch import Tensor, nn

from .errors import InputError
from .mirror import COLUMNS, NOT_MIRRORED, VECTOR, Mirror
from .observation import OBSERVATION_MIRROR, OBSERVATION_SIZE
from .skeleton import HINGES, JOINT_INDEX, JOINT_MIRROR, MEAN_LENGTHS, PARENTS, J, L

HINGE_JOINTS = tuple(JOINT_INDEX[name] for name in HINGES)
LOOSE_JOINTS = tuple(JOINT_INDEX[side + name] for side in ("Left", "Right") for name in ("Hand", "ToeBase"))
"""Joints whose bones the keypoints hardly show, so that they are best guessed from their parents."""
BALL_JOINTS = tuple(joint for joint in range(1, J) if joint not in HINGE_JOINTS)
CONTACTS = 4

# A person who faces the camera: world axes at rest (Z up, facing -Y) to camera axes (y down, z forward).
_FACING_CAMERA = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))

_SIZES = {
    "root": 6,
    "balls": 6 * len(BALL_JOINTS),
    "hinges": 2 * len(HINGE_JOINTS),
    "lengths": L,
    "distance": 1,
    "velocity": 3,
    "down": 3,
    "still": CONTACTS,
    "uncertainty": 1,
}
OUTPUT_SIZE = sum(_SIZES.values())
_OUTPUT_MIRROR = Mirror(
    ((0,), COLUMNS),
    (tuple(BALL_JOINTS.index(JOINT_MIRROR[joint]) for joint in BALL_JOINTS), COLUMNS),
    (tuple(HINGE_JOINTS.index(JOINT_MIRROR[joint]) for joint in HINGE_JOINTS), 2 * NOT_MIRRORED),
    ((0,), (L + 1) * NOT_MIRRORED),  # lengths, distance
    ((0, 1), VECTOR),  # velocity, down
    ((2, 3, 0, 1), NOT_MIRRORED),  # still
    ((0,), NOT_MIRRORED),  # uncertainty
)
"""A reflection keeps the axes of all bones at rest, and of a camera that a person faces, what they are."""
_AT_ODDS = math.radians(30.0)
"""Between how the person is turned in two answers, from which on their average is neither."""
_MEANING = 2
"""Counts up whenever the same numbers come to mean something else, so that older weights are refused."""


@dataclass(frozen=True)
class GeneratorConfig:
    """Size of the network; the receptive field is 3 to the power of ``len(dilations) + 1`` frames."""

    channels: int = 384
    dilations: tuple[int, ...] = (3, 9, 27, 81)

    @property
    def margin(self) -> int:
        """Frames on each side that an output depends on."""
        return 1 + sum(self.dilations)


class Prediction(NamedTuple):
    """The network's answer, in the virtual camera of each frame (x right, y down, z forward)."""

    rotations: Tensor
    """(B, T, 22, 3, 3) local; joint 0 from rest axes to the virtual camera"""
    log_lengths: Tensor
    """(B, T, 10) log metres, to be averaged over the clip"""
    log_distance: Tensor
    """(B, T) log of (z of Hips × spread of the keypoints / stature)"""
    velocity: Tensor
    """(B, T, 3) of Hips in the axes of Hips, statures per second"""
    down: Tensor
    """(B, T, 3) gravity; not normalised, its length says how sure the network is"""
    still_logits: Tensor
    """(B, T, 4)"""
    log_uncertainty: Tensor
    """(B, T) log of the expected mean joint error in metres, for a person of ``REFERENCE_STATURE``"""


class ResidualBlock(nn.Module):
    """Two layers around a skip connection: a dilated convolution over time, then a product per frame."""

    def __init__(self, config: GeneratorConfig, dilation: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.channels)
        self.temporal = nn.Conv1d(config.channels, config.channels, 3, dilation=dilation, padding=dilation)
        self.mix_norm = nn.LayerNorm(config.channels)
        self.mix = nn.Linear(config.channels, config.channels)

    def forward(self, hidden: Tensor, in_clip: Tensor) -> Tensor:
        """(B, T, C) and (B, T, 1) to (B, T, C)."""
        inner = torch.relu(self.norm(hidden)) * in_clip
        inner = self.temporal(inner.transpose(1, 2)).transpose(1, 2)
        added: Tensor = self.mix(torch.relu(self.mix_norm(inner)))
        return hidden + added


class Generator(nn.Module):
    """The network; ``forward`` takes the features of ``observation.observe``."""

    def __init__(self, config: GeneratorConfig = GeneratorConfig()) -> None:
        super().__init__()
        self.config = config
        self.expand = nn.Conv1d(OBSERVATION_SIZE, config.channels, 3, padding=1)
        self.blocks = nn.ModuleList(ResidualBlock(config, dilation) for dilation in config.dilations)
        self.norm = nn.LayerNorm(config.channels)
        self.head = nn.Linear(config.channels, OUTPUT_SIZE)
        self.register_buffer("facing_camera", torch.tensor(_FACING_CAMERA), persistent=False)
        self.register_buffer("mean_log_lengths", torch.tensor(MEAN_LENGTHS).log().float(), persistent=False)
        self._start_at_rest()

    def _start_at_rest(self) -> None:
        """The untrained network answers a person at rest who faces the camera, a sane start."""
        nn.init.normal_(self.head.weight, std=0.02 / self.config.channels**0.5)
        with torch.no_grad():
            bias = dict(zip(_SIZES, self.head.bias.split(list(_SIZES.values())), strict=True))
            for part in bias.values():
                part.zero_()
            identity = torch.eye(3)[:, :2].reshape(-1)
            bias["root"].copy_(identity)
            bias["balls"].copy_(identity.repeat(len(BALL_JOINTS)))
            bias["hinges"].copy_(torch.tensor([1.0, 0.2]).repeat(len(HINGE_JOINTS)))
            bias["uncertainty"].fill_(-2.5)

    def hidden(self, features: Tensor, in_clip: Tensor) -> Tensor:
        """Activations (B, T, C) before the head; features (B, T, OBSERVATION_SIZE), in_clip (B, T)."""
        inside = in_clip[..., None].to(features.dtype)
        # In full precision even under autocast: keypoints carry more than bfloat16's three digits.
        with torch.autocast(features.device.type, enabled=False):
            hidden = self.expand(features.transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            hidden = block(hidden, inside)
        out: Tensor = torch.relu(self.norm(hidden))
        return out

    def answer(self, hidden: Tensor) -> Tensor:
        """The head, in full precision even under autocast: half a degree is not good enough for rotations."""
        with torch.autocast(hidden.device.type, enabled=False):
            out: Tensor = self.head(hidden.float())
        return out

    def forward(self, features: Tensor, in_clip: Tensor) -> Prediction:
        """Answers all frames at once."""
        return self._meaning(self.answer(self.hidden(features, in_clip)))

    def symmetric(self, features: Tensor, in_clip: Tensor) -> Prediction:
        """As ``forward``, averaged with what it answers to the mirrored picture (as Pavllo et al. 2019 do).

        People who do the same with the other hand get the same answer, mirrored. On frames where one of the
        two takes front for back the surer one counts alone.
        """
        both = torch.cat([features, OBSERVATION_MIRROR(features)])
        seen, mirrored = self.answer(self.hidden(both, in_clip.repeat(2, 1))).chunk(2)
        other = _OUTPUT_MIRROR(mirrored)
        apart = roma.rotmat_geodesic_distance(_turned(seen), _turned(other))[..., None]
        # The uncertainty comes last.
        surer = torch.where(seen[..., -1:] < other[..., -1:], seen, other)
        return self._meaning(torch.where(apart > _AT_ODDS, surer, (seen + other) / 2))

    def _meaning(self, out: Tensor) -> Prediction:
        part = dict(zip(_SIZES, out.split(list(_SIZES.values()), dim=-1), strict=True))
        return Prediction(
            rotations=self._rotations(part["root"], part["balls"], part["hinges"]),
            log_lengths=self.mean_log_lengths + part["lengths"],
            log_distance=part["distance"][..., 0],
            velocity=part["velocity"],
            down=part["down"],
            still_logits=part["still"],
            log_uncertainty=part["uncertainty"][..., 0],
        )

    def _rotations(self, root: Tensor, balls: Tensor, hinges: Tensor) -> Tensor:
        """Local matrices (B, T, 22, 3, 3) from 6D (Zhou et al. 2019) for balls and cos, sin for hinges.

        The network answers how bones lie in the camera's axes, not how they lie to their parents, loose
        joints apart: otherwise errors add up from the trunk to the hands (10 % more joint error after 12
        minutes of training).
        """
        six = torch.cat([root, balls], dim=-1).unflatten(-1, (1 + len(BALL_JOINTS), 3, 2))
        matrices = roma.special_gramschmidt(six)
        direction = nn.functional.normalize(hinges.unflatten(-1, (len(HINGE_JOINTS), 2)), dim=-1, eps=1e-6)
        turned = hinge_rotations(direction[..., 0], direction[..., 1])
        oriented = self.facing_camera @ matrices
        whole = [oriented[..., 0, :, :]]
        rotations = [whole[0]]
        for joint in range(1, J):
            above = whole[PARENTS[joint]]
            if joint in HINGE_JOINTS:
                rotations.append(turned[..., HINGE_JOINTS.index(joint), :, :])
                whole.append(above @ rotations[joint])
            elif joint in LOOSE_JOINTS:
                rotations.append(matrices[..., 1 + BALL_JOINTS.index(joint), :, :])
                whole.append(above @ rotations[joint])
            else:
                whole.append(oriented[..., 1 + BALL_JOINTS.index(joint), :, :])
                rotations.append(above.mT @ whole[joint])
        return torch.stack(rotations, dim=-3)


def _turned(out: Tensor) -> Tensor:
    """(..., 3, 3) how the whole person is turned, from the network's output (..., OUTPUT_SIZE)."""
    turned: Tensor = roma.special_gramschmidt(out[..., : _SIZES["root"]].unflatten(-1, (3, 2)))
    return turned


def hinge_rotations(cos: Tensor, sin: Tensor) -> Tensor:
    """Rotations (..., 4, 3, 3) of the hinge joints from cosine and sine of their flexion (..., 4)."""
    matrices = []
    one, zero = torch.ones_like(cos[..., 0]), torch.zeros_like(cos[..., 0])
    for index, (axis, sign) in enumerate(HINGES.values()):
        c, s = cos[..., index], sign * sin[..., index]
        rows = {0: (one, zero, zero, zero, c, -s, zero, s, c), 2: (c, -s, zero, s, c, zero, zero, zero, one)}
        matrices.append(torch.stack(rows[axis], dim=-1).unflatten(-1, (3, 3)))
    return torch.stack(matrices, dim=-3)


def save_weights(path: Path, generator: Generator, note: dict[str, Any]) -> None:
    """Writes half-precision weights, the network's size and a plain-text note about their origin."""
    weights = {name: value.half() for name, value in generator.state_dict().items()}
    write_torch(
        {"meaning": _MEANING, "config": asdict(generator.config), "weights": weights, "note": note}, path
    )


def write_torch(state: dict[str, Any], path: Path) -> None:
    """Writes what ``torch.load`` reads.

    Raises:
        OSError: as writing any file does, where ``torch.save`` raises something else on a full disk.
    """
    buffer = BytesIO()
    torch.save(state, buffer)
    path.write_bytes(buffer.getbuffer())


def read_weights(path: Path) -> tuple[GeneratorConfig, dict[str, Tensor]]:
    """Size and parameters, in full precision, that ``save_weights`` wrote; executes nothing from the file.

    Raises:
        InputError: for a file that isn't Kinelift's weights.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        if saved["meaning"] != _MEANING:
            raise ValueError("weights of an older version")
        config = GeneratorConfig(**{**saved["config"], "dilations": tuple(saved["config"]["dilations"])})
        return config, {name: value.float() for name, value in saved["weights"].items()}
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file of weights; reinstall Kinelift or train some") from error
    except Exception as error:
        raise _foreign(path, error) from error


def read_note(path: Path) -> dict[str, Any]:
    """What ``save_weights`` was told of weights that can be read; nothing where it wasn't told."""
    note: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True).get("note") or {}
    return note


def load_weights(path: Path, device: torch.device, kind: type[Generator] | None = None) -> Generator:
    """The network that ``save_weights`` wrote, ready for inference; executes nothing from the file.

    Args:
        kind: the class that was saved; the generator if None.

    Raises:
        InputError: for a file that isn't Kinelift's weights.
    """
    config, weights = read_weights(path)
    try:
        generator = (kind or Generator)(config)
        generator.load_state_dict(weights)
    except Exception as error:
        raise _foreign(path, error) from error
    return generator.to(device).eval().requires_grad_(False)


def _foreign(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: not weights of this version of Kinelift ({type(error).__name__})")
