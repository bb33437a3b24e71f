"""What syncs and connect links are found by, whoever writes them."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db.models import Value
from django.db.models.functions import Concat

from sequin_admin.access.models import search_texts
from sequin_admin.connect.links import creation, details
from sequin_admin.connect.models import ConnectLink, ConnectLinkText
from sequin_admin.credentials import kinds
from sequin_admin.syncs import reports, syncs
from sequin_admin.syncs.models import Sync, SyncText
from tests.factories import make_credential

pytestmark = pytest.mark.django_db


@pytest.fixture
def sync(organization):
    credential = make_credential(organization, "stripe_key")
    return syncs.create(
        credential,
        actor=None,
        name="Invoices of Arrakis",
        external_id="crm-77",
        metadata={"of": [{"seats": 5}], "customer": "c-000777"},
    )


@pytest.fixture
def link(organization):
    return creation.create(
        organization,
        [kinds.get("stripe_key")],
        actor=None,
        name="House Atreides",
        contact_email="Leto@arrakis.test",
        metadata={"deal": "d-42"},
    )


def found(organization, model, text):
    return set(model.objects.of(organization).matching(text).values_list("pk", flat=True))


@pytest.mark.parametrize(
    "text",
    [
        *("invoices", "ARRAKIS of", "crm-7", "customer:c-000777", "c-0007"),
        *("provider:stripe 77", '"of arrakis"'),
    ],
)
def test_a_sync_is_found(organization, sync, text):
    assert found(organization, Sync, text) == {sync.pk}
    assert found(organization, Sync, str(sync.pk)[:8]) == {sync.pk}
    assert found(organization, Sync, f"{text} nowhere") == set()


@pytest.mark.parametrize(
    "text", ["atreides", "leto@arrakis.TEST", "stripe", "deal:d-42", "d-4", "provider:stripe leto"]
)
def test_a_link_is_found(organization, link, text):
    assert found(organization, ConnectLink, text) == {link.pk}
    assert found(organization, ConnectLink, str(link.pk)[:8]) == {link.pk}
    assert found(organization, ConnectLink, f"{text} nowhere") == set()


def test_no_token_of_a_link_is_in_its_text(link):
    text = link.search.text

    assert link.secrets["token"].casefold() not in text
    assert link.token_digest not in text


def test_every_door_keeps_the_texts(organization, user, sync, link):
    def assert_kept():
        for row in (sync, link):
            stored = type(row).objects.get(pk=row.pk)
            assert stored.search.text == stored.build_search_text()

    assert_kept()
    syncs.update(sync, actor=user, name="Orders", metadata={"a": "b"})
    details.update_link(link, actor=user, name="Harkonnen", contact_email="vladimir@giedi.test")
    assert_kept()
    assert found(organization, ConnectLink, "harkonnen vladimir d-42") == {link.pk}
    assert found(organization, Sync, "invoices") == set()
    assert Sync.objects.of(organization).update(name=Concat("name", Value(" Prime"))) == 1
    assert found(organization, Sync, "orders prime a:b") == {sync.pk}
    sync.refresh_from_db()
    sync.external_id = "crm-78"
    Sync.objects.bulk_update([sync], ["external_id"])
    link.name = "Corrino"
    ConnectLink.objects.bulk_update([link], ["name"])
    assert_kept()
    made = Sync(organization=organization, credential=sync.credential, name="Bulk")
    Sync.objects.bulk_create([made])
    assert found(organization, Sync, "bulk") == {made.pk}


def test_a_report_of_a_worker_leaves_the_text_alone(sync):
    SyncText.objects.update(text="as it was")

    reports.record_report(sync, rows=5)

    assert SyncText.objects.get().text == "as it was"


def test_what_is_deleted_takes_its_text_along(sync, link, user):
    syncs.delete(sync, actor=user)
    link.delete()

    assert not SyncText.objects.exists()
    assert not ConnectLinkText.objects.exists()


@pytest.mark.parametrize(
    ("migration", "text"),
    [
        ("sequin_admin.syncs.migrations.0009_fill_search_text", SyncText),
        ("sequin_admin.connect.migrations.0010_fill_search_text", ConnectLinkText),
    ],
)
def test_stored_rows_are_filled_in_batches(organization, sync, link, monkeypatch, migration, text):
    for number in range(4):
        syncs.create(sync.credential, actor=None, name=f"Sync {number}")
        creation.create(organization, [kinds.get("stripe_key")], actor=None, name=f"L {number}")
    text.objects.all().delete()
    monkeypatch.setattr(search_texts, "CHUNK_SIZE", 2)

    import_module(migration).fill(apps, None)

    rows = {"sync": Sync, "link": ConnectLink}[text._meta.pk.name].objects.all()
    assert rows.count() == 5
    assert all(row.search.text == row.build_search_text() for row in rows)
