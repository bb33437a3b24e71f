"""Permits by API: granted, waited for, refused with a retry time, and released."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from sequin_admin.access import keys
from sequin_admin.access.models import Scope
from sequin_admin.api.credentials import permits
from sequin_admin.connect import credential_operations
from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits.models import set_limit
from sequin_admin.syncs import syncs
from tests.factories import make_credential


@pytest.fixture
def worker(make_client, organization):
    keys._cache.clear()
    return make_client(organization, Scope.PERMITS)


@pytest.fixture
def credential(organization):
    credential = make_credential(organization, "stripe_key")
    limit(credential, 3, 60_000)
    return credential


def limit(credential, allowed, interval, at_once=0):
    rate = Rate(allowed_requests=allowed, interval=interval, max_concurrent_requests=at_once)
    set_limit(credential, rate, actor=None)


def path_of(credential, ending=""):
    return f"/v1/credentials/{credential.pk}/permits{ending}"


def take(worker, credential, **body):
    return worker.post(path_of(credential), body)


def test_permits_are_given_until_the_limit_is_used_up(worker, credential):
    given = take(worker, credential, n=2).json()
    last = take(worker, credential, n=2).json()

    refused = take(worker, credential)

    assert (len(given["leases"]), len(last["leases"])) == (2, 1)
    assert refused.status_code == 429
    said = refused.json()
    assert 0 < said["retry_after_ms"] <= 60_000
    assert said["retry_after_ms"] / 1000 <= int(refused["Retry-After"]) <= 60
    assert "Ask again in" in said["summary"]


def test_in_redis_too(worker, credential, in_redis):
    leases = take(worker, credential, n=9).json()["leases"]

    assert len(leases) == 3
    assert take(worker, credential).status_code == 429


def test_a_place_comes_free_when_a_permit_comes_back(worker, credential):
    limit(credential, 100, 1000, at_once=1)
    [lease] = take(worker, credential).json()["leases"]
    assert take(worker, credential).status_code == 429

    assert worker.delete(path_of(credential, f"/{lease}")).status_code == 204

    assert take(worker, credential).status_code == 200


def test_one_trip_gives_back_and_takes(worker, credential):
    limit(credential, 100, 1000, at_once=1)
    [lease] = take(worker, credential).json()["leases"]

    again = take(worker, credential, releases=[{"lease": lease, "outcome": "ok"}])

    assert again.status_code == 200


def test_who_waits_is_answered_when_the_time_has_come(worker, credential):
    limit(credential, 1, 300)
    take(worker, credential)

    waited = take(worker, credential, wait_ms=5000)

    assert waited.status_code == 200
    assert waited.json()["took_ms"] >= waited.json()["age_ms"]


def test_too_long_a_wait_is_refused_at_once_and_keeps_its_place(worker, credential):
    take(worker, credential, n=3)

    first = take(worker, credential, wait_ms=100).json()
    again = take(worker, credential, wait_ms=100, ticket=first["ticket"]).json()

    assert again["ticket"] == first["ticket"] != ""


def test_a_throttled_call_stops_everybody(worker, credential):
    [lease] = take(worker, credential).json()["leases"]

    worker.delete(path_of(credential, f"/{lease}?outcome=throttled&retry_after_ms=30000"))

    refused = take(worker, credential)
    assert refused.status_code == 429
    assert 25_000 < refused.json()["retry_after_ms"] <= 30_000


def test_what_the_provider_says_is_left_only_tightens(worker, credential):
    leases = take(worker, credential, n=2).json()["leases"]
    told = [{"lease": lease, "remaining": 0, "reset_ms": 30_000} for lease in leases]

    live = worker.post(path_of(credential, "/release"), {"releases": told}).json()["live"]

    assert live == [True, True]
    assert 25_000 < take(worker, credential).json()["retry_after_ms"] <= 30_000


def test_a_permit_that_was_not_used_gives_its_place_back(worker, credential):
    leases = take(worker, credential, n=3).json()["leases"]

    worker.delete(path_of(credential, f"/{leases[0]}?outcome=unused"))

    assert take(worker, credential, n=3).json()["leases"] != []
    assert take(worker, credential).status_code == 429


def test_a_new_limit_counts_at_once(worker, credential):
    take(worker, credential, n=3)
    limit(credential, 5, 60_000)

    assert len(take(worker, credential, n=9).json()["leases"]) == 2


def test_a_lease_that_nobody_knows_is_no_error(worker, credential):
    assert worker.delete(path_of(credential, "/9.17.0.")).status_code == 204


def test_what_is_no_lease_is_not_there(worker, credential):
    assert worker.delete(path_of(credential, "/mine")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"n": 0},
        {"n": 1001},
        {"wait_ms": 10_001},
        {"lease_ms": 1},
        {"priority": "first"},
        {"ticket": "mine"},
        {"releases": [{"lease": "x"}]},
        {"nonsense": 1},
    ],
)
def test_odd_asks_are_told(worker, credential, body):
    assert take(worker, credential, **body).status_code == 422


def test_a_disabled_credential_gives_none(worker, credential, user):
    credential_operations.disable(credential, actor=user)

    refused = take(worker, credential)

    assert refused.status_code == 409
    assert "it gives no permits" in refused.json()["summary"]


def test_it_takes_the_scope_permits(make_client, organization, credential):
    reader = make_client(organization, Scope.READ, Scope.WRITE, Scope.SECRETS)

    assert take(reader, credential).status_code == 403


def test_a_strangers_credential_is_not_there(make_client, stranger, credential):
    theirs = stranger.memberships.get().organization

    assert take(make_client(theirs, Scope.PERMITS), credential).status_code == 404


def test_a_store_that_is_away_refuses_and_says_so(worker, credential, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"

    refused = take(worker, credential)

    assert refused.status_code == 503
    assert refused["Retry-After"] == "1"
    assert "nothing was granted" in refused.json()["summary"]


def test_a_store_that_is_away_may_leave_each_process_a_share(worker, credential, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    settings.LIMITER_FALLBACK_SHARE = 0.4

    assert len(take(worker, credential, n=3).json()["leases"]) == 1
    assert take(worker, credential).status_code == 429


def test_with_redis_one_query_is_asked(worker, credential, in_redis):
    take(worker, credential)

    with CaptureQueriesContext(connection) as queries:
        assert take(worker, credential).status_code == 200

    assert len(queries) == 1, [query["sql"] for query in queries]


def test_the_defaults_of_a_kind_hold_without_a_row(worker, organization):
    credential = make_credential(organization, "auth0_client_credentials")
    rate = type(credential).rate

    assert len(take(worker, credential, n=50).json()["leases"]) == rate.max_concurrent_requests


@pytest.mark.django_db(transaction=True)
def test_waiting_leaves_threads_for_others(worker, credential, monkeypatch):
    """With `LONG_POLLS` requests waiting, the next one is refused with a retry time."""
    take(worker, credential, n=3)
    for _ in range(permits.settings.LONG_POLLS):
        assert permits.long_polls.acquire(blocking=False)

    def ask(_):
        try:
            return take(worker, credential, wait_ms=10_000).json()["ticket"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        tickets = list(pool.map(ask, range(2)))

    for _ in range(permits.settings.LONG_POLLS):
        permits.long_polls.release()
    assert len(set(tickets)) == 2


def test_a_syncs_own_limit_holds_for_that_sync_and_leaves_the_rest_to_others(worker, credential):
    narrow = {"allowed_requests": 1, "interval": 60_000, "max_concurrent_requests": 0}
    sync = syncs.create(credential, actor=None, name="Slow", rate_limit=narrow)

    assert take(worker, credential, sync_id=str(sync.pk)).status_code == 200
    assert take(worker, credential, sync_id=str(sync.pk)).status_code == 429
    assert len(take(worker, credential, n=9).json()["leases"]) == 2


def test_a_disabled_sync_gets_no_permit(worker, credential):
    sync = syncs.create(credential, actor=None, name="Off")
    syncs.set_status(sync, "disabled", actor=None)

    refused = take(worker, credential, sync_id=str(sync.pk))

    assert refused.status_code == 409
    assert "Enable it" in refused.json()["summary"]


def test_the_sync_of_another_credential_is_not_known(worker, credential, organization):
    other = make_credential(organization, "stripe_key")
    sync = syncs.create(other, actor=None, name="Elsewhere")

    assert take(worker, credential, sync_id=str(sync.pk)).status_code == 404
