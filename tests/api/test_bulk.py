"""POST /v1/credentials/bulk: all or none, without calls to providers."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.audit.models import Event
from sequin_admin.core import clock, http
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probe_claims
from sequin_admin.notifications.models import Delivery
from sequin_admin.tokens.models import Token
from tests.factories import make_credential, make_oauth_app, sample_properties

ONE = "/v1/credentials"
URL = f"{ONE}/bulk"


def key(number, **more):
    secret = f"sk_test_{number:06}"
    properties = {"kind": "stripe_key", "name": f"Account {number}", "secret": secret, "test": True}
    return {"properties": {**properties, **more}}


def login(name, **more):
    """A kind whose account is known without a call to the provider."""
    properties = {"kind": "checkout_champ_password", "login_id": name, "password": "hush"}
    return {"properties": {**properties, **more}}


def send(api, *items, **more):
    return api.post(URL, {"credentials": list(items), **more})


@pytest.fixture
def nobody_is_asked(monkeypatch):
    monkeypatch.setattr(http, "request", lambda *args, **kwargs: pytest.fail("a provider asked"))


def test_every_kind_at_once_and_once_more(api, nobody_is_asked):
    items = [{"properties": sample_properties(kind)} for kind in kinds.all()]

    first = send(api, *items)
    second = send(api, *items)

    assert first.status_code == 200, first.content
    ids = [row["id"] for row in first.json()["data"]]
    assert [(row["index"], row["result"]) for row in first.json()["data"]] == [
        (index, "created") for index in range(len(items))
    ]
    assert (first.json()["created"], first.json()["updated"]) == (len(items), 0)
    assert [row["id"] for row in second.json()["data"]] == ids
    assert (second.json()["created"], second.json()["updated"]) == (0, len(items))
    stored = {str(row.pk): row for row in Credential.objects.all()}
    for pk, item in zip(ids, items, strict=True):
        # ServiceNow's also tells when its refresh token ends at the latest.
        kept = stored[pk].properties_with(stored[pk].secrets)
        assert item["properties"].items() <= kept.items()


def test_it_stores_what_a_single_import_stores(api, organization):
    app = make_oauth_app(organization, "hubspot")
    sent = {
        "properties": sample_properties(kinds.get("hubspot_oauth2")),
        "name": "Spice",
        "oauth_app_id": str(app.pk),
        "metadata": {"plan": "pro"},
        "rate_limit": {"allowed_requests": 7, "interval": 1000, "max_concurrent_requests": 0},
    }

    pk = send(api, sent).json()["data"][0]["id"]

    shown = api.get(f"{ONE}/{pk}").json()
    assert (shown["name"], shown["metadata"]) == ("Spice", {"plan": "pro"})
    assert (shown["rate_limit"], shown["oauth_app_id"]) == (sent["rate_limit"], str(app.pk))
    assert Token.objects.get(credential=pk).refresh_at <= clock.now()
    assert api.post(ONE, sent).json()["id"] == pk


def test_each_is_probed_by_the_worker_soon_after(api):
    send(api, key(1), login("leto"))

    assert len(probe_claims.claim_due(10)) == 2


def test_each_is_audited_and_told_to_webhooks(api, make_channel):
    make_channel()
    send(api, login("leto"), login("paul"))
    send(api, login("leto", password="other"))

    actions = list(Event.objects.order_by("id").values_list("action", "target", "actor_type"))
    told = list(Delivery.objects.order_by("id").values_list("type", "notice__data__name"))
    expected = [("created", "leto"), ("created", "paul"), ("updated", "leto")]
    assert actions[-3:] == [(f"credential.{what}", name, "apikey") for what, name in expected]
    assert told == [(f"credential.{what}", name) for what, name in expected]
    assert "hush" not in str([e.details for e in Event.objects.all()])


def test_of_an_existing_one_only_what_is_given_changes(api):
    first = api.post(ONE, {**login("leto"), "name": "Duke", "metadata": {"plan": "pro"}}).json()

    send(api, login("leto", password="other"))

    row = Credential.objects.get()
    assert (str(row.pk), row.name, row.metadata) == (first["id"], "Duke", {"plan": "pro"})
    assert row.secrets["password"] == "other"


def test_the_same_key_is_found_though_its_account_was_read_meanwhile(api):
    pk = send(api, key(1)).json()["data"][0]["id"]
    row = Credential.objects.get()
    row.properties = {**row.properties, "account_id": "acct_1"}
    row.identity = row.identity_of(row.properties)
    row.save()

    again = send(api, key(1, name="Renamed")).json()["data"][0]

    assert again == {"index": 0, "id": pk, "result": "updated"}
    row = Credential.objects.get()
    assert row.properties["account_id"] == "acct_1"
    assert (row.identity, row.properties["name"]) == ("acct_1 True", "Renamed")


def test_the_same_key_is_found_when_its_account_is_told_now(api):
    pk = send(api, key(1)).json()["data"][0]["id"]

    again = send(api, key(1, account_id="acct_1")).json()["data"][0]

    assert (again["id"], again["result"]) == (pk, "updated")
    assert Credential.objects.get().identity == "acct_1 True"


def test_the_same_key_said_to_be_of_another_account_is_another_credential(api):
    send(api, key(1, account_id="acct_1"))

    assert send(api, key(1, account_id="acct_2")).json()["created"] == 1


def test_passwords_that_are_alike_are_no_sign_of_one_account(api):
    assert send(api, login("leto"), login("paul")).json()["created"] == 2
    assert not Credential.objects.exclude(secrets_digest="").exists()


def test_through_another_app_it_is_another_credential(api, organization):
    app = make_oauth_app(organization, "airtable")
    sent = {"properties": sample_properties(kinds.get("airtable_oauth2"))}

    answer = send(api, sent, {**sent, "oauth_app_id": str(app.pk)})

    assert answer.json()["created"] == 2


def test_another_organizations_are_not_touched(api, make_client, stranger):
    theirs = make_client(stranger.organizations.get())
    send(theirs, login("leto"), key(1))

    assert send(api, login("leto"), key(1)).json()["created"] == 2


@pytest.mark.parametrize(
    "duplicates",
    [
        (login("leto"), login("leto", password="other")),
        (key(1), key(1, name="Renamed")),
        (key(1), key(1, account_id="acct_1")),
        (key(1, account_id="acct_1"), key(2, account_id="acct_1")),
    ],
    ids=["account", "key", "key and account", "two keys of one account"],
)
def test_the_same_account_twice_is_refused_with_both_places(api, duplicates):
    answer = send(api, key(0), duplicates[0], key(9), duplicates[1])

    assert answer.status_code == 422
    (path, said), *more = answer.json()["validation_errors"].items()
    assert (path, more) == ("credentials.3", [])
    assert "credentials.1 and credentials.3" in said[0]
    assert not Credential.objects.exists()


def test_two_keys_that_lead_to_one_stored_credential_are_refused(api):
    api.post(ONE, key(1, account_id="acct_1"))

    answer = send(api, key(1), key(2, account_id="acct_1"))

    assert list(answer.json()["validation_errors"]) == ["credentials.1"]


def test_each_mistake_is_named_by_its_place_and_nothing_is_stored(api, organization):
    app = make_oauth_app(organization, "hubspot")
    good = key(1)

    answer = send(
        api,
        good,
        key(2, secret="not-a-stripe-secret"),
        {"properties": {"secret": "x"}},
        {**key(4), "colour": "blue"},
        {**key(5), "rate_limit": {"allowed_requests": 0}},
    )

    assert answer.status_code == 422
    assert set(answer.json()["validation_errors"]) == {
        "credentials.1.properties.secret",
        "credentials.2.properties.kind",
        "credentials.3.colour",
        "credentials.4.rate_limit.allowed_requests",
        "credentials.4.rate_limit.interval",
        "credentials.4.rate_limit.max_concurrent_requests",
    }
    assert "not-a-stripe-secret" not in answer.content.decode()
    answer = send(api, good, login("leto", password=""), {**key(3), "oauth_app_id": str(app.pk)})
    assert set(answer.json()["validation_errors"]) == {
        "credentials.1.properties.password",
        "credentials.2.oauth_app_id",
    }
    assert not Credential.objects.exists()


def test_a_failure_on_the_way_stores_nothing(api, monkeypatch):
    api.client.raise_request_exception = False

    def full(*args, **kwargs):
        raise OSError("No space left on device.")

    monkeypatch.setattr(Event.objects, "bulk_create", full)

    assert send(api, key(1), login("leto")).status_code == 500
    assert not Credential.objects.exists()


def test_a_dry_run_tells_and_stores_nothing(api, make_channel):
    make_channel()
    api.post(ONE, login("leto"))
    before = (Event.objects.count(), Delivery.objects.count())

    answer = send(api, login("leto", password="other"), key(1), dry_run=True)

    told = answer.json()
    marks = [row.pop("accounts") for row in told["data"]]
    assert told == {
        "data": [
            {"index": 0, "id": None, "result": "updated"},
            {"index": 1, "id": None, "result": "created"},
        ],
        "created": 1,
        "updated": 1,
    }
    assert all(marks)
    assert not {*marks[0]} & {*marks[1]}
    assert "leto" not in str(marks)
    assert Credential.objects.get().secrets["password"] == "hush"
    assert (Event.objects.count(), Delivery.objects.count()) == before


def test_two_ways_to_name_one_account_share_a_mark(api):
    """By the token that it had once, and by its identity: neither has what the other has."""
    kind, first = kinds.get("airtable_oauth2"), {"airtable_uid": "usrPaul", "refresh_token": "one"}
    sample = sample_properties(kind) | {"airtable_uid": None}
    api.post(ONE, {"properties": {**sample, **first}})
    rows = [{"refresh_token": "one"}, {**first, "refresh_token": "two"}, {"refresh_token": "three"}]

    marks = [
        {*send(api, {"properties": sample | row}, dry_run=True).json()["data"][0]["accounts"]}
        for row in rows
    ]

    assert marks[0] & marks[1]
    assert not marks[2] & (marks[0] | marks[1])


def test_a_dry_run_refuses_what_would_be_refused(api):
    assert send(api, key(1), key(1), dry_run=True).status_code == 422
    assert send(api, key(1, secret="x"), dry_run=True).status_code == 422


@pytest.mark.parametrize("count", [0, 1001])
def test_there_must_be_some_and_not_too_many(api, count):
    answer = send(api, *map(key, range(count)))

    assert answer.status_code == 422
    assert list(answer.json()["validation_errors"]) == ["credentials"]


def test_a_thousand_with_long_keys_and_metadata_fit(api):
    sample = sample_properties(kinds.get("netsuite_client_credentials"))
    note = {"note": "x" * 5500}
    items = [{"properties": {**sample, "client_id": f"{n}"}, "metadata": note} for n in range(1000)]

    answer = send(api, *items, dry_run=True)

    assert answer.status_code == 200, answer.content[:300]
    assert answer.json()["created"] == 1000


def test_new_ones_take_no_query_each(api):
    """Counted in queries, because times depend on the machine."""
    counts = []
    for start, end in [(0, 5), (10, 60)]:
        with CaptureQueriesContext(connection) as asked:
            assert send(api, *map(key, range(start, end))).json()["created"] == end - start
        counts.append(len(asked))

    # SQLite limits the number of values in one query.
    assert counts[1] - counts[0] <= 5


def test_one_that_is_disabled_stays_so(api, organization):
    make_credential(organization, "stripe_key", disabled_at=clock.now())
    sent = {"properties": {**sample_properties(kinds.get("stripe_key")), "name": "Renamed"}}

    assert send(api, sent).json()["updated"] == 1
    assert Credential.objects.get().disabled_at
