"""The ablation's arithmetic: what counts as an effect and what does not."""

import numpy as np
import pytest

from benchmarks.ablation import bootstrap_interval, verdict


def test_the_interval_of_a_constant_is_that_constant():
    assert bootstrap_interval(np.full(12, 3.0)) == (3.0, 3.0)


def test_the_interval_is_that_of_a_mean():
    differences = np.random.default_rng(0).normal(5.0, 4.0, 400)
    low, high = bootstrap_interval(differences)
    spread = differences.std() / 20
    assert low == pytest.approx(differences.mean() - 1.96 * spread, abs=0.05)
    assert high == pytest.approx(differences.mean() + 1.96 * spread, abs=0.05)


@pytest.mark.parametrize(
    ("mean", "low", "high", "word"),
    [
        (4.0, 2.5, 5.5, "helps"),
        (-3.0, -4.0, -2.0, "harms"),
        (1.5, 1.0, 2.0, "none"),
        (3.0, -0.5, 6.5, "none"),
    ],
)
def test_small_or_uncertain_effects_are_none(mean, low, high, word):
    assert verdict(mean, low, high) == word
