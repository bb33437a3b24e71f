"""/v1/usage and /v1/credentials/{id}/usage"""

import pytest

from sequin_admin.access.models import Scope
from sequin_admin.core import clock
from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits import limiter, sampling
from sequin_admin.limits.models import set_limit
from tests.factories import make_credential

URL = "/v1/usage"
RATE = {"allowed_requests": 20, "interval": 600_000, "max_concurrent_requests": 0}


@pytest.fixture
def busy(organization):
    """One credential with 17 of 20 calls used, and an unused one."""
    make_credential(organization, "sendgrid_key", name="Idle")
    credential = make_credential(organization, "stripe_key", name="Busy")
    set_limit(credential, Rate(**RATE), actor=None)
    for _ in range(17):
        limiter.acquire(credential)
    sampling.record_samples()
    return credential


def test_use_is_listed_by_credential(api, busy):
    first, second = api.get(URL).json()["data"]

    assert (first["name"], second["name"]) == ("Busy", "Idle")
    assert first["rate_limit"] == RATE
    assert first["now"] == {"used": 17, "under_way": 17, "waiting": 0, "paused_for_ms": 0}
    assert first["lately"] == {"granted": 17, "throttled": 0, "share": 0.85, "hot": True}
    assert second["now"]["used"] == 0
    assert second["lately"]["hot"] is False


def test_those_near_their_limit_are_found(api, busy):
    assert [row["name"] for row in api.get(URL, hot="true").json()["data"]] == ["Busy"]
    assert [row["name"] for row in api.get(URL, provider="sendgrid").json()["data"]] == ["Idle"]
    assert [row["name"] for row in api.get(URL, kind="stripe_key").json()["data"]] == ["Busy"]
    assert [row["name"] for row in api.get(URL, search="bus").json()["data"]] == ["Busy"]


def test_one_is_shown_with_its_past(api, busy):
    shown = api.get(f"/v1/credentials/{busy.pk}/usage").json()

    assert shown["now"]["used"] == 17
    assert len(shown["minutes"]) == 60
    assert len(shown["hours"]) == 168
    assert sum(point["granted"] for point in shown["minutes"]) == 17
    assert sum(point["granted"] for point in shown["hours"]) == 17


def test_the_sums_of_the_hour_and_the_day_sort_the_list(api, busy):
    for sort, names in (("-hour_share", ["Busy", "Idle"]), ("day_share", ["Idle", "Busy"])):
        first = api.get(URL, sort=sort, limit=1).json()
        rest = api.get(URL, sort=sort, limit=1, cursor=first["next_cursor"]).json()
        assert [row["name"] for row in first["data"] + rest["data"]] == names
        assert rest["next_cursor"] is None

    (row,) = api.get(URL, sort="-hour_share", kind="stripe_key").json()["data"]
    assert row["hour"] == {"granted": 17, "refused": 0, "throttled": 0, "share": 0.1417}
    assert row["day"]["share"] == 0.0059
    assert row["resets_at"]


def test_what_was_used_is_told_while_the_store_is_away(api, busy, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    shown = api.get(f"/v1/credentials/{busy.pk}/usage").json()

    assert shown["now"] is None
    assert shown["lately"]["granted"] == 17


def test_disabled_credentials_are_left_out(api, organization, busy):
    make_credential(organization, "stripe_key", name="Off", identity="o", disabled_at=clock.now())

    assert "Off" not in [row["name"] for row in api.get(URL).json()["data"]]


def test_a_list_takes_as_many_queries_for_many_rows(
    api, organization, django_assert_max_num_queries
):
    for number in range(20):
        make_credential(organization, "stripe_key", identity=str(number))

    with django_assert_max_num_queries(6):
        assert len(api.get(URL).json()["data"]) == 20


def test_a_limit_is_told_in_words_before_it_is_set(api):
    rate = {"allowed_requests": 100, "interval": 500, "max_concurrent_requests": 4}

    told = api.post(f"{URL}/pace", {"rate_limit": rate, "records": 1_000_000}).json()

    assert told["pace"] == "200 per second"
    assert "Did you mean 500,000 ms?" in told["doubt"]
    assert told["plan"].startswith("1,000,000 records at 100 per call are 10,000 calls.")
    assert api.post(f"{URL}/pace", {"rate_limit": RATE}).json()["plan"] == ""


@pytest.mark.parametrize("interval", [1, True, "soon"])
def test_a_limit_that_can_not_be_is_refused(api, interval):
    answer = api.post(f"{URL}/pace", {"rate_limit": {**RATE, "interval": interval}})

    assert list(answer.json()["validation_errors"]) == ["rate_limit.interval"]


def test_those_of_others_do_not_exist(make_client, stranger, busy):
    theirs = make_client(stranger.organizations.get())

    assert theirs.get(URL).json()["data"] == []
    assert theirs.get(f"/v1/credentials/{busy.pk}/usage").status_code == 404


def test_reading_takes_the_scope_read(make_client, organization, busy):
    writes = make_client(organization, Scope.WRITE)

    assert writes.get(URL).status_code == 403
    assert writes.post(f"{URL}/pace", {"rate_limit": RATE}).status_code == 403
