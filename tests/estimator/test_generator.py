"""The network: what it may depend on, and what it may not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from estimator import lifting
from estimator.errors import InputError
from estimator.generator import (
    _OUTPUT_MIRROR,
    HINGE_JOINTS,
    Generator,
    GeneratorConfig,
    hinge_rotations,
    load_weights,
    save_weights,
)
from estimator.keypoint_set import KEYPOINT_MIRROR, K
from estimator.kinematics import forward_kinematics, rest_offsets_from_lengths
from estimator.observation import (
    OBSERVATION_MIRROR,
    OBSERVATION_SIZE,
    Evidence,
    look_at,
    observe,
    sightings,
    virtual_camera,
)
from estimator.skeleton import HINGES, JOINT_MIRROR

SMALL = GeneratorConfig(channels=32)


@pytest.fixture
def generator():
    torch.manual_seed(0)
    network = Generator(SMALL)
    torch.nn.init.normal_(network.head.weight, std=0.1)
    return network.eval()


def _evidence(frames, seed=0, gap=None):
    random = torch.Generator().manual_seed(seed)
    path = torch.randn(1, frames, 1, 3, generator=random).cumsum(1) * 0.01
    body = torch.randn(1, 1, K, 3, generator=random) * 0.15
    wobble = torch.randn(1, frames, K, 3, generator=random) * 0.01
    rays = torch.nn.functional.normalize(path + body + wobble + torch.tensor([0.1, 0.0, 1.0]), dim=-1)
    confidence = torch.rand(1, frames, K, generator=random)
    if gap is not None:
        confidence[:, gap] = 0.0
    nan = torch.full((1,), torch.nan)
    return Evidence(
        rays, confidence, torch.ones(1, frames, dtype=torch.bool), torch.zeros(1, frames, 3), nan, nan
    )


def _features(evidence):
    view = virtual_camera(sightings(evidence.rays, evidence.confidence), evidence.in_clip)
    return observe(evidence, view), view


def _mirrored(evidence):
    sides, flip = list(KEYPOINT_MIRROR), torch.tensor([-1.0, 1.0, 1.0])
    return replace(
        evidence,
        rays=evidence.rays[:, :, sides] * flip,
        confidence=evidence.confidence[:, :, sides],
        down=evidence.down * flip,
    )


def test_features_of_the_mirrored_picture_are_the_mirrored_features():
    evidence = _evidence(60, gap=slice(20, 24))
    gravity = torch.nn.functional.normalize(torch.tensor([0.2, 0.9, 0.3]), dim=0)
    evidence = replace(evidence, down=gravity.expand(1, 60, 3), camera_height=torch.tensor([1.3]))
    features, _ = _features(evidence)
    image, _ = _features(_mirrored(evidence))
    assert len(OBSERVATION_MIRROR) == OBSERVATION_SIZE == features.shape[-1]
    assert torch.allclose(OBSERVATION_MIRROR(features), image, atol=1e-4)
    assert not torch.allclose(features, image, atol=0.1)


def test_a_mirrored_person_gets_the_mirrored_answer(generator):
    """Joints by the skeleton's own kinematics, so that signs of rotations are checked too."""
    features, _ = _features(_evidence(60))
    inside = torch.ones(1, 60, dtype=torch.bool)
    flip, sides = torch.tensor([-1.0, 1.0, 1.0]), list(JOINT_MIRROR)

    def joints(answer):
        offsets = rest_offsets_from_lengths(answer.log_lengths.exp())
        return forward_kinematics(answer.rotations, offsets, torch.zeros(1, 60, 3)).joints

    for of_network, symmetric in ((generator.forward, False), (generator.symmetric, True)):
        answer, image = of_network(features, inside), of_network(OBSERVATION_MIRROR(features), inside)
        pairs = [
            (joints(answer)[:, :, sides] * flip, joints(image)),
            (answer.velocity * flip, image.velocity),
            (answer.down * flip, image.down),
            (answer.still_logits[..., [2, 3, 0, 1]], image.still_logits),
            (answer.log_distance, image.log_distance),
        ]
        assert all(torch.allclose(a, b, atol=1e-4) for a, b in pairs) == symmetric


def test_where_the_mirrored_answer_faces_elsewhere_the_surer_one_counts(generator, monkeypatch):
    features, _ = _features(_evidence(20))
    inside = torch.ones(1, 20, dtype=torch.bool)
    seen = generator.answer(generator.hidden(features, inside)).detach()
    other = seen.clone()
    back = torch.diag(torch.tensor([-1.0, 1.0, -1.0]))
    other[:, 10:, :6] = (back @ seen[:, 10:, :6].unflatten(-1, (3, 2))).flatten(-2)
    other[:, 10:15, -1] += 1.0
    other[:, 15:, -1] -= 1.0
    monkeypatch.setattr(generator, "answer", lambda hidden: torch.cat([seen, _OUTPUT_MIRROR(other)]))
    found = generator.symmetric(features, inside)
    for frames, wanted in ((slice(15), seen), (slice(15, 20), other)):
        assert torch.allclose(
            found.rotations[:, frames], generator._meaning(wanted).rotations[:, frames], atol=1e-5
        )


@pytest.mark.parametrize("chunk", [50, 243, 999])
def test_chunks_change_nothing(generator, monkeypatch, chunk):
    evidence = _evidence(600, gap=slice(200, 320))
    whole = lifting.lift(generator, evidence, 1.8)
    monkeypatch.setattr(lifting, "CHUNK_FRAMES", chunk)
    parts = lifting.lift(generator, evidence, 1.8)
    for name in (
        "rotations",
        "distance",
        "velocity",
        "down",
        "still",
        "error",
        "lengths",
    ):
        assert np.abs(getattr(whole, name) - getattr(parts, name)).max() < 1e-5, name


def test_padding_is_the_same_as_the_end_of_the_clip(generator):
    evidence = _evidence(120)
    features, _ = _features(evidence)
    padded = torch.nn.functional.pad(features, (0, 0, 70, 90))
    inside = torch.nn.functional.pad(evidence.in_clip, (70, 90))
    alone = generator(features, evidence.in_clip)
    within = generator(padded, inside)
    for name, a, b in zip(alone._fields, alone, within, strict=True):
        assert torch.allclose(a, b[:, 70:190], atol=1e-5), name


def test_answer_depends_on_the_receptive_field_and_nothing_else(generator):
    evidence = _evidence(400)
    features, _ = _features(evidence)
    margin = generator.config.margin
    assert margin == 121
    changed = features.clone()
    changed[:, 200] += 1.0
    difference = (
        generator(features, evidence.in_clip).velocity - generator(changed, evidence.in_clip).velocity
    )
    touched = difference.abs().amax(dim=-1)[0] > 0
    assert touched[200] and not touched[: 200 - margin].any() and not touched[200 + margin + 1 :].any()


def test_turning_the_camera_turns_the_virtual_camera_with_it():
    """The features of a person don't depend on where in the picture the person is."""
    evidence = _evidence(50)
    angle = torch.tensor(0.3)
    turn = torch.tensor([[angle.cos(), 0, angle.sin()], [0, 1, 0], [-angle.sin(), 0, angle.cos()]])
    turned = Evidence(
        evidence.rays @ turn.T,
        evidence.confidence,
        evidence.in_clip,
        evidence.down,
        evidence.camera_height,
        evidence.person_height,
    )
    a, view = _features(evidence)
    b, view_turned = _features(turned)
    assert torch.allclose(view_turned.from_camera @ turn, view.from_camera, atol=1e-4)
    points = slice(0, 2 * K)
    assert torch.allclose(a[..., points], b[..., points], atol=1e-4)


def test_look_at_is_a_rotation_even_straight_down():
    directions = torch.tensor([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [0.3, 0.2, 1.0]])
    rotations = look_at(directions)
    assert torch.allclose(rotations @ rotations.transpose(-1, -2), torch.eye(3).expand(4, 3, 3), atol=1e-5)
    assert torch.allclose(torch.linalg.det(rotations), torch.ones(4), atol=1e-5)
    assert torch.allclose((rotations @ directions[..., None])[..., 2, 0], directions.norm(dim=-1), atol=1e-5)


def test_a_gap_is_bridged_by_the_virtual_camera():
    evidence = _evidence(100, gap=slice(30, 60))
    sighted = sightings(evidence.rays, evidence.confidence)
    view = virtual_camera(sighted, evidence.in_clip)
    steps = (view.from_camera[:, 1:] - view.from_camera[:, :-1]).abs().amax(dim=(2, 3))
    assert steps[:, 28:62].max() <= 2 * steps[:, :25].max()
    features = observe(evidence, view)
    assert features.isfinite().all()


def test_hinges_turn_about_one_axis():
    angle = torch.linspace(0, 2, 5)[:, None].expand(5, 4)
    rotations = hinge_rotations(angle.cos(), angle.sin())
    for index, (axis, sign) in enumerate(HINGES.values()):
        unit = torch.eye(3)[axis]
        assert torch.allclose(rotations[:, index] @ unit, unit.expand(5, 3), atol=1e-6)
        trace = rotations[:, index].diagonal(dim1=-1, dim2=-2).sum(-1)
        assert torch.allclose(trace, 1 + 2 * angle[:, 0].cos(), atol=1e-5)
        assert sign in (1.0, -1.0)


def test_answers_are_rotations_and_hinges_stay_hinges(generator):
    features, _ = _features(_evidence(40))
    rotations = generator(features, torch.ones(1, 40, dtype=torch.bool)).rotations
    identity = torch.eye(3).expand_as(rotations)
    assert torch.allclose(rotations @ rotations.transpose(-1, -2), identity, atol=1e-5)
    knee = rotations[:, :, HINGE_JOINTS[2]]
    assert torch.allclose(knee[..., 0, 0], torch.ones(1, 40))


def test_weights_round_trip(generator, tmp_path):
    save_weights(tmp_path / "w.pt", generator, {"steps": 3})
    again = load_weights(tmp_path / "w.pt", torch.device("cpu"))
    features, _ = _features(_evidence(20))
    inside = torch.ones(1, 20, dtype=torch.bool)
    assert torch.allclose(generator(features, inside).velocity, again(features, inside).velocity, atol=5e-3)
    assert not any(parameter.requires_grad for parameter in again.parameters())


@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04broken"])
def test_broken_weights_are_named(tmp_path, content):
    path = tmp_path / "broken.pt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.pt"):
        load_weights(path, torch.device("cpu"))
    with pytest.raises(InputError, match="no such file"):
        load_weights(tmp_path / "absent.pt", torch.device("cpu"))
