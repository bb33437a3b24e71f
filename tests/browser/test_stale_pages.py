"""Pages that could not be refreshed, and pages that one goes back to."""

from playwright.sync_api import Page, Route, expect

from sequin_admin.access.models import Organization
from sequin_admin.connect import credential_operations
from tests.browser.conftest import list_faults, press, settle
from tests.conftest import make_member
from tests.factories import make_credential

POLL = "htmx.trigger('#live', 'live')"
ASKED = "**/badges/**"


def lose(route: Route) -> None:
    route.abort()


def refuse(route: Route) -> None:
    route.fulfill(status=503, body="<h1>Not now</h1>", content_type="text/html")


def send_elsewhere(route: Route) -> None:
    route.fulfill(status=200, body="<!doctype html><h1>Sign in</h1>", content_type="text/html")


def refresh(route: Route) -> None:
    """What a poll is answered after a logout."""
    route.fulfill(status=200, headers={"HX-Refresh": "true"})


def poll(page: Page) -> None:
    """What happens every five seconds, now."""
    page.evaluate(POLL)
    settle(page)


def test_a_failed_poll_changes_nothing_but_a_bar(page: Page) -> None:
    page.goto("/worker/")
    settle(page)
    page.evaluate("window.same = true")

    for answer in (lose, refuse, send_elsewhere, refresh):
        page.route(ASKED, answer)
        poll(page)
        expect(page.locator("#poll-bar")).to_be_visible()
        page.unroute(ASKED)
        poll(page)
        expect(page.locator("#poll-bar")).to_be_hidden()

    assert page.evaluate("window.same")
    expect(page.locator("#worker")).to_be_visible()
    expect(page.locator(".toast")).to_have_count(0)


def hang(route: Route) -> None:
    """Never answered."""


def test_a_poll_that_hangs_fails_as_well(page: Page) -> None:
    page.goto("/worker/")
    settle(page)
    page.evaluate(
        """document.addEventListener("htmx:configRequest", ({detail}) => {
          window.limit = detail.timeout;
          detail.timeout = 100;
        })"""
    )

    page.route(ASKED, hang)
    page.evaluate(POLL)

    expect(page.locator("#poll-bar")).to_contain_text("Not connected since")
    expect(page.locator("#poll-bar")).to_be_visible()
    expect(page.locator(".toast")).to_have_count(0)
    assert page.evaluate("window.limit") == 15_000


def test_the_bar_stays_while_one_of_two_polls_fails(page: Page) -> None:
    page.goto("/worker/")
    settle(page)
    page.evaluate(
        """() => {
          const other = document.createElement("div");
          const trigger = {"hx-get": "/other/", "hx-trigger": "every 900s", "hx-swap": "none"};
          for (const [name, value] of Object.entries(trigger)) other.setAttribute(name, value);
          other.id = "other";
          document.querySelector("main").append(other);
          htmx.process(other);
        }"""
    )
    page.route("**/other/", lambda route: route.fulfill(status=200, body="<p>Fine</p>"))
    page.route(ASKED, refuse)
    poll(page)
    expect(page.locator("#poll-bar")).to_be_visible()

    with page.expect_response("**/other/"):
        page.evaluate("htmx.ajax('GET', '/other/', {source: '#other', swap: 'none'})")
    settle(page)
    expect(page.locator("#poll-bar")).to_be_visible()

    page.unroute(ASKED)
    poll(page)
    expect(page.locator("#poll-bar")).to_be_hidden()


def test_back_shows_what_is_stored(page: Page, organization: Organization) -> None:
    """Neither what was typed, nor the page as the browser kept it."""
    credential = make_credential(organization, "stripe_key", name="Spice")
    page.goto("/credentials/")
    page.locator("#filter-health").select_option("healthy")
    page.wait_for_url("**health=healthy**")
    page.goto(f"/credentials/{credential.pk}/edit/")
    page.get_by_label("Display name").fill("Melange")
    press(page, "Save")
    type(credential).objects.filter(pk=credential.pk).update(name="Water")

    page.go_back()
    expect(page.get_by_label("Display name")).to_have_value("Water")
    page.get_by_label("Display name").fill("Sand")
    with page.expect_navigation():
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect(page.get_by_label("Display name")).to_have_value("Water")
    page.go_back()
    expect(page.locator("#filter-health")).to_have_value("healthy")


def test_two_people_who_edit_one_credential(page: Page, organization: Organization) -> None:
    credential = make_credential(organization, "stripe_key", name="Spice")
    jessica = make_member(organization, "jessica@arrakis.test", "owner")
    page.goto(f"/credentials/{credential.pk}/edit/")
    page.get_by_label("Display name").fill("Melange")
    credential_operations.update_details(credential, actor=jessica, name="Water of life")

    press(page, "Save")

    question = page.get_by_role("group", name="Display name")
    expect(question).to_contain_text("by jessica@arrakis.test")
    expect(question.get_by_role("radio", name="Keep: Water of life")).not_to_be_checked()
    expect(question.get_by_role("radio", name="Yours: Melange")).not_to_be_checked()
    assert list_faults(page) == []
    question.get_by_role("radio", name="Yours: Melange").check()
    press(page, "Save")
    expect(page.get_by_role("heading", name="Melange")).to_be_visible()
