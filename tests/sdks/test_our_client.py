"""The product's own calls, as in production: no simulator set, the providers' hosts over TLS."""

from datetime import timedelta
from functools import cache

import pytest

from sequin_admin.core import clock, http
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probes
from sequin_admin.tokens.models import Token


class RealHosts(dict[str, str]):
    """`PROVIDER_BASE_URLS` that leaves every host as it is, at another port."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port

    def __contains__(self, host: object) -> bool:
        return True

    def get(self, host, default=None):
        return f"https://{host}:{self.port}"


@pytest.fixture
def simulated(simulator, settings, monkeypatch):
    settings.SIMULATOR_URL, settings.PROVIDER_BASE_URLS = "", RealHosts(simulator.port)
    # The consent pages are at these addresses, too.
    monkeypatch.setattr(simulator, "url_for", lambda real: real)
    # Clients that trust the simulator's authority.
    monkeypatch.setattr(http, "_client", cache(http._client.__wrapped__))
    yield simulator
    http._client(True, True).close()


@pytest.mark.django_db
@pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
def test_every_kind_is_connected_renewed_and_probed(connected, kind):
    credential = connected(kind.slug)
    assert probes.verify(credential).ok
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(credential=credential).update(expires_at=past, next_try_at=None)

    assert probes.verify(Credential.objects.get(pk=credential.pk)).ok
