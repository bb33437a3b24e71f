"""An authenticator's code and a passkey, with a real browser."""

import re
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from playwright.sync_api import CDPSession, Page, expect

from sequin_admin.access.models import User
from tests.browser.conftest import PASSWORD, enter_password


@pytest.fixture(autouse=True)
def _still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No half minute ends between a code and its use, as it does for one in so many people."""
    now = time.time()
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: now))


def code_of(secret: str) -> str:
    counter = next(auth.yield_hotp_counters_from_time())
    return auth.format_hotp_value(auth.hotp_value(secret, counter))


def test_a_code_is_asked_for_once_it_is_set_up(
    page: Page, open_page: Callable[..., Page], user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.goto("/accounts/2fa/totp/activate/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()

    secret = page.get_by_label("Secret, to type in").input_value()
    page.locator("input[name=code]").fill(code_of(secret))
    page.get_by_role("button", name="Switch it on").click()

    expect(page.get_by_text("recovery codes").first).to_be_visible()

    other = open_page()
    enter_password(other, user)
    expect(other).to_have_url(re.compile("2fa/authenticate"))
    other.goto("/credentials/")
    expect(other.get_by_label("Code")).to_be_visible()
    later = auth.time.time() + 60  # a code works once
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: later))
    other.get_by_label("Code").fill(code_of(secret))
    other.get_by_role("button", name="Sign in", exact=True).click()
    expect(other).to_have_url(re.compile(r":\d+/credentials/$|:\d+/$"))


def add_virtual_authenticator(page: Page) -> CDPSession:
    """A platform authenticator that verifies its user. WebAuthn needs http://localhost."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools


def test_a_passkey_signs_in_and_confirms_the_login(page: Page, user: User, settings: Any) -> None:
    settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
    add_virtual_authenticator(page)
    page.goto("/accounts/2fa/webauthn/add/")
    if "reauthenticate" in page.url:
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Continue").click()

    page.get_by_label("Name").fill("Crysknife")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_text("recovery codes").first).to_be_visible()
    page.goto("/accounts/2fa/webauthn/")
    expect(page.get_by_text("Crysknife")).to_be_visible()
    assert Authenticator.objects.get(type=Authenticator.Type.WEBAUTHN).user == user

    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(re.compile(r":\d+/$"))

    page.goto("/accounts/2fa/webauthn/reauthenticate/?next=/members/add/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_label("Email address")).to_be_visible()


def test_a_removed_passkey_signs_nobody_in(page: Page, user: User, settings: Any) -> None:
    settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
    add_virtual_authenticator(page)
    page.goto("/accounts/2fa/webauthn/add/")
    if "reauthenticate" in page.url:
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name").fill("Crysknife")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_text("recovery codes").first).to_be_visible()

    page.goto("/accounts/2fa/webauthn/")
    page.get_by_role("link", name="Remove Crysknife").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("None yet.")).to_be_visible()
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()

    expect(page.get_by_text("Incorrect code.")).to_be_visible()
    page.goto("/credentials/")
    expect(page).to_have_url(re.compile("/accounts/login/"))
