"""Motions whose measures are known come out as they were: a squat, a jump of 40 cm, a box of 45 cm, …"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from estimator import kinematics
from estimator.estimate import EstimateOptions, estimate_motion
from estimator.motion import Motion

from .scripted import LENGTHS, SCRIPTS, STATURE, camera_before, measured, pose, seen

TOLERANCE = 0.1


def estimated(name: str, *, known: bool = True, moving: bool = False, focal: float = 1.0) -> Motion:
    """A script seen by a noisy detector; the actor's height is given.

    Args:
        known: whether the camera's place is given; else only its lens, ``focal`` times too long.
    """
    script = SCRIPTS[name]()
    camera = camera_before(script, moving=moving)
    track = seen(script, camera, noisy=True)
    if not known:
        camera = replace(camera, world_from_camera=None, fx=focal * camera.fx, fy=focal * camera.fy)
    options = EstimateOptions(person_height=STATURE, on_ground=name != "stand_on_beam")
    return estimate_motion(track, camera, options)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_measure_what_they_say(name: str) -> None:
    body = pose(SCRIPTS[name]())
    ends = kinematics.end_points(body, torch.from_numpy(LENGTHS)).numpy()
    assert measured(name, body.joints.numpy(), ends) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("name", SCRIPTS)
def test_before_a_known_camera(name: str) -> None:
    motion = estimated(name)
    assert measured(name, motion.joints_world, motion.end_points) == pytest.approx(1.0, abs=TOLERANCE)


def test_whoever_is_on_the_box_stays_there() -> None:
    motion = estimated("step_onto_box")
    soles = motion.end_points[-75:, 3:, 2].min(axis=1)
    assert np.ptp(soles) < 0.05
    assert np.median(soles) == pytest.approx(0.45, rel=TOLERANCE)


@pytest.mark.parametrize("name", ["squat", "turn", "jump", "step_onto_box"])
def test_before_a_known_moving_camera(name: str) -> None:
    motion = estimated(name, moving=True)
    assert measured(name, motion.joints_world, motion.end_points) == pytest.approx(1.0, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("name", "focal"), [("turn", 1.0), ("jump", 1.0), ("jump", 1.2), ("turn", 0.8), ("jump", 0.8)]
)
def test_before_an_unknown_camera(name: str, focal: float) -> None:
    motion = estimated(name, known=False, focal=focal)
    assert measured(name, motion.joints_world, motion.end_points) == pytest.approx(1.0, abs=TOLERANCE)
