"""Which feet of a source without stored contacts stand still: those that do, and no others."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.retarget.anatomy import Body, read_body
from kinelift_checkout.addon.retarget.foot_contacts import contacts
from kinelift_checkout.addon.retarget.preset_maps import presets
from kinelift_checkout.addon.retarget.rest_rig import read_rest_rig
from kinelift_checkout.addon.retarget.source_motion import SourceMotion
from numpy.typing import NDArray

from tests.addon.retarget.measuring import map_of
from tests.addon.retarget.rigs import build_preset

Array = NDArray[np.float64]
pytestmark = pytest.mark.usefixtures("empty_file")

PRESETS = {preset.name: preset for preset in presets()}
FRAMES, RATE = 120, 60.0


@pytest.fixture
def standing() -> tuple[bpy.types.Object, Body, SourceMotion]:
    """Two seconds in which both feet rest on the ground."""
    rig = build_preset(PRESETS["mixamo"])
    body = read_body(read_rest_rig(rig), map_of(rig))
    still = {
        name: {side: np.tile(point, (FRAMES, 1)) for side, point in points.items()}
        for name, points in (("heels", body.heels), ("balls", body.balls))
    }
    motion = SourceMotion(np.arange(FRAMES, dtype=np.float64), {}, np.zeros((FRAMES, 3)), {}, **still)
    return rig, body, motion


def left(rig: bpy.types.Object, body: Body, motion: SourceMotion, moved: Array) -> tuple[Array, Array]:
    """Heel and ball flags of the left foot if it is moved like that, (N, 3)."""
    changed = replace(
        motion,
        heels=motion.heels | {"left": motion.heels["left"] + moved},
        balls=motion.balls | {"left": motion.balls["left"] + moved},
    )
    flags = contacts(rig, changed, body, body.sole, RATE)
    assert flags["right"].all()
    return flags["left"][:, 0], flags["left"][:, 1]


def along(axis: int, values: Array) -> Array:
    return np.asarray(np.outer(values, np.eye(3)[axis]))


def test_a_foot_that_rests_stands_though_it_is_noisy(
    standing: tuple[bpy.types.Object, Body, SourceMotion],
) -> None:
    for moved in (np.zeros((FRAMES, 3)), np.random.default_rng(0).normal(size=(FRAMES, 3)) * 0.001):
        heel, ball = left(*standing, moved)
        assert heel.mean() > 0.95
        assert ball.mean() > 0.95


def test_a_step_is_no_contact(standing: tuple[bpy.types.Object, Body, SourceMotion]) -> None:
    share = np.clip((np.arange(FRAMES) - 50) / 20, 0, 1)
    moved = along(1, -0.6 * share) + along(2, 0.12 * np.sin(np.pi * share))
    for flags in left(*standing, moved):
        assert flags[:47].all()  # smoothing tells of the lifting two frames before
        assert not flags[53:67].any()
        assert flags[74:].all()


def test_a_foot_that_slides_doesnt_stand(standing: tuple[bpy.types.Object, Body, SourceMotion]) -> None:
    """At a speed that a noisy standing foot has from frame to frame, but always the same way."""
    moved = along(1, -0.2 * np.clip(np.arange(FRAMES) / RATE - 0.5, 0, 1))
    for flags in left(*standing, moved):
        assert flags[:20].all()
        assert not flags[42:78].any()
        assert flags[100:].all()


def test_a_lifted_foot_doesnt_stand_however_still(
    standing: tuple[bpy.types.Object, Body, SourceMotion],
) -> None:
    for flags in left(*standing, along(2, np.full(FRAMES, 0.06))):
        assert not flags.any()


def test_a_foot_that_went_elsewhere_for_a_moment_has_two_contacts(
    standing: tuple[bpy.types.Object, Body, SourceMotion],
) -> None:
    """Three frames are a gap in the detection, unless the foot is ten centimetres away in them."""
    jump = np.zeros(FRAMES)
    jump[60:63] = 0.1
    assert not any(flags[61] for flags in left(*standing, along(0, jump)))
    jump[60:63] = (0.006, 0.012, 0.006)
    assert all(flags[61] for flags in left(*standing, along(0, jump)))
