"""The keys, and when they do not act."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from sequin_admin.access.models import Organization, User
from sequin_admin.dashboard.areas import AREAS
from tests.browser.conftest import log_in, settle
from tests.factories import make_credential

TICKED = ".cell-tick input:checked"
# What has the focus, and whether it shows it: itself, by its label or by what it holds.
FOCUS = """() => {
  const each = document.activeElement, ringed = (one) => one && one.checkVisibility()
    && getComputedStyle(one).outlineStyle !== "none" && one.getBoundingClientRect().width > 1;
  const marks = [each, ...(each.labels ?? []), each.closest("label")];
  return [each.outerHTML.slice(0, 120), each === document.body || marks.some(ringed)];
}"""
# More than there are on these pages.
MOST_STOPS = 200


@pytest.fixture
def rows(organization: Organization) -> None:
    for name in ("Arrakis", "Caladan", "Giedi Prime", "Ix"):
        make_credential(organization, "stripe_key", name=name, identity=name)


def press_all(page: Page, keys: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)


def ticked(page: Page) -> list[str]:
    values: list[str] = page.locator(f"tr:has({TICKED}) a.strong").all_text_contents()
    return values


def test_g_and_a_letter_open_an_area(page: Page, rows: None) -> None:
    page.goto("/")
    for keys, path in (("g c", "/credentials/"), ("g s", "/syncs/"), ("g o", "/")):
        press_all(page, keys)
        page.wait_for_url(path)


def test_rows_are_ticked_and_acted_on(page: Page, rows: None) -> None:
    page.goto("/credentials/")
    settle(page)

    press_all(page, "j x j j Shift+X")
    listed = page.locator("[data-row] a.strong").all_text_contents()
    assert ticked(page) == listed[:3]
    press_all(page, "x")
    assert ticked(page) == listed[:2]

    press_all(page, ".")
    menu = page.get_by_role("dialog", name="Actions")
    expect(menu.get_by_role("button").first).to_be_focused()
    expect(menu.get_by_role("button").first).to_have_text("Create reconnect links")
    page.keyboard.press("Enter")
    page.wait_for_url("**/connect-links/bulk/**")


def test_a_slash_opens_the_search_after_a_tick_too(page: Page, rows: None) -> None:
    page.goto("/credentials/")
    page.locator("[data-row] .cell-tick input").first.click()

    page.keyboard.press("/")

    expect(page.get_by_role("searchbox", name="Search for everything")).to_be_focused()


def test_every_area_has_a_key_and_stands_in_the_help(page: Page, user: User) -> None:
    page.goto("/credentials/")
    keys = page.locator(".sidebar-wide [data-go]")
    listed = {link.get_attribute("data-go"): link.get_attribute("href") for link in keys.all()}
    named = page.locator("#shortcuts dt").all_text_contents()

    assert len(listed) == keys.count() == len(AREAS)
    assert {f"g {key}" for key in listed} <= {" ".join(name.split()) for name in named}
    for key, path in listed.items():
        page.goto("/credentials/")
        press_all(page, f"g {key}")
        page.wait_for_url(path)


def test_shift_and_a_click_tick_what_is_between(page: Page, rows: None) -> None:
    page.goto("/credentials/")
    boxes = page.locator("[data-row] .cell-tick input")

    boxes.nth(0).click()
    boxes.nth(2).click(modifiers=["Shift"])

    assert len(ticked(page)) == 3


def test_the_page_s_own_actions_are_listed(page: Page, organization: Organization) -> None:
    row = make_credential(organization, "stripe_key", health_status="healthy", check_due_at=None)
    page.goto(f"/credentials/{row.pk}/")

    press_all(page, ".")

    menu = page.get_by_role("dialog", name="Actions")
    assert menu.get_by_role("button").all_text_contents() == ["Edit", "Verify now"]
    page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("button", name="Verify now")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()


def test_no_key_acts_while_somebody_types(page: Page, rows: None) -> None:
    page.goto("/credentials/")
    page.get_by_label("Search credentials").click()

    page.keyboard.type("g x ? . j")

    expect(page.get_by_label("Search credentials")).to_have_value("g x ? . j")
    assert page.url.endswith("/credentials/")
    assert ticked(page) == []
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_help_names_every_key_and_they_can_be_switched_off(page: Page, rows: None) -> None:
    page.goto("/")
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keyboard")
    expect(help_).to_contain_text("Credentials")
    help_.get_by_role("link", name="Switch single keys off").click()
    page.get_by_label("Single keys act").uncheck()
    page.locator("form", has_text="Single keys act").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Single keys are off.")).to_be_visible()

    for key in ("?", "g", "c", ".", "/"):
        page.keyboard.press(key)

    expect(page.get_by_role("dialog")).to_have_count(0)
    assert "/accounts/2fa/" in page.url


def test_two_tabs_and_enter_reach_the_first_row(page: Page, rows: None) -> None:
    page.goto("/credentials/")
    settle(page)

    press_all(page, "Tab Tab Enter")

    expect(page.locator("[data-row] a.strong").first).to_be_focused()


def test_the_person_is_in_view_on_a_low_screen_and_all_areas_at_900(
    open_page: Callable[..., Page], user: User, organization: Organization
) -> None:
    page = open_page(viewport={"width": 1440, "height": 800})
    log_in(page, user)
    page.goto("/")

    for name in ("Security", "Sign out"):
        place = page.locator(".sidebar-wide").get_by_text(name, exact=True).bounding_box()
        assert place is not None
        assert place["y"] + place["height"] <= 800
    page.set_viewport_size({"width": 1440, "height": 900})
    hidden = page.locator(".sidebar-wide nav").evaluate("n => n.scrollHeight - n.clientHeight")
    assert hidden == 0


def test_the_front_is_polled_on_every_tab(page: Page, organization: Organization) -> None:
    row = make_credential(organization, "stripe_key")
    for tab in ("token/", "usage/"):
        page.goto(f"/credentials/{row.pk}/{tab}")
        expect(page.locator("#health .badge-idle")).to_be_visible()
        type(row).objects.update(health_status="healthy", check_due_at=None)
        expect(page.locator("#health .badge-good")).to_be_visible()
        type(row).objects.update(health_status="")


@pytest.mark.parametrize("path", ["/audit/", "/credentials/", "/notifications/new/webhook/"])
def test_whatever_has_the_focus_shows_it(page: Page, rows: None, path: str) -> None:
    page.goto(path)
    settle(page)
    seen, silent = [], set()

    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        what, shown = page.evaluate(FOCUS)
        if what.startswith("<body"):
            break
        seen.append(what)
        if not shown:
            silent.add(what)

    assert silent == set()
    # A date has several stops.
    assert len(seen) > len(set(seen)) if path == "/audit/" else len(seen) > 20
