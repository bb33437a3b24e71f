"""The world of each test: one credential of a kind at the simulator."""

import pytest

from sequin_admin.credentials import kinds
from tests.schedules.world import World

ACCOUNTS = {"airtable_oauth2": "usrziLeD23j9AJ1", "linear_oauth2": "abc123"}


@pytest.fixture
def make_world(make_app, user, simulated):
    made = []

    def make(slug):
        kind = kinds.get(slug)
        world = World(kind, ACCOUNTS[slug], make_app(kind.provider), user, simulated)
        made.append(world)
        return world

    yield make
    for world in made:
        world.forget_snapshot()


@pytest.fixture
def world(make_world):
    """Airtable, which revokes the grant when a refresh token is sent twice."""
    return make_world("airtable_oauth2")
