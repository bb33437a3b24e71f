"""A form whose login ran out, with a real browser: confirm beside it, then send it again."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from sequin_admin.access.models import ApiKey
from tests.browser.conftest import PASSWORD, hold_still, list_faults, press

NARROW = {"width": 390, "height": 900}


def age_logins() -> None:
    """Make the login of every session two hours older."""
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore
    for row in Session.objects.all():
        session = store(session_key=row.session_key)
        if "login_at" in session:
            session["login_at"] -= 7200
            session.save()


def assert_accessible(page: Page) -> None:
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    hold_still(page)
    assert list_faults(page) == []


def test_confirming_beside_a_form_keeps_what_was_entered(page: Page) -> None:
    page.goto("/api-keys/new/")
    page.get_by_label("Name").fill("sync worker")
    page.get_by_label("Requests per minute").fill("600")
    page.locator("input[name=scopes][value=read]").check()
    age_logins()

    press(page, "Create key")

    expect(page.get_by_text("Nothing was saved")).to_be_visible()
    assert not ApiKey.objects.exists()
    assert_accessible(page)

    with page.expect_popup() as opened:
        page.get_by_role("link", name="Confirm it is you").click()
    beside = opened.value
    beside.get_by_label("Password").fill(PASSWORD)
    press(beside, "Continue")
    expect(beside.get_by_role("heading", name="Confirmed")).to_be_visible()
    assert_accessible(beside)

    expect(page.get_by_label("Requests per minute")).to_have_value("600")
    press(page, "Create key")

    expect(page.get_by_text("sqn_").first).to_be_visible()
    assert ApiKey.objects.get().name == "sync worker"
