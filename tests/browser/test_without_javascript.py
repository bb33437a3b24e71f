"""Each page without JavaScript: nothing is in view that only a script could make act."""

from collections.abc import Callable

from playwright.sync_api import Page

from sequin_admin.access.models import User
from tests.browser.conftest import log_in
from tests.browser.test_pages import addresses

# Links without an address, buttons that send nothing, and what htmx would ask for by a click; and
# whether the page has a heading.
LOOK = """() => [[...document.querySelectorAll("a, button, [hx-get], [hx-post]")].filter((each) => {
  if (!each.checkVisibility()) return false;
  if (each.matches("a")) return !each.hasAttribute("href");
  if (each.matches("button")) return each.type !== "submit" || !each.form;
  const byItself = /every|seen|live|change|input/.test(each.getAttribute("hx-trigger") || "");
  return !each.matches("form") && !byItself;
}).map((each) => each.outerHTML.slice(0, 120)),
  !!document.querySelector("h1")?.checkVisibility({visibilityProperty: true})]"""

__all__ = ("addresses",)


def test_no_page_needs_a_script(
    open_page: Callable[..., Page],
    user: User,
    addresses: list[str],
) -> None:
    page = open_page(java_script_enabled=False)
    log_in(page, user)
    dead, empty = [], []

    for address in addresses:
        page.goto(address, wait_until="domcontentloaded")
        found, is_titled = page.evaluate(LOOK)
        dead += [(address, each) for each in found]
        empty += [] if is_titled else [address]

    assert dead == []
    assert empty == []
