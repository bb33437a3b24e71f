"""The primary stops answering and its standby is promoted, under load."""

import io
import signal
import threading
import time
from contextlib import ExitStack

import httpx2
import pytest

from sequin_admin.tools.supervisor import Supervisor, free_port, gunicorn
from tests.patience import PATIENCE_S
from tests.postgres_cluster import (
    PgBouncer,
    database_url,
    environment,
    query,
    run_python,
    wait_until,
)

pytestmark = pytest.mark.faults
# What the issue asks for, from the promotion on.
BACK_IN_S = 30
DOMAIN = "arrakis.us.auth0.com"
MAKE_KEY = """
import django; django.setup()
from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
organization, _ = Organization.objects.get_or_create(name="Arrakis", slug="arrakis")
print(keys.create(organization, name="test", scopes=[Scope.READ, Scope.WRITE], actor=None)[1])
"""
DUE = "UPDATE tokens_token SET refresh_at = now() - interval '1 s', next_try_at = NULL"
VERSION = "SELECT version FROM tokens_token"


class Writer(threading.Thread):
    """Counts up in a credential's metadata. `acknowledged`: the last count that got a 200.
    `fault`: what a client must never get, in words."""

    def __init__(self, http, path):
        super().__init__()
        self.http, self.path = http, path
        self.acknowledged = 0
        self.times = []
        self.fault = None
        self.stopped = threading.Event()

    def run(self):
        count = 0
        while not self.fault and not self.stopped.wait(0.02):
            count += 1
            began = time.monotonic()
            try:
                answer = self.http.patch(self.path, json={"metadata": {"count": str(count)}})
            except httpx2.TransportError as error:
                self.fault = f"{error!r} after {time.monotonic() - began:.1f} s"
                continue
            if answer.status_code == 200:
                self.acknowledged = count
                self.times.append(time.monotonic())
            elif answer.status_code != 503:
                self.fault = f"{answer.status_code} {answer.text}"

    def has_written(self, more_than):
        """Raises `AssertionError` with the fault, if there was one."""
        assert not self.fault, self.fault
        return self.acknowledged > more_than


@pytest.fixture
def supervisor():
    supervisor = Supervisor(io.StringIO())
    yield supervisor
    supervisor.stop()


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=["several hosts", "PgBouncer"])
def servers(request, cluster):
    """A primary with a standby, the address of both, and what is to be done at a promotion."""
    primary = cluster.copy().start()
    standby = primary.start_standby()
    hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
    bouncer = PgBouncer(primary.port) if request.param == "PgBouncer" else None

    def promoted():
        if bouncer:
            bouncer.point_to(standby.port)
            bouncer.tell("RELOAD")

    url = f"postgresql://postgres@{hosts}/sequin" if bouncer is None else database_url(bouncer.port)
    yield primary, standby, url, promoted
    if bouncer:
        bouncer.stop()
    primary.kill()
    standby.kill()


def test_after_a_promotion_requests_and_renewals_go_on(servers, supervisor, simulator, stack):
    primary, standby, url, promoted = servers
    key = run_python(primary.url(), "-c", MAKE_KEY)
    port, known = free_port(), environment(url, SIMULATOR_URL=simulator.url)
    supervisor.start("web", gunicorn("sequin_admin.wsgi", port, 4), known)
    supervisor.start("worker", ["-u", "manage.py", "worker"], known)
    supervisor.wait_for("web", f"http://127.0.0.1:{port}/readyz", 120)
    base, headers = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {key}"}
    http = stack.enter_context(
        httpx2.Client(base_url=base, headers=headers, timeout=PATIENCE_S, trust_env=False)
    )
    app = simulator.app("auth0", DOMAIN)
    secrets = {name: app[name] for name in ("client_id", "client_secret")}
    properties = {"kind": "auth0_client_credentials", "domain": DOMAIN, **secrets}
    made = http.post("/v1/credentials", json={"properties": properties})
    assert made.status_code in (200, 201), made.text
    writer = Writer(http, f"/v1/credentials/{made.json()['id']}")
    writer.start()
    try:
        wait_until(lambda: primary.sql(VERSION, "sequin") and writer.has_written(5))

        primary.signal(signal.SIGSTOP)
        standby.promote()
        began, acknowledged = time.monotonic(), writer.acknowledged
        promoted()
        [(version,)] = standby.sql(VERSION, "sequin")
        standby.sql(DUE, "sequin")
        wait_until(lambda: standby.sql(VERSION, "sequin")[0][0] > version)
        renewed_s = time.monotonic() - began
        wait_until(lambda: writer.has_written(acknowledged))
        answered_s = next(at for at in writer.times if at > began) - began
    finally:
        writer.stopped.set()
        writer.join()

    print(f"renewed {renewed_s:.1f} s, answered {answered_s:.1f} s after the promotion")
    assert max(renewed_s, answered_s) < BACK_IN_S, (renewed_s, answered_s)
    metadata = "SELECT metadata->>'count' FROM credentials_credential"
    [(count,)] = query(standby.port, metadata, "sequin")
    assert int(count) >= writer.acknowledged >= acknowledged
