"""Staff open access to an organization; its owner sees it and ends it."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from sequin_admin.access.models import Organization, User
from tests.browser.conftest import PASSWORD, list_faults, log_in, press


def test_access_is_opened_shown_and_ended(
    open_page: Callable[..., Page], user: User, organization: Organization
) -> None:
    staff = User.objects.create_superuser("irulan", "irulan@corrino.test", PASSWORD)
    page = open_page(java_script_enabled=False, viewport={"width": 390, "height": 900})
    log_in(page, staff)
    page.goto(f"/staff/access/organization/{organization.pk}/change/")

    page.get_by_role("link", name="Open staff access").click()
    page.get_by_label("Reason").fill("Ticket 12")
    press(page, "Open staff access")
    expect(page.get_by_text("The owners are mailed")).to_be_visible()

    looking = open_page(viewport={"width": 390, "height": 900})
    log_in(looking, staff)
    looking.goto("/credentials/")
    expect(looking.get_by_role("complementary", name="Staff access")).to_contain_text("Ticket 12")
    assert list_faults(looking) == []

    owner = open_page(viewport={"width": 390, "height": 900})
    log_in(owner, user)
    owner.goto("/organization/")
    assert list_faults(owner) == []
    press(owner, f"End the access of {staff}")
    expect(owner.get_by_text("no longer has access")).to_be_visible()
    answer = looking.goto("/credentials/")
    assert answer
    assert answer.status == 403
