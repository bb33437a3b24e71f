"""One poll a page, what it says when the server is gone, and charts by the keyboard."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Request, expect

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.credentials import outcomes
from sequin_admin.health import probes, rollup
from sequin_admin.limits import limiter
from sequin_admin.limits.models import Sample, SamplePeriod
from sequin_admin.limits.recorded import start_of
from tests.browser.conftest import list_faults, settle
from tests.factories import make_credential

POLL = "**/badges/**"


def ask_now(page: Page) -> None:
    """What happens every few seconds, now."""
    page.evaluate("htmx.trigger('#live', 'live')")


def test_a_page_makes_one_poll_and_says_when_it_fails(
    page: Page, organization: Organization
) -> None:
    credential = make_credential(organization, "stripe_key")
    page.goto(f"/credentials/{credential.pk}/usage/")
    settle(page)
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))

    with page.expect_response(POLL) as unchanged:
        ask_now(page)
    asked = parse_qs(urlsplit(unchanged.value.url).query)
    assert asked.keys() == {"front", "gauge"}
    assert unchanged.value.status == 304
    expect(page.locator("#updated")).to_contain_text("Updated")
    assert {urlsplit(each.url).path for each in sent} == {"/badges/"}

    page.locator("#gauge").evaluate("gauge => gauge.same = true")
    page.get_by_role("button", name="Verify now").focus()
    type(credential).objects.update(health_status="healthy", health_since=clock.now())
    with page.expect_response(POLL):
        ask_now(page)
    expect(page.locator("#health")).to_contain_text("Everything works.")
    expect(page.locator("#health")).to_have_class(re.compile("live-changed"))
    assert page.locator("#gauge").evaluate("gauge => gauge.same")
    expect(page.get_by_role("button", name="Verify now")).to_be_focused()

    bar = page.locator("#poll-bar")
    page.route(POLL, lambda route: route.abort())
    ask_now(page)
    expect(bar).to_contain_text("Not connected since")
    expect(bar).to_contain_text("; trying again")
    expect(page.locator(".toast")).to_have_count(0)
    limiter.acquire(credential)
    page.unroute(POLL)
    expect(bar).to_be_hidden()
    expect(page.locator("#gauge")).to_contain_text("In flight 1 of")
    assert list_faults(page) == []


def test_the_values_of_a_chart_are_read_by_keyboard(page: Page, organization: Organization) -> None:
    credential = make_credential(organization, "stripe_key")
    now = start_of(clock.now(), SamplePeriod.HOUR)
    for hours, columns in (
        (0, {"granted": 7}),
        (1, {"granted": 1_200, "throttled": 30, "refused": 4}),
    ):
        at = now - timedelta(hours=hours)
        Sample.objects.create(credential=credential, span=SamplePeriod.HOUR, at=at, **columns)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/credentials/{credential.pk}/usage/")
    chart = page.locator("[data-chart]").first

    chart.locator('[tabindex="0"]').focus()
    expect(chart.get_by_text("7 requests")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(chart.get_by_text("1,200 requests, 30 throttled, 4 refused")).to_be_visible()
    expect(chart.get_by_text(": 7 requests")).to_be_hidden()
    page.keyboard.press("Tab")
    assert not chart.evaluate("chart => chart.contains(document.activeElement)")
    chart.locator(".chart-bar").last.locator(".chart-hit").hover()
    expect(chart.get_by_text(": 7 requests")).to_be_visible()
    assert list_faults(page) == []


def test_a_row_of_a_list_of_incidents_changes_where_it_stands(
    page: Page, organization: Organization
) -> None:
    credentials = [make_credential(organization, kind) for kind in ("stripe_key", "sendgrid_key")]
    for credential in credentials:
        refused = outcomes.customer("401", "The key was refused.", "Replace the key.")
        rollup.propagate(probes.record_probe(credential, refused))
    page.goto("/incidents/")
    settle(page)
    rows = page.locator("#incidents tbody tr")
    order = rows.evaluate_all("rows => rows.map((row) => row.id)")
    rows.first.evaluate("row => row.same = true")

    rollup.propagate(probes.record_probe(credentials[0], outcomes.works()))
    with page.expect_response(POLL):
        ask_now(page)

    expect(rows.last).to_contain_text("over")
    expect(rows.last).to_contain_text("0 of 1")
    assert rows.evaluate_all("rows => rows.map((row) => row.id)") == order
    assert rows.first.evaluate("row => row.same && row.cells.length") == 5
    assert list_faults(page) == []
