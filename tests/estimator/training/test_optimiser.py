"""Both halves of the optimiser move what is theirs by the steps they promise, and go on from a state."""

import torch

from estimator.generator import Generator, GeneratorConfig
from estimator.training.optimiser import Optimiser

RATE = 1e-3


def _network(seed=0):
    torch.manual_seed(seed)
    return Generator(GeneratorConfig(channels=32, dilations=(3,)))


def _set_gradients(network, seed):
    random = torch.Generator().manual_seed(seed)
    for weight in network.parameters():
        weight.grad = torch.randn(weight.shape, generator=random)


def test_inner_matrices_move_orthogonally_and_the_others_as_adamw_moves_them():
    network = _network()
    before = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    optimiser = Optimiser(network, RATE)
    _set_gradients(network, 1)
    optimiser.step(RATE)
    for name, weight in network.named_parameters():
        step = weight.detach() - before[name]
        if name in ("blocks.0.temporal.weight", "blocks.0.mix.weight"):
            size = torch.linalg.svdvals(step.flatten(1)) / (0.4 * RATE * step.flatten(1).shape[1] ** 0.5)
            assert size.min() > 0.5 and size.max() < 1.5, name
        else:
            # Adam's first step is as large for every number, whatever its gradient.
            assert torch.allclose(step.abs(), torch.full_like(step, RATE), rtol=0.05), name


def test_it_goes_on_from_a_saved_state():
    straight, stopped = _network(), _network()
    first, second = Optimiser(straight, RATE), Optimiser(stopped, RATE)
    for optimiser, network in ((first, straight), (second, stopped)):
        _set_gradients(network, 1)
        optimiser.step(RATE)
    resumed = Optimiser(stopped, RATE)
    resumed.load_state_dict(second.state_dict())
    for optimiser, network in ((first, straight), (resumed, stopped)):
        _set_gradients(network, 2)
        optimiser.step(RATE / 2)
    for one, other in zip(straight.parameters(), stopped.parameters(), strict=True):
        assert torch.equal(one, other)
