"""Moving cameras drift, tremble and turn after the person, as somebody who films does; others stand still."""

import math
from dataclasses import replace

import torch

from estimator.training.cameras import CameraSettings, random_cameras

FRAMES = 120
STILL = CameraSettings(moving=0.0)
MOVING = CameraSettings(moving=1.0)


def _standing(batch):
    return torch.tensor([0.0, 0.0, 0.9]).expand(batch, FRAMES, 3)


def _walking(batch):
    """4 m along x."""
    root = _standing(batch).clone()
    root[..., 0] = torch.linspace(-2.0, 2.0, FRAMES)
    return root


def _cameras(root, settings):
    in_clip = torch.ones(root.shape[:2], dtype=torch.bool)
    return random_cameras(root, in_clip, settings, torch.Generator().manual_seed(1))


def _turned(cameras):
    """(B,) degrees between how a camera looks on its first and last frame."""
    first, last = cameras.from_world[:, 0], cameras.from_world[:, -1]
    trace = (first * last).sum(dim=(-1, -2))
    return torch.rad2deg(((trace - 1) / 2).clamp(-1, 1).acos())


def test_still_cameras_stand_still():
    for root in (_standing(40), _walking(40)):
        cameras = _cameras(root, STILL)
        assert torch.equal(cameras.centre, cameras.centre[:, :1].expand_as(cameras.centre))
        assert torch.allclose(cameras.from_world, cameras.from_world[:, :1], atol=1e-6)


def test_none_stands_lower_than_it_may_and_the_others_stay_where_they_were():
    root, lowest = _walking(400), 0.3
    anywhere = _cameras(root, STILL)
    above = _cameras(root, replace(STILL, lowest=lowest))
    low = anywhere.centre[:, 0, 2] < lowest
    assert 0.1 < low.float().mean() < 0.5
    assert above.centre[..., 2].min() > lowest - 1e-4
    assert torch.allclose(above.centre[~low], anywhere.centre[~low])
    # As far away as before, so that people are as large in the picture.
    middle = root.mean(dim=1)
    far, before = ((cameras.centre[:, 0] - middle).norm(dim=-1) for cameras in (above, anywhere))
    assert torch.allclose(far, before, atol=1e-4)


def test_moving_cameras_drift_by_some_decimetres_to_all_sides():
    centre = _cameras(_standing(200), MOVING).centre
    travelled = centre.amax(dim=1) - centre.amin(dim=1)
    assert (travelled.norm(dim=-1) > 0.1).float().mean() > 0.95, "every one of them"
    assert (travelled.mean(dim=0) > 0.25).all() and (travelled.mean(dim=0) < 0.75).all()
    assert travelled.max() < 2.5
    steps = (centre[:, 1:] - centre[:, :-1]).norm(dim=-1)
    assert 0.005 < steps.mean() < 0.03 and steps.max() < 0.1, "as a person walks, not in jumps"


def test_moving_cameras_tremble_by_a_degree_or_so():
    cameras = _cameras(_standing(200), replace(MOVING, roll_spread=0.0, aim_spread=0.0))
    across, ahead = cameras.from_world[:, :, 0], cameras.from_world[:, :, 2]
    roll = torch.rad2deg(across[..., 2].asin())
    assert 0.7 < roll.square().mean().sqrt() < 1.3
    to_person = torch.nn.functional.normalize(_standing(200) - cameras.centre, dim=-1)
    off = torch.rad2deg((ahead * to_person).sum(dim=-1).clamp(-1, 1).acos())
    assert 1.0 < off.square().mean().sqrt() < 1.9, "a degree up and down, and one to the sides"
    assert (off.std(dim=1) > 0.1).float().mean() > 0.95


def test_moving_cameras_turn_after_who_walks():
    root = _walking(200)
    still, moving = (_cameras(root, replace(settings, aim_spread=0.0)) for settings in (STILL, MOVING))
    assert _turned(still).max() < 0.1
    # How far the person goes round each of them; they follow some share of it, from none to all.
    share = _turned(moving) / _round_the_camera(root, moving)
    assert 0.3 < share.median() < 0.75
    assert (share < 0.3).float().mean() > 0.1 and (share > 0.75).float().mean() > 0.1


def _round_the_camera(root, cameras):
    """(B,) degrees between the directions in which a still camera would see the person at first and last."""
    rays = torch.nn.functional.normalize(root - cameras.centre.mean(dim=1, keepdim=True), dim=-1)
    return torch.rad2deg((rays[:, 0] * rays[:, -1]).sum(dim=-1).clamp(-1, 1).acos())


def test_as_many_cameras_move_as_the_settings_say():
    cameras = _cameras(_standing(400), CameraSettings(moving=0.25))
    moves = (cameras.centre - cameras.centre[:, :1]).norm(dim=-1).amax(dim=1) > 1e-3
    assert 0.18 < moves.float().mean() < 0.32


def test_cameras_look_at_people_from_where_the_settings_say():
    settings = replace(STILL, aim_spread=0.0)
    cameras = _cameras(_standing(600), settings)
    to_person = _standing(600) - cameras.centre
    distance = to_person.norm(dim=-1)[:, 0]
    assert settings.distance[0] <= distance.min() + 1e-3 < settings.distance[0] + 0.3
    assert settings.distance[1] >= distance.max() - 1e-3 > settings.distance[1] - 0.3
    assert torch.allclose(
        torch.nn.functional.normalize(to_person, dim=-1), cameras.from_world[:, :, 2], atol=1e-4
    )
    pitch = torch.rad2deg(-cameras.from_world[:, 0, 2, 2].asin())
    assert abs(float(pitch.mean()) - settings.pitch[0]) < 3.0
    assert abs(float(pitch.std()) / settings.pitch[1] - 1) < 0.15
    roll = torch.rad2deg(torch.atan2(cameras.from_world[:, 0, 0, 2], -cameras.from_world[:, 0, 1, 2]))
    assert abs(float(roll.std()) / settings.roll_spread - 1) < 0.15
    yaw = torch.atan2(cameras.from_world[:, 0, 2, 1], cameras.from_world[:, 0, 2, 0])
    assert torch.histc(yaw, 8, -math.pi, math.pi).min() > 40, "from all sides alike"
    lens = 18.0 / cameras.half_width
    assert settings.focal_mm[0] <= lens.min() < 26 and settings.focal_mm[1] >= lens.max() > 67


def test_nobody_walks_into_a_camera():
    root = _walking(200)
    cameras = _cameras(root, replace(MOVING, distance=(0.5, 1.0)))
    # It stands so far outside of the walk; the drift may take some decimetres of that back.
    assert (root - cameras.centre).norm(dim=-1).min() > 0.4
