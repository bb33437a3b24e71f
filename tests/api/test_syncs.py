"""/v1/syncs, /v1/consumers/postgres"""

import pytest

from sequin_admin.access.models import Scope
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.syncs import syncs
from sequin_admin.syncs.models import Consumer, Sync
from tests.factories import make_credential, sample_properties

URL, CONSUMERS = "/v1/syncs", "/v1/consumers/postgres"
INVOICES = {"provider": "stripe", "name": "Invoices", "collection_ids": ["stripe:invoice"]}


@pytest.fixture
def credential(organization):
    return make_credential(organization, "stripe_key", name="Arrakis")


@pytest.fixture
def invoices(credential):
    return {**INVOICES, "credential_id": str(credential.pk)}


def test_from_creation_to_deletion(api, invoices, credential):
    more = {"external_id": "org_1", "max_age_days": 7, "sync_frequency": "4h"}
    made = api.post(URL, {**invoices, **more, "metadata": {"plan": "pro"}})
    assert made.status_code == 201, made.content
    shown, one = made.json(), f"{URL}/{made.json()['id']}"

    assert shown["health"] == {"status": "healthy", "sync_id": shown["id"]}
    assert shown["credential"]["id"] == shown["credential_id"] == str(credential.pk)
    assert shown["credential"]["properties"]["secret"] == "***********"
    assert {name: shown[name] for name in more} == more
    assert (shown["status"], shown["initial_backfill_completed_at"]) == ("active", None)
    assert api.get(one).json() == shown
    assert api.patch(one, {"status": "disabled"}).json()["status"] == "disabled"
    assert api.delete(one).status_code == 204
    assert not Sync.objects.exists()


def test_null_takes_away_what_may_be_absent_and_leaves_the_rest(api, invoices):
    rate = {"allowed_requests": 1, "interval": 1000, "max_concurrent_requests": 1}
    made = api.post(URL, {**invoices, "rate_limit": rate, "max_age_days": 7}).json()
    assert made["rate_limit"] == rate

    kept = api.patch(f"{URL}/{made['id']}", {"name": None, "status": None}).json()
    cleared = api.patch(f"{URL}/{made['id']}", {"rate_limit": None, "max_age_days": None}).json()

    assert (kept["name"], kept["max_age_days"]) == ("Invoices", 7)
    assert cleared["max_age_days"] is None
    assert cleared["rate_limit"] == made["credential"]["rate_limit"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"credential_id": None}, "credential_id"),
        ({"credential_id": "7b0a9d0e-0000-4000-8000-000000000000"}, "credential_id"),
        ({"provider": "hubspot", "collection_ids": []}, "provider"),
        ({"collection_ids": ["hubspot:contact"]}, "collection_ids"),
        ({"sync_frequency": "often"}, "sync_frequency"),
        ({"max_age_days": 0}, "max_age_days"),
        (
            {
                "rate_limit": {
                    "allowed_requests": 1000,
                    "interval": 100,
                    "max_concurrent_requests": 0,
                }
            },
            "rate_limit.allowed_requests",
        ),
    ],
)
def test_what_is_wrong_is_named(api, invoices, change, path):
    answer = api.post(URL, {**invoices, **change})

    assert answer.status_code == 422
    assert path in answer.json()["validation_errors"]
    assert not Sync.objects.exists()


@pytest.mark.parametrize("fixed", ["credential_id", "provider", "credential"])
def test_credential_and_provider_can_not_change(api, invoices, fixed):
    made = api.post(URL, invoices).json()

    answer = api.patch(f"{URL}/{made['id']}", {fixed: made[fixed]})

    assert fixed in answer.json()["validation_errors"]


def test_a_credential_may_come_along(api):
    sent = {"properties": sample_properties(kinds.get("stripe_key")), "metadata": {"a": 1}}

    made = api.post(URL, {**INVOICES, "credential": sent})

    assert made.status_code == 201, made.content
    assert made.json()["credential"]["metadata"] == {"a": 1}
    assert made.json()["credential_id"] == str(Credential.objects.get().pk)


def test_nothing_is_imported_for_a_sync_that_can_not_be(api):
    sent = {"properties": sample_properties(kinds.get("stripe_key"))}
    asked = {**INVOICES, "collection_ids": ["nonsense"], "credential": sent}

    assert api.post(URL, asked).status_code == 422
    assert not Credential.objects.exists()


def test_filters_find_what_they_say(api, organization, credential):
    one = syncs.create(credential, actor=None, name="One", external_id="a", metadata={"n": 1})
    two = syncs.create(credential, actor=None, name="Two")
    syncs.set_status(two, "disabled", actor=None)
    Sync.objects.filter(pk=two.pk).update(health_status="customer_intervention")
    hubspot = make_credential(organization, "stripe_key", name="Other", identity="other")
    syncs.create(hubspot, actor=None, name="Three")

    def found(**query):
        return {row["name"] for row in api.get(URL, **query).json()["data"]}

    assert found(provider="stripe") == {"One", "Two", "Three"}
    assert found(provider="hubspot") == set()
    assert found(status="disabled") == {"Two"} == found(search="tw")
    assert found(**{"health.status": "customer_intervention"}) == {"Two"}
    assert found(external_id="a") == {"One"} == found(metadata='{"n": 1}') == found(name="One")
    assert found(credential_id=str(hubspot.pk)) == {"Three"}
    assert api.get(URL, limit=2).json()["next_cursor"]
    assert one.pk


def test_lists_ask_the_database_little(api, credential, django_assert_max_num_queries):
    for number in range(20):
        syncs.create(credential, actor=None, name=f"Sync {number}")

    with django_assert_max_num_queries(3):
        assert len(api.get(URL).json()["data"]) == 20


def test_a_report_is_kept_and_says_whose_move_it_is(api, invoices):
    one = f"{URL}/{api.post(URL, invoices).json()['id']}"
    error = {"owner": "customer", "code": "plan", "message": "The plan has no API."}

    first = api.post(
        f"{one}/report", {"rows": 10, "lag_s": 1.5, "initial_backfill_completed": True}
    )
    assert first.status_code == 200, first.content
    second = api.post(f"{one}/report", {"rows": 5, "error": error}).json()

    assert first.json()["status"] == "healthy"
    assert (second["rows_total"], second["lag_s"]) == (15, 1.5)
    assert second["status"] == "customer_intervention"
    assert "The plan has no API." in second["note"]
    # The healthy share is of a few milliseconds and changes with each.
    assert {**api.get(f"{one}/health").json(), "uptime": None} == {**second, "uptime": None}
    assert api.get(one).json()["initial_backfill_completed_at"]
    assert api.post(f"{one}/report", {}).json()["status"] == "healthy"


def test_a_key_that_only_reads_reports_nothing(make_client, organization, credential):
    sync = syncs.create(credential, actor=None, name="One")

    answer = make_client(organization, Scope.READ).post(f"{URL}/{sync.pk}/report", {})

    assert answer.status_code == 403


def test_strangers_find_nothing(make_client, stranger, credential):
    sync = syncs.create(credential, actor=None, name="One")
    theirs = make_client(stranger.organizations.get(), *Scope)

    assert theirs.get(f"{URL}/{sync.pk}").status_code == 404
    assert theirs.post(f"{URL}/{sync.pk}/report", {}).status_code == 404
    asked = {**INVOICES, "credential_id": str(credential.pk)}
    assert theirs.post(URL, asked).status_code == 422


def test_a_credential_in_use_answers_409_and_names_who(api, invoices, credential):
    api.post(URL, invoices)

    answer = api.delete(f"/v1/credentials/{credential.pk}")

    assert answer.status_code == 409
    assert "Invoices" in answer.json()["summary"]


@pytest.fixture
def target(api):
    place = {"host": "db.test", "database": "d", "username": "u", "password": "p"}
    made = api.post("/v1/targets/postgres", {"name": "Warehouse", "connection": place})
    return made.json()["id"]


def test_a_consumer_from_creation_to_deletion(api, invoices, target):
    sync = api.post(URL, invoices).json()["id"]
    made = api.post(CONSUMERS, {"name": "Nightly", "syncs": [sync], "target_id": target})
    assert made.status_code == 201, made.content
    one = f"{CONSUMERS}/{made.json()['id']}"

    assert made.json()["syncs"] == [sync]
    assert made.json()["active"] is True
    assert api.get(one).json() == made.json()
    assert api.delete(f"{URL}/{sync}").status_code == 409
    assert api.patch(one, {"syncs": ["*"], "active": False}).json()["syncs"] == ["*"]
    assert api.delete(f"{URL}/{sync}").status_code == 204
    assert api.delete(one).status_code == 204


def test_consumers_are_found_by_what_they_read_and_write(api, invoices, target):
    first, second = (api.post(URL, invoices).json()["id"] for _ in range(2))
    for name, chosen in (("one", [first]), ("all", ["*"]), ("none", [])):
        api.post(CONSUMERS, {"name": name, "syncs": chosen, "target_id": target})
    Consumer.objects.filter(name="none").update(disabled_at="2026-11-23T12:00:00Z")

    def found(**query):
        return {row["name"] for row in api.get(CONSUMERS, **query).json()["data"]}

    assert found(sync_id=first) == {"one", "all"}
    assert found(sync_id=second) == {"all"}
    assert found(active="false") == {"none"}
    assert found(target_id=target) == {"one", "all", "none"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"syncs": ["nonsense"]}, "syncs.0"),
        ({"syncs": ["*", "7b0a9d0e-0000-4000-8000-000000000000"]}, "syncs.0"),
        ({"target_id": "7b0a9d0e-0000-4000-8000-000000000000"}, "target_id"),
    ],
)
def test_a_consumer_of_what_is_not_ours_is_refused(api, target, change, path):
    answer = api.post(CONSUMERS, {"name": "x", "syncs": ["*"], "target_id": target, **change})

    assert answer.status_code == 422
    assert path in answer.json()["validation_errors"]


def test_a_refused_sync_keeps_nothing_of_the_credential_sent_along(api, organization):
    """Neither a new credential nor a change of one that is here."""
    known = make_credential(organization, "checkout_champ_password")
    over = {"allowed_requests": 1000, "interval": 100, "max_concurrent_requests": 0}
    sent = sample_properties(kinds.get("checkout_champ_password"), "another")
    body = {"provider": "checkout_champ", "name": "Orders", "rate_limit": over}
    body["collection_ids"] = ["checkout_champ:order"]

    for properties in (sent, {**sent, "login_id": "unknown"}):
        refused = api.post(URL, {**body, "credential": {"properties": properties}})

        assert refused.status_code == 422
        assert list(refused.json()["validation_errors"]) == ["rate_limit.allowed_requests"]
    assert Credential.objects.get().secrets == known.secrets
    assert not Sync.objects.exists()
