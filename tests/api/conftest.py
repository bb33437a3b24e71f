"""The API without reachable providers."""

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def nobody_answers(settings: Any) -> None:
    """No provider can be reached, unless a test asks for the simulator."""
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
