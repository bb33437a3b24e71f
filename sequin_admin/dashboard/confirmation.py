"""The way to the page where one confirms a login, and back."""

from typing import cast
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from sequin_admin.access.models import User
from sequin_admin.access.sign_on import accounts_at_providers
from sequin_admin.dashboard.access import AnyRequest, Request

NO_METHOD = (
    "Your login is too old for this page, and your account has no password or second factor to "
    "confirm it with. Sign out, sign in again, then open this page once more."
)
NOTHING_DONE = (
    "Nothing was changed: your last login is too old for this. Confirm that it is you, then do it "
    "once more."
)


def redirect_to_confirmation(request: HttpRequest, next_url: str) -> HttpResponse:
    """Redirect to the page that asks for the password or second factor, then leads to `next_url`.

    The body of the request is not kept anywhere.
    """
    if not request.user.is_authenticated:
        return redirect_to_login(next_url)
    url = f"{find_confirmation(request)}?{urlencode({'next': next_url})}"
    if cast(AnyRequest, request).htmx:
        return HttpResponseClientRedirect(url)
    return redirect(url)


def find_confirmation(request: HttpRequest) -> str:
    """The page that asks for the password or second factor; to sign on anew for who has neither.

    Raises `PermissionDenied` for who has no way to confirm the login.
    """
    methods = get_adapter().get_reauthentication_methods(request.user)
    if methods:
        return str(methods[0]["url"])
    for account in accounts_at_providers(cast(User, request.user)):
        return reverse("openid_connect_login", args=[account.provider])
    raise PermissionDenied(NO_METHOD)


def ask_again_from(request: Request) -> HttpResponse:
    """Redirect to the confirmation page and from there to the page with the button."""
    messages.warning(request, NOTHING_DONE)
    return redirect_to_confirmation(request, get_previous_path(request))


def get_previous_path(request: HttpRequest) -> str:
    """Path of the page that the request came from, else of the overview."""
    referer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referer, {request.get_host()}):
        return "/"
    parts = urlsplit(referer)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
