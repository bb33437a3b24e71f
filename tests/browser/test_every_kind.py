"""The lifecycle of one kind of each way to connect: found, connected, broken, deleted.

`dashboard/test_every_kind.py` asks the pages of every kind.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect

from sequin_admin.access.models import User
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.properties import MASK
from sequin_admin.tokens.models import Token
from tests.browser.conftest import hold_still, list_faults, log_in, press
from tests.browser.kinds import (
    OAUTH,
    OURS,
    STORIES,
    Story,
    add_oauth_app,
    answers,
    consent,
    each_way,
    fill,
)
from tests.simulator_server import Simulator

PHONE = 390


def test_every_kind_has_a_story() -> None:
    assert sorted(STORIES) == [kind.slug for kind in kinds.all()]


@each_way(kinds.all(), pytest.mark.faults)
def test_a_kind_is_connected_breaks_and_is_deleted(
    page: Page, simulated: Simulator, kind: Any
) -> None:
    story = STORIES[kind.slug]
    choose(page, kind)
    if kind.client_is_ours():
        page.get_by_role("link", name="Add an OAuth app").click()
        add_oauth_app(page, simulated, kind.provider)
        assert_hidden(page, secrets_of(OAuthApp.objects.get()))
        page.get_by_role("link", name="Connect an account").click()
    connect(page, simulated, kind)

    expect(badge(page)).to_have_text(re.compile("Healthy"))
    expect(page.locator("main")).to_contain_text(story.shown)
    credential = Credential.objects.get()
    expect(page.locator("main").get_by_text(MASK, exact=True)).to_have_count(
        len(credential.secret_names)
    )
    assert_hidden(page, secrets_of(credential))

    end_access(simulated, kind, story)
    page.get_by_role("button", name="Verify now").click()
    expect(badge(page)).to_have_text(re.compile("Customer must act"))
    health = page.get_by_role("region", name="Health")
    expect(health).to_contain_text(story.told)
    step = story.mended_by.format(provider=kind.provider_title)
    expect(health.locator(".btn-primary")).to_have_text(step)

    page.get_by_role("link", name="Danger", exact=True).click()
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_label("to confirm").fill(credential.name)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text(f"{credential.name} is deleted")).to_be_visible()
    assert not Credential.objects.exists()


@each_way(OAUTH, pytest.mark.faults, {"hubspot_oauth2", "netsuite_oauth2"})
def test_denied_access_is_told_and_nothing_is_kept(
    open_page: Callable[..., Page],
    user: User,
    simulated: Simulator,
    make_app: Callable[[str], OAuthApp],
    kind: Any,
) -> None:
    """At a phone's width, where every page must fit."""
    page = open_page(viewport={"width": PHONE, "height": 844})
    log_in(page, user)
    if kind.client_is_ours():
        make_app(kind.provider)
    choose(page, kind)
    assert_fits(page)

    send(page, simulated, kind)
    page.get_by_role("button", name="Deny").wait_for()
    assert_fits(page)
    consent(page, STORIES[kind.slug].account, allow=False)

    expect(page.locator("h1")).to_have_text(f"{kind.provider_title} is not connected")
    told = f"Access was denied at {kind.provider_title}, so nothing was connected."
    expect(page.get_by_text(told)).to_be_visible()
    assert_fits(page)
    page.get_by_role("link", name="Try again").click()
    button(page, kind).wait_for()
    assert not Credential.objects.exists()


@each_way([kind for kind in OURS if not kind.mints_tokens()], pytest.mark.faults, {"linear_oauth2"})
def test_a_client_secret_that_changed_is_ours_to_replace(
    page: Page, simulated: Simulator, make_app: Callable[[str], OAuthApp], kind: Any
) -> None:
    make_app(kind.provider)
    choose(page, kind)
    connect(page, simulated, kind)
    expect(badge(page)).to_have_text(re.compile("Healthy"))
    address = page.url

    page.goto(f"{simulated.url}/developer/{kind.provider}/")
    press(page, "Rotate the client secret")
    simulated.act(kind.provider, STORIES[kind.slug].account, "expire")
    page.goto(address)
    page.get_by_role("button", name="Verify now").click()
    expect(badge(page)).to_have_text(re.compile("We must act"))
    expect(page.get_by_role("region", name="Health")).to_contain_text("rejects our OAuth app")

    page.get_by_role("link", name="Open the OAuth app").click()
    page.get_by_role("link", name="Correct the app").click()
    page.get_by_label("Client secret").fill(simulated.app(kind.provider)["client_secret"])
    press(page, "Save")
    page.goto(address)
    page.get_by_role("button", name="Verify now").click()
    expect(badge(page)).to_have_text(re.compile("Healthy"))


def test_a_consent_page_is_accessible(open_page: Callable[..., Page], simulated: Simulator) -> None:
    app = simulated.app("airtable")
    asked = {"client_id": app["client_id"], "redirect_uri": app["redirect_uris"][0]}
    asked |= {"response_type": "code", "state": "s", "scope": "data.records:read"}
    asked |= {"code_challenge": "c", "code_challenge_method": "S256"}
    page = open_page()
    page.goto(simulated.url_for(f"https://airtable.com/oauth2/v1/authorize?{urlencode(asked)}"))
    page.get_by_role("button", name="Allow").wait_for()

    assert list_faults(page) == []


def choose(page: Page, kind: Any) -> None:
    page.goto("/credentials/new/")
    page.get_by_role("link", name=kind.full_title()).click()
    if kind.oauth and kind.has_form():
        page.get_by_role("link", name="connect by a login").click()


def connect(page: Page, simulated: Simulator, kind: Any) -> None:
    """Go from the kind's page to the page of a new credential."""
    send(page, simulated, kind)
    if kind.oauth:
        consent(page, STORIES[kind.slug].account)
    page.wait_for_url(re.compile(r"/credentials/[\w-]{36}/$"))


def send(page: Page, simulated: Simulator, kind: Any) -> None:
    fill(page, kind.properties_class, answers(simulated, kind))
    button(page, kind).click()


def button(page: Page, kind: Any) -> Locator:
    words = f"Connect with {kind.provider_title}" if kind.oauth else "Save"
    return page.get_by_role("button", name=words)


def end_access(simulated: Simulator, kind: Any, story: Story) -> None:
    for action in story.ends:
        simulated.act(kind.provider, story.account, action)


def badge(page: Page) -> Locator:
    """The badge on the front of the page."""
    return page.locator("#health .badge").first


def secrets_of(subject: Credential | OAuthApp) -> list[str]:
    """Every stored secret of a credential with its tokens, or of an OAuth app."""
    token = Token.objects.filter(pk=subject.pk).first()
    stored = [*subject.secrets.values(), *(token.secrets.values() if token else ())]
    return [value for value in stored if value]


def assert_hidden(page: Page, secrets: list[str]) -> None:
    html = page.content()
    assert secrets
    assert not [number for number, secret in enumerate(secrets) if secret in html]


def assert_fits(page: Page) -> None:
    """The page does not scroll horizontally."""
    hold_still(page)
    assert page.locator("html").evaluate("html => html.scrollWidth") <= PHONE
