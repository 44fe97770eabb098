"""Each augmentation, drawn by itself, does to a batch what its name says; switched off as well, nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from estimator import skeleton
from estimator.keypoint_set import KEYPOINT_INDEX, KEYPOINT_MIRROR, KEYPOINT_NAMES
from estimator.kinematics import stature_from_lengths
from estimator.skeleton import JOINT_INDEX
from estimator.training.cameras import random_cameras
from estimator.training.library import MotionLibrary
from estimator.training.objectives.objective import Need
from estimator.training.run_data import sources
from estimator.training.settings import TrainSettings
from estimator.training.switches import OF_TRACKS, OF_VIDEOS, SWITCHES, settings_without
from estimator.training.synthetic import SyntheticSource
from estimator.training.tracks import TrackClip

from .captures import SPEED, made_up_clip

WINDOWS, FRAMES = 200, 40
MARK = 0.3
"""Sine of half the angle by which people of the library hold some joints, to be known by."""
PAIRS = [n for n, name in enumerate(KEYPOINT_NAMES) if name.startswith(("left_", "right_"))]


def _person(name, side):
    """Somebody who stands stiffly while gliding along, left hand turned; head and foot by who it is."""
    clip = made_up_clip(name, 160, seed=1)
    rotations = np.zeros_like(clip.rotations)
    rotations[..., 0] = 1.0
    for joint, sine in (("LeftHand", MARK), ("Head", side * MARK), ("LeftFoot", side * MARK)):
        rotations[:, JOINT_INDEX[joint]] = [(1 - sine**2) ** 0.5, 0.0, 0.0, sine]
    return replace(clip, rotations=rotations)


@pytest.fixture(scope="module")
def library():
    return MotionLibrary([_person("a", 1.0), _person("b", -1.0)])


def _directions(sample):
    """(B, T, 26, 3) unit vectors to where keypoints are reported, and to where they truly are."""
    seen = torch.einsum("btij,btkj->btki", sample.view.from_camera, sample.evidence.rays)
    return seen, torch.nn.functional.normalize(sample.truth.keypoints, dim=-1)


def _degrees_off(sample):
    seen, true = _directions(sample)
    return torch.rad2deg((seen - true).norm(dim=-1))


def _turned(sample, *joints):
    """(B, T) largest angle, in degrees, by which one of these joints is turned out of its rest."""
    cosine = sample.truth.motion.rotations[:, :, [JOINT_INDEX[joint] for joint in joints], 0].abs()
    return torch.rad2deg(2 * cosine.clamp(max=1).acos()).amax(dim=-1)


def _share(values):
    return float(values.float().mean())


def _views_differ(sample):
    """Spreads over the windows: metres of distance; degrees of tilt, roll, and off the middle."""
    truth = sample.truth
    to_person = truth.motion.root.mean(dim=1) - truth.centre.mean(dim=1)
    axes = truth.axes_from_world[:, FRAMES // 2]
    in_camera = torch.nn.functional.normalize((axes @ to_person[..., None])[..., 0], dim=-1)
    tilt, roll = axes[:, 2, 2].asin(), torch.atan2(axes[:, 0, 2], -axes[:, 1, 2])
    angles = (tilt, roll, in_camera[:, 0].asin(), in_camera[:, 1].asin())
    return float(to_person.norm(dim=-1).std()), *(float(torch.rad2deg(angle).std()) for angle in angles)


def _cameras_move(sample):
    travelled = sample.truth.centre - sample.truth.centre[:, :1]
    turned = (sample.truth.axes_from_world - sample.truth.axes_from_world[:, :1]).flatten(-2)
    moves = (travelled.norm(dim=-1) > 0.01).any(dim=1)
    assert torch.equal(moves, (turned.norm(dim=-1) > 0.003).any(dim=1)), "who moves turns too"
    return _share(moves)


def _distance_misjudged(sample):
    """Spread of the log of how many times too far away the picture makes people seem."""
    truth = sample.truth
    far = (truth.motion.root - truth.centre).norm(dim=-1)
    return float((truth.joints[:, :, 0].norm(dim=-1) / far)[:, FRAMES // 2].log().std())


def _cut_off_by_the_edge(sample):
    """Windows in which points are missing, which lie further from the middle of the picture than others."""
    missing = sample.evidence.confidence == 0
    rays = sample.evidence.rays
    off_middle = torch.maximum(rays[..., 0].abs() / 18, rays[..., 1].abs() / 13) / rays[..., 2].abs()
    some = missing.any(dim=2) & ~missing.all(dim=2)
    if some.any():
        assert off_middle[some][missing[some]].mean() > 1.5 * off_middle[some][~missing[some]].mean()
    return _share(some.any(dim=1))


def _ends_within(sample):
    return _share(~sample.evidence.in_clip.all(dim=1))


def _trembles(sample):
    """Degrees by which what is seen changes from frame to frame while the truth doesn't."""
    seen, true = _directions(sample)
    return float(torch.rad2deg(((seen - true)[:, 1:] - (seen - true)[:, :-1]).norm(dim=-1)).mean())


def _missing(sample):
    return _share(sample.evidence.confidence == 0)


def _sides_swapped(sample):
    """Frames, less those of people seen from the side, of which a point is reported at its other side."""
    seen, true = _directions(sample)
    own = (seen - true)[:, :, PAIRS].norm(dim=-1)
    other = (seen - true[:, :, list(KEYPOINT_MIRROR)])[:, :, PAIRS].norm(dim=-1)
    swapped = (own > 0.01) & (other < 1e-3)
    assert not ((own > 0.01) & ~swapped).any(), "either at its own place or at the other side's"
    return _share(swapped.any(dim=-1))


def _marked_elsewhere(sample):
    """Degrees off, the same on all frames."""
    off = _degrees_off(sample)
    wrist = off[:, :, KEYPOINT_INDEX["left_wrist"]]
    assert (wrist.std(dim=1) <= 0.5 * wrist.mean(dim=1) + 1e-3).all(), "steadily so"
    return float(off.mean())


def _speeds_differ(sample):
    """Spread of the log of how many times as fast as the capture people go."""
    root = sample.truth.motion.root
    speed = (root[:, 1:] - root[:, :-1]).norm(dim=-1).median(dim=1).values * 30.0 / SPEED
    assert speed.min() > 1 / 1.51 and speed.max() < 1.51
    return float(speed.log().std())


def _mirrored(sample):
    """Windows in which the right hand does what the library's left hands do."""
    left, right = _turned(sample, "LeftHand"), _turned(sample, "RightHand")
    assert ((left > 30) ^ (right > 30)).all()
    return _share((right > 30).all(dim=1))


def _builds_differ(sample):
    """Spreads over the windows: of the log of stature, and of the length of arms to that of legs."""
    lengths = sample.truth.lengths
    arms_to_legs = lengths[:, 8:].sum(dim=1) / lengths[:, 1:3].sum(dim=1)
    return tuple(float(size.log().std()) for size in (stature_from_lengths(lengths), arms_to_legs))


def _of_two_people(sample):
    """Windows in which the head isn't that of whose foot it is."""
    rotations = sample.truth.motion.rotations
    head, foot = (rotations[:, :, JOINT_INDEX[name], 3] for name in ("Head", "LeftFoot"))
    return _share(((head * foot < 0) & (head.abs() > 0.1) & (foot.abs() > 0.1)).any(dim=1))


def _turned_a_little(sample):
    """Windows in which right hand or right toes, which nobody of the library turns, are turned."""
    hand, toes = _turned(sample, "RightHand"), _turned(sample, "RightToeBase")
    assert max(hand.max(), toes.max()) < 60
    assert _share((toes > 0.1).any(dim=1)) <= _share((hand > 0.1).any(dim=1))
    return _share((hand > 0.1).any(dim=1))


def _limbs_elsewhere(sample):
    """Shares of windows in which arms, legs and trunk are elsewhere than they were."""
    limbs = (("LeftArm", "RightArm"), ("LeftUpLeg", "RightUpLeg"), ("Spine1",))
    return tuple(_share((_turned(sample, *joints) > 5).any(dim=1)) for joints in limbs)


def _goes_down(sample):
    """Windows in which hips sink by 5 cm or more and knees bend."""
    root, bent = sample.truth.motion.root, _turned(sample, "LeftLeg", "RightLeg")
    sinks = root[..., 2] < skeleton.hips_height(skeleton.MEAN_LENGTHS) - 0.05
    assert (bent[sinks] > 10).all()
    return _share(sinks.any(dim=1))


def _told(sample):
    """Shares of windows of which gravity, the camera's height and the person's are told."""
    evidence = sample.evidence
    gravity = (evidence.down.norm(dim=-1) > 0.5).all(dim=1)
    height, person = evidence.camera_height.isfinite(), evidence.person_height.isfinite()
    assert not (height & ~gravity).any(), "a camera's height is along gravity"
    return _share(gravity), _share(height), _share(person)


# What is measured, one figure or several, and between which values where the augmentation is drawn.
EFFECTS = {
    "cameras": (_views_differ, 1.5, 30.0),
    "moving": (_cameras_move, 0.15, 0.35),
    "focal": (_distance_misjudged, 0.05, 0.16),
    "edges": (_cut_off_by_the_edge, 0.04, 0.3),
    "crops": (_ends_within, 0.5, 0.75),
    "noise": (_trembles, 0.1, 1.0),
    "masks": (_missing, 0.1, 0.4),
    "swaps": (_sides_swapped, 0.01, 0.08),
    "offsets": (_marked_elsewhere, 0.2, 1.0),
    "speed": (_speeds_differ, 0.15, 0.3),
    "mirror": (_mirrored, 0.35, 0.65),
    "proportions": (_builds_differ, 0.04, 0.12),
    "parts": (_of_two_people, 0.1, 0.5),
    "perturb": (_turned_a_little, 0.35, 0.65),
    "limbs": (_limbs_elsewhere, 0.08, 0.65),
    "crouch": (_goes_down, 0.08, 0.35),
    "known": (_told, 0.12, 0.6),
}
# Nobody stands at the edge of the picture unless cameras differ.
NEEDS = {"edges": {"cameras"}}


def _measured(library, name, drawn):
    """The figures of a batch in which these augmentations alone are drawn."""
    settings = settings_without([other for other in SWITCHES if other not in drawn])
    figures = EFFECTS[name][0](SyntheticSource(library, settings, seed=4).batch(WINDOWS, FRAMES))
    return figures if isinstance(figures, tuple) else (figures,)


@pytest.mark.parametrize("name", SWITCHES)
def test_drawn_alone_it_does_what_its_name_says_and_switched_off_it_does_not(library, name):
    _, low, high = EFFECTS[name]
    others = NEEDS.get(name, set())
    drawn, switched_off = (_measured(library, name, names) for names in (others | {name}, others))
    assert all(low < figure < high for figure in drawn), drawn
    assert max(switched_off) < low / 20, switched_off


def _tensors(part):
    """All tensors of a batch, in order."""
    if isinstance(part, torch.Tensor):
        return [part.nan_to_num(nan=-1.0).double().flatten()]
    parts = vars(part).values() if hasattr(part, "__dict__") else ()
    return [tensor for inner in parts for tensor in _tensors(inner)]


@pytest.mark.parametrize(("unpaired", "reaching"), [(False, OF_TRACKS), (True, OF_VIDEOS)])
def test_without_synthetic_samples_only_some_reach_a_batch(unpaired, reaching):
    clips = [made_up_clip(str(n), 160, n) for n in range(6)]  # some are cut off by the picture's edge
    track = TrackClip("video", torch.rand(90, len(KEYPOINT_NAMES), 3), torch.ones(90, len(KEYPOINT_NAMES)))

    def drawn(*without):
        settings = TrainSettings(objectives="habekost", unpaired=unpaired, without=without)
        source = sources(settings, clips, clips, None if unpaired else [track], 1)
        batch = source.batch({Need.TRACKS, Need.MOTION}, 60, 80)
        return torch.cat(_tensors(batch.tracks) + _tensors(batch.motion))

    usual = drawn()
    assert torch.equal(drawn(), usual)
    reached = {name for name in SWITCHES if not torch.equal(drawn(name), usual)}
    assert reached == reaching


def _lenses(settings):
    root = torch.tensor([0.0, 0.0, 0.9]).expand(60, 2, 3)
    random = torch.Generator().manual_seed(1)
    return random_cameras(root, torch.ones(60, 2, dtype=torch.bool), settings.cameras, random).half_width


def test_without_cameras_there_is_one_lens():
    assert _lenses(settings_without([])).log().std() > 0.2
    one = _lenses(settings_without(["cameras"]))
    assert torch.allclose(one, torch.full_like(one, 18 / 35)), "35 mm, on a sensor 36 mm wide"
