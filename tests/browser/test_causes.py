"""A mass failure, from the line on the overview to the links; and who looks after it."""

import re
from datetime import timedelta

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect

from sequin_admin.access.models import Organization
from sequin_admin.connect import batches
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.health import incidents
from sequin_admin.health.models import Cause
from sequin_admin.health.status import Reason, Status
from tests.browser.conftest import list_faults
from tests.browser.test_jobs import Hand
from tests.factories import make_credential, make_oauth_app

MANY = 600


@pytest.fixture
def mass_failure(organization: Organization) -> Cause:
    """HubSpot refuses 600 accounts, and one works."""
    app = make_oauth_app(organization, "hubspot", health_status="healthy")
    first = make_credential(organization, "hubspot_oauth2", oauth_app=app, identity="0")
    columns = {"organization": organization, "oauth_app": app, "properties": first.properties}
    rows = [
        type(first)(
            **columns,
            secrets={"refresh_token": f"r{number}"},
            identity=f"sietch-{number}",
            name=f"Sietch {number:03}",
            health_status=Status.CUSTOMER,
            health_since=clock.now(),
        )
        for number in range(MANY)
    ]
    Credential.objects.bulk_create(rows)
    Credential.objects.filter(pk=first.pk).update(health_status=Status.HEALTHY)
    since, why = clock.now(), "HubSpot no longer accepts the access it granted to us."
    troubles = [
        (
            row,
            Reason(Status.CUSTOMER, row.entity, row.pk, row.name, since, why, "invalid_grant"),
        )
        for row in rows
    ]
    with transaction.atomic():
        incidents.update_incidents(troubles, at=since)
    return Cause.objects.get()


def test_links_for_a_mass_failure_are_two_steps_from_the_overview(
    page: Page, mass_failure: Cause
) -> None:
    hand = Hand(page, "mouse")
    page.goto("/")
    theirs = page.get_by_role("region", name="Customers must act")
    expect(theirs.get_by_role("listitem")).to_have_count(1)
    expect(theirs).to_contain_text("HubSpot refuses 600 accounts since")

    hand.go(theirs.get_by_role("link", name="Make 600 links"))
    hand.go(page.get_by_role("button", name="Create 600 links"))

    while claimed := batches.claim_due(1):
        batches.work_claimed(claimed[0])
    expect(page.locator("#batch strong")).to_have_text("600 of 600")
    assert hand.steps == 2
    assert ConnectLink.objects.filter(reconnects__isnull=False).count() == MANY
    page.goto(f"/causes/{mass_failure.pk}/")
    expect(page.get_by_role("region", name="Who was told")).to_contain_text(
        "600 reconnect links since it began: 0 used"
    )


def test_a_cause_is_taken_muted_and_written_about(page: Page, mass_failure: Cause) -> None:
    hand = Hand(page, "keyboard")
    page.goto("/")

    hand.go(page.get_by_role("link", name="HubSpot refuses 600 accounts").first)
    hand.go(page.get_by_role("button", name="I am on it"))
    hand.go(page.get_by_role("link", name="Mute", exact=True))
    page.get_by_label("For how long").select_option("for 8 hours")
    expect(page.get_by_label("Until")).to_be_hidden()
    page.get_by_label("For how long").select_option("until a time")
    page.get_by_label("Until").fill(f"{clock.now() + timedelta(days=2):%Y-%m-%dT18:30}")
    hand.go(page.get_by_role("button", name="Mute"))
    page.get_by_label("Add a note").fill("HubSpot is told: ticket 4711.")
    hand.go(page.get_by_role("button", name="Add the note"))

    assert hand.steps == 5
    front = page.get_by_role("region", name="Cause")
    expect(front).to_contain_text("paul@arrakis.test is on it")
    expect(front).to_contain_text(re.compile("Muted\\s+until .+, 18:30"))
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline).to_contain_text("HubSpot is told: ticket 4711.")
    expect(timeline).to_contain_text("Cause: taken by paul@arrakis.test")
    page.set_viewport_size({"width": 390, "height": 844})
    assert list_faults(page) == []
    # Nothing is counted less for it.
    page.goto("/")
    expect(page.locator("a.count", has_text="Customer must act")).to_contain_text("600")
    assert list_faults(page) == []
    page.goto("/incidents/?q=owner:paul")
    expect(page.get_by_role("link", name="HubSpot refuses 600 accounts")).to_be_visible()
    assert list_faults(page) == []
