"""From an empty database: `make run`'s processes, and the demo's tour in a browser."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE_MS, press
from tests.tools.test_up import Up

ARRAKIS = "21902692"


@pytest.fixture
def up(tmp_path: Any, migrated_file: Path) -> Iterator[tuple[Up, str]]:
    """`tools/test_up.py` begins without the tables, which take long to make."""
    shutil.copy(migrated_file, tmp_path / "sequin_admin.sqlite3")
    up = Up(tmp_path)
    yield up, up.start()
    if up.process and up.process.poll() is None:
        up.end()


def sign_in(chromium: Browser, up: Up, said: str, **options: Any) -> Page:
    """A page of somebody who has read the terminal."""
    found = re.search(r"Login +(\S+) +(\S+)", said)
    assert found, said
    context = chromium.new_context(base_url=up.web, reduced_motion="reduce", **options)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(found[1])
    page.get_by_label("Password").fill(found[2])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/accounts/" not in url)
    return page


def test_the_tour_from_the_first_start(chromium: Browser, up: tuple[Up, str]) -> None:
    stack, said = up
    page = sign_in(chromium, stack, said)
    expect_tour(page, 0)
    connect_hubspot(page)
    account = page.url

    page.goto("/")
    expect_tour(page, 1)
    # Ticks while the page is open: the account is broken in another window.
    break_account(page.context.new_page(), stack, account)
    expect_tour(page, 2)
    press(page, "See who is blamed")
    expect(page.get_by_text("HubSpot no longer accepts").first).to_be_visible()

    page.goto("/")
    expect_tour(page, 3)
    page.goto("/connect-links/new/stripe/")
    page.get_by_role("button", name="Create the link").click()
    page.goto("/")
    expect_tour(page, 4)
    page.get_by_role("link", name="Set a limit").click()
    page.get_by_role("link", name="Edit", exact=True).first.click()
    page.get_by_label(re.compile("Allowed requests")).fill("1")
    page.get_by_role("button", name="Save limits").click()
    expect(page.get_by_text("1 request per second")).to_be_visible()
    # The demo's worker takes every permit there is.
    expect(page.get_by_text("Used of the window: 1 of 1 (100 %)")).to_be_visible()
    page.goto("/")
    expect(page.get_by_text("This is demo data")).to_be_visible()
    expect(page.get_by_text("Tour:")).to_have_count(0)

    remove_without_javascript(chromium, up)


def expect_tour(page: Page, done: int) -> None:
    expect(page.get_by_role("heading", name=f"Tour: {done} of 5")).to_be_visible()


def connect_hubspot(page: Page) -> None:
    page.get_by_role("link", name="Connect an account").last.click()
    page.get_by_role("combobox").first.select_option(label="HubSpot (simulated)")
    page.get_by_role("button", name="Connect with HubSpot").click()
    page.get_by_role("radio", name=ARRAKIS).check()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="arrakis.io").first).to_be_visible()


def break_account(page: Page, stack: Up, account: str) -> None:
    page.goto(f"{stack.simulator}/control/hubspot/{ARRAKIS}/")
    page.get_by_role("button", name="Revoke our access").click()
    page.goto(account)
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_text("Customer must act").first).to_be_visible()
    page.close()


def remove_without_javascript(chromium: Browser, up: tuple[Up, str]) -> None:
    """On a phone, in the dark; what the person has connected stays."""
    viewport = {"width": 390, "height": 900}
    page = sign_in(chromium, *up, java_script_enabled=False, viewport=viewport)
    page.get_by_role("link", name="Remove the demo data").click()
    page.get_by_role("button", name="Remove the demo data").click()
    expect(page.get_by_text("The demo data is removed")).to_be_visible()
    page.goto("/credentials/")
    expect(page.get_by_text("arrakis.io").first).to_be_visible()
    expect(page.get_by_text("Caladan Coffee")).to_have_count(0)
