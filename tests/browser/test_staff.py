"""Staff open access to an organization; its owner sees it and ends it."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from sequin_admin.access.models import Organization, User
from tests.browser.conftest import (
    AXE,
    COLOURS,
    MOVING,
    PASSWORD,
    VIOLATIONS,
    list_faults,
    log_in,
    press,
)
from tests.factories import make_credential


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


def test_staff_pages_have_our_colours_with_enough_contrast(
    open_page: Callable[..., Page], organization: Organization
) -> None:
    credential = make_credential(organization, "stripe_key")
    staff = User.objects.create_superuser("irulan", "irulan@corrino.test", PASSWORD)
    page = open_page()
    log_in(page, staff)
    faults = []

    for path in (
        *("", "providers/stripekey/", f"providers/stripekey/{credential.pk}/change/"),
        f"access/organization/{organization.pk}/change/",
        *("health/outage/", "health/outage/add/"),
    ):
        page.goto(f"/staff/{path}")
        page.evaluate(AXE)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            faults += page.evaluate(VIOLATIONS, {"runOnly": COLOURS})

    assert faults == []
    assert page.evaluate(MOVING) == []
    header = page.locator("#header").evaluate("each => getComputedStyle(each).backgroundColor")
    assert header == "rgb(17, 26, 45)"
