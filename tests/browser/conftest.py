"""Chromium against a real server, with the simulator in place of every provider."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as product_settings
from django.test import Client
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from sequin_admin.access.models import User
from tests.browser.kinds import register_callbacks
from tests.patience import PATIENCE_S
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
WIDE: ViewportSize = {"width": 1440, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 900}
# 1440 pixels at 200 %.
ZOOMED: ViewportSize = {"width": 720, "height": 450}
PATIENCE_MS = PATIENCE_S * 1000 // 3
AXE = Axe().axe_script
# Accessibility rules that depend on the theme.
COLOURS = ("color-contrast", "link-in-text-block")
# The rule, the element and what is wrong with it, of each violation.
TOLD = """found => found.violations.flatMap((rule) =>
  rule.nodes.map((node) => `${rule.id}: ${node.html}: ${node.failureSummary}`))"""
VIOLATIONS = (
    f"async options => ({TOLD})(await axe.run({{resultTypes: ['violations'], ...options}}))"
)
# Texts without enough contrast, of those that look like none that was judged in this tab. Contrast
# depends on their colour, on whether they are large, and on what they lie on.
PALE_LOOKS = f"""async () => {{
  const known = new Set(JSON.parse(sessionStorage.getItem("judged") ?? "[]"));
  const around = new Map([[null, ""]]), fresh = [];
  const ground = (element) => {{
    if (!around.has(element)) {{
      const own = getComputedStyle(element);
      const changes = own.backgroundColor !== "rgba(0, 0, 0, 0)" || own.backgroundImage !== "none"
        || own.opacity !== "1" || own.filter !== "none" || own.mixBlendMode !== "normal"
        || !["static", "relative"].includes(own.position);
      const style = [own.backgroundColor, own.backgroundImage, own.opacity, own.filter,
        own.mixBlendMode, own.position];
      const below = ground(element.parentElement);
      around.set(element, changes ? `${{style}} on ${{below}}` : below);
    }}
    return around.get(element);
  }};
  const says = (element) => element.value || element.placeholder ||
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  for (const element of document.body.querySelectorAll("*")) {{
    if (!says(element) || !element.checkVisibility()) continue;
    const own = getComputedStyle(element), size = parseFloat(own.fontSize);
    const large = size >= 24 || (size >= 18.66 && own.fontWeight >= 700);
    const look = [own.color, large, own.textShadow, ground(element)].join();
    if (!known.has(look)) fresh.push(element);
    known.add(look);
  }}
  sessionStorage.setItem("judged", JSON.stringify([...known]));
  const options = {{resultTypes: ["violations"], runOnly: ["color-contrast"]}};
  return fresh.length ? ({TOLD})(await axe.run({{include: fresh}}, options)) : [];
}}"""
# Search fields that are shorter than their placeholders.
CUT_OFF = """() => [...document.querySelectorAll("[type=search]")].filter((each) => {
  const style = getComputedStyle(each), pen = document.createElement("canvas").getContext("2d");
  const room = each.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  pen.font = style.font;
  return each.checkVisibility() && pen.measureText(each.placeholder).width > room;
}).map((each) => each.placeholder)"""
# How far the page reaches beyond the window, and what is cut off.
TOO_WIDE = f"""() => {{
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const found = ({CUT_OFF})().map((words) => `cut off: ${{words}}`);
  if (wide > 0) found.push(`${{wide}} px too wide`);
  return found.map((each) => `${{each}} at ${{innerWidth}} x ${{innerHeight}}`);
}}"""
# In one call, as each takes the browser and us longer than what is asked: what is pale, what is too
# wide, and if `all` is asked for what breaks any other rule.
MEASURED = f"""async all => [
  ...(all ? await ({VIOLATIONS})({{rules: {{"color-contrast": {{enabled: false}}}}}}) : []),
  ...({TOO_WIDE})(), ...await ({PALE_LOOKS})()]"""
# What moves in spite of a request for reduced motion: what runs, rules and attributes that nothing
# overrides, images that play by themselves, and a probe that nothing stops.
MOVING = """() => {
  const still = {"animation-name": "none", "transition-duration": "0s", "scroll-behavior": "auto"};
  const names = Object.keys(still);
  const insists = (style) => names.some((name) =>
    style.getPropertyPriority(name) && style.getPropertyValue(name) !== still[name]);
  const rules = (list) => [...list].flatMap((rule) => [rule, ...rules(rule.cssRules ?? [])]);
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.cssText = "animation: probe 9s; transition: all 9s; scroll-behavior: smooth";
  const computed = getComputedStyle(probe);
  const found = names.filter((name) => computed.getPropertyValue(name) !== still[name]);
  probe.remove();
  found.push(...document.getAnimations().map((each) => `runs: ${each.effect.target.outerHTML}`));
  for (const sheet of document.styleSheets) found.push(...rules(sheet.cssRules)
    .filter((rule) => rule.style && insists(rule.style)).map((rule) => rule.cssText));
  const plays = "animate, animateTransform, animateMotion, marquee";
  for (const each of document.querySelectorAll(`[style], ${plays}`))
    if (each.matches(plays) || insists(each.style)) found.push(each.outerHTML);
  return found.map((each) => `moves: ${each.slice(0, 120)}`);
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
    """A page of a user who is logged in."""
    page = open_page()
    log_in(page, user)
    return page


def log_in(page: Page, user: User) -> None:
    """Give the browser a session, as the login form does in a second."""
    client = Client()
    client.force_login(user)
    name = product_settings.SESSION_COOKIE_NAME
    value, url = client.cookies[name].value, product_settings.PUBLIC_URL
    page.context.add_cookies([{"name": name, "value": value, "url": url}])


def enter_password(page: Page, user: User) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


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


def load_axe(page: Page) -> None:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)


def list_faults(page: Page) -> list[str]:
    """What axe finds in the page's theme, colours in the other theme, and what does not fit."""
    theme = "(prefers-color-scheme: dark)"
    dark = page.evaluate("theme => matchMedia(theme).matches", theme)
    load_axe(page)
    faults = page.evaluate(VIOLATIONS, {})
    page.emulate_media(color_scheme="light" if dark else "dark")
    faults += page.evaluate(VIOLATIONS, {"runOnly": COLOURS})
    page.emulate_media(color_scheme="dark" if dark else "light")
    faults += page.evaluate(TOO_WIDE)
    return [f"{page.url}: {fault}" for fault in faults]


def list_faults_of_sizes(page: Page) -> list[str]:
    """What axe finds at 1440 pixels in light and at 390 in dark, what is pale at each width in each
    theme and was not judged in this tab, what does not fit at each width and at 200 %, and what
    moves although the browser asks for reduced motion."""
    load_axe(page)
    faults = page.evaluate(MOVING)
    for size, themes in ((WIDE, ("light", "dark")), (NARROW, ("dark", "light"))):
        page.set_viewport_size(size)
        for theme in themes:
            page.emulate_media(color_scheme=theme)
            faults += page.evaluate(MEASURED, theme == themes[0])
    page.set_viewport_size(ZOOMED)
    faults += page.evaluate(TOO_WIDE)
    return [f"{page.url}: {fault}" for fault in faults]
