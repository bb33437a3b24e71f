"""Which addresses are called, in which order, and how long that may take."""

import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from sequin_admin.core import connections, destinations, http
from sequin_admin.core.destinations import EVERYWHERE
from sequin_admin.core.env import ROOT
from sequin_admin.syncs import connection_probe, postgres
from sequin_admin.syncs.models import Target
from tests.patience import PATIENCE_S

PUBLIC = ["2606:4700::1111", "104.16.1.1", "93.184.216.34"]
NEVER = [
    *("0.0.0.0", "169.254.169.254", "168.63.129.16", "192.0.0.192", "192.88.99.1"),
    *("fe80::1", "fd00:ec2::254", "3fff::1", "100.100.100.200", "::", "ff02::1"),
    # The same in other clothes: mapped, NAT64, 6to4.
    *("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),
]


@pytest.fixture
def resolve(monkeypatch):
    """Let DNS answer with the given addresses, by host or for every host."""
    real = socket.getaddrinfo

    def answer(addresses=(), /, **by_host):
        def getaddrinfo(host, port, *args, **kwargs):
            if host[0].isdigit() or ":" in host:
                return real(host, port, *args, **kwargs)
            known = by_host.get(host.replace(".", "_"), addresses)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in known]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return answer


@pytest.fixture(autouse=True)
def _no_simulator(settings):
    settings.SIMULATOR_URL = ""


def soon(seconds=5.0):
    return time.monotonic() + seconds


def vetted_target(host, port, ends):
    """What the process that tests a target would connect to."""
    request = postgres.request_for(Target(host=host, port=port, secrets={"password": "x"}))
    deadline_s = ends - time.monotonic() + connection_probe.LOGIN_S
    return connection_probe.reachable_address(replace(request, deadline_s=deadline_s))


def test_the_order_of_the_resolver_is_kept(resolve):
    resolve([*PUBLIC, PUBLIC[0]])

    assert connections.vetted_addresses("provider.example", 443) == PUBLIC


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("provider", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_some_addresses_are_refused_whatever_the_settings(resolve, address, provider, named):
    resolve([address])
    policy = connections.address_policy(provider=provider, named=named)

    with pytest.raises(http.Forbidden, match="No setting allows"):
        policy.vetted_addresses("evil.example", 443, soon())


@pytest.mark.parametrize("address", NEVER)
def test_no_target_is_there_whatever_the_settings(resolve, settings, address):
    resolve([address])
    settings.TARGET_NETWORKS = list(EVERYWHERE)

    with pytest.raises(http.Forbidden, match="No setting allows"):
        vetted_target("evil.example", 5432, soon())


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3"])
def test_a_target_in_a_private_network_needs_the_setting(resolve, settings, address):
    resolve(db_internal=[address])
    settings.TARGET_NETWORKS = []

    with pytest.raises(http.Forbidden, match="TARGET_NETWORKS does not name its network"):
        vetted_target("db.internal", 5432, soon())

    settings.TARGET_NETWORKS = ["10.0.0.0/8"]
    assert vetted_target("db.internal", 5432, soon()) == address


# Spellings of 127.0.0.1 that getaddrinfo takes (inet_aton's, and full-width digits by IDNA).
LOOPBACK = (
    *("127.1", "0x7f000001", "2130706433", "017700000001", "127.0.0.1.", "::ffff:127.0.0.1"),
    *("localhost", "localhost.", "LOCALHOST", "a.localhost", "\uff11\uff12\uff17.1"),
)


@pytest.mark.parametrize("host", LOOPBACK)
def test_an_address_is_known_without_dns_in_every_spelling(host):
    assert destinations.needs_no_dns(host)


@pytest.mark.parametrize("host", ["127.1.example", "localhost.example", "a" * 64, "0x7f.example"])
def test_a_name_is_no_address(host):
    assert not destinations.needs_no_dns(host)


@pytest.mark.parametrize(
    ("host", "canonical"),
    [
        ("DB.Example.COM", "db.example.com"),
        ("db.example.com.", "db.example.com"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("db.example.com..", "db.example.com."),
    ],
)
def test_a_host_is_known_in_every_spelling(host, canonical):
    assert destinations.canonical_host(host) == canonical


POSTGRESQL = {"ENGINE": "django.db.backends.postgresql"}
OWN = {
    "SIMULATOR_URL": "http://simulator.internal:8001",
    "REDIS_URL": "redis://redis.internal",
    "PUBLIC_URL": "https://admin.example",
}


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("database.internal", 6543),
        ("simulator.internal", 8001),
        ("redis.internal", 6379),
        ("admin.example", 443),
        ("alias.example", 443),
    ],
)
def test_targets_and_webhooks_never_reach_our_own_services(
    monkeypatch, resolve, settings, host, port
):
    resolve(
        database_internal=["10.0.0.1"],
        simulator_internal=["10.0.0.2"],
        redis_internal=["10.0.0.3"],
        admin_example=["104.16.1.1", "104.16.1.2"],
        alias_example=["93.184.216.34", "104.16.1.2"],
    )
    for name, value in OWN.items():
        setattr(settings, name, value)
    database = {**POSTGRESQL, "HOST": "database.internal", "PORT": 6543}
    monkeypatch.setitem(settings.DATABASES, "default", database)
    settings.TARGET_NETWORKS = list(EVERYWHERE)

    with pytest.raises(http.Forbidden, match=f"Port {port} of {host} is this server's own"):
        vetted_target(host, port, soon())
    with pytest.raises(http.Forbidden, match=f"Port {port} of {host} is this server's own"):
        connections.address_policy(provider=False, named=True).vetted_addresses(host, port, soon())
    assert vetted_target(host, port + 1, soon())


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9", "::1", "::ffff:127.0.0.1"])
def test_a_service_on_this_machine_is_refused_by_each_of_its_addresses(settings, address):
    settings.PUBLIC_URL, settings.PORT = "https://admin.example", 8765
    settings.TARGET_NETWORKS = list(EVERYWHERE)

    with pytest.raises(http.Forbidden, match="this server's own"):
        vetted_target(address, 8765, soon())


def test_a_service_that_dns_does_not_know_hinders_nobody(monkeypatch, settings):
    settings.PUBLIC_URL = "https://admin.example"

    def getaddrinfo(host, port, **kwargs):
        if host == "admin.example":
            raise socket.gaierror(socket.EAI_NONAME, "said by the test")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("104.16.1.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    assert connections.vetted_addresses("hooks.example", 443, provider=False) == ["104.16.1.1"]


def test_the_next_address_is_tried_when_one_fails(script, settings, resolve):
    """Nothing listens at 127.0.0.2: the scripted server is at 127.0.0.1 only."""
    script.say((200, {"fine": True}))
    port = script.url.rpartition(":")[2]
    resolve(["127.0.0.2", "127.0.0.1"])
    settings.PROVIDER_BASE_URLS = {"provider.example": f"http://proxy.internal:{port}"}

    assert http.get("https://provider.example/x").json() == {"fine": True}


def test_the_next_address_of_a_target_is_tried_when_one_fails(script, settings, resolve):
    resolve(["127.0.0.2", "127.0.0.1", "127.0.0.3"])
    settings.TARGET_NETWORKS = ["127.0.0.0/8"]
    port = int(script.url.rpartition(":")[2])

    assert vetted_target("db.internal", port, soon()) == "127.0.0.1"


@pytest.fixture
def silent_dns(monkeypatch):
    """A resolver that answers nothing until the test has ended. Returns whom it has answered."""
    over, answered = threading.Event(), []

    def hang(host, *args, **kwargs):
        over.wait(PATIENCE_S)
        answered.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, "said by the test")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield answered
    over.set()


def test_dns_that_hangs_is_inside_the_deadline_of_a_call(silent_dns):
    with pytest.raises(http.Unreachable, match="DNS does not answer in time"):
        http.get("https://provider.example/x", deadline_s=0.3)

    assert silent_dns == []


def test_dns_that_hangs_is_inside_the_deadline_of_a_target(silent_dns):
    with pytest.raises(http.Unreachable, match="DNS does not answer in time"):
        vetted_target("db.internal", 5432, soon(0.3))

    assert silent_dns == []


def test_addresses_share_one_deadline(monkeypatch, resolve):
    """An address that swallows packets leaves time for the next one, and none gets its own."""
    resolve(PUBLIC)
    asked = []

    def swallow(place, timeout=None, **kwargs):
        asked.append((place[0], timeout))
        time.sleep(timeout)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", swallow)

    with pytest.raises(http.Unreachable, match="did not answer within"):
        http.get("https://provider.example/x", deadline_s=1.5)

    # They have waited as long as they were told: more on a busy machine, never less.
    addresses, timeouts = zip(*asked, strict=True)
    assert list(addresses) == PUBLIC
    assert timeouts[0] <= 1.5 / 3
    assert sum(timeouts) <= 1.5


def test_a_webhook_does_not_reach_what_is_named_for_providers(script, settings):
    """Neither by a connection of its own nor by one that a provider's call has left open."""
    script.say((200, {}), (200, {}))
    settings.PROVIDER_BASE_URLS = {"provider.example": script.url}
    settings.SIMULATOR_URL = script.url
    assert http.get("https://provider.example/").ok

    with pytest.raises(http.Forbidden, match="WEBHOOK_BASE_URLS"):
        http.post(script.url, provider=False)

    assert len(script.seen) == 1


@pytest.mark.parametrize("host", ["hooks.example", "Hooks.EXAMPLE", "hooks.example."])
def test_another_base_is_called_for_every_spelling_of_its_host(settings, host):
    settings.WEBHOOK_BASE_URLS = {"hooks.example": "http://127.0.0.1:9"}

    assert http.rewrite_url(f"https://{host}/x", provider=False) == "http://127.0.0.1:9/x"


def test_a_webhook_reaches_a_private_address_that_is_named_for_it(script, settings):
    script.say((200, {}))
    settings.WEBHOOK_BASE_URLS = {"hooks.example": script.url}

    assert http.post("https://hooks.example/x", provider=False).ok


def test_vetting_needs_no_django():
    """The process that tests a target loads none of it."""
    module = destinations.__name__
    code = f"import sys, {module}; sys.exit(any(m.startswith('django') for m in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
