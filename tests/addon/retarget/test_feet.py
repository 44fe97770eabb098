"""Planted feet stay where they are, on the target's ground, however long its legs are."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from kinelift_checkout.addon.animation import Curve, read_curves, write_curves
from kinelift_checkout.addon.retarget.anatomy import read_body
from kinelift_checkout.addon.retarget.evaluation import stage
from kinelift_checkout.addon.retarget.foot_contacts import contacts, ground_height, runs
from kinelift_checkout.addon.retarget.plan import RetargetSettings
from kinelift_checkout.addon.retarget.preset_maps import presets
from kinelift_checkout.addon.retarget.rest_rig import read_rest_rig
from kinelift_checkout.addon.retarget.rotations import to_matrices
from kinelift_checkout.addon.retarget.source_motion import SourceMotion, read_source
from kinelift_checkout.addon.retarget.transfer import Placing
from kinelift_checkout.addon.take_properties import CONTACT_PROPERTIES
from kinelift_checkout.addon.timing import scene_rate
from kinelift_checkout.estimator.skeleton import CONTACT_NAMES
from numpy.typing import NDArray

from tests.addon.retarget.measuring import map_of, run, shown
from tests.addon.retarget.rigs import Build, build_preset
from tests.addon.retarget.sources import take_of, walking_motion

Array = NDArray[np.float64]
pytestmark = pytest.mark.usefixtures("empty_file")
pytest.importorskip("torch", reason="the example's walk is posed with torch")

PRESETS = {preset.name: preset for preset in presets()}
FRAMES = 70


def poses(armature: bpy.types.Object, humans: tuple[str, ...], frames: int = FRAMES) -> dict[str, Array]:
    """(N, 3) heads by human bone over all frames."""
    bone_map = map_of(armature)
    found = [shown(armature, bone_map, frame)[0] for frame in range(1, frames + 1)]
    return {human: np.array([heads[human] for heads in found]) for human in humans}


def heels(armature: bpy.types.Object, side: str, frames: int = FRAMES) -> Array:
    """(N, 3) the point of the sole behind the ankle, as the foot's bone carries it."""
    bone_map = map_of(armature)
    body = read_body(read_rest_rig(armature), bone_map)
    foot = f"{side}_foot"
    carried = to_matrices(body.rotations[foot]).T @ (body.heels[side] - body.heads[foot])
    found = [shown(armature, bone_map, frame) for frame in range(1, frames + 1)]
    return np.array([heads[foot] + turns[foot] @ carried for heads, turns in found])


def knee_angles(joints: dict[str, Array], side: str) -> Array:
    thigh = joints[f"{side}_shin"] - joints[f"{side}_thigh"]
    shin = joints[f"{side}_foot"] - joints[f"{side}_shin"]
    cosine = (thigh * shin).sum(axis=1) / np.linalg.norm(thigh, axis=1) / np.linalg.norm(shin, axis=1)
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))


LEG = tuple(f"{side}_{part}" for side in ("left", "right") for part in ("thigh", "shin", "foot", "toes"))


def pose_curves(armature: bpy.types.Object) -> list[Curve]:
    """The armature's keys without what the take stores besides: contacts have to be detected."""
    return [curve for curve in read_curves(armature) if curve.data_path.startswith("pose.bones")]


@pytest.mark.parametrize("known", [True, False], ids=["stored", "detected"])
@pytest.mark.parametrize(
    "build",
    [Build(legs=1.0), Build(legs=1.4, arms=40.0), Build(legs=0.6, trunk=0.9)],
    ids=["same", "long", "short"],
)
def test_feet_that_stand_stay(build: Build, known: bool) -> None:
    motion = walking_motion(20, FRAMES)
    source = take_of(motion)
    names = [name for side in CONTACT_PROPERTIES.values() for name in side]
    assert [name.removeprefix("kinelift_contact_") for name in names] == list(CONTACT_NAMES)
    if not known:
        write_curves(source, "Without contacts", pose_curves(source))
    target = build_preset(PRESETS["mixamo"], build)
    target.location.z = 0.3
    bpy.context.view_layer.update()
    body = read_body(read_rest_rig(target), map_of(target))
    before = knee_angles(poses(source, LEG), "left"), knee_angles(poses(source, LEG), "right")
    run(source, target, RetargetSettings(placing=Placing("CURSOR", (1.0, 1.0, 0.3))))
    joints = poses(target, LEG)
    over_ball = float(body.balls["left"][2]) - body.sole
    for index, side in enumerate(("left", "right")):
        ball = joints[f"{side}_toes"]
        stands = motion.contacts[:, 2 * index + 1] > 0.5
        steps = [ball[start + 1 : end - 1] for start, end in runs(stands) if end - start > 6]
        assert steps
        for step in steps:
            assert np.linalg.norm(np.diff(step, axis=0), axis=1).max() < 0.002
            assert np.abs(step[:, 2] - 0.3 - over_ball).max() < 0.006
        assert (ball[:, 2] - 0.3 - over_ball).min() > -0.004
        heel = heels(target, side)
        flat = [
            part for part in runs(stands & (motion.contacts[:, 2 * index] > 0.5)) if part[1] - part[0] > 5
        ]
        assert flat
        for start, end in flat:
            step = heel[start + 1 : end - 1]
            assert np.linalg.norm(np.diff(step, axis=0), axis=1).max() < 0.002
            assert np.abs(step[:, 2] - 0.3).max() < 0.006
        angles = knee_angles(joints, side)
        assert np.abs(np.diff(angles)).max() < np.abs(np.diff(before[index])).max() + 5.0
        # Knees bend forward: the knee lies before the line from hip to ankle.
        middle = (joints[f"{side}_thigh"] + joints[f"{side}_foot"]) / 2
        toes = ball - joints[f"{side}_foot"]
        bent = angles > 12.0
        assert ((joints[f"{side}_shin"] - middle) * toes).sum(axis=1)[bent].min() > 0.0


def test_without_planting_a_scaled_leg_slides_more() -> None:
    """The test above can fail: without the correction the same feet move."""
    motion = walking_motion(20, FRAMES)
    source = take_of(motion)
    target = build_preset(PRESETS["mixamo"], Build(legs=1.4))
    moved = []
    for plant in (False, True):
        run(source, target, RetargetSettings(plant_feet=plant))
        ball = poses(target, ("left_toes",))["left_toes"]
        spans = [
            ball[start + 1 : end - 1] for start, end in runs(motion.contacts[:, 1] > 0.5) if end - start > 6
        ]
        moved.append(max(float(np.linalg.norm(np.diff(span, axis=0), axis=1).max()) for span in spans))
    assert moved[0] > 3 * moved[1]


def test_a_noisy_source_stands_still_on_the_target() -> None:
    source = take_of(walking_motion(20, FRAMES))
    generator = np.random.default_rng(0)
    curves = []
    for curve in pose_curves(source):
        values = curve.values
        if curve.data_path.endswith("location"):
            values = values + generator.normal(size=len(values)) * 0.003
        curves += [Curve(curve.data_path, curve.index, curve.frames, values, curve.group)]
    write_curves(source, "Noisy", curves)
    target = build_preset(PRESETS["unreal"], Build(legs=1.1))
    run(source, target, RetargetSettings())
    contacts = walking_motion(20, FRAMES).contacts
    ball = poses(target, ("left_toes",))["left_toes"]
    for start, end in runs(contacts[:, 1] > 0.5):
        if end - start > 8:
            still = ball[start + 3 : end - 3]
            assert np.linalg.norm(np.diff(still, axis=0), axis=1).max() < 0.002


REAL = (
    "cmu_asfamc/01_08_playground",  # hips tremble over straight legs
    "cmu_asfamc/02_01_walk",
    "cmu_dragonforged/05_11_dance",
    "cmu_expmap_train/unk_jumping_2",
    "reactidle/008_genuine",
)


@pytest.mark.parametrize("clip", REAL)
@pytest.mark.parametrize("legs", [0.7, 1.3])
def test_real_motion_capture_by_blenders_importer(shared: Path, clip: str, legs: float) -> None:
    """Noise, dance and jumps, contacts detected: knees change no faster when planted, feet stay."""
    (path,) = (shared / "mocap").glob(f"{clip}*.bvh")
    bpy.ops.import_anim.bvh(filepath=str(path), frame_start=1, update_scene_fps=True)
    source = bpy.context.object
    target = build_preset(PRESETS["unreal"], Build(arms=45.0, legs=legs, seed=3))
    last, rate = 240, scene_rate(bpy.context.scene)
    source_map = map_of(source, "SOURCE")
    body = read_body(read_rest_rig(source), source_map)
    with stage(source, bpy.context.scene) as own:
        *_, motion = read_source(source, body, np.arange(1.0, last + 1), own)
    assert isinstance(motion, SourceMotion)
    standing = contacts(source, motion, body, ground_height(motion), rate)
    fastest, feet = [], {}
    for plant in (False, True):
        run(source, target, RetargetSettings(plant_feet=plant, frames=(1, last)))
        feet = poses(target, LEG, last)
        fastest.append(max(np.abs(np.diff(knee_angles(feet, side))).max() for side in ("left", "right")))
    assert fastest[1] < fastest[0] + 5.0
    checked = 0
    for side in ("left", "right"):
        heel, ball = standing[side].T
        for points, flags in ((feet[f"{side}_toes"], ball), (heels(target, side, last), heel & ball)):
            for start, end in runs(flags):
                if end - start > 4:
                    step = points[start + 1 : end - 1]
                    assert np.linalg.norm(np.diff(step, axis=0), axis=1).max() < 0.002
                    checked += 1
    assert checked
