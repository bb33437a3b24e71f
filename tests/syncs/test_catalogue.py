"""Collections: predefined ones, and those read from the account by a worker."""

import pytest

from sequin_admin.credentials import kinds
from sequin_admin.credentials.collections import collection_schema
from sequin_admin.syncs import catalogue
from sequin_admin.syncs.models import Collection, Refresh
from tests.factories import make_credential


def work():
    """Run the worker's job."""
    return [catalogue.refresh_claimed(claimed) for claimed in catalogue.claim_due(5)]


@pytest.mark.parametrize(
    "kind", [k for k in kinds.all() if k.slug != "airtable_oauth2"], ids=lambda kind: kind.slug
)
def test_every_kind_knows_its_main_collections(kind):
    names = [row.upstream_id for row in kind.catalogue]

    assert len(names) == len(set(names)) >= 4
    for row in kind.catalogue:
        keys = [column.accessor for column in row.columns]
        assert any(column.primary_key for column in row.columns), row
        assert len(keys) == len(set(keys)), row


def test_a_collection_in_one_line():
    row = collection_schema("payment_intent", "id! amount:number")

    assert row.name == "Payment intent"
    key, amount = row.columns
    assert (key.accessor, key.type, key.primary_key) == ("id", "text", True)
    assert (amount.accessor, amount.type, amount.primary_key) == ("amount", "number", False)


def test_the_well_known_ones_are_there_from_the_start(credential):
    ids = [row.collection_id for row in catalogue.list_collections(credential)]

    assert "stripe:invoice" in ids
    assert not Collection.objects.exists()


def test_airtables_are_read_from_the_account(connected):
    airtable = connected("airtable_oauth2")
    assert catalogue.list_collections(airtable) == []

    catalogue.start_refresh(airtable, actor=None)
    assert work() == [True]

    found = {row.collection_id: row for row in catalogue.list_collections(airtable)}
    assert set(found) == {
        "airtable:tblSpice000000001",
        "airtable:tblWorms000000001",
        "airtable:tblRice0000000001",
    }
    spice = found["airtable:tblSpice000000001"]
    assert spice.name == "Arrakis: Spice"
    assert spice.upstream_metadata["base_id"] == "appArrakis0000001"
    assert [(field["accessor"], field["type"]) for field in spice.fields] == [
        ("Name", "text"),
        ("Amount", "number"),
        ("Found", "datetime"),
    ]
    refresh = Refresh.objects.get()
    assert (refresh.status, refresh.error) == ("succeeded", "")
    assert refresh.last_succeeded_at


def test_what_was_taken_away_at_the_provider_goes_here_too(connected):
    airtable = connected("airtable_oauth2")
    Collection.objects.create(
        credential=airtable, collection_id="airtable:gone", upstream_id="gone", name="Gone"
    )

    catalogue.start_refresh(airtable, actor=None)
    work()

    assert not Collection.objects.filter(collection_id="airtable:gone").exists()


@pytest.mark.parametrize("fault", ["outage", "html", "throttle"])
def test_a_failure_is_a_sentence_and_keeps_what_was_known(connected, simulated, fault):
    airtable = connected("airtable_oauth2")
    catalogue.start_refresh(airtable, actor=None)
    work()
    simulated.act("airtable", "usrziLeD23j9AJ1", fault)

    catalogue.start_refresh(airtable, actor=None)
    work()

    refresh = Refresh.objects.get()
    assert refresh.status == "failed"
    assert "Airtable" in refresh.error
    assert len(catalogue.list_collections(airtable)) == 3


def test_a_refresh_is_one_workers(credential):
    catalogue.start_refresh(credential, actor=None)

    (mine,) = catalogue.claim_due(5)
    assert list(catalogue.claim_due(5)) == []
    Refresh.objects.update(lease_until=None)
    (theirs,) = catalogue.claim_due(5)

    assert catalogue.refresh_claimed(theirs)
    assert not catalogue.refresh_claimed(mine)


def test_the_api_serves_and_refreshes_them(api, credential):
    one = f"/v1/collections/{credential.pk}"

    listed = api.get(one).json()["data"]
    invoice = api.get(f"{one}/stripe:invoice").json()

    assert invoice in listed
    assert invoice["fields"][0] == {
        "id": "stripe:invoice:id",
        "name": "Id",
        "accessor": "id",
        "type": "text",
        "primary_key": True,
    }
    assert "metadata" in api.get(one, include="upstream_metadata").json()["data"][0]
    assert api.get(f"{one}/stripe:nothing").status_code == 404
    assert api.get(f"{one}/refresh/status").json() == {
        "credential_id": str(credential.pk),
        "last_started_at": None,
        "last_succeeded_at": None,
        "status": "succeeded",
        "error": None,
    }
    assert api.post(f"{one}/refresh/start").json()["status"] == "processing"
    work()
    done = api.get(f"{one}/refresh/status").json()
    assert done["status"] == "succeeded"
    assert done["last_succeeded_at"]


def test_strangers_see_none(make_client, stranger, organization):
    theirs = make_client(stranger.organizations.get())
    mine = make_credential(organization, "stripe_key")

    for path in ("", "/stripe:invoice", "/refresh/status"):
        assert theirs.get(f"/v1/collections/{mine.pk}{path}").status_code == 404
    assert theirs.post(f"/v1/collections/{mine.pk}/refresh/start").status_code == 404
