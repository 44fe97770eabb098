"""The banded solve gives what a dense one gives."""

import pytest
import torch

from estimator.refinement.motion_system import MotionSystem


@pytest.mark.parametrize("frames", [2, 4, 9])
def test_the_change_makes_the_sum_of_squares_least(frames):
    n, rows = 5, 3
    random = torch.Generator().manual_seed(frames)

    def draw(*shape):
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    own, own_off, own_weight = draw(frames, rows, n), draw(frames, rows), draw(frames, rows).square()
    tie, tie_off, tie_weight = draw(frames, 2, n), draw(frames - 1, 2), draw(frames - 1, 2).square()
    each, each_weight = draw(frames, n), draw(frames, n).square() + 0.1
    system = MotionSystem(frames, n)
    system.add(own, own_off, own_weight)
    system.add_steps(tie, tie_off, tie_weight)
    system.add_each(each, each_weight)
    if frames > 3:
        jerk, jerk_weight = draw(frames - 3, n), draw(frames - 3, n).square()
        system.add_jerks(jerk, jerk_weight)
    change = system.solve().requires_grad_()

    steps = torch.einsum("tmn,tn->tm", tie, change).diff(dim=0) + tie_off
    total = (own_weight * (torch.einsum("tmn,tn->tm", own, change) + own_off).square()).sum()
    total = total + (tie_weight * steps.square()).sum() + (each_weight * (change + each).square()).sum()
    if frames > 3:
        total = total + (jerk_weight * (change.diff(n=3, dim=0) + jerk).square()).sum()
    (slope,) = torch.autograd.grad(total, change)
    assert slope.abs().max() < 1e-9


def test_held_frames_stay():
    random = torch.Generator().manual_seed(0)
    system = MotionSystem(8, 4)
    system.add_each(torch.randn(8, 4, generator=random).double(), torch.ones(8, 4).double())
    system.add_jerks(torch.randn(5, 4, generator=random).double(), torch.full((5, 4), 100.0).double())
    system.hold(3)
    change = system.solve()
    assert change[:3].abs().max() < 1e-5
    assert change[3:].abs().min() > 1e-4
