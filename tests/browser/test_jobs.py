"""What people come for, by mouse and by keyboard alone, in as many steps as we promise."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from sequin_admin.access.models import Organization, User
from sequin_admin.connect import batches
from sequin_admin.connect.models import BatchAction, ConnectLink, LinkState
from sequin_admin.core import clock
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.limits import models as limits
from sequin_admin.tools.benchmarks import fleet
from tests.browser.conftest import list_faults, press, settle
from tests.browser.test_story import add_oauth_app
from tests.conftest import make_member
from tests.factories import make_credential, make_oauth_app
from tests.simulator_server import Simulator

# More than enough for any page here.
MOST_TABS = 80

# Counts the forms that would be sent, and keeps the page.
HOLD = """() => {
  window.sent = 0;
  addEventListener("submit", (event) => {
    if (!event.defaultPrevented) window.sent += 1;
    event.preventDefault();
  });
}"""


class Hand:
    """Does one step at a time, and counts them."""

    def __init__(self, page: Page, by: str) -> None:
        self.page, self.by, self.steps = page, by, 0

    def go(self, target: Locator) -> None:
        """A click, or Enter on what the Tab key reaches; then another page is there."""
        self.steps += 1
        settle(self.page)
        with self.page.expect_navigation():
            if self.by == "mouse":
                target.click()
            else:
                self.reach(target)
                self.page.keyboard.press("Enter")

    def reach(self, target: Locator) -> None:
        for _ in range(MOST_TABS):
            if target.evaluate("each => each === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Not reached by the keyboard: {target}")


@pytest.fixture(params=["mouse", "keyboard"])
def hand(request: pytest.FixtureRequest, page: Page) -> Hand:
    return Hand(page, request.param)


def test_hubspot_is_connected_in_four(hand: Hand, simulated: Simulator) -> None:
    page = hand.page
    add_oauth_app(page, simulated, "hubspot", "HubSpot")
    page.goto("/credentials/")

    hand.go(page.get_by_role("main").get_by_role("link", name="Connect an account").first)
    hand.go(page.get_by_role("link", name="HubSpot OAuth", exact=False).first)
    hand.go(page.get_by_role("button", name="Connect with HubSpot"))
    hand.go(page.get_by_role("button", name="Allow"))

    page.wait_for_url("**/credentials/*/")
    assert hand.steps == 4
    assert Credential.objects.get().kind == "hubspot_oauth2"


def test_one_of_1200_is_found_by_its_metadata_in_two(
    hand: Hand, organization: Organization
) -> None:
    app, page = make_oauth_app(organization, "hubspot"), hand.page
    rows = [fleet.stripe(organization, app, number) for number in range(1_200)]
    Credential.objects.bulk_create(rows, batch_size=500)
    page.goto("/audit/")
    settle(page)

    if hand.by == "mouse":
        page.locator(".sidebar-wide").get_by_label("Search", exact=True).click()
    else:
        page.keyboard.press("/")
    hand.steps += 1
    page.keyboard.type("customer:c-000777")
    hit = page.locator("#search [data-hit]")
    expect(hit).to_have_count(1)
    assert list_faults(page) == []
    if hand.by == "mouse":
        hit.click()
    else:
        page.keyboard.press("Enter")
    hand.steps += 1

    page.wait_for_url(f"**/credentials/{rows[777].pk}/")
    assert hand.steps == 2


def test_our_client_secret_is_replaced_in_two_and_a_paste(
    hand: Hand, organization: Organization
) -> None:
    app, page = make_oauth_app(organization, "hubspot", name="Main app"), hand.page
    page.goto(f"/oauth-apps/{app.pk}/")

    hand.go(page.get_by_role("link", name="Replace"))
    # It has the focus: what is pasted lands in it.
    page.keyboard.insert_text("a-new-secret")
    hand.go(page.get_by_role("button", name="Replace the secret of Main app"))

    expect(page.get_by_text("Main app has its new secret.")).to_be_visible()
    assert hand.steps == 2
    assert OAuthApp.objects.get(pk=app.pk).secrets["client_secret"] == "a-new-secret"


def test_who_changed_this_limit_yesterday_is_known_in_three(
    hand: Hand, organization: Organization, user: User
) -> None:
    """Of three changes one was yesterday, where the person is: in Tokyo it was another day."""
    page, noon = hand.page, timezone.localtime(timezone=ZoneInfo("Asia/Tokyo")).replace(hour=12)
    User.objects.update(time_zone="Asia/Tokyo")
    chani = make_member(organization, "chani@arrakis.test", "member")
    credential = make_credential(organization, "stripe_key", name="Arrakis")
    other = make_credential(organization, "sendgrid_key", name="Caladan")
    for row, person, requests, days in (
        *((credential, user, 20, 3), (credential, chani, 50, 1), (other, user, 7, 1)),
    ):
        with clock.at(noon - timedelta(days=days)):
            rate = Rate(allowed_requests=requests, interval=1_000, max_concurrent_requests=5)
            limits.set_limit(type(row).objects.get(pk=row.pk), rate, actor=person)
    page.goto(f"/credentials/{credential.pk}/")

    hand.go(page.get_by_role("link", name="Limits and usage"))
    hand.go(page.get_by_role("link", name="Who changed it"))
    hand.go(page.get_by_role("link", name="Yesterday"))

    rows = page.locator("#events tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("chani@arrakis.test")
    expect(rows).to_contain_text("50 per second, was 20 per second")
    expect(rows).to_contain_text("12:")
    assert hand.steps == 3
    assert list_faults(page) == []


def test_a_batch_of_links_is_withdrawn_in_two(
    hand: Hand, organization: Organization, user: User
) -> None:
    for number in range(3):
        make_credential(organization, "stripe_key", identity=str(number), name=f"N{number}")
    rows = Credential.objects.of(organization)
    batch = batches.start(
        organization, rows, BatchAction.RECONNECT, actor=user, options={"days": 7}
    )
    work()
    hand.page.goto(f"/batches/{batch.pk}/")

    hand.go(hand.page.get_by_role("link", name="Withdraw this batch"))
    hand.go(hand.page.get_by_role("button", name="Withdraw 3 connect links"))
    work()

    assert hand.steps == 2
    assert {link.state for link in ConnectLink.objects.all()} == {LinkState.REVOKED}


def work() -> None:
    (claimed,) = batches.claim_due(1)
    batches.work_claimed(claimed)


def test_a_slow_form_is_sent_once_and_says_what_it_waits_for(
    page: Page, organization: Organization
) -> None:
    """And after the browser's Back the button is as it was."""
    page.goto("/credentials/new/stripe_key/")
    page.evaluate(HOLD)
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("button", name="Asking Stripe…")).to_be_disabled()
    expect(page.locator("#announcer")).to_have_text("Asking Stripe…")
    # Enter in a field sends a form, too.
    page.get_by_label("Account name").press("Enter")
    assert page.evaluate("sent") == 1

    page.reload()
    press(page, "Save")
    expect(page.get_by_role("alert")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Save")).to_be_enabled()
