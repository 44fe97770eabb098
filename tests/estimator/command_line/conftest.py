"""A generator to convert with: untrained, so that nothing here depends on which weights ship."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch")
    from estimator.generator import Generator, GeneratorConfig, save_weights

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "untrained.pt"
    save_weights(path, Generator(GeneratorConfig(channels=16, dilations=(3,))), {})
    return path
