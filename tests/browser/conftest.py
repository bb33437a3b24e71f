"""Chromium against a real server, with the simulator in place of every provider."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sequin_admin.access.models import User
from tests.browser.kinds import register_callbacks
from tests.simulator_server import Simulator

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PASSWORD = "spice must flow"
# Generous, for a busy machine.
PATIENCE_MS = 30_000
AXE = Axe().axe_script
# Accessibility rules that depend on the theme.
COLOURS = ("color-contrast", "link-in-text-block")
# The rule, the element and what is wrong with it, of each violation.
VIOLATIONS = """async rules => {
  const named = rules.length ? {runOnly: rules} : {};
  const found = await axe.run({resultTypes: ["violations"], ...named});
  return found.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.html}: ${node.failureSummary}`));
}"""
# True when nothing that htmx asked for is under way or still being put into the page.
SETTLED = """() => document.readyState === "complete" && !document.querySelector(
  ".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")"""
# The same, and from then on nothing is asked until the next page.
STILL = f"""() => {{
  if (!({SETTLED})()) return false;
  document.addEventListener("htmx:beforeRequest", (event) => event.preventDefault());
  return true;
}}"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = pytest.mark.skip(reason="There is no Chromium here: apt-get install chromium")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None and not os.environ.get("REQUIRE_ALL_LEGS"):
                item.add_marker(missing)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    # Playwright runs an event loop in this thread; the ORM is used outside of it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site(live_server: Any, settings: Any, simulated: Simulator) -> str:
    """The server's address, registered as a callback at the simulated providers."""
    settings.PUBLIC_URL = live_server.url
    settings.CSRF_TRUSTED_ORIGINS = [live_server.url]
    # A walk over all pages takes a busy machine longer than a login counts as fresh.
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 3600
    register_callbacks(simulated, live_server.url)
    address: str = live_server.url
    return address


@pytest.fixture
def open_page(chromium: Browser, site: str) -> Iterator[Callable[..., Page]]:
    contexts = []

    def make(**options: Any) -> Page:
        context = chromium.new_context(base_url=site, reduced_motion="reduce", **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Callable[..., Page], user: User) -> Page:
    """A page of a user who has logged in through the form."""
    page = open_page()
    log_in(page, user)
    return page


def log_in(page: Page, user: User) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/accounts/" not in url)


def press(page: Page, name: str) -> None:
    """Press a button that posts a form, and wait for the page that answers."""
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).first.click()


def settle(page: Page) -> None:
    """Wait until the page has what it loads by itself, before a click on what htmx swaps."""
    page.wait_for_function(SETTLED)


def hold_still(page: Page) -> None:
    """Settle, and let nothing be swapped while the page is measured."""
    page.wait_for_function(STILL)


def list_faults(page: Page) -> list[str]:
    """What axe finds in the page's theme, colours in the other theme, and sideways scrolling."""
    theme = "(prefers-color-scheme: dark)"
    dark = page.evaluate("theme => matchMedia(theme).matches", theme)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    faults = page.evaluate(VIOLATIONS, [])
    page.emulate_media(color_scheme="light" if dark else "dark")
    faults += page.evaluate(VIOLATIONS, list(COLOURS))
    page.emulate_media(color_scheme="dark" if dark else "light")
    wide = page.locator("html").evaluate("html => html.scrollWidth - html.clientWidth")
    return [f"{page.url}: {fault}" for fault in faults] + (
        [f"{page.url}: {wide} px too wide"] if wide > 0 else []
    )
