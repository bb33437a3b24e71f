"""The way to the page where one confirms a login, and back."""

from typing import cast
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

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
    methods = get_adapter().get_reauthentication_methods(request.user)
    if not methods:
        raise PermissionDenied(NO_METHOD)
    url = f"{methods[0]['url']}?{urlencode({'next': next_url})}"
    if cast(AnyRequest, request).htmx:
        return HttpResponseClientRedirect(url)
    return redirect(url)


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
