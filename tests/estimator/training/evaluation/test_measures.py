"""The truth scores perfectly, worse answers score worse, and means are the right means."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from estimator.generator import Generator, GeneratorConfig, save_weights
from estimator.keypoint_set import K
from estimator.training.evaluation.cases import condition_cases
from estimator.training.evaluation.measures import METRICS, Figures, measure
from estimator.training.evaluation.models import (
    Answer,
    mean_pose,
    position_network,
    product,
    truth,
    yardstick,
)
from estimator.training.evaluation.protocol import CONDITIONS
from estimator.training.evaluation.results import Row, summary
from estimator.training.position_baseline import PositionNetwork
from estimator.training.yardstick import Yardstick, save_yardstick

from ...seen import exchanged
from ..captures import made_up_clip

CLIP = made_up_clip("clip", 150, 1)
CASE = next(condition_cases([CLIP], CONDITIONS["noisy"]))
SMALL = GeneratorConfig(channels=24, dilations=(3, 9))
WITHOUT_REFERENCE = {"drift_cm", "jitter_ms3", "reprojection_95_percent"}
NOT_ERRORS = {"largest_step_degrees", "hyperextended_percent", "penetration_mm"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "generator.pt"
    save_weights(path, Generator(SMALL), {})
    return path


def test_the_truth_scores_perfectly():
    figures = measure(CASE, truth(CASE))
    for name, metric in METRICS.items():
        if name in WITHOUT_REFERENCE or name in NOT_ERRORS or "sliding" in name:
            continue
        assert figures.value(name) == pytest.approx(1.0 if metric.share else 0.0, abs=1e-3), name


def test_a_flipped_and_distant_answer_is_found_out():
    # Depth mirrored about Hips: the same picture seen from behind, nearly.
    perfect = truth(CASE)
    hips = perfect.joints[:, :1]
    flipped = replace(perfect, joints=(perfect.joints - hips) * [1.0, 1.0, -1.0] + hips * 1.1)
    figures = measure(CASE, flipped)
    assert figures.value("p_mpjpe_mm") > 20
    assert figures.value("w_mpjpe_mm") > 20
    away = np.linalg.norm(hips[:, 0], axis=-1).mean()
    assert figures.value("depth_cm") == pytest.approx(10 * away, rel=1e-3)
    assert figures.value("rte_percent") > 1
    # Once the size is free, a uniformly larger world is no error.
    larger = measure(CASE, replace(perfect, joints=1.1 * perfect.joints))
    assert larger.value("w_mpjpe_mm") < 0.01 < larger.value("w_mpjpe_rigid_mm")
    assert larger.value("reprojection_percent") < 1e-6


def test_smoothing_and_noise_show_as_ratios():
    perfect = truth(CASE)
    noise = np.random.default_rng(1).normal(scale=0.003, size=perfect.joints.shape)
    assert measure(CASE, replace(perfect, joints=perfect.joints + noise)).value("jitter_ratio") > 1.5
    slow = perfect.joints.copy()
    slow[1:-1] = (slow[:-2] + slow[1:-1] + slow[2:]) / 3
    slower = measure(CASE, replace(perfect, joints=slow))
    assert slower.value("jitter_ratio") < 0.99 and slower.value("acceleration_mm") > 0


def test_the_product_answers_in_the_world(weights):
    answer = product(weights, refined=False)(CASE)
    assert answer.motion is not None and answer.placed
    figures = measure(CASE, answer)
    names = {name for name in METRICS if not math.isnan(figures.value(name))}
    # A short clip has no drift; the rest is there.
    assert set(METRICS) - names <= WITHOUT_REFERENCE | {"claimed_sliding_mm"}
    assert figures.value("p_mpjpe_mm") > 20
    assert figures.value("bone_spread_percent") < 1e-3


def test_networks_without_rotations_answer_in_the_camera(tmp_path):
    save_weights(tmp_path / "positions.pt", PositionNetwork(SMALL), {})
    save_yardstick(tmp_path / "yardstick.pt", Yardstick(SMALL), {})
    positions = measure(CASE, position_network(tmp_path / "positions.pt")(CASE))
    assert positions.value("p_mpjpe_mm") > 20 and math.isnan(positions.value("w_mpjpe_mm"))
    answer = yardstick(tmp_path / "yardstick.pt")(CASE)
    placed = measure(CASE, answer)
    assert answer.joints.shape == CASE.truth.joints.shape
    assert placed.value("w_mpjpe_mm") > 20 and math.isnan(placed.value("gravity_degrees"))


def test_networks_without_rotations_get_tracks_that_are_put_right(tmp_path):
    save_yardstick(tmp_path / "yardstick.pt", Yardstick(SMALL), {})
    answer = yardstick(tmp_path / "yardstick.pt")
    seen = next(condition_cases([CLIP], CONDITIONS["clean"]))
    swapped = replace(seen.track, keypoints=exchanged(seen.track, [60, 61], list(range(K))))
    np.testing.assert_array_equal(answer(replace(seen, track=swapped)).joints, answer(seen).joints)


def test_the_mean_pose_is_the_pose_of_somebody_who_never_moves():
    still = replace(CLIP, rotations=np.repeat(CLIP.rotations[:1], len(CLIP), axis=0))
    case = next(condition_cases([still], CONDITIONS["clean"]))
    error = measure(case, mean_pose([still])(case)).value("p_mpjpe_mm")
    assert error < 0.1
    assert measure(CASE, mean_pose([still])(CASE)).value("p_mpjpe_mm") > 10


def test_the_answer_is_compared_in_the_cameras_axes():
    turned = truth(CASE)
    spin = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    elsewhere = Answer(turned.joints @ spin.T, True, None)
    figures = measure(CASE, elsewhere)
    assert figures.value("p_mpjpe_mm") < 1e-6 < figures.value("mpjpe_mm")
    assert figures.value("w_mpjpe_rigid_mm") < 1e-6


def _row(action_class, seconds, p_mpjpe, jitter, gravity=1.0):
    figures = Figures({"p_mpjpe_mm": p_mpjpe, "gravity_degrees": gravity}, {"jitter_ratio": jitter})
    return Row("noisy", "model", f"{action_class}{seconds}", action_class, seconds, figures)


def test_means_are_per_clip_per_second_and_per_class():
    rows = [
        _row("walk_run", 1.0, 40.0, (2.0, 1.0), 1.0),
        _row("walk_run", 3.0, 60.0, (3.0, 9.0), 2.0),
        _row("dance", 4.0, 100.0, (5.0, 5.0), 3.0),
        _row("idle", 8.0, 10.0, (1.0, 0.0), 10.0),
    ]
    table = summary(rows)
    error = table["p_mpjpe_mm"]
    assert error["walk_run"] == pytest.approx(50) and error["dance"] == pytest.approx(100)
    assert error["clips"] == pytest.approx(52.5)
    assert error["seconds"] == pytest.approx((40 + 180 + 400 + 80) / 16)
    assert error["balanced"] == pytest.approx(75), "without those who stand idle"
    # Sums before division: a still clip doesn't blow the ratio up.
    assert table["jitter_ratio"]["walk_run"] == pytest.approx(0.5)
    assert table["jitter_ratio"]["clips"] == pytest.approx(11 / 15)
    assert table["gravity_degrees"]["median"] == pytest.approx(2.5)
    assert table["gravity_degrees"]["90 %"] == pytest.approx(7.9)
    assert "w_mpjpe_mm" not in table, "nobody measured it"


def test_what_a_clip_lacks_doesnt_count_as_zero():
    rows = [_row("walk_run", 1.0, 40.0, (1.0, 1.0)), _row("dance", 1.0, math.nan, (1.0, 1.0))]
    assert summary(rows)["p_mpjpe_mm"]["clips"] == pytest.approx(40)
    assert "dance" not in summary(rows)["p_mpjpe_mm"]
