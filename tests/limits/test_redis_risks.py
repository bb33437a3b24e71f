"""Settings of Redis with which it may forget permits."""

import uuid

import pytest
import structlog

from sequin_admin.limits import limiter
from sequin_admin.limits.requests import MS, LimiterRequest
from sequin_admin.limits.stores import Unavailable
from sequin_admin.limits.stores.redis import RedisStore
from sequin_admin.limits.window import Limit
from tests.redis_server import DURABLE, RedisServer, know_for_long

ASK = LimiterRequest(Limit(5, 1000 * MS))
EVICTS = (*DURABLE, "--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--appendonly", "no"), "keeps no append-only file"),
        (EVICTS, "maxmemory-policy volatile-lru"),
    ],
)
def test_a_server_that_may_forget_is_refused_unless_that_is_allowed(options, sentence, settings):
    with RedisServer(*options) as server:
        know_for_long(server)
        settings.REDIS_URL = server.url
        store = RedisStore(server.url)

        with pytest.raises(Unavailable, match=sentence) as refused:
            store.acquire(uuid.uuid4(), ASK)
        assert "REDIS_MAY_FORGET" in str(refused.value)
        with structlog.testing.capture_logs() as logs:
            limiter.log_risks()
        assert [sentence in line["reason"] for line in logs] == [True]
        assert logs[0]["reason"].startswith("No permits are granted")

        settings.REDIS_MAY_FORGET = True
        assert store.acquire(uuid.uuid4(), ASK).leases
        (said,) = limiter.describe_risks()
        assert sentence in said
        assert not said.startswith("No permits")


def test_what_a_managed_server_forbids_to_ask_is_said_and_not_refused(settings):
    forbidden = [part for name in ("INFO", "CONFIG") for part in ("--rename-command", name, "")]
    with RedisServer(*DURABLE, *forbidden) as server:
        know_for_long(server)
        settings.REDIS_URL = server.url

        (said,) = limiter.describe_risks()

        assert "does not tell all of its settings" in said
        assert RedisStore(server.url).acquire(uuid.uuid4(), ASK).leases


def test_a_server_that_keeps_all_has_no_risk_and_its_settings_are_asked_once(in_redis):
    store = RedisStore(in_redis.url)
    asked = []
    read, store.watch.read = store.watch.read, lambda: asked.append(1) or read()

    assert limiter.describe_risks() == []
    for _ in range(3):
        store.acquire(uuid.uuid4(), ASK)

    assert asked == [1]


def test_settings_that_were_known_count_while_the_server_does_not_answer(in_redis):
    store = RedisStore(in_redis.url)
    assert store.watch.risks() == []

    def read():
        raise Unavailable("Redis could not be asked: TimeoutError.")

    store.watch.read, store.watch.ask_at = read, 0

    assert store.watch.risks() == []
