"""The main workflow in a browser: connect, import, break, reconnect."""

from playwright.sync_api import Page, expect

from sequin_admin.credentials.models import Credential
from tests.browser.conftest import press
from tests.simulator_server import Simulator

ARRAKIS = "21902692"


def test_the_main_job(page: Page, simulated: Simulator) -> None:
    add_oauth_app(page, simulated, "hubspot", "HubSpot")

    deny_hubspot(page)
    connect(page, "hubspot_oauth2", "HubSpot", ARRAKIS)
    expect(page.get_by_text("Healthy").first).to_be_visible()
    for text in (ARRAKIS, "arrakis.io", "crm.objects.contacts.read"):
        expect(page.get_by_text(text).first).to_be_visible()
    hubspot = page.url

    import_stripe_key(page)
    import_checkout_champ(page)
    connect_airtable_and_github(page, simulated)

    revoke_at_hubspot(page, simulated)
    page.goto(hubspot)
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_text("Customer must act").first).to_be_visible()
    expect(page.get_by_text("HubSpot no longer accepts").first).to_be_visible()

    reconnect(page, "giedi-prime.net")
    expect(page.get_by_text("giedi-prime.net").first).to_be_visible()
    expect(page.get_by_text("this credential is for arrakis.io").first).to_be_visible()

    page.goto(hubspot)
    reconnect(page, "arrakis.io")
    assert page.url == hubspot
    expect(page.get_by_text("Healthy").first).to_be_visible()
    assert Credential.objects.filter(kind="hubspot_oauth2").count() == 1


def add_oauth_app(page: Page, simulated: Simulator, provider: str, title: str) -> None:
    """Fill our form with the values of the provider's developer page."""
    app = simulated.app(provider)
    page.goto(f"/oauth-apps/new/{provider}/")
    page.get_by_label("Name").fill(f"Our {title} app")
    page.get_by_label("Client ID").fill(app["client_id"])
    page.get_by_label("Client secret").fill(app["client_secret"])
    if provider == "github":
        page.get_by_label("App ID").fill(app["app_id"])
        page.get_by_label("Slug").fill(app["slug"])
        page.get_by_label("Private key").fill(app["private_key"])
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name=f"Our {title} app")).to_be_visible()


def connect(page: Page, kind: str, title: str, account: str) -> None:
    page.goto(f"/credentials/new/{kind}/")
    page.get_by_role("button", name=f"Connect with {title}").click()
    page.locator(f"input[value='{account}']").check()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url("**/credentials/*/")


def deny_hubspot(page: Page) -> None:
    page.goto("/credentials/new/hubspot_oauth2/")
    page.get_by_role("button", name="Connect with HubSpot").click()
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_text("Access was denied at HubSpot").first).to_be_visible()
    assert not Credential.objects.exists()


def import_stripe_key(page: Page) -> None:
    page.goto("/credentials/new/stripe_key/")
    page.get_by_label("Account name").fill("Arrakis [TEST]")
    page.get_by_label("Secret key").fill("sk_test_arrakis0000000000000001")
    page.get_by_label("Test mode").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("acct_1Arrakis0000001").first).to_be_visible()
    expect(page.get_by_text("Healthy").first).to_be_visible()
    assert "sk_test_arrakis" not in page.content()


def import_checkout_champ(page: Page) -> None:
    page.goto("/credentials/new/checkout_champ_password/")
    page.get_by_label("Login ID").fill("user123")
    page.get_by_label("Password").fill("password123")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Healthy").first).to_be_visible()


def connect_airtable_and_github(page: Page, simulated: Simulator) -> None:
    add_oauth_app(page, simulated, "airtable", "Airtable")
    connect(page, "airtable_oauth2", "Airtable", "usrziLeD23j9AJ1")
    expect(page.get_by_text("Healthy").first).to_be_visible()
    add_oauth_app(page, simulated, "github", "GitHub")
    connect(page, "github_app", "GitHub", "paul-atreides")
    expect(page.get_by_text("47232440").first).to_be_visible()
    expect(page.get_by_text("Healthy").first).to_be_visible()


def revoke_at_hubspot(page: Page, simulated: Simulator) -> None:
    page.goto(f"{simulated.url}/control/hubspot/{ARRAKIS}/")
    press(page, "Revoke our access")
    press(page, "Expire access tokens now")


def reconnect(page: Page, domain: str) -> None:
    page.get_by_role("button", name="Reconnect HubSpot", exact=True).click()
    page.get_by_text(domain).click()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(lambda url: "link/oauth2" not in url and "app.hubspot.com" not in url)
