"""Connecting leaves our site although no form may be sent to another one."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect

from sequin_admin.access.models import Organization, User
from sequin_admin.connect import links
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from tests.browser.kinds import STORIES, answers, consent, fill
from tests.served import served
from tests.simulator_server import Simulator


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Another site, which sends people on to a second path of its own."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/in"):
                self.send_response(302)
                self.send_header("Location", "/arrived")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<h1>Back at the shop</h1>")

        def log_message(self, *arguments: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    with served(server):
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize(
    "slug", ["hubspot_oauth2", "salesforce_oauth2", "servicenow_oauth2", "shopify_oauth2"]
)
def test_a_form_leads_to_the_provider_and_on_to_the_redirect_url(
    open_page: Callable[..., Page],
    user: User,
    organization: Organization,
    make_app: Callable[[str], OAuthApp],
    simulated: Simulator,
    elsewhere: str,
    slug: str,
) -> None:
    """Also to a host of the customer's own, which the form names: an instance, a shop."""
    kind = kinds.get(slug)
    app = make_app(kind.provider) if kind.client_is_ours() else None
    onward = f"{elsewhere}/in" if app else ""
    if app:
        app.redirect_uris = [onward]
        app.save(update_fields=["redirect_uris"])
    link = links.create(organization, [kind], actor=user, oauth_app=app, redirect_url=onward)
    page = open_page()
    refused: list[str] = []
    page.on("console", lambda line: refused.append(line.text) if line.type == "error" else None)

    answer = page.goto(links.address(link))
    assert answer is not None
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    fill(page, kind.properties_class, answers(simulated, kind))
    page.get_by_role("button", name=f"Continue to {kind.provider_title}").click()
    consent(page, STORIES[slug].account)

    arrived = "Back at the shop" if app else f"{kind.provider_title} is connected"
    expect(page.locator("h1")).to_contain_text(arrived)
    assert not [line for line in refused if "Content Security Policy" in line]
    assert Credential.objects.get().kind == slug


def test_a_form_without_the_page_between_would_be_refused(
    open_page: Callable[..., Page],
    user: User,
    organization: Organization,
    make_app: Callable[[str], OAuthApp],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What this file proves: Chromium holds a redirect against the policy of the form's page."""
    monkeypatch.setattr("sequin_admin.gateway.leaving.leaves", lambda request, address: False)
    link = links.create(
        organization, [kinds.get("hubspot_oauth2")], actor=user, oauth_app=make_app("hubspot")
    )
    page = open_page()
    page.goto(links.address(link))

    with page.expect_console_message(lambda line: "form-action" in line.text):
        page.get_by_role("button", name="Continue to HubSpot").click(no_wait_after=True)
