"""With reduced motion requested nothing fades, slides or spins. `test_pages.py` asks each page."""

import re
from collections.abc import Callable

import pytest
from django.conf import settings
from playwright.sync_api import Page

from sequin_admin.access.models import Organization, User
from tests.browser.conftest import MOVING, hold_still, log_in, settle
from tests.factories import make_credential

ADD_RULE = "rule => document.styleSheets[0].insertRule(rule)"
ADD_HTML = "html => document.querySelector('main').insertAdjacentHTML('beforeend', html)"
ANIMATE = "length => { document.body.animate([{opacity: 0}, {opacity: 1}], length) }"
INSIST = "style => document.querySelector('main').style.setProperty(...style)"
IGNORING = {
    "a rule": (ADD_RULE, ".btn { animation: appear 1s !important }"),
    "a rule for some widths": (
        *(ADD_RULE, "@media (min-width: 1px) { a:hover { transition: all 1s !important } }"),
    ),
    "a rule in a layer": (
        ADD_RULE,
        "@layer components { html { scroll-behavior: smooth !important } }",
    ),
    "an element": (INSIST, ["animation-name", "appear", "important"]),
    "a script": (ANIMATE, 60_000),
    "an image": (ADD_HTML, '<svg><circle><animate attributeName="r" dur="1s"/></circle></svg>'),
}
# Scrolls and fades of scripts, which no style sheet stops.
OF_SCRIPTS = re.compile(r"smooth|\.animate\(|ViewTransition|transition:true")
# Records the opacity of each fragment as soon as it is in the page.
WATCH = """() => {
  window.opacities = [];
  document.addEventListener("htmx:afterSwap", () => {
    for (const element of document.querySelectorAll(".htmx-added, .htmx-settling"))
      window.opacities.push(getComputedStyle(element).opacity);
  });
}"""


@pytest.mark.parametrize("path", ["/v1/docs", "/accounts/login/"])
def test_nothing_moves_on_pages_with_a_style_sheet_of_their_own(page: Page, path: str) -> None:
    page.goto(path)
    settle(page)

    assert page.evaluate(MOVING) == []


def test_what_ignores_the_request_is_found(page: Page) -> None:
    missed = []

    for name, (add, what) in IGNORING.items():
        page.goto("/members/")
        hold_still(page)
        assert page.evaluate(MOVING) == []
        page.evaluate(add, what)
        if not page.evaluate(MOVING):
            missed.append(name)

    assert missed == []


def test_pages_move_where_nobody_asks_against_it(
    open_page: Callable[..., Page], user: User
) -> None:
    page = open_page()
    page.emulate_media(reduced_motion="no-preference")
    log_in(page, user)
    page.goto("/members/")
    hold_still(page)

    assert len(page.evaluate(MOVING)) == 3  # of the probe


def test_no_script_moves_anything() -> None:
    sources = [
        *(settings.BASE_DIR / "static/js").glob("*.js"),
        *(settings.BASE_DIR / "templates").rglob("*.html"),
    ]

    assert [path.name for path in sources if OF_SCRIPTS.search(path.read_text())] == []


def test_a_swapped_fragment_is_opaque_at_once(page: Page, organization: Organization) -> None:
    credential = make_credential(organization, "stripe_key")
    page.goto(f"/credentials/{credential.pk}/usage/")
    settle(page)
    page.evaluate(WATCH)

    page.locator("#limit").get_by_role("link", name="Edit").click()
    page.get_by_label("Allowed requests").wait_for()

    assert set(page.evaluate("window.opacities")) == {"1"}
