"""Fixtures for plain HTTP calls to the simulator."""

from collections.abc import Callable

import pytest

from tests.simulator.customer import Customer
from tests.simulator_server import Simulator


@pytest.fixture
def customer(simulator: Simulator) -> Callable[[str], Customer]:
    return lambda provider: Customer(simulator, provider)
