"""Find one credential by the keyboard alone, and without JavaScript."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from sequin_admin.access.models import Organization, User
from sequin_admin.credentials.models import Credential
from tests.browser.conftest import log_in, settle
from tests.factories import make_credential


@pytest.fixture
def wanted(organization: Organization) -> Credential:
    for number in (776, 778):
        make_credential(organization, "stripe_key", name=f"No {number}", identity=f"a{number}")
    customer = {"customer": "c-000777"}
    return make_credential(organization, "stripe_key", name="Spice", metadata=customer)


def test_arrows_go_through_the_lines_and_back(page: Page, wanted: Credential) -> None:
    page.goto(f"/credentials/{wanted.pk}/")
    settle(page)
    field = page.locator("#search-overlay")

    page.keyboard.press("Control+K")
    expect(page.locator("#search [data-hit]")).to_contain_text(["Spice"])
    page.keyboard.type("no 77")
    expect(page.locator("#search [data-hit]")).to_have_count(2)
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    expect(field).to_be_focused()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)

    expect(page.get_by_role("heading", name="No 776")).to_be_visible()


def test_the_field_leads_to_a_page_without_javascript(
    open_page: Callable[..., Page], user: User, wanted: Credential
) -> None:
    page = open_page(java_script_enabled=False)
    log_in(page, user)
    page.goto("/")

    page.get_by_label("Search", exact=True).first.fill("customer:c-000777")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Spice").click()

    page.wait_for_url(f"**/credentials/{wanted.pk}/")
