"""An API key's requests per minute never exceed its limit over all processes."""

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.limits import limiter, quota
from sequin_admin.limits.models import Quota
from sequin_admin.limits.requests import MINUTE
from sequin_admin.limits.stores import database
from tests.tokens.test_processes import database_url

PROCESSES = 8
NOW = 29_000_000 * MINUTE + MINUTE // 4


@pytest.fixture
def make_key(organization):
    def make(limit):
        made = {"name": "k", "scopes": ["read"], "actor": None}
        return keys.create(organization, requests_per_minute=limit, **made)[0]

    return make


@pytest.fixture
def at(monkeypatch):
    """Set the database's clock, so that no minute ends while a test counts in it."""

    def set_clock(now):
        monkeypatch.setattr(database, "database_time", lambda: now)

    set_clock(NOW)
    return set_clock


def granted(key):
    """How many requests this process is granted before it is refused."""
    count = 0
    while not quota.count_request(key).refused:
        count += 1
    return count


def as_another_process():
    quota._budgets.clear()


def test_each_request_counts_and_the_limit_is_the_last(make_key, at):
    key = make_key(50)

    spent = [quota.count_request(key) for _ in range(51)]

    assert [each.remaining for each in spent] == [*range(49, -1, -1), 0]
    assert [each.refused for each in spent] == [False] * 50 + [True]
    assert {each.limit for each in spent} == {50}
    assert all(40 < each.resets_s <= 45 for each in spent)


def test_hardly_any_request_asks_the_database(make_key, at):
    key = make_key(30_000)

    with CaptureQueriesContext(connection) as queries:
        for _ in range(10_000):
            quota.count_request(key)

    writes = [query for query in queries if query["sql"].startswith("UPDATE")]
    assert 0 < len(writes) <= 20


def test_who_is_refused_does_not_ask_again_and_again(make_key, at, django_assert_num_queries):
    key = make_key(5)
    granted(key)

    with django_assert_num_queries(0):
        assert all(quota.count_request(key).refused for _ in range(100))


def test_a_new_minute_begins_anew(make_key, at):
    key = make_key(20)
    assert granted(key) == 20

    at(NOW + MINUTE)
    as_another_process()

    assert granted(key) == 20


def test_what_was_left_of_a_block_ends_with_its_minute(make_key, at):
    key = make_key(1000)
    quota.count_request(key)
    quota._budgets[key.pk].ends = 0  # the minute is over by this process's clock

    at(NOW + MINUTE)

    assert granted(key) == 1000


def test_processes_share_one_count(make_key, at):
    key = make_key(100)

    for _ in range(10):
        quota.count_request(key)
        as_another_process()

    assert granted(key) <= 90


def test_quiet_processes_keep_little_from_a_busy_one(make_key, at):
    key = make_key(1000)

    for _ in range(7):
        quota.count_request(key)
        as_another_process()

    assert granted(key) >= 940


def test_a_changed_limit_holds_at_once(make_key, at):
    key = make_key(1000)
    for _ in range(100):
        quota.count_request(key)

    assert quota.count_request(keys.update(key, actor=None, requests_per_minute=10)).refused
    assert not quota.count_request(keys.update(key, actor=None, requests_per_minute=None)).refused


def test_keys_do_not_share(make_key, at):
    one, other = make_key(3), make_key(3)
    granted(one)

    assert granted(other) == 3


def test_while_redis_is_away_the_database_counts(make_key, at, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    key = make_key(10)

    assert granted(key) == 10
    assert Quota.objects.get(key=key).used == 10


@pytest.mark.django_db(transaction=True)
def test_threads_together_get_the_limit(make_key, at):
    key = make_key(500)

    def spend(_):
        try:
            return sum(not quota.count_request(key).refused for _ in range(100))
        finally:
            connection.close()

    with ThreadPoolExecutor(PROCESSES) as pool:
        counts = list(pool.map(spend, range(PROCESSES)))

    assert sum(counts) == 500


@pytest.fixture(params=["database", "redis"])
def spenders(request, settings):
    """Run processes until they are refused. Returns granted requests of each by minute."""
    if request.param == "redis":
        settings.REDIS_URL = request.getfixturevalue("redis_server").url
    return run_spenders


def run_spenders(key: ApiKey) -> list[Counter[str]]:
    connection.close()
    done = subprocess.run(
        [sys.executable, "-m", "tests.limits.spender", str(key.pk), str(PROCESSES)],
        cwd=ROOT,
        env={
            **inherited(),
            "DJANGO_SETTINGS_MODULE": "sequin_admin.settings",
            "DATABASE_URL": database_url(),
            "REDIS_URL": settings.REDIS_URL,
            "FIELD_ENCRYPTION_KEY": ",".join(settings.FIELD_ENCRYPTION_KEY),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [Counter(json.loads(line)) for line in done.stdout.splitlines()]


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", [5, 5000])
def test_processes_together_get_all_of_the_limit_and_no_more(spenders, make_key, limit):
    counts = spenders(make_key(limit))

    together = sum(counts, Counter())
    assert len(counts) == PROCESSES
    assert max(together.values()) <= limit
    # The rest of a block is lost at a minute's end, except in the last minute.
    assert together[max(together)] == limit


def test_both_stores_give_the_same_blocks(make_key, redis_server):
    """Also when the limit is lowered in between."""
    in_redis, in_database = limiter.store_at(redis_server.url), limiter.store_at("")
    asked = [(100, 8), (100, 50), (100, 50), (20, 8), (40, 1), (1, 1)]

    # Try again if a minute ended meanwhile.
    for _ in range(2):
        key = make_key(100)
        blocks = [
            (in_redis.take_block(key.pk, *each), in_database.take_block(key.pk, *each))
            for each in asked
        ]
        if len({block.minute for pair in blocks for block in pair}) == 1:
            break

    assert all((r.n, r.remaining) == (d.n, d.remaining) for r, d in blocks)
    assert all(abs(r.left - d.left) < MINUTE // 10 for r, d in blocks)
