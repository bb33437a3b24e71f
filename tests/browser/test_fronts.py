"""What a page with a front shows on one screen."""

from collections.abc import Callable

from playwright.sync_api import Page

from sequin_admin.access.models import Organization, User
from tests.browser.conftest import log_in, settle
from tests.factories import make_credential, make_oauth_app, make_synced

SCREEN = {"width": 1440, "height": 900}
TABS = ("", "token/", "usage/", "syncs/", "use/", "history/", "danger/")
NOTE = "HubSpot no longer accepts the access it granted to us. The customer must connect again."


def test_a_sick_credential_fits_a_screen_on_every_tab(
    open_page: Callable[..., Page], user: User, organization: Organization
) -> None:
    app = make_oauth_app(organization, "hubspot")
    state = {"health_status": "customer_intervention", "health_note": NOTE}
    row = make_credential(organization, "hubspot_oauth2", oauth_app=app, **state)
    make_synced(row)
    page, heights = open_page(viewport=SCREEN), {}
    log_in(page, user)

    for tab in TABS:
        page.goto(f"/credentials/{row.pk}/{tab}")
        settle(page)
        heights[tab] = page.locator("html").evaluate("html => html.scrollHeight")
        button = page.locator("#health .btn-primary")
        assert button.inner_text() == "Reconnect HubSpot"
        place = button.bounding_box()
        assert place
        assert place["y"] < 300

    assert {tab for tab, height in heights.items() if height > SCREEN["height"]} <= {"use/"}, (
        heights
    )
