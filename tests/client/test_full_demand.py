"""End to end at full demand: the simulators count for themselves and never throttle.

Ten minutes of it: `FULL_DEMAND_S=600 python -m pytest tests/client/test_full_demand.py -s`.
"""

import os
import threading
import time
from collections import Counter

import httpx2
import pytest

from sequin_admin.client import Client, Pace
from sequin_admin.client.dialect import Dialect
from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits.models import set_limit
from tests.api.test_tokens import CALLS

TAKES_S = float(os.environ.get("FULL_DEMAND_S", "12"))
THREADS = 3
# Limits that the providers publish and the simulators enforce.
PUBLISHED = {
    "airtable_oauth2": Rate(allowed_requests=50, interval=1000, max_concurrent_requests=0),
    "hubspot_oauth2": Rate(allowed_requests=110, interval=10_000, max_concurrent_requests=0),
    "sendgrid_key": Rate(allowed_requests=600, interval=60_000, max_concurrent_requests=0),
    "shopify_oauth2": Rate(allowed_requests=40, interval=20_000, max_concurrent_requests=4),
    "stripe_key": Rate(allowed_requests=25, interval=1000, max_concurrent_requests=0),
    "marketo_client_credentials": Rate(
        allowed_requests=100, interval=20_000, max_concurrent_requests=10
    ),
}


@pytest.fixture
def client(live_server, api_key, in_redis):
    with Client(live_server.url, api_key) as client:
        yield client


@pytest.mark.parametrize("takes_s", [2, pytest.param(TAKES_S, marks=pytest.mark.faults)])
def test_no_simulator_ever_throttles_us(client, connected, takes_s):
    seen, threads = Counter(), []
    ready = threading.Barrier(len(PUBLISHED) * THREADS + 1)

    def work(slug, provider, credential):
        method, path = CALLS[provider]
        limits = httpx2.Limits(max_connections=THREADS)
        transport = credential.transport(httpx2.HTTPTransport(trust_env=False, limits=limits))
        dialect = Dialect(credential.token().dialect)
        with httpx2.Client(base_url=credential.base_url, transport=transport, timeout=30) as http:
            ready.wait()
            ends = time.monotonic() + takes_s
            while time.monotonic() < ends:
                answer = http.request(method, path)
                seen[slug, "throttled" if dialect.throttled(answer) else answer.status_code] += 1

    for slug, rate in PUBLISHED.items():
        row = connected(slug)
        set_limit(row, rate, actor=None)
        credential = client.credential(row.pk, Pace(patience_s=90))
        for _ in range(THREADS):
            args = (slug, row.provider, credential)
            threads.append(threading.Thread(target=work, args=args))
    for thread in threads:
        thread.start()
    ready.wait()
    for thread in threads:
        thread.join()

    print(dict(seen))
    assert {status for _, status in seen} == {200}
    for slug, rate in PUBLISHED.items():
        assert seen[slug, 200] >= min(rate.allowed_requests, takes_s)
