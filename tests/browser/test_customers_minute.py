"""A customer's minute: the mail, the link, the provider and back, on a phone without JavaScript, in
the customer's language and the organization's colours."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from sequin_admin.access import branding
from sequin_admin.access.models import Organization, User
from sequin_admin.connect import links, mails
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.notifications import delivery
from tests.browser.conftest import list_faults
from tests.browser.kinds import consent
from tests.simulator_server import Simulator

PHONE = {"width": 390, "height": 844}
COLOURS = {"accent": "#9d174d", "accent_dark": "#f9a8d4", "ground": "#fdf2f8"}
# The page's language comes from the browser in Japan, and from the link in Germany.
WORDS = {
    "ja": (
        "Arrakis より HubSpot アカウント接続のお願い",
        "Arrakis がお客様の HubSpot アカウントへのアクセスを求めています",
        "HubSpot へ進む",
        "HubSpot でアクセスが拒否されたため、何も接続されていません。",
        "ありがとうございます。HubSpot が接続されました",
        "すでに接続されています",
    ),
    "de": (
        "Arrakis bittet Sie, Ihr HubSpot-Konto zu verbinden",
        "Arrakis bittet um Zugriff auf Ihr HubSpot-Konto",
        "Weiter zu HubSpot",
        "Der Zugriff wurde bei HubSpot abgelehnt; daher wurde nichts verbunden.",
        "Vielen Dank: HubSpot ist verbunden",
        "Schon verbunden",
    ),
}


@pytest.mark.parametrize(
    ("language", "locale", "of_link"), [("ja", "ja-JP", ""), ("de", "en", "de")]
)
def test_a_customer_connects_in_a_minute(
    open_page: Callable[..., Page],
    user: User,
    organization: Organization,
    make_app: Callable[[str], OAuthApp],
    simulated: Simulator,
    mailoutbox: list,
    language: str,
    locale: str,
    of_link: str,
) -> None:
    subject, title, go, denied, thanks, used = WORDS[language]
    branding.save_branding(organization, {**COLOURS, "language": language}, actor=user)
    link = links.create(
        organization,
        [kinds.get("hubspot_oauth2")],
        actor=user,
        oauth_app=make_app("hubspot"),
        contact_email="duncan@arrakis.test",
        language=of_link,
    )
    mails.send_link(link, actor=user)
    (row,) = delivery.claim_due(1)
    delivery.deliver_claimed(row)
    assert mailoutbox[0].subject == subject
    [address] = re.findall(r"https?://\S+", mailoutbox[0].body)

    customer = open_page(viewport=PHONE, locale=locale, java_script_enabled=False)
    customer.goto(address)
    expect(customer.locator("html")).to_have_attribute("lang", language)
    expect(customer.locator("h1")).to_have_text(title)
    expect(customer.locator("body")).not_to_contain_text("Sequin")
    customer.get_by_role("button", name=go).click()
    follow(customer)
    consent(customer, "21902692", allow=False)
    expect(customer.get_by_role("alert")).to_contain_text(denied)
    customer.get_by_role("button", name=go).click()
    follow(customer)
    consent(customer, "21902692")

    expect(customer.locator("h1")).to_have_text(thanks)
    assert Credential.objects.get().contact_email == "duncan@arrakis.test"
    customer.goto(address)
    expect(customer.locator("h1")).to_have_text(used)
    customer.get_by_role("link", name="Español").click()
    expect(customer.locator("h1")).to_have_text("Ya está conectado")


def follow(customer: Page) -> None:
    """The page that leaves our site does so by itself, or by its link."""
    customer.wait_for_url(re.compile("authorize"))


def test_the_pages_are_accessible_in_the_organizations_colours(
    open_page: Callable[..., Page], user: User, organization: Organization
) -> None:
    branding.save_branding(
        organization,
        {**COLOURS, "support": "help@arrakis.test", "privacy_url": "https://a.test/privacy"},
        actor=user,
    )
    link = links.create(organization, [kinds.get("stripe_key")], actor=user, language="ja")
    page = open_page(viewport=PHONE)

    faults = []
    page.goto(links.address(link))
    faults += list_faults(page)
    page.get_by_text("どこで確認できますか").click()
    page.get_by_role("button", name="Stripe を接続する").click()
    expect(page.locator(".form-errors")).to_be_visible()
    faults += list_faults(page)

    assert faults == []
