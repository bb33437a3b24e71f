"""Staff open access to an organization; its owner sees it and ends it."""

from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from sequin_admin.access.models import Organization, User
from tests.browser.conftest import PASSWORD, log_in, press


def complaints_about(page: Page, width: int) -> list[str]:
    """What axe finds in both themes, and sideways scrolling."""
    complaints = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        found = Axe().run(page)
        complaints += [found.generate_report()] if found.violations_count else []
    wide = page.locator("html").evaluate("html => html.scrollWidth") - width
    return complaints + ([f"{page.url}: {wide} px too wide"] if wide > 0 else [])


def test_access_is_opened_shown_and_ended(
    open_page: Callable[..., Page], user: User, organization: Organization
) -> None:
    staff = User.objects.create_superuser("irulan", "irulan@corrino.test", PASSWORD)
    page = open_page(java_script_enabled=False, viewport={"width": 390, "height": 900})
    log_in(page, staff)
    page.goto(f"/staff/access/organization/{organization.pk}/change/")

    page.get_by_role("link", name="Open staff access").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main form button").first.click()
    page.get_by_label("Reason").fill("Ticket 12")
    press(page, "Open staff access")
    expect(page.get_by_text("The owners are mailed")).to_be_visible()

    looking = open_page(viewport={"width": 390, "height": 900})
    log_in(looking, staff)
    looking.goto("/credentials/")
    expect(looking.get_by_role("complementary", name="Staff access")).to_contain_text("Ticket 12")
    assert complaints_about(looking, 390) == []

    owner = open_page(viewport={"width": 390, "height": 900})
    log_in(owner, user)
    owner.goto("/organization/")
    assert complaints_about(owner, 390) == []
    press(owner, f"End the access of {staff}")
    expect(owner.get_by_text("no longer has access")).to_be_visible()
    answer = looking.goto("/credentials/")
    assert answer
    assert answer.status == 403
