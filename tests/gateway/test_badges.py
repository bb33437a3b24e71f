"""The public badge of a sync."""

import pytest

from sequin_admin.core import clock
from sequin_admin.syncs import syncs
from sequin_admin.syncs.models import Sync
from tests.factories import make_credential


@pytest.fixture
def sync(organization):
    credential = make_credential(organization, "stripe_key", name="Arrakis")
    sync = syncs.create(credential, actor=None, name="Invoices of Paul")
    syncs.publish_badge(sync, actor=None)
    return sync


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("", "Checking"),
        ("healthy", "Healthy"),
        ("customer_intervention", "Customer must act"),
        ("sequin_intervention", "We must act"),
    ],
)
def test_it_says_the_status_and_nothing_else(client, sync, status, words):
    Sync.objects.update(
        health_status=status, health_note="Paul revoked our access.", first_report_at=clock.now()
    )

    answer = client.get(f"/badge/{sync.badge_token}.svg")

    svg = answer.content.decode()
    assert answer["Content-Type"].startswith("image/svg+xml")
    assert set(answer["Cache-Control"].split(", ")) == {"public", "max-age=60"}
    assert words in svg
    for hidden in ("Paul", "Arrakis", "stripe", str(sync.pk), str(sync.organization_id)):
        assert hidden not in svg


def test_a_disabled_sync_says_so(client, sync):
    syncs.set_status(sync, "disabled", actor=None)

    assert "Disabled" in client.get(f"/badge/{sync.badge_token}.svg").content.decode()


def test_there_is_none_until_it_is_switched_on_nor_after(client, sync):
    token = sync.badge_token
    syncs.unpublish_badge(sync, actor=None)

    assert client.get(f"/badge/{token}.svg").status_code == 404
    assert client.get("/badge/None.svg").status_code == 404
    assert client.get("/badge/.svg").status_code == 404
