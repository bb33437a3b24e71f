"""When an organization ends, Redis forgets its permits, and those of no other one."""

import socket
from itertools import count

import pytest

from sequin_admin.access.models import Organization
from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits import limiter
from tests.factories import make_credential, make_synced
from tests.redis_server import Cluster, RedisServer, know_for_long
from tests.worker.test_endings import is_gone, let_end, work

pytestmark = pytest.mark.django_db
NUMBERS = count()


@pytest.fixture(params=[RedisServer, Cluster], ids=["server", "cluster"])
def served(request, settings):
    with request.param() as server:
        know_for_long(server)
        settings.REDIS_URL = server.url
        yield server


def take_permits(organization):
    """Of a credential and of one of its syncs."""
    credential = make_credential(organization, "stripe_key", identity=f"a{next(NUMBERS)}")
    sync, _, _ = make_synced(credential)
    limiter.acquire(
        credential,
        also=(str(sync.pk), Rate(allowed_requests=5, interval=1000, max_concurrent_requests=2)),
    )
    return credential


def test_its_permits_are_forgotten(organization, stranger, served, monkeypatch):
    monkeypatch.setattr(limiter, "FORGOTTEN", 1)
    other = take_permits(Organization.objects.get(slug="giedi-prime"))
    gone = [take_permits(organization) for _ in range(3)]
    with served.client() as client:
        for each in gone:
            assert len([*client.scan_iter(f"*{each.pk.hex}*")]) == 5
        let_end(organization)

        work(is_gone)

        left = {key for key in client.scan_iter("permits:*") if not key.endswith(":since")}
    assert left
    assert all(other.pk.hex in key for key in left)


def test_a_redis_that_hangs_is_waited_for_once(organization, settings, monkeypatch):
    """And not for each two hundred of a hundred thousand credentials, longer than the lease."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        store = limiter.current_store()
        monkeypatch.setattr(limiter, "FORGOTTEN", 1)
        send = store.link.send
        monkeypatch.setattr(store.link, "send", lambda each: asked.append(1) or send(each))
        for number in range(5):
            make_credential(organization, "stripe_key", identity=f"n{number}")
        let_end(organization)

        work(is_gone)

    assert not Organization.objects.filter(pk=organization.pk).exists()
    assert len(asked) == 1
