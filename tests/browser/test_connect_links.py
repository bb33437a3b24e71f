"""Connect links in a real browser: the operator in one, the customer in another, on a phone."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sequin_admin.access.models import Organization, User
from sequin_admin.connect import batches, links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.health import probes
from tests.browser.conftest import hold_still, press
from tests.browser.kinds import OAUTH, STORIES, answers, consent, each_way, fill
from tests.factories import make_credential
from tests.simulator_server import Simulator

PHONE = {"width": 390, "height": 844}


@each_way(OAUTH, pytest.mark.faults)
def test_a_customer_connects_by_a_link(
    open_page: Callable[..., Page],
    user: User,
    organization: Organization,
    make_app: Callable[[str], OAuthApp],
    simulated: Simulator,
    kind: Any,
) -> None:
    app = make_app(kind.provider) if kind.client_is_ours() else None
    link = links.create(organization, [kind], actor=user, oauth_app=app)
    page = open_page(viewport=PHONE)

    page.goto(links.address(link))
    asks = f"Arrakis asks for access to your {kind.provider_title}"
    expect(page.locator("h1")).to_contain_text(asks)
    fill(page, kind.properties_class, answers(simulated, kind))
    page.get_by_role("button", name=f"Continue to {kind.provider_title}").click()
    consent(page, STORIES[kind.slug].account)

    expect(page.locator("h1")).to_contain_text(f"{kind.provider_title} is connected")
    hold_still(page)
    assert page.locator("html").evaluate("html => html.scrollWidth") <= PHONE["width"]
    assert Credential.objects.get().health_status == "healthy"


def test_an_operator_sends_a_link_and_sees_it_completed(
    page: Page,
    open_page: Callable[..., Page],
    make_app: Callable[[str], OAuthApp],
    simulated: Simulator,
) -> None:
    make_app("hubspot")
    page.goto("/credentials/new/")
    page.get_by_role("link", name="Send a link for HubSpot").click()
    page.get_by_label("Name of the credential").fill("Arrakis Inc.")
    page.get_by_role("button", name="Create the link").click()
    expect(page.get_by_text("Not opened yet")).to_be_visible()
    address = page.locator("[data-copy]").first.get_attribute("data-copy") or ""

    customer = open_page(viewport=PHONE)
    customer.goto(address)
    expect(page.locator("#progress .badge")).to_have_text(re.compile("Opened"))
    customer.get_by_role("button", name="Continue to HubSpot").click()
    consent(customer, "21902692", allow=False)
    expect(customer.get_by_role("alert")).to_contain_text("Access was denied at HubSpot")
    expect(page.locator("#progress .badge")).to_have_text(re.compile("Failed"))
    customer.get_by_role("button", name="Continue to HubSpot").click()
    consent(customer, "21902692")

    expect(customer.get_by_role("heading", name="Thank you")).to_be_visible()
    expect(page.locator("#progress .badge")).to_have_text(re.compile("Completed"))
    page.locator("#progress").get_by_role("link", name="Arrakis Inc.").click()
    expect(page.locator("#health .badge")).to_have_text(re.compile("Healthy"))


def test_broken_credentials_are_ticked_and_get_their_links(
    page: Page, user: User, organization: Organization, simulated: Simulator
) -> None:
    for number in range(2):
        broken = make_credential(organization, "stripe_key", identity=str(number))
        probes.verify(broken, actor=user)
    page.goto("/credentials/?health=customer_intervention")
    bulk = page.get_by_role("button", name="Create reconnect links")
    expect(bulk).to_be_hidden()

    page.get_by_label("Tick all on this page").check()
    expect(page.locator(".bulk-bar")).to_contain_text("2 selected")
    expect(page.get_by_role("status").get_by_text("2 selected")).to_be_attached()
    bulk.click()
    press(page, "Create 2 links")
    (batch,) = batches.claim_due(1)
    batches.work_claimed(batch)

    expect(page.get_by_text("2 of 2 links made")).to_be_visible()
    assert ConnectLink.objects.count() == 2
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename == "connect-links.csv"


def test_a_customer_enters_a_key_on_a_phone_and_is_told_when_it_is_wrong(
    open_page: Callable[..., Page], user: User, organization: Organization, simulated: Simulator
) -> None:
    broken = make_credential(organization, "stripe_key")
    probes.verify(broken, actor=user)
    link = links.create_reconnect(organization, broken, actor=user)
    page = open_page(viewport=PHONE)
    page.goto(links.address(link))

    page.get_by_label("Secret key").fill("sk_test_wrong")
    page.get_by_role("button", name="Connect Stripe").click()
    expect(page.get_by_role("alert")).to_contain_text("You must create a new key")
    right = simulated.account("stripe", "acct_1Arrakis0000001")["secret_key"]
    page.get_by_label("Secret key").fill(right)
    page.get_by_role("button", name="Connect Stripe").click()

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert Credential.objects.get().health_status == "healthy"
