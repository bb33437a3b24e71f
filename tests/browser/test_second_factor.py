"""An authenticator's code as second factor, with a real browser."""

import re
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from allauth.mfa.totp.internal import auth
from playwright.sync_api import Page, expect

from sequin_admin.access.models import User
from tests.browser.conftest import PASSWORD


@pytest.fixture(autouse=True)
def _still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No half minute ends between a code and its use, as it does for one in so many people."""
    now = time.time()
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: now))


def code_of(secret: str) -> str:
    counter = next(auth.yield_hotp_counters_from_time())
    return auth.format_hotp_value(auth.hotp_value(secret, counter))


def give_password(page: Page, user: User) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_code_is_asked_for_once_it_is_set_up(
    page: Page, open_page: Callable[..., Page], user: User
) -> None:
    page.goto("/accounts/2fa/totp/activate/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()

    secret = page.get_by_label("Authenticator secret").input_value()
    page.locator("input[name=code]").fill(code_of(secret))
    page.get_by_role("button", name="Activate").click()

    expect(page.get_by_text("recovery codes").first).to_be_visible()

    other = open_page()
    give_password(other, user)
    expect(other).to_have_url(re.compile("2fa/authenticate"))
    other.goto("/credentials/")
    expect(other.get_by_label("Code")).to_be_visible()
