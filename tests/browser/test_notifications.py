"""Notifications in a real browser: a webhook from its first secret to a delivery sent again."""

import re

from playwright.sync_api import Page, expect
from standardwebhooks import Webhook

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.notifications import outbox
from tests.browser.conftest import press
from tests.notified import HOST, Receiver, make_message, work


def test_a_webhook_is_added_tested_and_its_log_followed(
    page: Page, organization: Organization, receiver: Receiver
) -> None:
    page.goto("/notifications/")
    page.get_by_role("link", name="Webhook").click()
    page.get_by_label("Name").fill("Data platform")
    page.get_by_label("URL").fill(f"https://{HOST}/hook")
    page.get_by_label("Quiet from").fill("22:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter both times, or none.")
    page.get_by_label("Quiet from").fill("")
    page.get_by_role("button", name="Save").click()
    secret = page.locator(".copy code").inner_text()
    page.get_by_role("link", name="I have copied it").click()

    page.get_by_role("button", name="Send a test").click()
    expect(page.locator(".toast")).to_contain_text("The test was delivered")
    (call,) = receiver.calls
    assert Webhook(secret).verify(call.body, call.headers)["type"] == "channel.test"

    receiver.reply(500)
    outbox.post(organization, make_message("HubSpot rejects our OAuth app's secret"))
    work()
    page.reload()
    row = page.locator("#log tr", has_text="HubSpot rejects")
    expect(row).to_contain_text(f"{HOST} answered 500.")
    organization.deliveries.update(next_try_at=clock.now())
    work()
    # The log polls while a delivery is pending.
    expect(row).to_contain_text("Delivered")

    row.get_by_role("link").click()
    expect(page.locator("section", has_text="Tries")).to_contain_text("500")
    press(page, "Send again")
    work()
    assert len({each.headers["webhook-id"] for each in receiver.calls[1:]}) == 1
    assert len(receiver.calls) == 4
    expect(page).to_have_url(re.compile("/notifications/deliveries/"))
