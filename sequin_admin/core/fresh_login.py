"""How long ago somebody logged in, or confirmed the login, in this session."""

import time
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.http import HttpRequest

LOGIN_AT_SESSION_KEY = "login_at"


def record_login(request: HttpRequest, **_: Any) -> None:
    """Receiver of `user_logged_in`: store the time in the session, by allauth's clock."""
    request.session[LOGIN_AT_SESSION_KEY] = time.time()


def is_login_fresh(request: HttpRequest) -> bool:
    """Whether the session's login or last confirmation is younger than the timeout."""
    records = get_authentication_records(request, request.user)
    confirmed = [record["at"] for record in records if record.get("reauthenticated")]
    latest = max([request.session.get(LOGIN_AT_SESSION_KEY, 0), *confirmed])
    return bool(time.time() - latest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)
