"""The client library against the running server, with the simulator behind it."""

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import Scope


@pytest.fixture
def api_key(organization):
    keys._cache.clear()
    return keys.create(
        organization, name="worker", scopes=[Scope.SECRETS, Scope.PERMITS], actor=None
    )[1]
