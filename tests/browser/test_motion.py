"""With reduced motion requested nothing fades, slides or spins."""

import pytest
from playwright.sync_api import Page

from sequin_admin.access.models import Organization
from tests.browser.conftest import settle
from tests.factories import make_credential

MOVING = """() => [...document.querySelectorAll("*")].flatMap((element) =>
  ["", "::before", "::after", "::backdrop"].map((part) => getComputedStyle(element, part || null))
    .filter((style) => style.animationName !== "none" || style.scrollBehavior !== "auto"
      || /[1-9]/.test(style.transitionDuration))
    .map(() => element.outerHTML.slice(0, 80)))"""
# Records the opacity of each fragment as soon as it is in the page.
WATCH = """() => {
  window.opacities = [];
  document.addEventListener("htmx:afterSwap", () => {
    for (const element of document.querySelectorAll(".htmx-added, .htmx-settling"))
      window.opacities.push(getComputedStyle(element).opacity);
  });
}"""


@pytest.mark.parametrize("path", ["/", "/credentials/", "/notifications/new/webhook/", "/v1/docs"])
def test_no_element_moves(page: Page, path: str) -> None:
    page.goto(path)
    settle(page)
    page.evaluate(
        "() => document.querySelector('.toasts')?.insertAdjacentHTML('beforeend', "
        "'<div class=\"toast htmx-added\">Saved.</div>')"
    )

    assert page.evaluate(MOVING) == []


def test_a_swapped_fragment_is_opaque_at_once(page: Page, organization: Organization) -> None:
    credential = make_credential(organization, "stripe_key")
    page.goto(f"/credentials/{credential.pk}/usage/")
    settle(page)
    page.evaluate(WATCH)

    page.locator("#limit").get_by_role("link", name="Edit").click()
    page.get_by_label("Allowed requests").wait_for()

    assert set(page.evaluate("window.opacities")) == {"1"}
