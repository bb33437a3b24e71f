"""The recipes on the page Engines: opened, read and copied."""

from playwright.sync_api import Page, expect

from sequin_admin.dashboard.handbook import EXAMPLES
from tests.browser.conftest import hold_still, list_faults_of_sizes

RECIPE = "python/read_contacts.py"


def test_a_recipe_is_opened_and_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/docs/engines/")
    page.get_by_text(RECIPE).click()

    page.get_by_role("button", name="Copy").first.click()

    expect(page.get_by_role("region", name=RECIPE)).to_contain_text("Prints every contact")
    text = (EXAMPLES / RECIPE).read_text()
    assert page.evaluate("navigator.clipboard.readText()") == text


def test_all_recipes_are_accessible_and_fit_when_they_are_open(page: Page) -> None:
    page.goto("/docs/engines/")
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    hold_still(page)

    assert list_faults_of_sizes(page) == []
