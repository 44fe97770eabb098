"""What all tests of the estimator share."""

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """As the pipeline solves: threads wait for each other, for minutes where the processor is busy."""
    with threadpool_limits(limits=1):
        yield
