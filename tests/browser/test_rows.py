"""Rows of lists have one height, sick ones too; what is wrong is told on demand."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, User
from sequin_admin.connect import links
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.health import causes
from sequin_admin.health.models import Incident, WorkerProcess
from sequin_admin.limits import limiter, sampling
from sequin_admin.syncs import streams
from sequin_admin.syncs.models import Consumer, Run, RunStatus, Sync, Target
from sequin_admin.tokens import endpoints
from sequin_admin.tokens.models import Purpose
from tests.browser.conftest import log_in, settle
from tests.browser.test_pages import notified
from tests.factories import make_credential, make_oauth_app, make_synced

SENTENCE = "Stripe no longer accepts this key, and only the customer can make another one. " * 2
SICK = {"health_status": "customer_intervention", "health_note": SENTENCE}
LISTS = (
    "/credentials/",
    "/syncs/",
    "/targets/",
    "/consumers/",
    "/streams/",
    "/oauth-apps/",
    "/connect-links/",
    "/api-keys/",
    "/notifications/",
    "/notifications/customers/",
    "/incidents/",
    "/audit/",
    "/members/",
    "/usage/",
    "/expiry/",
    "/syncs/runs/",
    "/worker/",
)
HEIGHTS = """() => [...document.querySelectorAll("[data-row]")].map(
  (row) => Math.floor(row.getBoundingClientRect().height))"""


@pytest.fixture
def sick(organization: Organization, user: User) -> Credential:
    """Rows in every list, with long names and long sentences."""
    name = "Arrakis Spice Mining and Export Company of the Imperial House of Atreides, Incorporated"
    row = make_credential(organization, "stripe_key", name=name, **SICK)
    make_credential(organization, "checkout_champ_password", name="Caladan", **SICK)
    make_oauth_app(organization, "hubspot", name=name, **SICK)
    stream = streams.create(organization, actor=user, slug="production")
    sync, *_ = make_synced(row, stream=stream)
    error = {"owner": "customer", "code": "revoked", "message": SENTENCE}
    Run.objects.create(organization=organization, sync=sync, status=RunStatus.FAILED, error=error)
    limiter.acquire(row)
    sampling.record_samples()
    error = {"done": 1, "error": SENTENCE, "error_at": clock.now().isoformat()}
    jobs = dict.fromkeys(("renew", "probe"), error)
    WorkerProcess.objects.create(hostname=name, pid=7, threads=8, jobs=jobs)
    endpoints.record_call(Purpose.RENEW, row, answered=False)
    Credential.objects.filter(pk=row.pk).update(ends_at=clock.now() + timedelta(days=3))
    for model in (Sync, Target, Consumer):
        model.objects.update(name=name, **SICK)
    link = links.create_reconnect(organization, row, actor=user)
    links.fail(link, SENTENCE)
    key, _ = keys.create(organization, name=name, scopes=["read", "secrets"], actor=user)
    keys.rotate(key, actor=user)
    notified(organization)
    Incident.objects.create(
        organization=organization,
        entity="credential",
        entity_id=row.pk,
        name=name,
        provider="stripe",
        status="customer_intervention",
        message=SENTENCE,
        opened_at=row.created_at,
    )
    causes.group_orphans()
    return row


def test_rows_are_low_whatever_they_say(page: Page, sick: Credential) -> None:
    tall = []

    for width, most in ((1440, 44), (390, 72)):
        page.set_viewport_size({"width": width, "height": 900})
        for path in LISTS:
            page.goto(path)
            settle(page)
            heights = page.evaluate(HEIGHTS)
            assert heights
            tall += [(path, width, height) for height in heights if height > most]

    assert tall == []


def test_a_closed_event_says_who_did_what_on_a_phone(page: Page, sick: Credential) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto("/audit/")

    says = page.locator("[data-row]").filter(has_text="created").first.inner_text()

    assert "created · Sequin Admin" in says


def test_the_sentence_opens_without_javascript(
    open_page: Callable[..., Page], user: User, sick: Credential
) -> None:
    """At 390 pixels the rest of the row, too."""
    page = open_page(java_script_enabled=False, viewport={"width": 390, "height": 900})
    log_in(page, user)
    page.goto("/credentials/")
    row = page.locator("[data-row]", has_text="Arrakis")
    expect(row.get_by_text("no longer accepts")).to_be_hidden()
    expect(row.get_by_role("cell", name="Stripe API key")).to_be_hidden()

    row.get_by_text("Why").click()

    expect(row.get_by_text("no longer accepts")).to_be_visible()
    expect(row.get_by_role("cell", name="Stripe API key")).to_be_visible()


def test_how_many_match_is_said(page: Page, sick: Credential) -> None:
    page.goto("/credentials/")

    page.get_by_role("searchbox", name="Search credentials").fill("Caladan")

    expect(page.locator("#announcer")).to_have_text("1 credential")


def test_an_open_row_stays_open_when_the_list_updates_itself(page: Page, sick: Credential) -> None:
    page.goto("/connect-links/")
    page.get_by_text("Why").click()

    with page.expect_response("**/connect-links/"):
        page.evaluate("htmx.ajax('GET', location.href, {target: '#links', swap: 'outerHTML'})")
    settle(page)

    expect(page.get_by_text("no longer accepts").first).to_be_visible()


def test_a_list_prints_as_dark_words_on_white_without_its_buttons(
    page: Page, sick: Credential
) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto("/credentials/")
    settle(page)
    head = page.get_by_role("columnheader", name="Kind")
    expect(head).to_be_visible()

    page.emulate_media(media="print")

    expect(page.locator("[data-row]").first).to_be_visible()
    expect(head).to_be_visible()
    for hidden in (".sidebar", ".toolbar", "[data-row] input", ".page-head .btn"):
        expect(page.locator(hidden).first).to_be_hidden()
    looks = page.locator("[data-row] .strong").first.evaluate(
        "each => [getComputedStyle(each).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert looks[1] == "rgb(255, 255, 255)"
    assert sum(map(int, re.findall(r"\d+", looks[0])[:3])) < 400
