"""Three incidents: our secret is rotated, a provider is down, a customer revokes."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sequin_admin.access.models import Organization
from sequin_admin.connect.models import ConnectSession
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.health import outages, probes
from sequin_admin.health.models import Incident
from sequin_admin.notifications.models import Channel, Delivery
from sequin_admin.tokens.models import Token
from tests.browser.conftest import press
from tests.due_work import notify
from tests.factories import make_credential
from tests.simulator_server import Simulator

ARRAKIS = "21902692"
FLEET = 400


@pytest.fixture
def app(make_app: Callable[[str], OAuthApp]) -> OAuthApp:
    return make_app("hubspot")


@pytest.fixture
def real(app: OAuthApp, connect: Callable[..., ConnectSession]) -> Credential:
    """A credential that is connected at the simulated HubSpot."""
    credential = connect(app, ARRAKIS).credential
    assert credential is not None
    assert probes.verify(credential).ok
    return credential


@pytest.fixture
def fleet(real: Credential, organization: Organization, app: OAuthApp) -> list[Credential]:
    """`FLEET` credentials with a contact each: the connected one and other customers'."""
    healthy = {"health_status": "healthy", "check_due_at": clock.now() + timedelta(hours=1)}
    rows = [
        make_credential(
            organization, "hubspot_oauth2", oauth_app=app, identity=f"hub {number}", **healthy
        )
        for number in range(FLEET - 1)
    ]
    Credential.objects.update(contact_email="leto@caladan.test")
    Channel.objects.create(
        organization=organization, kind="mail", name="On call", address="ops@arrakis.test"
    )
    return [real, *rows]


def expire(credential: Credential) -> None:
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(credential=credential).update(expires_at=past)


def count(page: Page, words: str) -> Any:
    return page.locator("a.count", has_text=words).locator(".count-number")


def test_a_rotated_client_secret_is_one_incident_and_is_mended_in_one_place(
    page: Page, fleet: list[Credential], app: OAuthApp, simulated: Simulator
) -> None:
    rotated = simulated.rotate_app_secret("hubspot")
    expire(fleet[0])
    page.goto(f"/credentials/{fleet[0].pk}/")
    page.get_by_role("button", name="Verify now").click()

    expect(page.locator("#health .badge")).to_have_text(re.compile("We must act"))
    health = page.get_by_role("region", name="Health")
    expect(health).to_contain_text(f"Blocked by the OAuth app {app}")
    notify()
    page.goto("/")
    # The app is broken, and all of its credentials wait for it.
    expect(count(page, "We must act")).to_have_text("1")
    expect(count(page, "Customer must act")).to_have_text("0")
    ours = page.get_by_role("region", name="We must act")
    expect(ours.locator("li")).to_have_count(1)
    expect(ours).to_contain_text(f"{FLEET} credentials are waiting")
    expect(page.get_by_text("No customer has anything to do.")).to_be_visible()
    assert Incident.objects.count() == 1
    assert [delivery.to for delivery in Delivery.objects.all()] == [""]

    ours.get_by_role("link", name="Edit the app").click()
    page.get_by_label("Client secret").fill(rotated)
    press(page, "Save")
    page.goto(f"/credentials/{fleet[0].pk}/")
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#health .badge")).to_have_text(re.compile("Healthy"))

    page.goto("/")
    expect(count(page, "Healthy")).to_have_text(str(FLEET))
    expect(page.get_by_text("Nothing waits for us.")).to_be_visible()
    page.goto("/incidents/?state=all")
    page.get_by_role("link", name=str(app)).click()
    page.get_by_text("Why").click()
    expect(page.get_by_text("Its secret was replaced.")).to_be_visible()


def test_an_outage_of_ten_minutes_flips_nobody(
    page: Page,
    organization: Organization,
    simulated: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    working = {"secret": "sk_test_arrakis0000000000000001"}
    keys = [
        make_credential(organization, "stripe_key", properties=working, identity=str(number))
        for number in range(4)
    ]
    Credential.objects.update(health_status="healthy", health_since=clock.now())
    simulated.act("stripe", "acct_1Arrakis0000001", "outage")
    began = clock.now()
    for minute in range(0, 11, 2):
        at = began + timedelta(minutes=minute)
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        for key in keys:
            probes.verify(Credential.objects.get(pk=key.pk))
        outages.detect_outages()

    page.goto("/")

    expect(page.get_by_role("status").filter(has_text="Stripe")).to_contain_text(
        "Stripe seems to be down. Nothing to do"
    )
    expect(count(page, "Healthy")).to_have_text("4")
    assert Incident.objects.count() == 1
    page.goto(f"/credentials/{keys[0].pk}/")
    expect(page.locator("#health .badge")).to_have_text(re.compile("Healthy"))
    expect(page.get_by_role("region", name="Health")).to_contain_text("Nothing to do")


def test_one_revoked_grant_is_that_customers_only(
    page: Page, fleet: list[Credential], simulated: Simulator
) -> None:
    simulated.act("hubspot", ARRAKIS, "revoke")
    expire(fleet[0])
    page.goto(f"/credentials/{fleet[0].pk}/")
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#health .badge")).to_have_text(re.compile("Customer must act"))

    page.goto("/")

    expect(count(page, "Customer must act")).to_have_text("1")
    expect(count(page, "Healthy")).to_have_text(str(FLEET - 1))
    theirs = page.get_by_role("region", name="Customers must act")
    theirs.get_by_role("button", name="Send a reconnect link").click()
    expect(page.get_by_text("Not opened yet")).to_be_visible()
    notify()
    told = Delivery.objects.order_by("id")
    assert [delivery.to for delivery in told] == ["leto@caladan.test", ""]

    page.goto(f"/health/credential/{fleet[0].pk}/")
    expect(page.get_by_role("heading", name="Health of")).to_be_visible()
    expect(page.get_by_role("region", name="Incidents")).to_contain_text("Open since")
    expect(page.get_by_role("img", name="Last 24 hours")).to_be_visible()
