"""Random delays, so that what began together does not go on in step."""

import random
from datetime import timedelta


def jittered(delay: timedelta, least: float = 0.8, most: float = 1.2) -> timedelta:
    """The delay times a random factor: 20 % shorter to 20 % longer."""
    return delay * random.uniform(least, most)  # noqa: S311 - guards nothing
